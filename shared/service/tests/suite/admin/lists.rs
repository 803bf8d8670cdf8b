//! Lists: a page at a time, by look-ups.

use std::collections::BTreeSet;

use serde_json::json;

use super::{act, sell, shop, text};
use crate::harness::House;

/// Every page of a list, two at a time.
async fn pages(house: &House, path: &str) -> Vec<serde_json::Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = house.see(&format!("{path}{joint}limit=2&cursor={cursor}")).await.ok(200);
        let found = page["items"].as_array().unwrap();
        assert!((1..=2).contains(&found.len()), "{page}");
        items.extend(found.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return items,
        }
    }
}

#[tokio::test]
async fn licences_are_found_by_customer_month_and_address() {
    let (house, customer) = shop().await;
    let other = json!({"name": "Ann", "company": "Other", "email": "ANN.lee+two@example.org"});
    let other = house.ask("/customers", &other).await.ok(201);
    let mut ids = BTreeSet::new();
    for of in [&customer, &customer, &customer, text(&other["id"]), text(&other["id"])] {
        ids.insert(text(&sell(&house, of, "yearly").await["id"]).to_owned());
    }
    let found =
        |items: Vec<serde_json::Value>| items.iter().map(|item| text(&item["id"]).to_owned()).collect::<Vec<_>>();
    assert_eq!(found(pages(&house, &format!("/licenses?customer_id={customer}")).await).len(), 3);
    for path in ["/licenses?month=2027-03", "/licenses?email=Ann.Lee@example.org"] {
        let found = found(pages(&house, path).await);
        assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), ids, "{path}");
        assert_eq!(found.len(), ids.len(), "{path}: twice");
    }
    let none = house.see("/licenses?month=2027-04").await.ok(200);
    assert_eq!(none, json!({"items": [], "next_cursor": null}));
    let one = house.see(&format!("/licenses/{}", ids.first().unwrap())).await.ok(200);
    assert_eq!(one["code"].as_str().map(str::len), Some(29));
}

#[tokio::test]
async fn customers_are_listed_found_and_changed() {
    let (house, customer) = shop().await;
    let path = format!("/customers/{customer}");
    for number in 0..4 {
        let person = json!({"name": "N", "company": "C", "email": format!("n{number}@example.org")});
        house.ask("/customers", &person).await.ok(201);
    }
    assert_eq!(pages(&house, "/customers").await.len(), 6);
    let patch = async |body| house.admin(http::Method::PATCH, &path, Some(&body), None).await;
    let changed = patch(json!({"email": "new@example.org", "language": "es"})).await.ok(200);
    assert_eq!((&changed["name"], &changed["email"]), (&json!("Ann Lee"), &json!("new@example.org")));
    assert_eq!(house.see(&path).await.ok(200), changed);
    assert_eq!(house.see("/customers?email=NEW@example.org").await.ok(200)["items"], json!([changed]));
    assert_eq!(house.see("/customers?email=ann.lee@example.org").await.ok(200)["items"], json!([]));
    assert_eq!(patch(json!({})).await.pointers(), [""]);
    assert_eq!(
        patch(json!({"email": "a\r\nb@c.d", "name": "\u{202e}", "id": 1})).await.pointers(),
        ["/email", "/id", "/name"]
    );
}

#[tokio::test]
async fn faulty_parameters_are_told_all_at_once() {
    let (house, customer) = shop().await;
    let license = sell(&house, &customer, "yearly").await;
    act(&house, &license, "cancel", &json!({})).await.ok(200);
    let events = format!("/licenses/{}/events", text(&license["id"]));
    let page = house.see(&format!("{events}?limit=1")).await.ok(200);
    let cursor = text(&page["next_cursor"]);
    house.see(&format!("{events}?cursor={cursor}")).await.ok(200);
    let broken = format!("{}A", &cursor[..cursor.len() - 1]);
    for (path, pointers) in [
        (format!("{events}?limit=0"), &["?limit"][..]),
        (format!("{events}?limit=101&cursor=x&more=1"), &["?cursor", "?limit", "?more"]),
        (format!("{events}?cursor={broken}B"), &["?cursor"]),
        (format!("/customers?cursor={cursor}"), &["?cursor"]),
        (format!("{events}?limit=1&limit=2"), &["?limit"]),
        ("/licenses".to_owned(), &["?customer_id"]),
        ("/licenses?month=2027-13".to_owned(), &["?customer_id", "?month"]),
        (format!("/licenses?month=2027-03&customer_id={customer}"), &["?customer_id"]),
    ] {
        assert_eq!(house.see(&path).await.pointers(), pointers, "{path}");
    }
}

#[tokio::test]
async fn a_history_is_read_oldest_first_and_every_hash_can_be_reckoned_again() {
    let (house, customer) = shop().await;
    let license = sell(&house, &customer, "monthly").await;
    for (action, body) in [
        ("cancel", json!({"reason": "moves away"})),
        ("renew", json!({"n": 3})),
        ("change-plan", json!({"plan": "yearly"})),
        ("suspend", json!({"reason": "chargeback"})),
        ("reinstate", json!({"reason": "paid"})),
    ] {
        act(&house, &license, action, &body).await.ok(200);
    }
    let events = pages(&house, &format!("/licenses/{}/events", text(&license["id"]))).await;
    assert_eq!(events.len(), 6);
    let mut prev = "0".repeat(64);
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!((&event["seq"], text(&event["prev"])), (&json!(seq), prev.as_str()));
        let mut what = event["detail"].clone();
        what["type"] = event["type"].clone();
        let what: marque_core::What = serde_json::from_value(what).unwrap();
        let head = marque_core::event::Head { seq: seq - 1, hash: unhex(&prev) };
        let [id, at] = [&event["id"], &event["at"]].map(text);
        let by = marque_core::Actor::Principal(text(&event["by"]).to_owned());
        let license = text(&license["id"]).parse().unwrap();
        let again = marque_core::Event::after(head, id.parse().unwrap(), license, at.parse().unwrap(), by, what);
        prev = text(&event["hash"]).to_owned();
        assert_eq!(again.hash, unhex(&prev), "{event}");
    }
    assert_eq!(events[1]["detail"]["reason"]["text"], "moves away");
    let shown = house.see(&format!("/licenses/{}", text(&license["id"]))).await.ok(200);
    assert_eq!(shown["head"], json!({"seq": 6, "hash": prev}));
}

fn unhex(text: &str) -> [u8; 32] {
    text.parse::<marque_core::FingerprintValue>().unwrap().0
}
