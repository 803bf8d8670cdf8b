//! A shop in front of the simulated AWS Marketplace, over a table in memory, with the demo product.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use marque_core::Timestamp;
use marque_core::agreement::{Chain, ExternalId};
use marque_core::token::RootKey;
use marque_embedded::Embedded;
use marque_marketplace_sim::{
    Dimension, DimensionKind, Entitled, Listing, Marketplace, Order, Pricing, Receipt, Seller,
};
use marque_service::clouds::{Fulfilment, Wiring};
use marque_service::http::envelope;
use marque_service::keyring::{Keys, NewKey, RingDocument};
use marque_service::mail::{Kept, Post};
use marque_service::marketplace::{Outcome, Reconciled, SessionKey, Shop};
use marque_service::{App, Clock, demo, marketplace, validate};
use marque_store::Store;
use serde_json::Value;
use tower::ServiceExt;

const ISSUER: &str = "https://licensing.example.com";
const NOW: &str = "2027-03-10T10:00:00Z";
const SELLER: &str = "111122223333";

/// An answer, its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ring() -> RingDocument {
    let from = time("2027-01-01T00:00:00Z");
    let root = RootKey::from_seed([9; 32]);
    RingDocument::first(&root, ISSUER, &NewKey::Seed([1; 32]), &NewKey::Seed([2; 32]), from, from).unwrap()
}

/// A shop, its table and its marketplace.
#[derive(Debug, Clone)]
pub(crate) struct Bazaar {
    pub(crate) embedded: Embedded,
    pub(crate) app: App,
    pub(crate) market: Marketplace,
    pub(crate) shop: Shop,
    pub(crate) router: Router,
    pub(crate) code: String,
}

/// A browser that has landed.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) landing: String,
    pub(crate) cookie: String,
}

impl Bazaar {
    pub(crate) async fn new() -> Self {
        let clock = Clock::still(time(NOW));
        let told = clock.clone();
        let dimension = |name: &str, kind| Dimension { name: name.to_owned(), kind };
        let listing = |code: &str, id: &str| Listing {
            product_code: code.to_owned(),
            product_id: id.to_owned(),
            title: "Demo".to_owned(),
            dimensions: vec![
                dimension("servers", DimensionKind::Entitled),
                dimension("requests", DimensionKind::Metered),
            ],
        };
        let (code, entity) = demo::saas_listing();
        let listings = vec![listing(code, entity), listing("elsewhere", "prod-elsewhere")];
        let seller = Seller { account: SELLER.to_owned(), listings };
        let market = Marketplace::memory(seller, Arc::new(move || told.now()), "seed");
        Self::over(market, clock).await
    }

    /// Another shop, with a table of its own, in front of the same marketplace.
    pub(crate) async fn beside(&self) -> Self {
        Self::over(self.market.clone(), self.app.clock().clone()).await
    }

    async fn over(market: Marketplace, clock: Clock) -> Self {
        let embedded = Embedded::memory().unwrap();
        let store = Store::new(embedded.client(), "marque");
        store.create_table().await.unwrap();
        demo::seed(&store, clock.now()).await.unwrap();
        let keys = Keys::given(&ring(), clock.now()).unwrap();
        let app = App::new(store, clock, keys, ISSUER.to_owned(), Post::kept(Kept::in_memory(), ISSUER));
        let fulfilment = Fulfilment::new(&Wiring::simulated(market.http_client()));
        let shop = Shop::new(app.clone(), fulfilment, SELLER.to_owned());
        let front = shop.clone().open(SessionKey::new([5; 32]), "help@example.com");
        let router = envelope(validate::router(app.clone()).merge(marketplace::router(front)));
        Self { embedded, app, market, shop, router, code: demo::saas_listing().0.to_owned() }
    }

    pub(crate) fn order(&self, pricing: Pricing) -> Order {
        Order::new(&self.code, pricing, servers(5))
    }

    pub(crate) fn buy(&self, pricing: Pricing) -> Receipt {
        self.market.purchase(self.order(pricing)).unwrap()
    }

    pub(crate) fn buy_unpaid(&self, pricing: Pricing) -> Receipt {
        self.market.purchase(Order { paid: false, ..self.order(pricing) }).unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock().now()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.app.clock().set(Timestamp::from_unix(self.now().unix() + seconds).unwrap());
    }

    /// Delivers events; none may fail.
    pub(crate) async fn deliver(&self, events: &[Value]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for event in events {
            outcomes.push(self.shop.event(event).await.unwrap());
        }
        outcomes
    }

    /// Compares everything with AWS.
    pub(crate) async fn compare(&self) -> Reconciled {
        self.shop.reconcile(f64::MAX).await.unwrap()
    }

    pub(crate) async fn chain(&self, agreement: &str) -> Option<Chain> {
        let id: ExternalId = agreement.parse().unwrap();
        self.app.store().chain_of_external(&id).await.unwrap()
    }

    /// Sends a request as a browser does.
    pub(crate) async fn send(&self, method: Method, path: &str, cookie: &str, form: Option<String>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::COOKIE, cookie);
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Body::from(form.unwrap_or_default())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    pub(crate) async fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, path, cookie, Some(form)).await
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(Method::GET, path, cookie, None).await
    }

    /// A call of a server.
    pub(crate) async fn call(&self, path: &str, body: &Value) -> Value {
        let request =
            Request::builder().method(Method::POST).uri(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    /// What a server with this lease is told that was bought.
    pub(crate) async fn entitlements(&self, license: &str, lease: &str) -> Answer {
        let request = Request::get(format!("/v1/entitlements?license_id={license}"));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {lease}")).body(Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// "Set up your account".
    pub(crate) async fn land(&self, token: &str) -> Visit {
        let answer = self.post("/aws/landing", "", &[("x-amzn-marketplace-token", token)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let landing = answer.header("set-cookie").to_owned();
        let cookie = landing.split(';').next().unwrap().to_owned();
        Visit { landing, cookie }
    }

    /// The hidden handle of a visit's form; none where there is no form.
    pub(crate) async fn handle(&self, visit: &Visit) -> Option<String> {
        let page = self.get("/aws/registration", &visit.cookie).await.text();
        let after = page.split("name=\"handle\" value=\"").nth(1)?;
        Some(after.split('"').next()?.to_owned())
    }

    /// Fills the form in.
    pub(crate) async fn register(&self, visit: &Visit, email: &str) -> Answer {
        let handle = self.handle(visit).await.unwrap_or_default();
        let fields = [("handle", &*handle), ("name", "Ann Lee"), ("company", "Org"), ("email", email), ("terms", "on")];
        self.post("/aws/registration", &visit.cookie, &fields).await
    }

    /// Lands and registers.
    pub(crate) async fn welcome(&self, token: &str, email: &str) -> Visit {
        let visit = self.land(token).await;
        let answer = self.register(&visit, email).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/aws/status"), "{}", answer.text());
        visit
    }

    pub(crate) async fn status(&self, visit: &Visit) -> String {
        let answer = self.get("/aws/status", &visit.cookie).await;
        assert_eq!(answer.status, 200);
        answer.text()
    }

    /// The code on a status page.
    pub(crate) async fn code_shown(&self, visit: &Visit) -> Option<String> {
        let page = self.status(visit).await;
        let after = page.split("<code aria-labelledby=\"code\">").nth(1)?;
        Some(after.split('<').next().unwrap().to_owned())
    }
}

pub(crate) fn servers(count: i64) -> Vec<Entitled> {
    vec![Entitled { dimension: "servers".to_owned(), value: count.into() }]
}
