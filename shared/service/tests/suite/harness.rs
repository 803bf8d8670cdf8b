//! A service with the demo's plans over a table in memory, and HTTP to it without a socket.

use std::sync::atomic::{AtomicU8, Ordering};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use marque_core::plan::{Activations, Percent, Sale, Starts, Terms};
use marque_core::token::{Claims, Expected, KeySet, RootKey, UnverifiedToken, Verified};
use marque_core::usage::Retention;
use marque_core::{
    Actor, Customer, CustomerId, Duration, Event, EventId, FingerprintKind, Language, License, LicenseCode, LicenseId,
    Note, Offer, Plan, PlanRef, Plans, Product, Slug, Timestamp, What,
};
use marque_embedded::Embedded;
use marque_service::admin::{self, Access, LocalToken};
use marque_service::http::{envelope, published};
use marque_service::keyring::{Keys, NewKey, RingDocument};
use marque_service::mail::{Kept, Post};
use marque_service::{App, Clock, register, validate};
use marque_store::{Along, Change, Committed, IssueLicense, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const PRODUCT: &str = "kopicloud-ad-api";
pub(crate) const ISSUER: &str = "https://licensing.example.com";
pub(crate) const NOW: &str = "2027-03-10T10:00:00Z";
pub(crate) const NONCE: &str = "nonce-0123456789_AB";
pub(crate) const INSTANCE: &str = "2f1e4fc0-81fd-41da-9156-00036acd1234";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub(crate) fn domain(number: u8) -> String {
    format!("{number:02x}").repeat(32)
}

/// An answer, its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body of an answer of this status.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.json()
    }

    /// The problem document of this status and code, held to what all of them have.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], format!("urn:marque:problem:{}", code.to_lowercase().replace('_', "-")));
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
        assert_eq!(body["request_id"], self.header("x-request-id"));
        assert!(!self.header("x-request-id").is_empty());
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("www-authenticate").is_empty(), status != 401, "a 401 says what it wants");
        body
    }

    /// Where the faults of a `400` are, sorted.
    #[track_caller]
    pub(crate) fn pointers(&self) -> Vec<String> {
        let problem = self.problem(400, "INVALID_REQUEST");
        let errors = problem["errors"].as_array().unwrap();
        assert!(errors.iter().all(|error| error["detail"].as_str().is_some_and(|detail| !detail.is_empty())));
        let mut pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect();
        pointers.sort();
        pointers
    }
}

/// A licence and its code.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) id: LicenseId,
    pub(crate) code: String,
}

/// The service.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) embedded: Embedded,
    pub(crate) app: App,
    pub(crate) router: Router,
    pub(crate) root: RootKey,
    /// The publisher's API.
    pub(crate) publisher: Router,
    pub(crate) outbox: Kept,
    made: AtomicU8,
}

/// What the publisher calls with.
pub(crate) const TOKEN: &str = "the publisher's token";

fn publisher(app: &App) -> Router {
    envelope(published(admin::api(Access::Token(LocalToken::new(TOKEN))), app.clone()))
}

pub(crate) fn first_ring(root: &RootKey) -> RingDocument {
    let (from, now) = (time("2027-01-01T00:00:00Z"), time("2027-01-01T00:00:00Z"));
    RingDocument::first(root, ISSUER, &NewKey::Seed([1; 32]), &NewKey::Seed([2; 32]), from, now).unwrap()
}

/// The functions that strangers call; what is published is the contract of `validate`.
fn routes(app: &App) -> Router {
    let register: Router = register::api().with_state(app.clone()).into();
    envelope(validate::router(app.clone()).merge(register))
}

impl House {
    pub(crate) async fn new() -> Self {
        let root = RootKey::from_seed([9; 32]);
        let ring = first_ring(&root);
        let keys = Keys::given(&ring, time(NOW)).unwrap();
        Self::with_keys(root, keys).await
    }

    pub(crate) async fn with_keys(root: RootKey, keys: Keys) -> Self {
        let embedded = Embedded::memory().unwrap();
        let store = Store::new(embedded.client(), "marque");
        store.create_table().await.unwrap();
        seed(&store).await;
        let outbox = Kept::in_memory();
        let post = Post::kept(outbox.clone(), ISSUER);
        let app = App::new(store, Clock::still(time(NOW)), keys, ISSUER.to_owned(), post);
        let router = routes(&app);
        let publisher = publisher(&app);
        Self { embedded, app, router, root, publisher, outbox, made: AtomicU8::new(0) }
    }

