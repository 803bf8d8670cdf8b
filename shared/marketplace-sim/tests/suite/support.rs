//! A marketplace with one listing, a clock that tests move, and the official clients.

#![expect(clippy::disallowed_methods, reason = "the suite is a seller's program: it makes the official clients itself")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_credential_types::Credentials;
use aws_sdk_marketplacemetering::config::retry::RetryConfig;
use aws_sdk_marketplacemetering::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_sdk_marketplacemetering::primitives::DateTime;
use aws_sdk_marketplacemetering::types::UsageRecord;
use marque_core::Timestamp;
use marque_marketplace_sim::{
    Dimension, DimensionKind, Entitled, Listing, Marketplace, Order, Pricing, Receipt, Seller,
};
use serde_json::{Value, json};

pub(crate) const PRODUCT: &str = "prodcode1";
pub(crate) const START: &str = "2027-03-10T09:30:00Z";

/// A marketplace, and what is needed to act on it.
pub(crate) struct World {
    pub(crate) marketplace: Marketplace,
    pub(crate) clock: Arc<AtomicI64>,
}

pub(crate) fn seller() -> Seller {
    let dimension = |name: &str, kind| Dimension { name: name.to_owned(), kind };
    let listing = |code: &str, id: &str| Listing {
        product_code: code.to_owned(),
        product_id: id.to_owned(),
        title: "Demo".to_owned(),
        dimensions: vec![
            dimension("servers", DimensionKind::Entitled),
            dimension("requests", DimensionKind::Metered),
            dimension("bytes", DimensionKind::Metered),
        ],
    };
    Seller {
        account: "111122223333".to_owned(),
        listings: vec![listing(PRODUCT, "prod-1"), listing("prodcode2", "prod-2")],
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(time(START).unix()));
        let told = Arc::clone(&clock);
        let now = Arc::new(move || Timestamp::from_unix(told.load(Ordering::Relaxed)).unwrap());
        Self { marketplace: Marketplace::memory(seller(), now, "seed"), clock }
    }

    pub(crate) fn set(&self, now: &str) {
        self.clock.store(time(now).unix(), Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub(crate) fn buy(&self, pricing: Pricing) -> Receipt {
        self.marketplace.purchase(Order::new(PRODUCT, pricing, servers(5))).unwrap()
    }

    pub(crate) fn account(&self, receipt: &Receipt) -> String {
        receipt.events[0]["detail"]["acceptor"]["accountId"].as_str().unwrap().to_owned()
    }

    /// A record of usage as the ledger sends it, of `quantity` now.
    pub(crate) fn usage(&self, receipt: &Receipt, quantity: i32) -> Value {
        json!({
            "Timestamp": self.now(), "Dimension": "requests", "Quantity": quantity,
            "CustomerAWSAccountId": self.account(receipt), "LicenseArn": receipt.license_arn,
        })
    }

    /// Sends a body as it is, through the official client's signing and transport.
    pub(crate) async fn batch(&self, body: Value) -> Result<Value, String> {
        self.batch_in("us-east-1", body).await
    }

    pub(crate) async fn batch_in(&self, region: &'static str, body: Value) -> Result<Value, String> {
        let text = body.to_string();
        let record = UsageRecord::builder().timestamp(DateTime::from_secs(0)).dimension("-").build().unwrap();
        let answer = Arc::new(std::sync::Mutex::new(Value::Null));
        let call = self.metering(region).batch_meter_usage().usage_records(record).customize();
        let call = call.mutate_request(move |request| {
            request.headers_mut().insert("content-length", text.len().to_string());
            *request.body_mut() = text.clone().into();
        });
        let seen = Arc::clone(&answer);
        let sent = call.interceptor(Seen(seen)).send().await;
        match sent {
            Ok(_) => Ok(answer.lock().unwrap().clone()),
            Err(error) => Err(error.into_service_error().meta().code().unwrap_or("none").to_owned()),
        }
    }

    pub(crate) fn metering(&self, region: &'static str) -> aws_sdk_marketplacemetering::Client {
        aws_sdk_marketplacemetering::Client::from_conf(client!(aws_sdk_marketplacemetering, self, region))
    }

    pub(crate) fn entitlement(&self, region: &'static str) -> aws_sdk_marketplaceentitlement::Client {
        aws_sdk_marketplaceentitlement::Client::from_conf(client!(aws_sdk_marketplaceentitlement, self, region))
    }

    pub(crate) fn agreement(&self) -> aws_sdk_marketplaceagreement::Client {
        aws_sdk_marketplaceagreement::Client::from_conf(client!(aws_sdk_marketplaceagreement, self, "us-east-1"))
    }
}

/// Keeps an answer's body as it came.
#[derive(Debug)]
struct Seen(Arc<std::sync::Mutex<Value>>);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl aws_smithy_runtime_api::client::interceptors::Intercept for Seen {
    fn name(&self) -> &'static str {
        "Seen"
    }

    fn read_before_deserialization(
        &self,
        context: &aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef<'_>,
        _: &aws_smithy_runtime_api::client::runtime_components::RuntimeComponents,
        _: &mut aws_smithy_types::config_bag::ConfigBag,
    ) -> Result<(), aws_smithy_runtime_api::box_error::BoxError> {
        if let Some(body) = context.response().body().bytes() {
            *self.0.lock().unwrap() = serde_json::from_slice(body).unwrap_or_default();
        }
        Ok(())
    }
}

macro_rules! client {
    ($sdk:ident, $world:expr, $region:expr) => {
        $sdk::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static($region))
            .credentials_provider(Credentials::new("AKIDEXAMPLE", "secret", Some("session".to_owned()), None, "test"))
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client($world.marketplace.http_client())
            .build()
    };
}
use client;

pub(crate) fn servers(count: i64) -> Vec<Entitled> {
    vec![Entitled { dimension: "servers".to_owned(), value: count.into() }]
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["detail-type"].as_str().unwrap()).collect()
}

/// The statuses of an answer's results.
pub(crate) fn statuses(answer: &Value) -> Vec<&str> {
    answer["Results"].as_array().unwrap().iter().map(|result| result["Status"].as_str().unwrap()).collect()
}
