//! What one check costs, part by part, each beside what it is compared to. `cargo bench --bench checks`

#![expect(clippy::expect_used, reason = "a bench that cannot run says so")]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use axum::body::{Body, to_bytes};
use axum::routing::post;
use axum::{Json, Router};
use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::Signer;
use http::Request;
use marque_core::event::{Actor, What};
use marque_core::plan::{Activations, Percent, Sale, Starts, Terms};
use marque_core::token::{Expected, Lease, SigningKey, UnverifiedToken};
use marque_core::{
    Check, Duration, Event, EventId, FingerprintKind, License, LicenseCode, LicenseId, Offer, Period, Plan, PlanRef,
    Plans, Purpose, Timestamp, evaluate,
};
use marque_embedded::Embedded;
use marque_service::keyring::{Keys, NewKey, RingDocument, RootDocument};
use marque_service::mail::{Kept, Post};
use marque_service::{App, Clock, http::envelope, validate};
use marque_store::{Along, Committed, IssueLicense, Store};
use marque_tests::{Server, claims};
use serde_json::Value;
use tower::ServiceExt;

const ISSUER: &str = "https://licences.example.com";

fn now() -> Timestamp {
    "2027-03-10T09:30:00Z".parse().expect("a time")
}

fn offer() -> Offer {
    let terms =
        Terms::Subscription { period: Some(Period::Years(1)), starts: Starts::Issue, grace: Duration::days(14) };
    let plan = Plan {
        name: "Yearly".to_owned(),
        terms,
        lease: Duration::days(14),
        activations: Activations::ONE,
        rebinds_per_year: 3,
        sale: Sale::Sellable,
        features: serde_json::Map::new(),
        trials_per_person: None,
        discount_max: Percent::default(),
        reminders: Vec::new(),
    };
    Offer { reference: PlanRef { plan: "yearly".parse().expect("a slug"), revision: 1 }, plan }
}

fn license(offer: &Offer) -> License {
    let id = LicenseId::new(now(), [7; 10]);
    let customer = "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("an id");
    License::issue(
        id,
        "kopicloud-ad-api".parse().expect("a slug"),
        FingerprintKind::AdDomain,
        customer,
        offer,
        now(),
        now(),
    )
}

fn rules(c: &mut Criterion) {
    let offer = offer();
    let domain = marque_core::FingerprintValue([9; 32]);
    let license = license(&offer).bind(
        domain,
        "act_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("an id"),
        None,
        &offer.plan,
        now(),
    );
    let product = license.product.clone();
    let check = Check { product: &product, domain: &domain, purpose: Purpose::Validate };
    let plans = Plans { running: &offer.plan, next: None };
    c.bench_function("evaluate", |b| b.iter(|| black_box(evaluate(black_box(&license), plans, check, now()))));
}

fn lease() -> Lease {
    Lease {
        iss: ISSUER.to_owned(),
        aud: "kopicloud-ad-api".parse().expect("a slug"),
        sub: LicenseId::new(now(), [7; 10]),
        jti: marque_core::TokenId::new(now(), [8; 10]),
        iat: now(),
        exp: now().after(Duration::days(14)),
        nonce: "0123456789abcdef".to_owned(),
        state: "active".to_owned(),
        plan: "yearly".parse().expect("a slug"),
        kind: "subscription".to_owned(),
        features: serde_json::Map::new(),
        fingerprint: serde_json::from_value(Server::in_domain("bench").fingerprint()).expect("a fingerprint"),
        instance_id: "2f1e4fc0-81fd-41da-9156-00036acd1234".to_owned(),
        prev: None,
        paid_through: Some(now()),
        grace_until: Some(now()),
        next_check: now(),
    }
}

fn tokens(c: &mut Criterion) {
    let key = SigningKey::from_seed([3; 32]);
    let bare = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
    let lease = lease();
    let token = key.sign(&lease);
    let signed = token.rsplit_once('.').expect("three parts").0.as_bytes().to_vec();
    let listed = marque_core::token::ListedKey::new(
        key.public().clone(),
        [marque_core::token::Typ::Lease],
        Timestamp::EPOCH,
        None,
    );
    let keys = marque_core::token::KeySet::new(vec![listed.expect("a key")]).expect("a set");
    c.bench_function("lease: build and sign", |b| b.iter(|| black_box(key.sign(black_box(&lease)))));
    c.bench_function("lease: bare ed25519 signature of as many bytes", |b| {
        b.iter(|| black_box(bare.sign(black_box(&signed))))
    });
    c.bench_function("lease: parse and verify", |b| {
        b.iter(|| {
            black_box(
                UnverifiedToken::parse(black_box(&token))
                    .expect("a token")
                    .verify::<Lease>(&keys, Expected::default())
                    .expect("verified"),
            )
        });
    });
    let signature = bare.sign(&signed);
    let public = bare.verifying_key();
    c.bench_function("lease: bare ed25519 verification of as many bytes", |b| {
        b.iter(|| public.verify_strict(black_box(&signed), &signature).expect("verified"))
    });
}

