//! A table in memory, plans, licences, and the steps by which the service changes them.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use marque_core::event::Head;
use marque_core::plan::{Activations, Percent, Sale, Starts, Terms};
use marque_core::{
    ActivationId, Actor, Binding, CustomerId, Duration, Event, EventId, FingerprintKind, FingerprintValue, License,
    LicenseCode, LicenseId, Offer, Plan, PlanRef, Plans, Slug, Timestamp, TokenId, What,
};
use marque_embedded::Embedded;
use marque_store::{
    Along, Bind, Change, CheckIn, Committed, IssueLicense, IssuedFile, KeyRule, Stamp, Store, StoreError,
};

pub(crate) const TABLE: &str = "marque";
pub(crate) const PRODUCT: &str = "kopicloud-ad-api";
pub(crate) const NOW: &str = "2027-03-10T10:00:00Z";

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub(crate) fn domain(number: u8) -> FingerprintValue {
    FingerprintValue([number; 32])
}

pub(crate) fn token(number: u8) -> TokenId {
    TokenId::new(time(NOW), [number; 10])
}

fn plan(terms: Terms) -> Plan {
    Plan {
        name: "A plan".to_owned(),
        terms,
        lease: Duration::days(14),
        activations: Activations::ONE,
        rebinds_per_year: 3,
        sale: Sale::Sellable,
        features: serde_json::Map::new(),
        trials_per_person: None,
        discount_max: Percent::default(),
        reminders: vec![30, 7],
    }
}

pub(crate) fn trial() -> Plan {
    plan(Terms::Trial { length: "P30D".parse().unwrap(), starts: Starts::Activation, grace: Duration::ZERO })
}

pub(crate) fn yearly() -> Plan {
    plan(Terms::Subscription { period: Some("P1Y".parse().unwrap()), starts: Starts::Issue, grace: Duration::days(14) })
}

pub(crate) fn perpetual() -> Plan {
    plan(Terms::Perpetual)
}

pub(crate) fn seats(count: u64) -> Plan {
    Plan { activations: Activations::new(count).unwrap(), ..yearly() }
}

pub(crate) fn alone(plan: &Plan) -> Plans<'_> {
    Plans { running: plan, next: None }
}

/// A licence of `plan`, made now; `number` tells it from others.
pub(crate) fn license(plan: &Plan, number: u8) -> License {
    let now = time(NOW);
    let offer = Offer { reference: PlanRef { plan: slug("plan"), revision: 1 }, plan: plan.clone() };
    let id = LicenseId::new(now, [number; 10]);
    License::issue(id, slug(PRODUCT), FingerprintKind::AdDomain, CustomerId::new(now, [1; 10]), &offer, now, now)
}

pub(crate) fn code(number: u8) -> LicenseCode {
    LicenseCode::generate([number; 15])
}

/// The next entry of a licence's history; `number` tells it from others.
pub(crate) fn entry(license: &License, what: What, number: u8) -> Event {
    let now = time(NOW);
    Event::after(license.head, EventId::new(now, [number; 10]), license.id, now, Actor::Holder, what)
}

pub(crate) fn issued(license: &License) -> Event {
    let plan = &license.running.plan;
    let what =
        What::Issued { customer: license.customer, plan: plan.plan.clone(), revision: plan.revision, percent: 0 };
    entry(license, what, 0)
}

/// A check of a licence's own server: unsigned, now.
pub(crate) fn stamp<'a>(license: &'a License, domain: &'a FingerprintValue, lease: u8) -> Stamp<'a> {
    Stamp {
        license: license.id,
        product: &license.product,
        fingerprint_kind: license.fingerprint_kind,
        domain,
        now: time(NOW),
        instance_id: [7; 16],
        product_version: Some("1.2.0"),
        lease: token(lease),
        key: KeyRule::Unsigned,
    }
}

/// A table in memory.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) embedded: Embedded,
    pub(crate) client: Client,
    pub(crate) store: Store,
}

impl Table {
    pub(crate) async fn new() -> Self {
        let embedded = Embedded::memory().unwrap();
        let client = embedded.client();
        let store = Store::new(client.clone(), TABLE);
        store.create_table().await.unwrap();
        Self { embedded, client, store }
    }

    /// A table with a licence of `plan`.
    pub(crate) async fn with(plan: &Plan) -> (Self, License) {
        let table = Self::new().await;
        let license = table.issue(plan, 1).await;
        (table, license)
    }

    /// A table with a licence of `plan` that domain 1 holds.
    pub(crate) async fn bound(plan: &Plan) -> (Self, License) {
        let (table, license) = Self::with(plan).await;
        let license = table.bind(&license, plan, 1).await;
        (table, license)
    }

