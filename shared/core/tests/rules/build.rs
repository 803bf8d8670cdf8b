//! The demo's plans as plain data, and a licence that tests move through time.

use std::collections::BTreeMap;

use marque_core::plan::{Activations, Percent, Sale, Starts, Terms};
use marque_core::{
    ActivationId, Binding, Check, CustomerId, Day, Duration, FingerprintKind, FingerprintValue, License, LicenseId,
    Offer, Paid, Plan, PlanRef, Plans, Position, Purpose, Reason, Refusal, Slug, State, Timestamp, TokenId, Verdict,
    evaluate,
};

pub(crate) use crate::model::Deed;

pub(crate) const PRODUCT: &str = "kopicloud-ad-api";

pub(crate) fn time(text: &str) -> Timestamp {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse().unwrap()
}

pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(crate) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub(crate) fn domain(number: u8) -> FingerprintValue {
    FingerprintValue([number; 32])
}

pub(crate) fn id(number: u32) -> LicenseId {
    let [a, b, c, d] = number.to_be_bytes();
    LicenseId::new(Timestamp::EPOCH, [0, 0, 0, 0, 0, 0, a, b, c, d])
}

pub(crate) fn trial() -> Terms {
    Terms::Trial { length: "P30D".parse().unwrap(), starts: Starts::Activation, grace: Duration::ZERO }
}

pub(crate) fn subscription(period: Option<&str>, starts: Starts, grace_days: u32) -> Terms {
    let period = period.map(|text| text.parse().unwrap());
    Terms::Subscription { period, starts, grace: Duration::days(grace_days) }
}

pub(crate) fn plan(terms: Terms, lease_days: u32, sale: Sale) -> Plan {
    Plan {
        name: "A plan".to_owned(),
        terms,
        lease: Duration::days(lease_days),
        activations: Activations::ONE,
        rebinds_per_year: 3,
        sale,
        features: serde_json::Map::new(),
        trials_per_person: None,
        discount_max: Percent::default(),
        reminders: Vec::new(),
    }
}

/// Plans by name, with their revisions: what the publisher sells.
#[derive(Debug, Clone)]
pub(crate) struct Shop(BTreeMap<Slug, Vec<Plan>>);

impl Shop {
    /// The demo's plans of `kopicloud-ad-api`.
    pub(crate) fn demo() -> Self {
        let (issue, half) = (Starts::Issue, Percent::new(50).unwrap());
        let mut shop = Self(BTreeMap::new());
        shop.put("trial", Plan { trials_per_person: Some(2), ..plan(trial(), 3, Sale::Sellable) });
        shop.put("monthly", plan(subscription(Some("P1M"), issue, 14), 14, Sale::Sellable));
        let yearly = plan(subscription(Some("P1Y"), issue, 14), 14, Sale::Sellable);
        shop.put("yearly", Plan { discount_max: half, ..yearly });
        shop.put("perpetual", Plan { discount_max: half, ..plan(Terms::Perpetual, 14, Sale::Sellable) });
        shop.put("billed", plan(subscription(None, issue, 11), 3, Sale::Hidden));
        shop.put("saas", plan(subscription(None, issue, 14), 14, Sale::Hidden));
        shop
    }

    /// The demo's plans, and some that the documents allow: a start at activation, days as periods, eight seats, plans
    /// off sale, and one on sale whose paid time a cloud states.
    pub(crate) fn wide() -> Self {
        let mut shop = Self::demo();
        shop.put("later", plan(subscription(Some("P1Y"), Starts::Activation, 3), 14, Sale::Sellable));
        shop.put("sixty", plan(subscription(Some("P60D"), Starts::Issue, 5), 14, Sale::Sellable));
        shop.put("weekly", plan(subscription(Some("P7D"), Starts::Issue, 3), 3, Sale::Sellable));
        shop.put("old", plan(subscription(Some("P1M"), Starts::Issue, 14), 14, Sale::Legacy));
        shop.put("cloud", plan(subscription(None, Starts::Activation, 14), 14, Sale::Sellable));
        let eight = plan(subscription(Some("P1Y"), Starts::Issue, 14), 14, Sale::Sellable);
        shop.put("eight", Plan { activations: Activations::new(8).unwrap(), ..eight });
        shop
    }

    /// A new revision.
    pub(crate) fn put(&mut self, name: &str, plan: Plan) {
        self.0.entry(slug(name)).or_default().push(plan);
    }

    /// The newest revision.
    pub(crate) fn offer(&self, name: &Slug) -> Offer {
        let revisions = &self.0[name];
        let reference = PlanRef { plan: name.clone(), revision: u32::try_from(revisions.len()).unwrap() };
        Offer { reference, plan: revisions.last().unwrap().clone() }
    }

    pub(crate) fn plan(&self, reference: &PlanRef) -> &Plan {
        &self.0[&reference.plan][reference.revision as usize - 1]
    }

    pub(crate) fn newest(&self, name: &str) -> &Plan {
        self.0[&slug(name)].last().unwrap()
    }

    pub(crate) fn plans(&self, license: &License) -> Plans<'_> {
        Plans {
            running: self.plan(&license.running.plan),
            next: license.next.as_ref().map(|next| self.plan(&next.plan)),
        }
    }
}

