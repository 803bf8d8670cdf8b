//! Usage that is reported: a result for each record, each counted once.

use http::Method;

use marque_core::{AgreementId, Duration, Timestamp};

use marque_marketplace_sim::Pricing;

use serde_json::{Value, json};

use crate::metered::{PRODUCT, Usage, activation};

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
