//! Usage, from a server's report to the marketplace's books: taken in once, billed once, whatever fails on the way.

use axum::Router;
use axum::body::Body;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use marque_core::listing::{Dimension, Effect};
use marque_core::usage::{Included, Unit};
use marque_core::{AgreementId, Duration, Product, Timestamp};
use marque_embedded::{Fault as TableFault, Operation as TableOperation};
use marque_marketplace_sim::{Fault, Operation, Pricing, Receipt};
use marque_service::admin::{Access, LocalToken};
use marque_service::clouds::{Metering, Wiring};
use marque_service::http::envelope;
use marque_service::marketplace;
use marque_service::usage::meter::{self, Counts};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::market::Bazaar;

const PRODUCT: &str = "kopicloud-ad-api";
const RUN: f64 = 60_000.0;

/// A bazaar whose usage is metered.
struct Usage {
    bazaar: Bazaar,
    admin: Router,
    metering: Metering,
}

/// A buyer whose server reports usage.
struct Buyer {
    bought: Receipt,
    license: String,
    lease: String,
    agreement: AgreementId,
}

impl Usage {
    async fn new() -> Self {
        Self::over(Bazaar::new().await)
    }

    fn over(bazaar: Bazaar) -> Self {
        let access = Access::Token(LocalToken::new("token"));
        let admin = envelope(Router::from(marketplace::admin_api(access)).with_state(bazaar.shop.clone()));
        let metering = Metering::new(&Wiring::simulated(bazaar.market.http_client()));
        Self { bazaar, admin, metering }
    }

