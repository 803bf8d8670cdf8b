//! The codes and customers of an earlier system.

use marque_embedded::Operation;
use serde_json::{Value, json};

use super::{shop, text};
use crate::harness::{House, PRODUCT, domain};

fn line(number: u16) -> Value {
    json!({
        "code": format!("A{number:04X}-F5416-5B71B-AC380-95077"), "product": PRODUCT, "plan": "perpetual",
        "customer": {"name": "N", "company": "C", "email": format!("n{number}@example.org")},
    })
}

async fn import(house: &House, dry_run: bool, lines: &[Value]) -> Vec<Value> {
    let body = json!({"dry_run": dry_run, "lines": lines});
    let answer = house.ask("/imports", &body).await.ok(200);
    answer["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn lines_are_imported_once() {
    let (house, _) = shop().await;
    let lines: Vec<_> = (0..5).map(line).collect();
    let dry = import(&house, true, &lines).await;
    assert!(dry.iter().all(|result| result["status"] == "valid" && result["id"].is_null()), "{dry:?}");
    let first = import(&house, false, &lines).await;
    assert!(first.iter().all(|result| result["status"] == "imported"), "{first:?}");
    assert_eq!(import(&house, false, &lines).await, first);
    assert_eq!(import(&house, true, &lines).await, first);
    let customers = house.see("/customers?limit=100").await.ok(200);
    assert_eq!(customers["items"].as_array().unwrap().len(), 7);
    let bound = house.activate("a0003 f5416 5b71b ac380 95077", 1).await.ok(201);
    assert_eq!(bound["license_id"], first[3]["id"]);
    let events = house.see(&format!("/licenses/{}/events", text(&first[3]["id"]))).await.ok(200);
    assert_eq!((&events["items"][0]["type"], &events["items"][0]["by"]), (&json!("imported"), &json!("local")));
}

#[tokio::test]
async fn one_person_is_one_customer() {
    let (house, _) = shop().await;
    let same = |number| {
        let mut line = line(number);
        line["customer"]["email"] = json!("same@example.org");
        line
    };
    import(&house, false, &[same(1), same(2), same(3)]).await;
    let found = house.see("/licenses?email=same@example.org").await.ok(200);
    let found = found["items"].as_array().unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|license| license["customer_id"] == found[0]["customer_id"]));
}

#[tokio::test]
async fn every_fault_is_told_by_line_and_the_others_are_imported() {
    let (house, _) = shop().await;
    let with = |number, member: &str, value: Value| {
        let mut line = line(number);
        line[member] = value;
        line
    };
    import(&house, false, &[line(9)]).await;
    let lines = [
        line(1),
        with(2, "code", json!("MARQV-E0123-45678-9ABCD-EFGJX")),
        line(1),
        with(3, "plan", json!("none")),
        with(4, "starts_at", json!("2027-03-10T10:00:01Z")),
        with(5, "customer", json!({"name": "A\r\nB", "email": "x"})),
        json!(7),
        json!({"more": 1}),
        with(9, "customer", json!({"name": "N", "company": "C", "email": "other@example.org"})),
        with(10, "fingerprint", json!({"kind": "custom", "value": domain(1)})),
        line(11),
    ];
    for dry_run in [true, false] {
        let results = import(&house, dry_run, &lines).await;
        let told: Vec<(u64, Vec<&str>)> = results
            .iter()
            .filter(|result| result["status"] == "refused")
            .map(|result| {
                let errors = result["errors"].as_array().unwrap();
                (result["line"].as_u64().unwrap(), errors.iter().map(|error| text(&error["pointer"])).collect())
            })
            .collect();
        assert_eq!(
            told,
            [
                (2, vec!["/code"]),
                (3, vec!["/code"]),
                (4, vec!["/plan"]),
                (5, vec!["/starts_at"]),
                (6, vec!["/customer/name", "/customer/company", "/customer/email"]),
                (7, vec![""]),
                (8, vec!["/code", "/product", "/plan", "/customer", "/more"]),
                (9, vec!["/code"]),
                (10, vec!["/fingerprint/kind"]),
            ]
        );
    }
    let month = house.see("/licenses?month=2027-03&limit=100").await.ok(200);
    assert_eq!(month["items"].as_array().unwrap().len(), 3);
    for faulty in [json!({"lines": []}), json!({}), json!({"lines": vec![7; 251]}), json!({"lines": 1, "dry_run": 1})] {
        assert_eq!(house.ask("/imports", &faulty).await.status, 400, "{faulty:.40}");
    }
}

#[tokio::test]
async fn a_domain_tries_a_product_once_and_an_import_of_a_second_trial_is_told_so() {
    let (house, _) = shop().await;
    let trial = |number| {
        let mut line = line(number);
        line["plan"] = json!("trial");
        line["fingerprint"] = json!({"kind": "ad-domain", "value": domain(1)});
        line
    };
    let first = import(&house, false, &[trial(1)]).await;
    assert_eq!(first[0]["status"], "imported");
    for dry_run in [true, false] {
        let second = import(&house, dry_run, &[trial(2), line(3)]).await;
        assert_eq!(
            (&second[0]["status"], &second[0]["errors"][0]["pointer"]),
            (&json!("refused"), &json!("/fingerprint"))
        );
        assert_ne!(second[1]["status"], "refused", "the others are not held up");
    }
    assert_eq!(import(&house, false, &[trial(1)]).await, first, "its own trial is no other");
}

#[tokio::test]
async fn an_import_reads_its_codes_in_one_request_and_writes_each_line_once() {
    let (house, _) = shop().await;
    import(&house, false, &[line(500)]).await;
    let lines: Vec<_> = (0..20).map(line).collect();
    house.embedded.calls().record(true);
    import(&house, false, &lines).await;
    let calls = house.embedded.calls().take();
    let count = |operation| calls.iter().filter(|call| call.operation == Some(operation)).count();
    assert_eq!(count(Operation::BatchGetItem), 1);
    assert_eq!(count(Operation::TransactWriteItems), 20);
    assert_eq!(count(Operation::Query), 20, "who the customers are");
    assert!(calls.len() <= 20 + 20 + 3, "{}", calls.len());
}

#[tokio::test]
async fn a_domain_that_held_a_licence_holds_it_again() {
    let (house, _) = shop().await;
    let mut bound = line(1);
    bound["fingerprint"] = json!({"kind": "ad-domain", "value": domain(1)});
    bound["starts_at"] = json!("2026-05-31T08:00:00Z");
    bound["plan"] = json!("yearly");
    let first = import(&house, false, &[bound.clone()]).await;
    assert_eq!(import(&house, false, &[bound.clone()]).await, first);
    let license = house.see(&format!("/licenses/{}", text(&first[0]["id"]))).await.ok(200);
    assert_eq!(license["paid_through"], "2027-05-31T23:59:59Z");
    assert_eq!(license["activations"][0]["fingerprint"], domain(1));
    assert_eq!(house.validate(text(&first[0]["id"]).parse().unwrap(), 1).await.ok(200)["valid"], true);
    // Whoever has released it since is not bound again.
    super::act(&house, &license, "release", &json!({"reason": "moved"})).await.ok(200);
    import(&house, false, &[bound]).await;
    let license = house.see(&format!("/licenses/{}", text(&first[0]["id"]))).await.ok(200);
    assert_eq!(license["activations"], json!([]));
}
