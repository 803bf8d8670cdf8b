//! Products and plans.

use http::Method;
use serde_json::{Value, json};

use super::{plan, put_plan, shop};
use crate::harness::{House, PRODUCT};

async fn put(house: &House, path: &str, body: &Value) -> crate::harness::Answer {
    house.admin(Method::PUT, path, Some(body), None).await
}

#[tokio::test]
async fn a_product_is_written_whole_and_listed() {
    let house = House::new().await;
    let body = json!({
        "name": "Other", "fingerprint_kind": "custom",
        "marketplace": [{
            "cloud": "aws", "claim": "6x4lhjq1fhzrhsnv6hkhlqr0w", "mode": "saas", "plan": "saas", "entity_id": "prod-1",
            "provisional": false, "accept_token": false,
            "dimensions": [
                {"name": "servers", "effect": "limit", "unit": null, "included": null},
                {"name": "requests", "effect": "metered", "unit": "decimal", "included": "per_hour"},
            ],
        }],
    });
    let written = put(&house, "/products/other", &body).await.ok(201);
    assert_eq!(written["marketplace"], body["marketplace"]);
    assert_eq!(put(&house, "/products/other", &body).await.ok(200), written);
    assert_eq!(house.see("/products/other").await.ok(200), written);
    let listed = house.see("/products").await.ok(200);
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| item["product"].clone()).collect();
    assert_eq!(names, [PRODUCT, "other"]);
    house.see("/products/none").await.problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn every_fault_of_a_product_is_told() {
    let house = House::new().await;
    let listing = json!({"cloud": "ibm", "claim": "a b", "mode": "rent", "plan": "Ü", "dimensions": [
        {"name": "a", "effect": "metered"}, {"name": "b", "effect": "limit", "unit": "integral"}, 7,
    ]});
    let body = json!({"name": "A\r\nB", "fingerprint_kind": "x", "marketplace": [listing], "more": 1});
    assert_eq!(
        put(&house, "/products/other", &body).await.pointers(),
        [
            "/fingerprint_kind",
            "/marketplace/0/claim",
            "/marketplace/0/cloud",
            "/marketplace/0/dimensions/0/effect",
            "/marketplace/0/dimensions/1/effect",
            "/marketplace/0/dimensions/2",
            "/marketplace/0/mode",
            "/marketplace/0/plan",
            "/more",
            "/name",
        ]
    );
}

#[tokio::test]
async fn a_put_that_changes_nothing_makes_no_revision() {
    let (house, _) = shop().await;
    let first = put_plan(&house, "extra", &json!({})).await;
    assert_eq!(first["revision"], 1);
    assert_eq!(put_plan(&house, "extra", &json!({})).await, first);
    let second = put_plan(&house, "extra", &json!({"grace": "P15D", "reminders": [1, 30]})).await;
    assert_eq!((&second["revision"], &second["reminders"]), (&json!(2), &json!([30, 1])));
    let path = format!("/products/{PRODUCT}/plans/extra");
    assert_eq!(house.see(&path).await.ok(200), second);
    assert_eq!(put(&house, "/products/none/plans/x", &plan(&json!({}))).await.status, 404);
}

#[tokio::test]
async fn a_plan_that_cannot_be_is_refused_with_every_fault() {
    let (house, _) = shop().await;
    let path = format!("/products/{PRODUCT}/plans/extra");
    for (changes, pointers) in [
        (json!({"grace": "P2D"}), &["/grace"][..]),
        (json!({"kind": "trial", "term": null}), &["/term"]),
        (json!({"kind": "perpetual", "grace": "P0D"}), &["/term"]),
        (json!({"kind": "perpetual", "term": null, "grace": "P1D"}), &["/grace"]),
        (json!({"kind": "perpetual", "term": null, "grace": "P0D", "starts": "activation"}), &["/starts"]),
        (json!({"term": "P1M", "discount_max": 10}), &["/discount_max"]),
        (json!({"trials_per_person": 2}), &["/trials_per_person"]),
        (
            json!({"activations": 9, "rebinds_per_year": 256, "lease": "PT1S", "sale": "x"}),
            &["/activations", "/lease", "/rebinds_per_year", "/sale"],
        ),
        (json!({"discount_max": 51, "reminders": [0, 400]}), &["/discount_max", "/reminders/0", "/reminders/1"]),
        (json!({"reminders": [3, 3], "features": {"a": "x".repeat(4096)}}), &["/features", "/reminders"]),
        (
            json!({"features": [], "name": "", "activations": "1", "term": 1}),
            &["/activations", "/features", "/name", "/term"],
        ),
    ] {
        assert_eq!(put(&house, &path, &plan(&changes)).await.pointers(), pointers, "{changes}");
    }
    assert_eq!(
        put(&house, &path, &json!({})).await.pointers(),
        ["/activations", "/kind", "/lease", "/name", "/rebinds_per_year", "/sale"]
    );
}