    /// A product whose dimensions are these, beside the limit.
    async fn metering(dimensions: &[(&str, Unit, Included)]) -> Self {
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

    async fn call(
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

    async fn post(&self, path: &str, bearer: &str, body: Value) -> (u16, Value) {
        self.call(&self.bazaar.router, Method::POST, path, bearer, Some(body)).await
    }

    async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call(&self.admin, method, &format!("/admin/v1{path}"), "token", body).await
    }

    /// Buys, registers, and activates a server.
    async fn buyer(&self, number: u8, pricing: Pricing) -> Buyer {
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

    async fn report(&self, buyer: &Buyer, records: Vec<Value>) -> Vec<Value> {
        let (status, answer) = self.post("/v1/usage-records", &buyer.lease, json!({"records": records})).await;
        assert_eq!(status, 200, "{answer}");
        answer["results"].as_array().unwrap().clone()
    }

    /// Uses something now: it is taken in.
    async fn take(&self, buyer: &Buyer, id: &str, quantity: &str) {
        let results = self.report(buyer, vec![self.record(id, quantity)]).await;
        assert_eq!(results[0]["status"], "accepted", "{results:?}");
    }

    fn record(&self, id: &str, quantity: &str) -> Value {
        json!({"id": id, "dimension": "requests", "quantity": quantity, "at": self.bazaar.now()})
    }

    async fn run(&self) -> Counts {
        meter::run(&self.bazaar.shop, &self.metering, "test", RUN).await.unwrap()
    }

    /// Advances to a time, and runs.
    async fn run_at(&self, now: &str) -> Counts {
        self.set(now);
        self.run().await
    }

    fn set(&self, now: &str) {
        self.bazaar.app.clock().set(now.parse().unwrap());
    }

    fn truth(&self, buyer: &Buyer) -> Vec<(String, String)> {
        let truth = self.bazaar.market.truth();
        let of_it = truth.accepted.iter().filter(|metered| metered.external_id == buyer.bought.agreement);
        of_it.map(|metered| (metered.timestamp.to_string(), metered.quantity.clone())).collect()
    }

    async fn dimension(&self, buyer: &Buyer, name: &str) -> Value {
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

    async fn hour(&self, buyer: &Buyer) -> Value {
        self.dimension(buyer, "requests").await["hours"][0].clone()
    }
}

fn activation(code: &str, number: u8) -> Value {
    json!({
        "code": code, "product": PRODUCT, "instance_id": "0191e2b4-0000-7000-8000-000000000001",
        "fingerprint": {"kind": "ad-domain", "value": format!("{number:02x}").repeat(32)}, "nonce": "0123456789abcdef",
    })
}

#[tokio::test(start_paused = true)]
async fn every_well_typed_record_gets_a_result_of_its_own() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    let now = usage.bazaar.now();
    let at = |seconds: i64| Timestamp::from_unix(now.unix() + seconds).unwrap();
    let with = |id: &str, dimension: &str, quantity: &str, at: Timestamp| json!({"id": id, "dimension": dimension, "quantity": quantity, "at": at});
    let (longest, beyond) = ("x".repeat(64), "d".repeat(5000));
    let results = usage
        .report(
            &buyer,
            vec![
                with("good", "requests", "12.5", now),
                with("negative", "requests", "-1", now),
                with("exponent", "requests", "1e3", now),
                with("nan", "requests", "NaN", now),
                with("seven", "requests", "0.1234567", now),
                with("large", "requests", "2147483648", now),
                with("limit", "servers", "1", now),
                with("unknown", &beyond, "1", now),
                with("future", "requests", "1", at(301)),
                with("ahead", "requests", "1", at(300)),
                with("old", "requests", "1", at(-36 * 86_400)),
                with("before", "requests", "1", at(-86_400)),
                with(&longest, "requests", "0", now),
                with("good", "requests", "12.5", now),
                with("good", "requests", "13", now),
            ],
        )
        .await;
    let seen: Vec<_> = results.iter().map(|result| result["code"].as_str().unwrap_or("")).collect();
    let invalid = "QUANTITY_INVALID";
    let expected = [
        "",
        invalid,
        invalid,
        invalid,
        invalid,
        invalid,
        "DIMENSION_UNKNOWN",
        "DIMENSION_UNKNOWN",
        "IN_FUTURE",
        "",
        "TOO_OLD",
        "BEFORE_START",
        "",
        "",
        "ID_CONFLICT",
    ];
    assert_eq!(seen, expected);
    assert_eq!((&results[13]["status"], &results[0]["hour"]), (&json!("duplicate"), &json!("2027-03-10T10:00:00Z")));
    assert_eq!(usage.dimension(&buyer, "requests").await["sums"]["open"], "13.5");
}

/// What is wrong with one record of an id is not wrong with the next.
#[tokio::test(start_paused = true)]
async fn the_same_id_again_is_judged_by_what_was_counted() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    let good = |id: &str| usage.record(id, "1");
    let with = |mut record: Value, member: &str, value: &str| {
        record[member] = json!(value);
        record
    };
    let records = vec![
        with(good("a"), "at", "2027-01-01T00:00:00Z"),
        good("a"),
        with(good("b"), "dimension", "none"),
        good("b"),
        good("b"),
        with(good("b"), "quantity", "2"),
    ];
    let seen = |results: &[Value]| -> Vec<Value> {
        results
            .iter()
            .map(|result| if result["code"].is_null() { result["status"].clone() } else { result["code"].clone() })
            .collect()
    };
    let results = usage.report(&buyer, records).await;
    assert_eq!(seen(&results), ["TOO_OLD", "accepted", "DIMENSION_UNKNOWN", "accepted", "duplicate", "ID_CONFLICT"]);
    let again = usage.report(&buyer, vec![with(good("a"), "quantity", "7"), good("a")]).await;
    assert_eq!(seen(&again), ["ID_CONFLICT", "duplicate"]);
    assert_eq!(usage.dimension(&buyer, "requests").await["sums"]["accepted"], "2");
}

/// A renewal is told of before the agreement that takes over is known.
#[tokio::test(start_paused = true)]
async fn usage_between_a_renewal_and_its_successor_is_taken_and_billed() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::ContractWithConsumption).await;
    let renewed = usage.bazaar.market.renew(&buyer.bought.agreement, None).unwrap();
    let told = |kind: &str| -> Vec<Value> {
        let of_kind = |event: &&Value| event["detail-type"].as_str().unwrap_or_default().contains(kind);
        renewed.events.iter().filter(of_kind).cloned().collect()
    };
    usage.bazaar.deliver(&told("Ended")).await;
    usage.bazaar.advance(120);
    usage.take(&buyer, "a", "1").await;
    usage.bazaar.advance(7200);
    usage.run().await;
    usage.take(&buyer, "b", "2").await;
    let rest: Vec<Value> = renewed.events.iter().filter(|event| !told("Ended").contains(event)).cloned().collect();
    usage.bazaar.deliver(&rest).await;
    for _ in 0..4 {
        usage.bazaar.advance(3600);
        usage.run().await;
    }
    let truth = usage.bazaar.market.truth();
    let billed: f64 = truth.accepted.iter().map(|metered| metered.quantity.parse::<f64>().unwrap()).sum();
    assert!((billed - 3.0).abs() < 1e-9, "{:?} {:#}", truth.refused, usage.dimension(&buyer, "requests").await);
}

