//! The service over a table in memory, with the demo product: for benches.

use marque_core::{
    Actor, Event, EventId, FingerprintKind, License, LicenseCode, LicenseId, Offer, Plans, Timestamp, What,
};
use marque_embedded::Embedded;
use marque_service::demo::Demo;
use marque_service::keyring::{Keys, NewKey, RingDocument, RootDocument};
use marque_service::mail::{Kept, Post};
use marque_service::{App, Clock, chance, demo};
use marque_store::{Along, Committed, IssueLicense, Store};

use crate::deployment::ISSUER;

/// The demo's customer.
const CUSTOMER: &str = "cus_00000000000000000000000DEM";

/// A service.
#[derive(Debug)]
pub struct InMemory {
    /// Its database.
    pub embedded: Embedded,
    /// What its handlers share.
    pub app: App,
    /// Its demo product.
    pub demo: Demo,
}

#[expect(clippy::expect_used, reason = "a bench without its service cannot go on")]
impl InMemory {
    /// A service at this time.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn new(clock: Clock) -> Self {
        let embedded = Embedded::memory().expect("a database");
        let store = Store::new(embedded.client(), "bench");
        store.create_table().await.expect("a table");
        let now = clock.now();
        let demo = demo::seed(&store, now).await.expect("the demo product");
        let root = RootDocument::new(chance::draw());
        let keys = (NewKey::Seed(chance::draw()), NewKey::Seed(chance::draw()));
        let ring = RingDocument::first(&root.key(), ISSUER, &keys.0, &keys.1, Timestamp::EPOCH, now).expect("a ring");
        let keys = Keys::given(&ring, now).expect("keys");
        let post = Post::kept(Kept::in_memory(), ISSUER);
        Self { app: App::new(store, clock, keys, ISSUER.to_owned(), post), embedded, demo }
    }

    /// A plan of the demo product.
    ///
    /// # Panics
    /// When there is none of this name.
    pub async fn offer(&self, plan: &str) -> Offer {
        let plan = plan.parse().expect("a slug");
        self.app.store().plan(&self.demo.product, &plan).await.expect("a table").expect("a plan")
    }

    /// Issues a licence to the demo's customer, now.
    ///
    /// # Panics
    /// When the table does not take it.
    pub async fn issue(&self, offer: &Offer) -> LicenseCode {
        let now = self.app.clock().now();
        let id = LicenseId::new(now, chance::draw());
        let customer = CUSTOMER.parse().expect("an id");
        let (product, kind) = (self.demo.product.clone(), FingerprintKind::AdDomain);
        let mut license = License::issue(id, product, kind, customer, offer, now, now);
        let what = What::Issued { customer, plan: offer.reference.plan.clone(), revision: 1, percent: 0 };
        let event = Event::after(license.head, EventId::new(now, chance::draw()), id, now, Actor::System, what);
        license.head = event.head();
        let code = LicenseCode::generate(chance::draw());
        let plans = Plans { running: &offer.plan, next: None };
        let issue = IssueLicense { license: &license, plans, code: &code, event: &event };
        assert_eq!(self.app.store().issue(issue, Along::NOTHING).await.expect("issued"), Committed::Done);
        code
    }
}