    pub(crate) async fn issue(&self, plan: &Plan, number: u8) -> License {
        let mut license = license(plan, number);
        assert_eq!(self.write(&mut license, plan, number).await.unwrap(), Committed::Done);
        license
    }

    /// Issues this very licence.
    pub(crate) async fn write(&self, license: &mut License, plan: &Plan, number: u8) -> Result<Committed, StoreError> {
        license.head = Head::START;
        let event = issued(license);
        license.head = event.head();
        let plans = Plans { running: plan, next: license.next.as_ref().map(|_| plan) };
        let issue = IssueLicense { license, plans, code: &code(number), event: &event };
        self.store.issue(issue, Along::NOTHING).await
    }

    /// Binds a domain that is free to bind; the licence then.
    pub(crate) async fn bind(&self, before: &License, plan: &Plan, number: u8) -> License {
        let (bound, after) = self.try_bind(before, plan, number).await;
        assert_eq!(bound.unwrap(), Committed::Done);
        after
    }

    pub(crate) async fn try_bind(
        &self,
        before: &License,
        plan: &Plan,
        number: u8,
    ) -> (Result<Committed, StoreError>, License) {
        let (now, domain) = (time(NOW), domain(number));
        // Like any id, never made twice: of licence, domain and version.
        let [.., of] = before.id.to_bytes();
        let version = before.version.to_le_bytes()[0];
        let activation = ActivationId::new(now, [of, number, version, 0, 0, 0, 0, 0, 0, 0]);
        let rebind = before.judge_binding(&domain, plan, now) == Binding::Rebind;
        let mut after = before.clone().bind(domain, activation, None, plan, now);
        let event = entry(before, What::Activated { activation, fingerprint: domain, rebind }, number);
        after.head = event.head();
        let plans = alone(plan);
        let bind = Bind { before, after: &after, plans, domain: &domain, activation, event: &event };
        (self.store.bind(bind, Along::NOTHING).await, after)
    }

    /// Writes a transition that was made of `before`.
    pub(crate) async fn commit(
        &self,
        before: &License,
        mut after: License,
        plan: &Plan,
        what: What,
    ) -> (Result<Committed, StoreError>, License) {
        let event = entry(before, what, 99);
        after.head = event.head();
        let (plans_before, plans_after) = (alone(plan), alone(plan));
        let change = Change { before, after: &after, plans_before, plans_after, event: &event };
        let committed = self.store.transition(change, Along::NOTHING).await;
        (committed, after)
    }

    /// Keeps a file for a domain, as the service does.
    pub(crate) async fn keep_file(
        &self,
        before: &License,
        plan: &Plan,
        number: u8,
        file: u8,
    ) -> Result<Committed, StoreError> {
        let (domain, jti) = (domain(number), token(file));
        let mut after = before.clone();
        let bound = after.activations.get_mut(&domain).unwrap();
        bound.file = Some(jti);
        let event = entry(before, What::FileIssued { activation: bound.id, jti }, file);
        after.head = event.head();
        after.version += 1;
        let content = IssuedFile { text: format!("the file {jti}") };
        let (plans_before, plans_after) = (alone(plan), alone(plan));
        let change = Change { before, after: &after, plans_before, plans_after, event: &event };
        self.store.keep_file(change, &domain, &content, Along::NOTHING).await
    }

    pub(crate) async fn read(&self, id: LicenseId) -> License {
        self.store.license(id).await.unwrap().unwrap()
    }

    pub(crate) async fn check(&self, stamp: Stamp<'_>) -> CheckIn {
        self.store.check_in(stamp).await.unwrap().unwrap()
    }

    /// An item as it is.
    pub(crate) async fn item(&self, pk: &str, sk: &str) -> Option<Item> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let request = self.client.get_item().table_name(TABLE).key("pk", text(pk)).key("sk", text(sk));
        request.consistent_read(true).send().await.unwrap().item
    }

    pub(crate) async fn license_item(&self, id: LicenseId) -> Item {
        self.item(&format!("LICENSE#{id}"), "LICENSE").await.unwrap()
    }

    /// Every item of the table.
    pub(crate) async fn items(&self) -> Vec<Item> {
        self.client.scan().table_name(TABLE).send().await.unwrap().items.unwrap_or_default()
    }

    pub(crate) async fn put(&self, item: Item) {
        self.client.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    }

    /// Reads the whole history, two entries a page, and holds the chain and the licence's head to it.
    pub(crate) async fn history(&self, id: LicenseId) -> Vec<Event> {
        let (mut head, mut entries) = (Head::START, Vec::new());
        loop {
            let page = self.store.history(id, head, 2).await.unwrap();
            if page.is_empty() {
                break;
            }
            for event in page {
                assert!(event.follows(head), "entry {} breaks the chain", event.seq);
                head = event.head();
                entries.push(event);
            }
        }
        assert_eq!(self.read(id).await.head, head);
        entries
    }
}
