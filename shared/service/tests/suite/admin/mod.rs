//! The publisher's API.

mod access;
mod catalogue;
mod crashes;
mod imports;
mod lists;
mod once;
mod people;
mod rules;
mod sequences;

use serde_json::{Value, json};

use crate::harness::{House, PRODUCT};

/// The demo product as the publisher writes it, and a customer.
pub(crate) async fn shop() -> (House, String) {
    let house = House::new().await;
    for (name, changes) in [
        ("trial", json!({"kind": "trial", "term": "P30D", "starts": "activation", "grace": "P0D", "lease": "P3D"})),
        ("monthly", json!({"term": "P1M"})),
        ("yearly", json!({"term": "P1Y", "discount_max": 50})),
        ("perpetual", json!({"kind": "perpetual", "term": null, "grace": "P0D", "discount_max": 50})),
    ] {
        put_plan(&house, name, &changes).await;
    }
    let customer = json!({"name": "Ann Lee", "company": "Org", "email": "ann.lee@example.org"});
    let customer = house.ask("/customers", &customer).await.ok(201);
    let id = customer["id"].as_str().unwrap().to_owned();
    (house, id)
}

/// A subscription's plan, sellable, with changes.
pub(crate) fn plan(changes: &Value) -> Value {
    let mut plan = json!({
        "name": "A plan", "kind": "subscription", "term": "P1Y", "starts": "issue", "grace": "P14D", "lease": "P14D",
        "activations": 1, "rebinds_per_year": 3, "sale": "sellable", "features": {}, "discount_max": 0, "reminders": [],
    });
    for (name, value) in changes.as_object().unwrap() {
        plan[name] = value.clone();
    }
    plan
}

pub(crate) async fn put_plan(house: &House, name: &str, changes: &Value) -> Value {
    let path = format!("/products/{PRODUCT}/plans/{name}");
    let answer = house.admin(http::Method::PUT, &path, Some(&plan(changes)), None).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    answer.json()
}

/// The licence that the publisher issues.
pub(crate) async fn sell(house: &House, customer: &str, plan: &str) -> Value {
    let body = json!({"product": PRODUCT, "plan": plan, "customer_id": customer});
    house.ask("/licenses", &body).await.ok(201)
}

/// An action on a licence.
pub(crate) async fn act(house: &House, license: &Value, action: &str, body: &Value) -> crate::harness::Answer {
    house.ask(&format!("/licenses/{}/{action}", license["id"].as_str().unwrap()), body).await
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The list of what is no longer good, as anybody reads it.
pub(crate) async fn listed(house: &House) -> marque_core::token::Revocations {
    let answer = house.get("/v1/revocations").await.ok(200);
    house.verified::<marque_core::token::Revocations>(&answer["crl"]).await.into_claims()
}