/// A table that answers at once: what the embedded one answered to the first call of each kind.
#[derive(Debug, Clone)]
struct Replay {
    inner: SharedHttpClient,
    answers: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl HttpClient for Replay {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(ReplayConnector {
            inner: self.inner.http_connector(settings, components),
            answers: Arc::clone(&self.answers),
        })
    }
}

#[derive(Debug)]
struct ReplayConnector {
    inner: SharedHttpConnector,
    answers: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl HttpConnector for ReplayConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        if let Some(body) = self.answers.lock().expect("a lock").get(&target) {
            let ok = StatusCode::try_from(200).expect("a status");
            return HttpConnectorFuture::ready(Ok(HttpResponse::new(ok, SdkBody::from(body.clone()))));
        }
        let (call, answers) = (self.inner.call(request), Arc::clone(&self.answers));
        HttpConnectorFuture::new(async move {
            let answer = call.await?;
            let body = answer.body().bytes().map(<[u8]>::to_vec).unwrap_or_default();
            answers.lock().expect("a lock").insert(target, body);
            Ok(answer)
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "a client of the bench's own")]
fn replaying(embedded: &Embedded) -> aws_sdk_dynamodb::Client {
    let inner = embedded.client().config().http_client().expect("the embedded client's");
    let http = Replay { inner, answers: Arc::default() };
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "bench"))
        .http_client(http);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// The function as it is deployed, over a table that answers at once, and the body of a check.
async fn function() -> (Router, Vec<u8>) {
    let embedded = Embedded::memory().expect("a database");
    let store = Store::new(embedded.client(), "bench");
    store.create_table().await.expect("a table");
    let offer = offer();
    let mut license = license(&offer);
    assert_eq!(
        store.add_plan_revision(&license.product, &offer, Along::NOTHING).await.expect("a plan"),
        Committed::Done
    );
    let what = What::Issued { customer: license.customer, plan: offer.reference.plan.clone(), revision: 1, percent: 0 };
    let event = Event::after(license.head, EventId::new(now(), [1; 10]), license.id, now(), Actor::System, what);
    license.head = event.head();
    let code = LicenseCode::generate([5; 15]);
    let plans = Plans { running: &offer.plan, next: None };
    let issue = IssueLicense { license: &license, plans, code: &code, event: &event };
    assert_eq!(store.issue(issue, Along::NOTHING).await.expect("issued"), Committed::Done);
    let root = RootDocument::new([1; 32]);
    let ring = RingDocument::first(
        &root.key(),
        ISSUER,
        &NewKey::Seed([2; 32]),
        &NewKey::Seed([3; 32]),
        Timestamp::EPOCH,
        now(),
    )
    .expect("a ring");
    let app = |store| {
        App::new(
            store,
            Clock::still(now()),
            Keys::given(&ring, now()).expect("keys"),
            ISSUER.to_owned(),
            Post::kept(Kept::in_memory(), ISSUER),
        )
    };
    let real = envelope(validate::router(app(store)));
    let mut server = Server::in_domain("bench");
    let activated = call(&real, "/v1/activations", server.activation(&code.reveal()).to_string().into_bytes()).await;
    let body = server.validation(&license.id.to_string(), activated["lease"].as_str()).to_string().into_bytes();
    let function = envelope(validate::router(app(Store::new(replaying(&embedded), "bench"))));
    let first = call(&function, "/v1/validations", body.clone()).await;
    assert_eq!(claims(first["lease"].as_str().expect("a lease"))["valid"], true);
    (function, body)
}

async fn call(router: &Router, path: &str, body: Vec<u8>) -> Value {
    let request =
        Request::post(path).header("content-type", "application/json").body(Body::from(body)).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("an answer");
    serde_json::from_slice(&to_bytes(answer.into_body(), 1 << 20).await.expect("a body")).expect("JSON")
}

fn handler(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (function, body) = runtime.block_on(function());
    let echo: Router = Router::new().route("/v1/validations", post(|Json(body): Json<Value>| async { Json(body) }));
    c.bench_function("handler: a check over a table that answers at once", |b| {
        b.to_async(&runtime).iter(|| async { black_box(call(&function, "/v1/validations", body.clone()).await) });
    });
    c.bench_function("handler: a bare route that echoes the JSON", |b| {
        b.to_async(&runtime).iter(|| async { black_box(call(&echo, "/v1/validations", body.clone()).await) });
    });
}

criterion_group!(benches, rules, tokens, handler);
criterion_main!(benches);
