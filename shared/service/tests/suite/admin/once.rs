//! `Idempotency-Key`: the same request gets the same answer for a day, and no code lies about meanwhile.

use aws_sdk_dynamodb::types::AttributeValue;
use http::Method;
use marque_core::Duration;
use marque_embedded::Operation;
use serde_json::{Value, json};

use super::{sell, shop, text};
use crate::harness::{House, PRODUCT};

async fn post(house: &House, path: &str, body: &Value, key: &str) -> crate::harness::Answer {
    house.admin(Method::POST, path, Some(body), Some(key)).await
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer() {
    let (house, customer) = shop().await;
    let body = json!({"product": PRODUCT, "plan": "monthly", "customer_id": customer});
    let first = post(&house, "/licenses", &body, "a key").await.ok(201);
    // What happens meanwhile does not show.
    let path = format!("/licenses/{}", text(&first["id"]));
    house.ask(&format!("{path}/cancel"), &json!({})).await.ok(200);
    assert_eq!(post(&house, "/licenses", &body, "a key").await.ok(201), first);
    assert_eq!(first["code"].as_str().map(str::len), Some(29));
    let list = house.see(&format!("/licenses?customer_id={customer}")).await.ok(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);

    let renew = json!({"n": 2});
    let renewed = post(&house, &format!("{path}/renew"), &renew, "a key").await.ok(200);
    assert_eq!(post(&house, &format!("{path}/renew"), &renew, "a key").await.ok(200), renewed);
    assert_eq!(
        post(&house, &format!("{path}/renew"), &renew, "b key").await.ok(200)["paid_through"],
        "2027-08-10T23:59:59Z"
    );
}

#[tokio::test]
async fn another_body_under_the_key_is_a_conflict() {
    let (house, customer) = shop().await;
    let body = |plan: &str| json!({"product": PRODUCT, "plan": plan, "customer_id": customer});
    post(&house, "/licenses", &body("monthly"), "k").await.ok(201);
    post(&house, "/licenses", &body("yearly"), "k").await.problem(409, "IDEMPOTENCY_CONFLICT");
    post(&house, "/licenses", &body("yearly"), "l").await.ok(201);
}

#[tokio::test]
async fn after_a_day_the_key_is_free_again() {
    let (house, customer) = shop().await;
    let body = json!({"product": PRODUCT, "plan": "monthly", "customer_id": customer});
    let first = post(&house, "/licenses", &body, "k").await.ok(201);
    house.later(Duration::from_seconds(86_399));
    assert_eq!(post(&house, "/licenses", &body, "k").await.ok(201), first);
    house.later(Duration::from_seconds(1));
    assert_ne!(post(&house, "/licenses", &body, "k").await.ok(201)["id"], first["id"]);
}

#[tokio::test]
async fn refusals_are_not_kept() {
    let (house, customer) = shop().await;
    let license = sell(&house, &customer, "monthly").await;
    let path = format!("/licenses/{}/withdraw-change", text(&license["id"]));
    post(&house, &path, &json!({}), "k").await.problem(409, "STATE_CONFLICT");
    house.ask(&format!("/licenses/{}/cancel", text(&license["id"])), &json!({})).await.ok(200);
    post(&house, &path, &json!({}), "k").await.ok(200);
}

#[tokio::test]
async fn a_key_is_1_to_64_printable_characters() {
    let (house, customer) = shop().await;
    let body = json!({"product": PRODUCT, "plan": "monthly", "customer_id": customer});
    for key in ["", &"k".repeat(65), "tab\tulator"] {
        assert_eq!(post(&house, "/licenses", &body, key).await.pointers(), ["Idempotency-Key"], "{key:?}");
    }
    post(&house, "/licenses", &body, &"~".repeat(64)).await.ok(201);
}

#[tokio::test]
async fn nothing_that_is_kept_holds_a_code_or_a_person() {
    let (house, _) = shop().await;
    let person = json!({"name": "Nobody Knows", "company": "Hidden", "email": "hidden@example.org", "language": "es"});
    let customer = post(&house, "/customers", &person, "k").await.ok(201);
    assert_eq!(post(&house, "/customers", &person, "k").await.ok(201), customer);
    let id = text(&customer["id"]);
    let discount = json!({"kind": "education", "percent": 30, "note": "a secret proof"});
    let path = format!("/customers/{id}/discounts");
    let approved = post(&house, &path, &discount, "k").await.ok(201);
    assert_eq!(post(&house, &path, &discount, "k").await.ok(201), approved);
    let body = json!({"product": PRODUCT, "plan": "monthly", "customer_id": id});
    let license = post(&house, "/licenses", &body, "k").await.ok(201);

    let items = house.embedded.client().scan().table_name("marque").send().await.unwrap().items.unwrap();
    let kept: Vec<_> = items
        .iter()
        .filter(|item| matches!(&item["pk"], AttributeValue::S(pk) if pk.starts_with("IDEMPOTENCY#")))
        .collect();
    assert_eq!(kept.len(), 3);
    let kept = format!("{kept:?}");
    for secret in [text(&license["code"]), "Nobody", "Hidden", "hidden@", "secret proof"] {
        assert!(!kept.contains(secret), "{secret} lies in a kept answer");
    }
}

/// The write units of the one transaction in which something is issued. Beside it, only a mail is removed that was sent.
async fn one_transaction(house: &House, path: &str, body: &Value, key: Option<&str>) -> f64 {
    house.embedded.calls().record(true);
    let answer = house.admin(Method::POST, path, Some(body), key).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let calls = house.embedded.calls().take();
    let writes = calls.iter().filter(|call| call.write_units > 0.0 && call.operation != Some(Operation::DeleteItem));
    let [transaction] = writes.collect::<Vec<_>>()[..] else { panic!("{calls:?}") };
    assert_eq!(transaction.operation, Some(Operation::TransactWriteItems));
    transaction.write_units
}

#[tokio::test]
async fn issuing_takes_at_most_14_write_units_and_16_with_a_mail_even_under_a_key() {
    let (house, customer) = shop().await;
    let sale = json!({"product": PRODUCT, "plan": "yearly", "customer_id": customer});
    post(&house, "/licenses", &sale, "warm").await.ok(201);
    let mailed = one_transaction(&house, "/licenses", &sale, Some(&"k".repeat(64))).await;
    assert!((10.0..=16.0).contains(&mailed), "{mailed}");
    // An import makes a licence without a mail; here for a customer who is there already.
    let person = house.see(&format!("/customers/{customer}")).await.ok(200);
    let line = json!({
        "code": "A0001-F5416-5B71B-AC380-95077", "product": PRODUCT, "plan": "yearly",
        "customer": {"name": person["name"], "company": person["company"], "email": person["email"]},
    });
    let mails = house.outbox.all().len();
    let unmailed = one_transaction(&house, "/imports", &json!({"lines": [line]}), None).await;
    assert!((10.0..=14.0).contains(&unmailed), "{unmailed}");
    assert_eq!(house.outbox.all().len(), mails);
}