/// A server whose answer was lost sends again; our clock was put back meanwhile, or the listing was changed.
#[tokio::test(start_paused = true)]
async fn what_was_counted_is_a_duplicate_whatever_has_changed_since() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    let record = usage.record("a", "12.5");
    let then = usage.bazaar.now();
    assert_eq!(usage.report(&buyer, vec![record.clone()]).await[0]["status"], "accepted");
    usage.bazaar.app.clock().set(then.before(Duration::from_seconds(328)));
    let again = usage
        .report(&buyer, vec![record.clone(), json!({"id": "b", "dimension": "requests", "quantity": "1", "at": then})]);
    let again = again.await;
    assert_eq!((&again[0]["status"], &again[1]["code"]), (&json!("duplicate"), &json!("IN_FUTURE")), "{again:?}");
    usage.bazaar.app.clock().set(then.after(Duration::from_seconds(61)));
    let store = usage.bazaar.app.store();
    let mut product = store.product(&PRODUCT.parse().unwrap()).await.unwrap().unwrap();
    let before = product.clone();
    product.marketplace.iter_mut().for_each(|listing| listing.dimensions.retain(|one| one.name.as_str() != "requests"));
    store.put_product(&product).await.unwrap();
    let again = usage.report(&buyer, vec![record]).await;
    assert_eq!(again[0]["status"], "duplicate", "{again:?}");
    // And it is listed again.
    assert_eq!(usage.report(&buyer, vec![usage.record("c", "1")]).await[0]["code"], "DIMENSION_UNKNOWN");
    store.put_product(&before).await.unwrap();
    usage.bazaar.advance(1);
    assert_eq!(usage.report(&buyer, vec![usage.record("c", "1")]).await[0]["status"], "accepted");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_well_typed_is_refused_whole_and_counts_nothing() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    let good = usage.record("good", "1");
    let with = |member: &str, value: Value| {
        let mut record = usage.record("bad", "1");
        record[member] = value;
        json!({"records": [good, record]})
    };
    for (body, pointer) in [
        (json!({"records": []}), "/records"),
        (json!({}), "/records"),
        (json!({"records": (0..101).map(|n| usage.record(&n.to_string(), "1")).collect::<Vec<_>>()}), "/records"),
        (with("id", json!("x".repeat(65))), "/records/1/id"),
        (with("id", json!("")), "/records/1/id"),
        (with("id", json!("é")), "/records/1/id"),
        (with("quantity", json!(1)), "/records/1/quantity"),
        (with("at", json!("yesterday")), "/records/1/at"),
        (with("dimension", json!(null)), "/records/1/dimension"),
        (with("tags", json!({})), "/records/1/tags"),
    ] {
        let (status, problem) = usage.post("/v1/usage-records", &buyer.lease, body.clone()).await;
        assert_eq!((status, &problem["code"]), (400, &json!("INVALID_REQUEST")), "{body}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(usage.dimension(&buyer, "requests").await["sums"]["accepted"], "0");
}

#[tokio::test(start_paused = true)]
async fn only_a_lease_that_holds_reports_and_for_its_own_agreement_alone() {
    let usage = Usage::new().await;
    let (one, two) = (usage.buyer(1, Pricing::Subscription).await, usage.buyer(2, Pricing::Subscription).await);
    let body = json!({"records": [usage.record("a", "1")]});
    for bearer in ["", "none", &format!("{}x", one.lease)] {
        assert_eq!(usage.post("/v1/usage-records", bearer, body.clone()).await.1["code"], "LEASE_INVALID", "{bearer}");
    }
    usage.take(&one, "a", "1").await;
    assert_eq!(usage.dimension(&two, "requests").await["sums"]["accepted"], "0");
    usage.take(&two, "a", "2").await;
    let fingerprint = activation("", 9)["fingerprint"].clone();
    let check = json!({
        "license_id": one.license, "product": PRODUCT, "fingerprint": fingerprint, "nonce": "0123456789abcdef",
        "instance_id": "0191e2b4-0000-7000-8000-000000000001",
    });
    let denial = usage.post("/v1/validations", "", check).await.1["denial"].as_str().unwrap().to_owned();
    assert_eq!(usage.post("/v1/usage-records", &denial, body.clone()).await.1["code"], "LEASE_INVALID");
    let demo = marque_service::demo::seed(usage.bazaar.app.store(), usage.bazaar.now()).await.unwrap();
    let yearly = demo.licenses.iter().find(|license| license.plan.as_str() == "yearly").unwrap();
    let lease = usage.post("/v1/activations", "", activation(&yearly.code, 7)).await.1["lease"].clone();
    let (status, problem) = usage.post("/v1/usage-records", lease.as_str().unwrap(), body).await;
    assert_eq!((status, &problem["code"]), (404, &json!("NOT_FOUND")), "no agreement pays for it");
}

#[tokio::test(start_paused = true)]
async fn the_publisher_reports_in_the_name_of_servers() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    let path = format!("/usage/{}/records", buyer.agreement);
    let body = json!({"records": [usage.record("a", "1.5")]});
    for status in ["accepted", "duplicate"] {
        let (_, answer) = usage.admin(Method::POST, &path, Some(body.clone())).await;
        assert_eq!(answer["results"][0]["status"], status);
    }
    usage.run_at("2027-03-10T11:05:00Z").await;
    assert_eq!(usage.truth(&buyer), [("2027-03-10T10:59:59Z".to_owned(), "1.5".to_owned())]);
    let unknown = format!("/usage/{}/records", AgreementId::from_bytes([9; 16]));
    assert_eq!(usage.admin(Method::POST, &unknown, Some(body)).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn an_hour_is_reported_once_five_minutes_after_its_end() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "12.5").await;
    assert_eq!(usage.run_at("2027-03-10T11:04:59Z").await.sealed, 0);
    let counts = usage.run_at("2027-03-10T11:05:00Z").await;
    assert_eq!((counts.sealed, counts.confirmed, counts.calls, counts.finished), (1, 1, 1, true));
    assert_eq!(usage.truth(&buyer), [("2027-03-10T10:59:59Z".to_owned(), "12.5".to_owned())]);
    let hour = usage.hour(&buyer).await;
    assert_eq!(
        (&hour["state"], &hour["attempts"], &hour["quantity"]),
        (&json!("confirmed"), &json!(1), &json!("12.5"))
    );
    assert!(hour["record_id"].is_string());
    let idle = usage.run().await;
    assert_eq!((idle.calls, idle.oldest_unsent, idle.finished), (0, 0, true));
    // A record of that hour that comes now is carried to the running one, with its own time kept.
    let results = usage
        .report(
            &buyer,
            vec![json!({"id": "late", "dimension": "requests", "quantity": "1", "at": "2027-03-10T10:30:00Z"})],
        )
        .await;
    assert_eq!((&results[0]["hour"], &results[0]["carried"]), (&json!("2027-03-10T11:00:00Z"), &json!(true)));
    let results = usage
        .report(
            &buyer,
            vec![json!({"id": "a", "dimension": "requests", "quantity": "12.5", "at": "2027-03-10T10:00:00Z"})],
        )
        .await;
    assert_eq!((&results[0]["status"], &results[0]["hour"]), (&json!("duplicate"), &json!("2027-03-10T10:00:00Z")));
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_on_the_way_an_hour_is_billed_once() {
    for (fault, times) in [
        (Fault::Throttle, 1),
        (Fault::Internal, 2),
        (Fault::Timeout, 5),
        (Fault::LostResponse, 1),
        (Fault::LostResponse, 7),
        (Fault::Unprocessed, 3),
    ] {
        for identical_is_duplicate in [false, true] {
            let usage = Usage::new().await;
            usage.bazaar.market.set(|knobs| knobs.identical_is_duplicate = identical_is_duplicate);
            let buyers = [usage.buyer(1, Pricing::Subscription).await, usage.buyer(2, Pricing::Subscription).await];
            for buyer in &buyers {
                usage.take(buyer, "a", "3.25").await;
            }
            usage.bazaar.market.order_fault(Operation::BatchMeterUsage, fault, times);
            usage.run_at("2027-03-10T11:05:00Z").await;
            for minute in 6..12 {
                usage.run_at(&format!("2027-03-10T11:{minute:02}:00Z")).await;
            }
            for buyer in &buyers {
                assert_eq!(usage.truth(buyer), [("2027-03-10T10:59:59Z".to_owned(), "3.25".to_owned())], "{fault:?}");
                assert_eq!(usage.hour(buyer).await["state"], "confirmed", "{fault:?} {identical_is_duplicate}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_at_any_call_of_the_table_is_succeeded_by_one_that_ends_well() {
    for applied in [false, true] {
        for nth in 1.. {
            let usage = Usage::new().await;
            usage.bazaar.market.set(|knobs| knobs.identical_is_duplicate = applied);
            let buyer = usage.buyer(1, Pricing::Subscription).await;
            usage.take(&buyer, "a", "1.5").await;
            usage.set("2027-03-10T11:05:00Z");
            let faults = usage.bazaar.embedded.faults();
            faults.fail_nth(nth, TableFault::Crash { applied });
            let died = meter::run(&usage.bazaar.shop, &usage.metering, "dies", RUN).await;
            let happened = faults.crashed();
            faults.clear();
            usage.set("2027-03-10T11:10:00Z");
            assert!(usage.run().await.finished, "{nth} {died:?}");
            assert_eq!(usage.truth(&buyer).len(), 1, "{nth} {applied}");
            assert_eq!(usage.hour(&buyer).await["state"], "confirmed", "{nth} {applied}");
            if !happened {
                assert!(nth > 8, "a run makes more calls than {nth}");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_do_no_harm_and_one_of_them_waits() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "1").await;
    usage.set("2027-03-10T11:05:00Z");
    let run = |holder| meter::run(&usage.bazaar.shop, &usage.metering, holder, RUN);
    let (one, two) = tokio::join!(run("one"), run("two"));
    assert!(one.unwrap().locked_out != two.unwrap().locked_out);
    // The lock is for the rate alone: without it nothing goes wrong either.
    usage.take(&buyer, "b", "1").await;
    usage.set("2027-03-10T12:05:00Z");
    let (one, two) = tokio::join!(run("same"), run("same"));
    assert_eq!(one.unwrap().failed + two.unwrap().failed, 0);
    assert_eq!(usage.truth(&buyer).len(), 2);
    assert_eq!(usage.dimension(&buyer, "requests").await["sums"]["confirmed"], "2");
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_record_is_isolated_and_the_others_are_billed() {
    let usage =
        Usage::metering(&[("requests", Unit::Decimal, Included::None), ("ghost", Unit::Integral, Included::None)])
            .await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.set("2027-03-10T21:30:00Z");
    let record = |id: String, dimension: &str, hour: usize| json!({"id": id, "dimension": dimension, "quantity": "2", "at": format!("2027-03-10T{hour:02}:30:00Z")});
    let mut records: Vec<_> = (10..21).map(|hour| record(format!("r{hour}"), "requests", hour)).collect();
    records.push(record("poison".to_owned(), "ghost", 13));
    assert!(usage.report(&buyer, records).await.iter().all(|result| result["status"] == "accepted"));
    let counts = usage.run().await;
    assert_eq!((counts.confirmed, counts.quarantined, counts.failed), (11, 1, 0));
    assert!(counts.calls <= 9, "{counts:?}");
    assert_eq!(usage.truth(&buyer).len(), 11);
    let ghost = usage.dimension(&buyer, "ghost").await;
    assert_eq!(
        (&ghost["hours"][0]["state"], &ghost["hours"][0]["reason"]),
        (&json!("quarantined"), &json!("INVALID_USAGE_DIMENSION"))
    );
    assert_eq!(ghost["sums"]["quarantined"], "2");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_reported_is_quarantined_and_never_carried() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "5").await;
    let chain = usage.bazaar.shop.metered(buyer.agreement).await.unwrap().unwrap();
    let activated = chain.agreements[0].activated.clone().unwrap();
    let other = marque_core::usage::Record {
        license_arn: activated.license_arn,
        account: activated.account,
        product_code: activated.product_code,
        region: "us-east-1".to_owned(),
        timestamp: "2027-03-10T10:30:00Z".parse().unwrap(),
        quantity: "3".parse().unwrap(),
    };
    let key = marque_core::usage::EntryKey {
        chain: chain.id,
        agreement: buyer.agreement,
        hour: "2027-03-10T10:00:00Z".parse().unwrap(),
        dimension: "requests".to_owned(),
    };
    usage.set("2027-03-10T11:05:00Z");
    usage.metering.report("us-east-1", &[(&key, &other)]).await;
    let counts = usage.run().await;
    assert_eq!((counts.quarantined, counts.duplicates, counts.confirmed), (1, 1, 0));
    let hour = usage.hour(&buyer).await;
    assert_eq!((&hour["state"], &hour["reason"]), (&json!("quarantined"), &json!("REPORTED_ELSEWHERE")));
    let sums = usage.dimension(&buyer, "requests").await["sums"].clone();
    assert_eq!((&sums["accepted"], &sums["quarantined"], &sums["open"]), (&json!("5"), &json!("5"), &json!("0")));
    let path = format!("/usage/{}/hours/2027-03-10T10:00:00Z/requests/replay", buyer.agreement);
    let again = |quantity: &str| json!({"quantity": quantity, "reason": "looked at it"});
    let (status, problem) = usage.admin(Method::POST, &path, Some(again("4"))).await;
    assert_eq!((status, &problem["code"]), (422, &json!("RULE_VIOLATED")));
    let (status, answer) = usage.admin(Method::POST, &path, Some(again("5"))).await;
    assert_eq!((status, &answer["state"], &answer["replays"][0]["by"]), (200, &json!("sending"), &json!("local")));
    let (status, problem) = usage.admin(Method::POST, &path, Some(again("5"))).await;
    assert_eq!((status, &problem["from"], &problem["action"]), (409, &json!("sending"), &json!("replay")));
    assert_eq!(usage.run().await.quarantined, 1, "it is still somebody else's");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_not_known_yet_is_asked_for_again() {
    let usage = Usage::new().await;
    usage.bazaar.market.set(|knobs| knobs.subscription_lag = Duration::from_seconds(2 * 3600 + 600));
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "5").await;
    assert_eq!(usage.run_at("2027-03-10T11:05:00Z").await.held, 1);
    assert_eq!(usage.run_at("2027-03-10T11:05:59Z").await.calls, 0, "not before a minute");
    assert_eq!(usage.run_at("2027-03-10T11:06:00Z").await.calls, 1);
    assert_eq!(usage.hour(&buyer).await["reason"], "CUSTOMER_NOT_SUBSCRIBED");
    for minute in (10..60).step_by(5) {
        usage.run_at(&format!("2027-03-10T11:{minute}:00Z")).await;
    }
    usage.run_at("2027-03-10T12:15:00Z").await;
    usage.run_at("2027-03-10T12:50:00Z").await;
    assert_eq!(usage.hour(&buyer).await["state"], "confirmed");
}

#[tokio::test(start_paused = true)]
async fn a_months_last_hours_come_first_and_are_lost_at_its_close() {
    let usage = Usage::new().await;
    usage.set("2027-03-31T20:00:00Z");
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    for hour in [20, 23] {
        usage.set(&format!("2027-03-31T{hour}:30:00Z"));
        usage.take(&buyer, &hour.to_string(), "1").await;
    }
    usage.set("2027-04-01T05:59:00Z");
    let counts = usage.run().await;
    assert_eq!((counts.confirmed, counts.expired), (2, 0));
    let late = Usage::new().await;
    late.set("2027-03-31T23:30:00Z");
    let buyer = late.buyer(1, Pricing::Subscription).await;
    late.take(&buyer, "a", "7").await;
    let counts = late.run_at("2027-04-01T06:00:00Z").await;
    assert_eq!((counts.expired, counts.calls), (1, 0));
    assert!((counts.units_lost - 7.0).abs() < 1e-9);
    let hour = late.hour(&buyer).await;
    assert_eq!((&hour["state"], &hour["reason"]), (&json!("expired"), &json!("MONTH_CLOSED")));
}

#[tokio::test(start_paused = true)]
async fn the_last_hour_of_an_agreement_is_sent_ten_minutes_after_its_end() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "closed", "1").await;
    usage.set("2027-03-10T11:02:00Z");
    usage.take(&buyer, "running", "2").await;
    let events = usage.bazaar.market.cancel(&buyer.bought.agreement).unwrap();
    usage.bazaar.deliver(&events).await;
    let counts = usage.run().await;
    assert_eq!((counts.confirmed, counts.failed), (1, 0), "what is closed is sent at once");
    usage.set("2027-03-10T11:11:00Z");
    let held = usage.record("held by a server", "4");
    let held = json!({"id": held["id"], "dimension": "requests", "quantity": "4", "at": "2027-03-10T11:01:00Z"});
    assert_eq!(usage.report(&buyer, vec![held.clone()]).await[0]["status"], "accepted");
    let after = json!({"id": "after", "dimension": "requests", "quantity": "4", "at": "2027-03-10T11:03:00Z"});
    assert_eq!(usage.report(&buyer, vec![after]).await[0]["code"], "AFTER_END");
    let counts = usage.run_at("2027-03-10T11:12:00Z").await;
    assert_eq!((counts.confirmed, counts.failed), (1, 0));
    assert_eq!(usage.truth(&buyer)[1], ("2027-03-10T11:01:59Z".to_owned(), "6".to_owned()));
    assert_eq!(usage.report(&buyer, vec![held]).await[0]["status"], "duplicate", "counted, though it ended");
    assert_eq!(usage.run_at("2027-03-10T11:14:00Z").await.calls, 0);
    assert_eq!(usage.dimension(&buyer, "requests").await["remainder_is"], "WRITTEN_OFF_AT_END");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_kept_flushes_even_if_its_teller_dies_right_after() {
    for nth in 1.. {
        let usage = Usage::new().await;
        let buyer = usage.buyer(1, Pricing::Subscription).await;
        usage.set("2027-03-10T10:02:00Z");
        usage.take(&buyer, "a", "2").await;
        let events = usage.bazaar.market.cancel(&buyer.bought.agreement).unwrap();
        let faults = usage.bazaar.embedded.faults();
        faults.fail_nth(nth, TableFault::Crash { applied: true });
        let told = usage.bazaar.shop.event(&events[0]).await;
        let happened = faults.crashed();
        faults.clear();
        let chain = usage.bazaar.chain(&buyer.bought.agreement).await.unwrap();
        if chain.current().facts.ended.is_some() {
            usage.run_at("2027-03-10T10:13:00Z").await;
            assert_eq!(usage.truth(&buyer), [("2027-03-10T10:01:59Z".to_owned(), "2".to_owned())], "{nth} {told:?}");
        }
        if !happened {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_door_that_is_shut_loses_what_was_not_sent_and_says_how_much() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "9").await;
    usage.set("2027-03-10T10:30:00Z");
    let events = usage.bazaar.market.cancel(&buyer.bought.agreement).unwrap();
    usage.bazaar.deliver(&events).await;
    let counts = usage.run_at("2027-03-10T11:31:00Z").await;
    assert_eq!((counts.expired, counts.failed), (1, 0));
    assert!((counts.units_lost - 9.0).abs() < 1e-9);
    assert_eq!(usage.hour(&buyer).await["reason"], "CUSTOMER_NOT_SUBSCRIBED");
    assert_eq!(usage.run_at("2027-03-10T11:40:00Z").await.calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_contract_bills_what_exceeds_it_and_whole_units_carry_their_rest() {
    let usage = Usage::metering(&[("requests", Unit::Integral, Included::PerHour)]).await;
    let buyer = usage.buyer(1, Pricing::ContractWithConsumption).await;
    usage.take(&buyer, "a", "1.75").await;
    let counts = usage.run_at("2027-03-10T11:05:00Z").await;
    assert_eq!(counts.confirmed, 1);
    let sums = usage.dimension(&buyer, "requests").await["sums"].clone();
    assert_eq!((&sums["confirmed"], &sums["remainder"], &sums["included"]), (&json!("1"), &json!("0.75"), &json!("0")));
}

#[tokio::test(start_paused = true)]
async fn calls_are_full_and_eight_a_second() {
    let usage = Usage::new().await;
    let mut buyers = Vec::new();
    for number in 1..=3 {
        buyers.push(usage.buyer(number, Pricing::Subscription).await);
    }
    usage.set("2027-03-11T09:30:00Z");
    for buyer in &buyers {
        let hours = (0..20).map(|hour| {
            let at = Timestamp::from_unix("2027-03-10T11:30:00Z".parse::<Timestamp>().unwrap().unix() + hour * 3600)
                .unwrap();
            json!({"id": format!("r{hour}"), "dimension": "requests", "quantity": "1", "at": at})
        });
        assert!(usage.report(buyer, hours.collect()).await.iter().all(|result| result["status"] == "accepted"));
    }
    let begun = tokio::time::Instant::now();
    let counts = usage.run().await;
    assert_eq!((counts.confirmed, counts.calls, counts.records), (60, 3, 60));
    assert!(begun.elapsed().as_millis() >= 250, "{:?}", begun.elapsed());
    // The oldest deadline first.
    let truth = usage.bazaar.market.truth().accepted;
    assert!(truth.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
}

#[tokio::test(start_paused = true)]
async fn throttling_ends_a_run_and_costs_nothing() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "1").await;
    usage.bazaar.market.order_fault(Operation::BatchMeterUsage, Fault::Throttle, 9);
    let counts = usage.run_at("2027-03-10T11:05:00Z").await;
    assert_eq!((counts.calls, counts.stopped, counts.finished), (1, true, false));
    assert_eq!(usage.run_at("2027-03-10T18:05:00Z").await.oldest_unsent, 7 * 3600 + 300);
    usage.bazaar.market.order_fault(Operation::BatchMeterUsage, Fault::Throttle, 0);
    assert_eq!(usage.run().await.confirmed, 1);
    assert_eq!(usage.hour(&buyer).await["attempts"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_stutters_loses_nothing() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "1").await;
    usage.set("2027-03-10T11:05:00Z");
    for _ in 0..3 {
        usage
            .bazaar
            .embedded
            .faults()
            .inject(Some(TableOperation::UpdateItem), TableFault::TransactionConflict { index: 0 });
    }
    usage.run().await;
    for minute in 6..9 {
        usage.run_at(&format!("2027-03-10T11:{minute:02}:00Z")).await;
    }
    assert_eq!(usage.hour(&buyer).await["state"], "confirmed");
    assert_eq!(usage.truth(&buyer).len(), 1);
}