    /// The same table and clock under other keys.
    pub(crate) fn under(self, keys: Keys) -> Self {
        let post = Post::kept(self.outbox.clone(), ISSUER);
        let app = App::new(self.store().clone(), self.app.clock().clone(), keys, ISSUER.to_owned(), post);
        let router = routes(&app);
        let publisher = publisher(&app);
        Self { app, router, publisher, ..self }
    }

    pub(crate) fn store(&self) -> &Store {
        self.app.store()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock().now()
    }

    pub(crate) fn at(&self, text: &str) {
        self.app.clock().set(time(text));
    }

    pub(crate) fn later(&self, duration: Duration) {
        self.app.clock().set(self.now().after(duration));
    }

    /// A number that was not drawn before.
    fn number(&self) -> u8 {
        self.made.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) async fn issue(&self, plan: &str) -> Issued {
        let offer = self.store().plan(&slug(PRODUCT), &slug(plan)).await.unwrap().unwrap();
        let (now, number) = (self.now(), self.number());
        let id = LicenseId::new(now, [number; 10]);
        let mut license = License::issue(id, slug(PRODUCT), FingerprintKind::AdDomain, customer().id, &offer, now, now);
        let what = What::Issued { customer: license.customer, plan: slug(plan), revision: 1, percent: 0 };
        let event = Event::after(license.head, EventId::new(now, [number; 10]), id, now, Actor::System, what);
        license.head = event.head();
        let code = LicenseCode::generate([number; 15]);
        let plans = Plans { running: &offer.plan, next: None };
        let issue = IssueLicense { license: &license, plans, code: &code, event: &event };
        assert_eq!(self.store().issue(issue, Along::NOTHING).await.unwrap(), Committed::Done);
        Issued { id, code: code.reveal() }
    }

    pub(crate) async fn license(&self, id: LicenseId) -> License {
        self.store().license(id).await.unwrap().unwrap()
    }

