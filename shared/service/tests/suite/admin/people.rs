//! Everything about one customer: exported, and erased.

use serde_json::{Value, json};

use super::{act, sell, shop, text};
use crate::harness::{House, PRODUCT};

/// Somebody asks for a trial; the token of the link that came.
async fn asked(house: &House, email: &str) -> String {
    let ask = json!({"product": PRODUCT, "email": email, "first_name": "Ann", "last_name": "Lee", "company": "Org"});
    house.post("/v1/trials", &ask).await.ok(202);
    let link = house.outbox.all().pop().unwrap().links.pop().unwrap();
    link.split_once("token=").unwrap().1.to_owned()
}

async fn lines(house: &House, customer: &str) -> Vec<Value> {
    let answer = house.see(&format!("/customers/{customer}/export")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/x-ndjson"));
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn an_export_has_everything_about_a_customer() {
    let (house, customer) = shop().await;
    let license = sell(&house, &customer, "perpetual").await;
    let discount = json!({"kind": "education", "percent": 30, "note": "letter"});
    house.ask(&format!("/customers/{customer}/discounts"), &discount).await.ok(201);
    house.activate(text(&license["code"]), 1).await.ok(201);
    assert_eq!(act(&house, &license, "file", &json!({})).await.status, 200);
    asked(&house, "Ann.Lee+tag@example.org").await;
    asked(&house, "somebody.else@example.org").await;
    let lines = lines(&house, &customer).await;
    let kinds: Vec<_> = lines.iter().map(|line| text(&line["type"])).collect();
    assert_eq!(kinds, ["customer", "discount", "license", "event", "event", "event", "file", "trial"]);
    assert_eq!(lines[7]["email"], "Ann.Lee+tag@example.org");
    assert_eq!((&lines[0]["email"], &lines[2]["code"]), (&json!("ann.lee@example.org"), &license["code"]));
    assert_eq!((&lines[3]["event"], &lines[3]["license_id"]), (&json!("issued"), &license["id"]));
    assert!(text(&lines[6]["text"]).contains("Licensed to: Ann Lee"));
    house.see("/customers/cus_00000000000000000000000000/export").await.problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn erasure_removes_the_person_and_keeps_the_chain() {
    let (house, customer) = shop().await;
    let license = sell(&house, &customer, "perpetual").await;
    house.activate(text(&license["code"]), 1).await.ok(201);
    let before = act(&house, &license, "file", &json!({})).await.text();
    act(&house, &license, "suspend", &json!({"reason": "Ann Lee asked for it"})).await.ok(200);
    act(&house, &license, "reinstate", &json!({"reason": "Ann Lee is back"})).await.ok(200);
    let discount = json!({"kind": "education", "percent": 30, "note": "letter of Ann Lee"});
    house.ask(&format!("/customers/{customer}/discounts"), &discount).await.ok(201);

    let token = asked(&house, "ann.lee@example.org").await;
    asked(&house, "ANN.LEE+tag@example.org").await;
    let path = format!("/customers/{customer}/erase");
    house.ask(&path, &json!({})).await.problem(400, "INVALID_REQUEST");
    let body = json!({"reason": "asked"});
    let erased = house.admin(http::Method::POST, &path, Some(&body), Some("k")).await.ok(200);
    assert_eq!(house.admin(http::Method::POST, &path, Some(&body), Some("k")).await.ok(200), erased);

    let items = house.embedded.client().scan().table_name("marque").send().await.unwrap().items.unwrap();
    let table = format!("{items:?}");
    for trace in ["Ann", "ann.lee", "ANN.LEE", "Org"] {
        assert!(!table.contains(trace), "{trace} is still there");
    }
    house.post("/v1/trials/confirm", &json!({"token": token})).await.problem(404, "NOT_FOUND");
    for path in [format!("/customers/{customer}"), format!("/customers/{customer}/export")] {
        house.see(&path).await.problem(404, "NOT_FOUND");
    }
    assert_eq!(house.see("/customers?email=ann.lee@example.org").await.ok(200)["items"], json!([]));
    house.ask(&path, &body).await.problem(404, "NOT_FOUND");
    let again = json!({"product": PRODUCT, "plan": "yearly", "customer_id": customer});
    house.ask("/licenses", &again).await.problem(404, "NOT_FOUND");

    let id = text(&license["id"]).parse().unwrap();
    let mut head = marque_core::event::Head::START;
    for event in house.store().history(id, head, 50).await.unwrap() {
        assert!(event.follows(head), "entry {} breaks the chain", event.seq);
        assert_eq!(event.note, None);
        head = event.head();
    }
    assert_eq!(house.license(id).await.head, head);
    // The licence works on; its file is made again without the name, under the id that the list would find.
    house.validate(id, 1).await.ok(200);
    let after = act(&house, &license, "file", &json!({})).await.text();
    assert!(before.contains("Ann Lee") && !after.contains("Ann Lee"));
}
