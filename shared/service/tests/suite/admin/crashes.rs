//! The process dies, or an answer is lost, at every request of a change in turn; the publisher asks again under its key.

use http::Method;
use marque_core::event::Head;
use marque_embedded::Fault;
use serde_json::{Value, json};

use super::{act, sell, shop, text};
use crate::harness::House;

/// The history holds, and is as long as the licence says.
async fn entries(house: &House, id: &str) -> usize {
    let id = id.parse().unwrap();
    let mut head = Head::START;
    let history = house.store().history(id, head, 50).await.unwrap();
    for event in &history {
        assert!(event.follows(head), "entry {} breaks the chain", event.seq);
        head = event.head();
    }
    assert_eq!(house.license(id).await.head, head);
    history.len()
}

/// A change under a fault at each of its requests: afterwards it is done or not begun, and asking again under the same key
/// gives one answer.
async fn everywhere(plan: &str, before: &[(&str, Value)], action: &str, body: &Value) {
    for fault in [Fault::Crash { applied: true }, Fault::Crash { applied: false }, Fault::LostAnswer] {
        let mut faults = 0;
        for n in 1.. {
            let (house, customer) = shop().await;
            let license = sell(&house, &customer, plan).await;
            house.activate(text(&license["code"]), 1).await.ok(201);
            for (action, body) in before {
                act(&house, &license, action, body).await.ok(200);
            }
            let id = text(&license["id"]);
            let old = entries(&house, id).await;
            let path = format!("/licenses/{id}/{action}");
            let ask = async || house.admin(Method::POST, &path, Some(body), Some("the same key")).await;
            house.embedded.faults().fail_nth(n, fault);
            let answer = ask().await;
            if house.embedded.faults().pending() > 0 {
                break;
            }
            faults += 1;
            house.embedded.faults().clear();
            if fault == Fault::LostAnswer {
                assert!(answer.status.is_success(), "{action} {n}: {answer:?}");
            } else if answer.status.is_success() {
                // Only what follows the change, its mail, may fail without failing the call.
                assert_eq!(entries(&house, id).await, old + 1, "{action}: {fault:?} at request {n}");
            } else {
                answer.problem(503, "UNAVAILABLE");
            }
            assert!([old, old + 1].contains(&entries(&house, id).await), "{action}: {fault:?} at request {n} did half");
            let (one, two) = (ask().await, ask().await);
            assert!(one.status.is_success(), "{action}: {fault:?} at request {n}: {one:?}");
            assert_eq!((one.status, &one.body), (two.status, &two.body), "{action}: {fault:?} at request {n}");
            assert_eq!(entries(&house, id).await, old + 1, "{action}: {fault:?} at request {n}");
        }
        assert!(faults >= 3, "{action}: {faults} requests");
    }
}

macro_rules! crashes {
    ($($name:ident: $plan:literal, $before:expr, $action:literal, $body:tt;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            everywhere($plan, &$before, $action, &json!($body)).await;
        }
    )*};
}

crashes! {
    inside_a_renewal: "monthly", [], "renew", {"n": 2};
    inside_a_change_of_plan: "monthly", [], "change-plan", {"plan": "yearly"};
    inside_a_scheduled_change: "yearly", [], "change-plan", {"plan": "monthly"};
    inside_a_withdrawal: "yearly", [("cancel", json!({}))], "withdraw-change", {};
    inside_a_cancellation: "yearly", [], "cancel", {"reason": "x"};
    inside_a_suspension: "yearly", [], "suspend", {"reason": "x"};
    inside_a_reinstatement: "yearly", [("suspend", json!({"reason": "x"}))], "reinstate", {"reason": "y"};
    inside_a_revocation: "perpetual", [], "revoke", {"reason": "x"};
    inside_an_extension: "trial", [], "extend", {"days": 3, "reason": "x"};
    inside_a_release: "yearly", [], "release", {"reason": "x"};
    inside_a_file: "perpetual", [], "file", {};
}

#[tokio::test(start_paused = true)]
async fn inside_an_issue_one_licence_is_made_and_its_code_is_told_again() {
    for fault in [Fault::Crash { applied: true }, Fault::Crash { applied: false }, Fault::LostAnswer] {
        for n in 1.. {
            let (house, customer) = shop().await;
            let body = json!({"product": crate::harness::PRODUCT, "plan": "yearly", "customer_id": customer});
            let ask = async || house.admin(Method::POST, "/licenses", Some(&body), Some("k")).await;
            house.embedded.faults().fail_nth(n, fault);
            let answer = ask().await;
            if house.embedded.faults().pending() > 0 {
                assert!(n > 4, "{n} requests");
                break;
            }
            assert!(answer.status.is_success() || fault != Fault::LostAnswer, "{n}");
            house.embedded.faults().clear();
            let (one, two) = (ask().await.ok(201), ask().await.ok(201));
            assert_eq!(one, two);
            if answer.status.is_success() {
                // Only what follows the change, its mail, may fail without failing the call.
                assert_eq!(answer.json(), one, "{fault:?} at request {n}");
            }
            assert_eq!(house.activate(text(&one["code"]), 1).await.status, 201);
            let list = house.see(&format!("/licenses?customer_id={customer}")).await.ok(200);
            assert_eq!(list["items"].as_array().unwrap().len(), 1, "{fault:?} at request {n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn inside_an_import_every_line_is_whole_or_not_there() {
    let lines: Vec<_> = (0..3)
        .map(|number| {
            json!({
                "code": format!("A{number:04X}-F5416-5B71B-AC380-95077"), "product": crate::harness::PRODUCT,
                "plan": "perpetual", "customer": {"name": "N", "company": "C", "email": format!("n{number}@example.org")},
            })
        })
        .collect();
    for applied in [true, false] {
        for n in 1.. {
            let (house, _) = shop().await;
            let body = json!({"lines": lines});
            let ask = async || house.admin(Method::POST, "/imports", Some(&body), Some("k")).await;
            house.embedded.faults().fail_nth(n, Fault::Crash { applied });
            let answer = ask().await;
            if house.embedded.faults().pending() > 0 {
                break;
            }
            answer.problem(503, "UNAVAILABLE");
            house.embedded.faults().clear();
            let (one, two) = (ask().await.ok(200), ask().await.ok(200));
            assert_eq!(one, two);
            let month = house.see("/licenses?month=2027-03").await.ok(200);
            assert_eq!(month["items"].as_array().unwrap().len(), 3, "crash at request {n} (applied: {applied})");
            let customers = house.see("/customers").await.ok(200);
            assert_eq!(customers["items"].as_array().unwrap().len(), 5);
        }
    }
}