    /// Support does something to a licence.
    pub(crate) async fn change(
        &self,
        id: LicenseId,
        what: What,
        change: impl FnOnce(License, Plans<'_>, Timestamp) -> License,
    ) {
        let (before, now) = (self.license(id).await, self.now());
        let plan = self.store().plan_revision(&before.product, &before.running.plan).await.unwrap().unwrap().plan;
        let plans = Plans { running: &plan, next: None };
        let mut after = change(before.clone(), plans, now);
        let event = Event::after(before.head, EventId::new(now, [self.number(); 10]), id, now, Actor::System, what);
        after.head = event.head();
        let change = Change { before: &before, after: &after, plans_before: plans, plans_after: plans, event: &event };
        let done = self.store().transition(change, Along::NOTHING).await.unwrap();
        assert_eq!(done, Committed::Done);
    }

    pub(crate) async fn suspend(&self, id: LicenseId) {
        self.change(id, What::Suspended { reason: note() }, |license, plans, now| license.suspend(plans, now).unwrap())
            .await;
    }

    pub(crate) async fn revoke(&self, id: LicenseId) {
        self.change(id, What::Revoked { reason: note() }, |license, plans, now| license.revoke(plans, now).unwrap())
            .await;
    }

    pub(crate) async fn cancel(&self, id: LicenseId) {
        self.change(id, What::Cancelled { reason: None }, |license, plans, now| license.cancel(plans, now).unwrap())
            .await;
    }

    /// A call of the publisher's, under a key if there is one.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Option<&Value>, key: Option<&str>) -> Answer {
        let request = Request::builder().method(method).uri(format!("/admin/v1{path}"));
        let request = request.header("authorization", format!("Bearer {TOKEN}"));
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        let request = match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(body.to_string().into()),
            None => request.body(Body::empty()),
        };
        self.send_to(&self.publisher, request.unwrap()).await
    }

    /// A call of the publisher's API without a body, as it is.
    pub(crate) async fn call_publisher(&self, request: http::request::Builder) -> Answer {
        self.send_to(&self.publisher, request.body(Body::empty()).unwrap()).await
    }

    /// The publisher reads.
    pub(crate) async fn see(&self, path: &str) -> Answer {
        self.admin(Method::GET, path, None, None).await
    }

    /// The publisher changes something, without a key.
    pub(crate) async fn ask(&self, path: &str, body: &Value) -> Answer {
        self.admin(Method::POST, path, Some(body), None).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        self.send_to(&self.router, request).await
    }

    async fn send_to(&self, router: &Router, request: Request<Body>) -> Answer {
        let response = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_bytes(path, body.to_string()).await
    }

    pub(crate) async fn post_bytes(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// A call of a licence's holder, with its code.
    pub(crate) async fn holder(&self, method: Method, path: &str, code: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("License {code}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn activate(&self, code: &str, number: u8) -> Answer {
        self.post("/v1/activations", &activation(code, number)).await
    }

    pub(crate) async fn validate(&self, id: LicenseId, number: u8) -> Answer {
        self.post("/v1/validations", &validation(id, number)).await
    }

    /// A licence that domain 1 holds, and the answer to its activation.
    pub(crate) async fn bound(&self, plan: &str) -> (Issued, Value) {
        let issued = self.issue(plan).await;
        let answer = self.activate(&issued.code, 1).await.ok(201);
        (issued, answer)
    }

    /// Proves a token as anybody would: by the JWKS that the service publishes.
    pub(crate) async fn verified<C: Claims>(&self, token: &Value) -> Verified<C> {
        let keys = KeySet::parse(&self.get("/.well-known/jwks.json").await.body).unwrap();
        let token = UnverifiedToken::parse(token.as_str().unwrap()).unwrap();
        token.verify(&keys, Expected { issuer: Some(ISSUER), audience: None }).unwrap()
    }
}

pub(crate) fn note() -> Note {
    Note::new(&[0; 16], "because")
}

pub(crate) fn activation(code: &str, number: u8) -> Value {
    json!({
        "code": code, "product": PRODUCT, "fingerprint": {"kind": "ad-domain", "value": domain(number)},
        "instance_id": INSTANCE, "nonce": NONCE, "product_version": "1.2.0",
    })
}

pub(crate) fn validation(id: LicenseId, number: u8) -> Value {
    json!({
        "license_id": id, "product": PRODUCT, "fingerprint": {"kind": "ad-domain", "value": domain(number)},
        "instance_id": INSTANCE, "nonce": NONCE, "product_version": "1.2.0",
    })
}

/// `body` with a member set.
pub(crate) fn with(mut body: Value, member: &str, value: Value) -> Value {
    body[member] = value;
    body
}

pub(crate) fn customer() -> Customer {
    Customer {
        id: CustomerId::new(time(NOW), [1; 10]),
        name: "Ada Lovelace".parse().unwrap(),
        company: "Analytical Engines".parse().unwrap(),
        email: "ada@example.com".parse().unwrap(),
        language: Language::English,
    }
}

fn plan(terms: Terms, lease_days: u32) -> Plan {
    Plan {
        name: "A plan".to_owned(),
        terms,
        lease: Duration::days(lease_days),
        activations: Activations::ONE,
        rebinds_per_year: 3,
        sale: Sale::Sellable,
        features: json!({"seats": 5}).as_object().unwrap().clone(),
        trials_per_person: None,
        discount_max: Percent::default(),
        reminders: Vec::new(),
    }
}

/// The demo's plans on sale and the one of billed machines, and two for these tests: one with two seats, and one that moves as often as it likes.
async fn seed(store: &Store) {
    let fingerprint_kind = FingerprintKind::AdDomain;
    store
        .put_product(&Product {
            slug: slug(PRODUCT),
            name: "AD API".to_owned(),
            fingerprint_kind,
            marketplace: Vec::new(),
            usage_retention: Retention::default(),
        })
        .await
        .unwrap();
    assert_eq!(store.add_customer(&customer(), Along::NOTHING).await.unwrap(), Committed::Done);
    let subscription = |period: &str| Terms::Subscription {
        period: Some(period.parse().unwrap()),
        starts: Starts::Issue,
        grace: Duration::days(14),
    };
    let billed = Terms::Subscription { period: None, starts: Starts::Issue, grace: Duration::days(11) };
    let trial = Terms::Trial { length: "P30D".parse().unwrap(), starts: Starts::Activation, grace: Duration::ZERO };
    for (name, plan) in [
        ("trial", Plan { trials_per_person: Some(2), ..plan(trial, 3) }),
        ("monthly", Plan { reminders: vec![3, 1], ..plan(subscription("P1M"), 14) }),
        ("yearly", Plan { reminders: vec![30, 14, 7, 1], ..plan(subscription("P1Y"), 14) }),
        ("perpetual", plan(Terms::Perpetual, 14)),
        ("pair", Plan { activations: Activations::new(2).unwrap(), ..plan(subscription("P1Y"), 14) }),
        ("billed", plan(billed, 3)),
        ("nomad", Plan { rebinds_per_year: 200, ..plan(subscription("P1Y"), 14) }),
    ] {
        let offer = Offer { reference: PlanRef { plan: slug(name), revision: 1 }, plan };
        assert_eq!(store.add_plan_revision(&slug(PRODUCT), &offer, Along::NOTHING).await.unwrap(), Committed::Done);
    }
}
