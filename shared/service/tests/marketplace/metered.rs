//! Usage, from a server's report to the marketplace's books: taken in once, billed once, whatever fails on the way.

use axum::Router;
use axum::body::Body;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use marque_core::listing::{Dimension, Effect};
use marque_core::usage::{Included, Unit};
use marque_core::{AgreementId, Product};

use marque_marketplace_sim::{Pricing, Receipt};
use marque_service::admin::{Access, LocalToken};
use marque_service::clouds::{Metering, Wiring};
use marque_service::http::envelope;
use marque_service::marketplace;
use marque_service::usage::meter::{self, Counts};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::market::Bazaar;

pub(crate) const PRODUCT: &str = "kopicloud-ad-api";
pub(crate) const RUN: f64 = 60_000.0;

/// A bazaar whose usage is metered.
pub(crate) struct Usage {
    pub(crate) bazaar: Bazaar,
    pub(crate) admin: Router,
    pub(crate) metering: Metering,
}

/// A buyer whose server reports usage.
pub(crate) struct Buyer {
    pub(crate) bought: Receipt,
    pub(crate) license: String,
    pub(crate) lease: String,
    pub(crate) agreement: AgreementId,
}

impl Usage {
    pub(crate) async fn new() -> Self {
        Self::over(Bazaar::new().await)
    }

    pub(crate) fn over(bazaar: Bazaar) -> Self {
        let access = Access::Token(LocalToken::new("token"));
        let admin = envelope(Router::from(marketplace::admin_api(access)).with_state(bazaar.shop.clone()));
        let metering = Metering::new(&Wiring::simulated(bazaar.market.http_client()));
        Self { bazaar, admin, metering }
    }

    /// A product whose dimensions are these, beside the limit.
    pub(crate) async fn metering(dimensions: &[(&str, Unit, Included)]) -> Self {
        let usage = Self::new().await;
        let store = usage.bazaar.app.store();
        let mut product: Product = store.product(&PRODUCT.parse().unwrap()).await.unwrap().unwrap();
        let listing = product.marketplace.iter_mut().find(|listing| !listing.dimensions.is_empty()).unwrap();
        listing.dimensions.retain(|dimension| matches!(dimension.effect, Effect::Limit));
        listing.dimensions.extend(dimensions.iter().map(|(name, unit, included)| Dimension {
            name: name.parse().unwrap(),
            effect: Effect::Metered { unit: *unit, included: *included },
        }));
        store.put_product(&product).await.unwrap();
        usage
    }

    pub(crate) async fn call(
        &self,
        router: &Router,
        method: Method,
        path: &str,
        bearer: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
            .header(header::CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    pub(crate) async fn post(&self, path: &str, bearer: &str, body: Value) -> (u16, Value) {
        self.call(&self.bazaar.router, Method::POST, path, bearer, Some(body)).await
    }

    pub(crate) async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call(&self.admin, method, &format!("/admin/v1{path}"), "token", body).await
    }

    /// Buys, registers, and activates a server.
    pub(crate) async fn buyer(&self, number: u8, pricing: Pricing) -> Buyer {
        let bought = self.bazaar.buy(pricing);
        self.bazaar.deliver(&bought.events).await;
        let visit = self.bazaar.welcome(&bought.token, &format!("b{number}@example.org")).await;
        let code = self.bazaar.code_shown(&visit).await.expect("a code");
        let (status, answer) = self.post("/v1/activations", "", activation(&code, number)).await;
        assert_eq!(status, 201, "{answer}");
        let chain = self.bazaar.chain(&bought.agreement).await.unwrap();
        Buyer {
            license: answer["license_id"].as_str().unwrap().to_owned(),
            lease: answer["lease"].as_str().unwrap().to_owned(),
            agreement: chain.current().id,
            bought,
        }
    }

    pub(crate) async fn report(&self, buyer: &Buyer, records: Vec<Value>) -> Vec<Value> {
        let (status, answer) = self.post("/v1/usage-records", &buyer.lease, json!({"records": records})).await;
        assert_eq!(status, 200, "{answer}");
        answer["results"].as_array().unwrap().clone()
    }

    /// Uses something now: it is taken in.
    pub(crate) async fn take(&self, buyer: &Buyer, id: &str, quantity: &str) {
        let results = self.report(buyer, vec![self.record(id, quantity)]).await;
        assert_eq!(results[0]["status"], "accepted", "{results:?}");
    }

    pub(crate) fn record(&self, id: &str, quantity: &str) -> Value {
        json!({"id": id, "dimension": "requests", "quantity": quantity, "at": self.bazaar.now()})
    }

    pub(crate) async fn run(&self) -> Counts {
        meter::run(&self.bazaar.shop, &self.metering, "test", RUN).await.unwrap()
    }

    /// Advances to a time, and runs.
    pub(crate) async fn run_at(&self, now: &str) -> Counts {
        self.set(now);
        self.run().await
    }

    pub(crate) fn set(&self, now: &str) {
        self.bazaar.app.clock().set(now.parse().unwrap());
    }

    pub(crate) fn truth(&self, buyer: &Buyer) -> Vec<(String, String)> {
        let truth = self.bazaar.market.truth();
        let of_it = truth.accepted.iter().filter(|metered| metered.external_id == buyer.bought.agreement);
        of_it.map(|metered| (metered.timestamp.to_string(), metered.quantity.clone())).collect()
    }

    pub(crate) async fn dimension(&self, buyer: &Buyer, name: &str) -> Value {
        let (status, answer) = self.admin(Method::GET, &format!("/usage/{}", buyer.agreement), None).await;
        assert_eq!(status, 200, "{answer}");
        let dimensions = answer["dimensions"].as_array().unwrap();
        let dimension = dimensions.iter().find(|dimension| dimension["dimension"] == name).unwrap().clone();
        let sums = dimension["sums"].as_object().unwrap();
        let number = |text: &Value| text.as_str().unwrap().parse::<f64>().unwrap();
        let others: f64 = sums.iter().filter(|(name, _)| *name != "accepted").map(|(_, value)| number(value)).sum();
        assert!((number(&sums["accepted"]) - others).abs() < 1e-9, "{sums:?}");
        dimension
    }

    pub(crate) async fn hour(&self, buyer: &Buyer) -> Value {
        self.dimension(buyer, "requests").await["hours"][0].clone()
    }
}

pub(crate) fn activation(code: &str, number: u8) -> Value {
    json!({
        "code": code, "product": PRODUCT, "instance_id": "0191e2b4-0000-7000-8000-000000000001",
        "fingerprint": {"kind": "ad-domain", "value": format!("{number:02x}").repeat(32)}, "nonce": "0123456789abcdef",
    })
}
