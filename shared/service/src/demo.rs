//! The demo product: the rules of an Active Directory API server, as plain data, with one licence of each plan on sale.
//!
//! `marque serve` starts with it, `marque seed` writes it into a deployed table, and the suites run over it.

use std::collections::BTreeMap;

use marque_core::event::What;
use marque_core::listing::{Dimension, Effect, Listing, Mode};
use marque_core::plan::{Activations, Percent, Sale, Starts, Terms};
use marque_core::usage::{Included, Retention, Unit};
use marque_core::{
    Actor, Cloud, Customer, CustomerId, Duration, Event, EventId, FingerprintKind, Kind, Language, License,
    LicenseCode, LicenseId, Offer, Period, Plan, PlanRef, Plans, Product, Slug, State, Timestamp,
};
use marque_store::{Along, Change, Committed, IssueLicense, Store, StoreError};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::chance;

/// The product that is for sale.
pub const PRODUCT: &str = "kopicloud-ad-api";
/// Plans on sale come first; `billed` and `saas` are for the clouds.
const ON_SALE: [&str; 4] = ["trial", "monthly", "yearly", "perpetual"];
/// The demo's customer is the same at every start, which is how its licences are found again.
const CUSTOMER: &str = "cus_00000000000000000000000DEM";

/// The demo's listing on AWS Marketplace: its product code, its entity, and its dimensions.
const SAAS_CODE: &str = "d3m0kopicloudadapisaas001";
const SAAS_ENTITY: &str = "prod-d3m0kopicloud";
/// The dimension of that listing whose value is a limit.
pub const SAAS_LIMIT: &str = "servers";

/// What scripts are told of the demo.
#[derive(Debug, Clone, Serialize)]
pub struct Demo {
    /// The product.
    pub product: Slug,
    /// One licence of each plan on sale.
    pub licenses: Vec<DemoLicense>,
    /// What the clouds claim of it, by cloud and mode.
    pub marketplace: BTreeMap<Cloud, BTreeMap<Mode, Value>>,
}

/// One licence to try things with.
#[derive(Debug, Clone, Serialize)]
pub struct DemoLicense {
    /// Its plan.
    pub plan: Slug,
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: LicenseId,
    /// Its code, to activate with.
    pub code: String,
}