/// A licence, its plans and a time.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) shop: Shop,
    pub(crate) license: License,
    pub(crate) now: Timestamp,
}

impl Case {
    /// A licence of a demo plan, issued at a time.
    pub(crate) fn issued(plan: &str, at: &str) -> Self {
        Self::of(Shop::demo(), plan, time(at))
    }

    pub(crate) fn of(shop: Shop, plan: &str, now: Timestamp) -> Self {
        let customer = CustomerId::new(now, [1; 10]);
        let offer = shop.offer(&slug(plan));
        let license = License::issue(id(7), slug(PRODUCT), FingerprintKind::AdDomain, customer, &offer, now, now);
        Self { shop, license, now }
    }

    /// A bound licence of a demo plan.
    pub(crate) fn bound(plan: &str, at: &str) -> Self {
        let mut case = Self::issued(plan, at);
        assert_eq!(case.bind(1), Binding::Free);
        case
    }

    pub(crate) fn at(&mut self, text: &str) -> &mut Self {
        self.now = time(text);
        self
    }

    pub(crate) fn later(&mut self, days: u32) -> &mut Self {
        self.now = self.now.after(Duration::days(days));
        self
    }

    /// Judges a binding and, where it is free to bind, binds: what the service does in one transaction.
    pub(crate) fn bind(&mut self, number: u8) -> Binding {
        let plans = self.shop.plans(&self.license);
        let plan = self.license.position(plans, self.now).plan.clone();
        let judged = self.license.judge_binding(&domain(number), &plan, self.now);
        if matches!(judged, Binding::Free | Binding::Rebind) {
            let id = ActivationId::new(self.now, [number; 10]);
            self.license = self.license.clone().bind(domain(number), id, None, &plan, self.now);
        }
        judged
    }

    /// Releases a domain for the customer.
    pub(crate) fn release(&mut self, number: u8) {
        let id = self.license.activations[&domain(number)].id;
        let plans = self.shop.plans(&self.license);
        self.license = self.license.clone().release(id, false, plans, self.now).unwrap().unwrap().license;
    }

    /// Marks that a `.lic` was made for a domain.
    pub(crate) fn file(&mut self, number: u8) -> TokenId {
        let file = TokenId::new(self.now, [9; 10]);
        self.license.activations.get_mut(&domain(number)).unwrap().file = Some(file);
        file
    }

    /// Does a deed; the licence stays as it was when it is refused. A release is of the first domain.
    pub(crate) fn attempt(&mut self, deed: Deed) -> Result<(), Refusal> {
        let (license, now) = (self.license.clone(), self.now);
        let plans = self.shop.plans(&self.license);
        self.license = match deed {
            Deed::Renew(count) => license.renew(count, &self.shop.offer(self.license.renewal_plan()), plans, now),
            Deed::Change(name) => license.change_plan(&self.shop.offer(&slug(name)), plans, now),
            Deed::Withdraw => license.withdraw_change(plans, now),
            Deed::Cancel => license.cancel(plans, now),
            Deed::Suspend => license.suspend(plans, now),
            Deed::Reinstate { consume } => license.reinstate(consume, plans, now),
            Deed::Revoke => license.revoke(plans, now),
            Deed::Extend(days) => license.extend(days, plans, now),
            Deed::Release { by_support } => match license.activations.values().next().map(|found| found.id) {
                Some(id) => license.release(id, by_support, plans, now).map(|found| found.unwrap().license),
                None => Ok(license),
            },
        }?;
        Ok(())
    }

    /// Does what must be allowed.
    pub(crate) fn did(&mut self, deed: Deed) -> &mut Self {
        self.attempt(deed).unwrap();
        self
    }

    pub(crate) fn position(&self) -> Position<'_> {
        self.license.position(self.shop.plans(&self.license), self.now)
    }

    pub(crate) fn state(&self) -> State {
        self.position().state
    }

    pub(crate) fn paid_through(&self) -> Option<String> {
        self.position().paid_through.map(|end| end.to_string())
    }

    /// The last paid day of all that is paid.
    pub(crate) fn through(&self) -> Option<String> {
        match self.license.last_term().paid {
            Paid::Through { through, .. } => Some(through.to_string()),
            _ => None,
        }
    }

    pub(crate) fn runs_until(&self) -> Timestamp {
        self.license.runs_until(self.shop.plans(&self.license))
    }

    /// A daily check from a domain.
    pub(crate) fn check(&self, number: u8) -> Verdict<'_> {
        self.ask(PRODUCT, number, Purpose::Validate)
    }

    /// A first contact from a domain that had no trial.
    pub(crate) fn activation(&self, number: u8) -> Verdict<'_> {
        self.ask(PRODUCT, number, Purpose::Activate { trial_used: false })
    }

    pub(crate) fn ask(&self, product: &str, number: u8, purpose: Purpose) -> Verdict<'_> {
        let (product, domain) = (slug(product), domain(number));
        let check = Check { product: &product, domain: &domain, purpose };
        evaluate(&self.license, self.shop.plans(&self.license), check, self.now)
    }

    pub(crate) fn reasons(&self, number: u8) -> Vec<Reason> {
        self.check(number).reasons().to_vec()
    }
}