/// Why the demo cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The table does not answer, or holds what cannot be read.
    #[error("the demo product: {0}")]
    Store(#[from] StoreError),
    /// What this module says of it.
    #[error("the demo product is not well formed: {0}")]
    Data(&'static str),
}

/// The product code and the entity of the demo's SaaS listing.
#[must_use]
pub const fn saas_listing() -> (&'static str, &'static str) {
    (SAAS_CODE, SAAS_ENTITY)
}

/// Writes what is missing of the demo product, and renews what has lapsed.
///
/// # Errors
/// [`SeedError`].
pub async fn seed(store: &Store, now: Timestamp) -> Result<Demo, SeedError> {
    let product = Product {
        slug: slug(PRODUCT)?,
        name: "KopiCloud AD API".to_owned(),
        fingerprint_kind: FingerprintKind::AdDomain,
        marketplace: listings()?,
        usage_retention: Retention::default(),
    };
    let product = match store.product(&product.slug).await? {
        // What the publisher has made of it meanwhile stays.
        Some(found) if !found.marketplace.is_empty() => found,
        _ => {
            store.put_product(&product).await?;
            product
        }
    };
    for (name, plan) in plans() {
        let reference = PlanRef { plan: slug(name)?, revision: 1 };
        if store.plan(&product.slug, &reference.plan).await?.is_none() {
            wrote(store.add_plan_revision(&product.slug, &Offer { reference, plan }, Along::NOTHING).await?);
        }
    }
    let customer = customer()?;
    if store.customer(customer.id).await?.is_none() {
        wrote(store.add_customer(&customer, Along::NOTHING).await?);
    }
    let mut usable = usable_licenses(store, &product, customer.id, now).await?;
    let mut licenses = Vec::new();
    for name in ON_SALE {
        let plan = slug(name)?;
        let found = usable.iter().position(|license| license.plan == plan).map(|at| usable.swap_remove(at));
        licenses.push(match found {
            Some(license) => license,
            None => issue(store, &product, customer.id, &plan, now).await?,
        });
    }
    let marketplace = marketplace(&product.marketplace);
    Ok(Demo { product: product.slug, licenses, marketplace })
}

/// The demo's licences that still work or can be made to; what support has stopped is left alone.
async fn usable_licenses(
    store: &Store,
    product: &Product,
    customer: CustomerId,
    now: Timestamp,
) -> Result<Vec<DemoLicense>, SeedError> {
    let mut usable = Vec::new();
    for id in store.licenses_of(customer, None, 100).await? {
        let Some(license) = store.license(id).await? else { continue };
        let Some(code) = store.code_of(&license).await? else { continue };
        let Some(running) = store.plan_revision(&product.slug, &license.running.plan).await? else { continue };
        let next = match &license.next {
            Some(term) => store.plan_revision(&product.slug, &term.plan).await?,
            None => None,
        };
        let plans = Plans { running: &running.plan, next: next.as_ref().map(|offer| &offer.plan) };
        let position = license.position(plans, now);
        if matches!(position.state, State::Revoked | State::Suspended) {
            continue;
        }
        let plan = position.reference.plan.clone();
        let kind = position.plan.kind();
        if matches!(position.state, State::PastDue | State::Expired) {
            renew(store, product, &license, plans, now).await?;
        }
        usable.push(DemoLicense { plan, kind, id, code: code.reveal() });
    }
    Ok(usable)
}

/// One more period, or thirty more days of a trial: the demo's codes work at every start.
async fn renew(
    store: &Store,
    product: &Product,
    license: &License,
    plans: Plans<'_>,
    now: Timestamp,
) -> Result<(), SeedError> {
    let Some(offer) = store.plan(&product.slug, license.renewal_plan()).await? else { return Ok(()) };
    let trial = plans.running.kind() == Kind::Trial;
    let renewed =
        if trial { license.clone().extend(30, plans, now) } else { license.clone().renew(1, &offer, plans, now) };
    let Ok(mut after) = renewed else { return Ok(()) };
    let PlanRef { plan, revision } = after.last_term().plan.clone();
    let what = match after.last_term().paid.end() {
        Some(end) if !trial => What::Renewed { periods: 1, plan, revision, through: end.day(), percent: 0 },
        _ => What::Extended { days: 30, reason: marque_core::Note::new(&chance::draw(), "demo") },
    };
    let event = Event::after(license.head, EventId::new(now, chance::draw()), license.id, now, Actor::System, what);
    after.head = event.head();
    let plans_after =
        if trial { plans } else { Plans { running: &offer.plan, next: after.next.as_ref().map(|_| &offer.plan) } };
    let change = Change { before: license, after: &after, plans_before: plans, plans_after, event: &event };
    wrote(store.transition(change, Along::NOTHING).await?);
    Ok(())
}

/// Nobody else writes before the service listens, and what is there already is as good.
fn wrote(committed: Committed) {
    if committed == Committed::Overtaken {
        tracing::debug!("a part of the demo was there already");
    }
}

async fn issue(
    store: &Store,
    product: &Product,
    customer: CustomerId,
    plan: &Slug,
    now: Timestamp,
) -> Result<DemoLicense, SeedError> {
    let offer = store.plan(&product.slug, plan).await?.ok_or(SeedError::Data("a plan is missing"))?;
    let id = LicenseId::new(now, chance::draw());
    let mut license = License::issue(id, product.slug.clone(), product.fingerprint_kind, customer, &offer, now, now);
    let PlanRef { plan, revision } = offer.reference.clone();
    let what = What::Issued { customer, plan: plan.clone(), revision, percent: 0 };
    let event = Event::after(license.head, EventId::new(now, chance::draw()), id, now, Actor::System, what);
    license.head = event.head();
    let code = LicenseCode::generate(chance::draw());
    let plans = Plans { running: &offer.plan, next: None };
    let issue = IssueLicense { license: &license, plans, code: &code, event: &event };
    wrote(store.issue(issue, Along::NOTHING).await?);
    Ok(DemoLicense { plan, kind: offer.plan.kind(), id, code: code.reveal() })
}

/// A billed and a bring-your-own listing in each cloud, and the agreements of AWS Marketplace.
fn listings() -> Result<Vec<Listing>, SeedError> {
    let data = SeedError::Data("a listing");
    let listing = |cloud, mode, claim: &str, plan| {
        Some(Listing {
            cloud,
            claim: claim.parse().ok()?,
            mode,
            plan: slug(plan).ok()?,
            entity_id: None,
            provisional: false,
            accept_token: cloud == Cloud::Oci,
            dimensions: Vec::new(),
        })
    };
    let claims = [
        (Cloud::Aws, "demo0billed0product0code1", "demo0byol0product0code001"),
        (Cloud::Azure, "kopicloud/ad-api/billed", "kopicloud/ad-api/byol"),
        (Cloud::Gcp, "5926203842617480193", "5926203842617480194"),
        (Cloud::Oci, "ocid1.appcataloglisting.oc1..demo-billed", "ocid1.appcataloglisting.oc1..demo-byol"),
    ];
    let both = claims.into_iter().flat_map(|(cloud, billed, byol)| {
        [listing(cloud, Mode::Billed, billed, "billed"), listing(cloud, Mode::Byol, byol, "yearly")]
    });
    both.chain([saas()]).collect::<Option<_>>().ok_or(data)
}

/// What agreements of AWS Marketplace buy.
fn saas() -> Option<Listing> {
    let metered = Effect::Metered { unit: Unit::Decimal, included: Included::None };
    Some(Listing {
        cloud: Cloud::Aws,
        claim: SAAS_CODE.parse().ok()?,
        mode: Mode::Saas,
        plan: slug("saas").ok()?,
        entity_id: Some(SAAS_ENTITY.parse().ok()?),
        provisional: false,
        accept_token: false,
        dimensions: vec![
            Dimension { name: SAAS_LIMIT.parse().ok()?, effect: Effect::Limit },
            Dimension { name: "requests".parse().ok()?, effect: metered },
        ],
    })
}

/// The listings as scripts look them up: a claim as one text, an agreement's with its dimensions.
fn marketplace(listings: &[Listing]) -> BTreeMap<Cloud, BTreeMap<Mode, Value>> {
    let mut clouds: BTreeMap<Cloud, BTreeMap<Mode, Value>> = BTreeMap::new();
    for listing in listings {
        let dimensions: Vec<_> = listing.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
        let claim = match listing.mode {
            Mode::Byol | Mode::Billed => json!(listing.claim.as_str()),
            Mode::Saas => json!({ "product_code": listing.claim.as_str(), "dimensions": dimensions }),
        };
        clouds.entry(listing.cloud).or_default().insert(listing.mode, claim);
    }
    clouds
}

fn plans() -> [(&'static str, Plan); 6] {
    let days = Duration::days;
    let subscription = |period, grace| Terms::Subscription { period, starts: Starts::Issue, grace };
    let yearly = vec![30, 14, 7, 1];
    [
        (
            "trial",
            Plan {
                trials_per_person: Some(2),
                ..plan(
                    "Trial",
                    Terms::Trial { length: Period::Days(30), starts: Starts::Activation, grace: Duration::ZERO },
                    3,
                    Sale::Sellable,
                    0,
                )
            },
        ),
        (
            "monthly",
            Plan {
                reminders: vec![3, 1],
                ..plan("Monthly", subscription(Some(Period::Months(1)), days(14)), 14, Sale::Sellable, 0)
            },
        ),
        (
            "yearly",
            Plan {
                reminders: yearly,
                ..plan("Yearly", subscription(Some(Period::Years(1)), days(14)), 14, Sale::Sellable, 50)
            },
        ),
        ("perpetual", plan("Perpetual", Terms::Perpetual, 14, Sale::Sellable, 50)),
        ("billed", plan("Billed by the cloud", subscription(None, days(11)), 3, Sale::Hidden, 0)),
        ("saas", plan("Cloud agreement", subscription(None, days(14)), 14, Sale::Hidden, 0)),
    ]
}

fn plan(name: &str, terms: Terms, lease_days: u32, sale: Sale, discount: u64) -> Plan {
    Plan {
        name: name.to_owned(),
        terms,
        lease: Duration::days(lease_days),
        activations: Activations::ONE,
        rebinds_per_year: 3,
        sale,
        features: Map::new(),
        trials_per_person: None,
        discount_max: Percent::new(discount).unwrap_or_default(),
        reminders: Vec::new(),
    }
}

fn customer() -> Result<Customer, SeedError> {
    let data = SeedError::Data("the customer");
    let read = || {
        Some(Customer {
            id: CUSTOMER.parse().ok()?,
            name: "Demo Administrator".parse().ok()?,
            company: "Example Organisation".parse().ok()?,
            email: "admin@example.org".parse().ok()?,
            language: Language::English,
        })
    };
    read().ok_or(data)
}

fn slug(name: &'static str) -> Result<Slug, SeedError> {
    name.parse().map_err(|_| SeedError::Data(name))
}
