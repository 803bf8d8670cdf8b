//! The process dies, or an answer is lost, at every request of a call in turn; the caller asks again.

use http::Method;
use marque_core::event::Head;
use marque_embedded::Fault;
use serde_json::Value;

use crate::harness::{Answer, House, Issued};

/// Calls under a fault at each request; then the state is whole, and asking again answers as ever.
async fn everywhere(
    plan: &str,
    bound: bool,
    entries: usize,
    call: impl AsyncFn(&House, &Issued, &Value) -> Answer,
    same: impl Fn(&Answer) -> String,
) {
    for fault in [Fault::Crash { applied: true }, Fault::Crash { applied: false }, Fault::LostAnswer] {
        let mut faults = 0;
        for n in 1.. {
            let house = House::new().await;
            let (issued, first) = if bound { house.bound(plan).await } else { (house.issue(plan).await, Value::Null) };
            let warm = house.issue(plan).await;
            house.validate(warm.id, 1).await;
            let before = house.store().history(issued.id, Head::START, 50).await.unwrap().len();
            house.embedded.faults().fail_nth(n, fault);
            let answer = call(&house, &issued, &first).await;
            if house.embedded.faults().pending() > 0 {
                break;
            }
            faults += 1;
            match fault {
                Fault::LostAnswer => assert!(answer.status.is_success(), "{n}: {answer:?}"),
                _ => drop(answer.problem(503, "UNAVAILABLE")),
            }
            house.embedded.faults().clear();
            let (one, two) = (call(&house, &issued, &first).await, call(&house, &issued, &first).await);
            assert!(one.status.is_success() && two.status.is_success(), "{one:?} {two:?}");
            assert_eq!(same(&one), same(&two), "{fault:?} at request {n}");
            if answer.status.is_success() {
                assert_eq!(same(&answer), same(&one), "{fault:?} at request {n}");
            }
            let (mut head, mut count) = (Head::START, 0);
            for event in house.store().history(issued.id, Head::START, 50).await.unwrap() {
                assert!(event.follows(head));
                (head, count) = (event.head(), count + 1);
            }
            assert_eq!(house.license(issued.id).await.head, head);
            assert_eq!(count, before + entries, "{fault:?} at request {n}");
        }
        assert!(faults >= 3, "{faults} requests");
    }
}

#[tokio::test(start_paused = true)]
async fn an_activation() {
    for plan in ["yearly", "trial"] {
        let call = async |house: &House, issued: &Issued, _: &Value| house.activate(&issued.code, 1).await;
        everywhere(plan, false, 1, call, |answer| answer.json()["activation_id"].to_string()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_release() {
    let call = async |house: &House, issued: &Issued, first: &Value| {
        let path = format!("/v1/activations/{}", first["activation_id"].as_str().unwrap());
        house.holder(Method::DELETE, &path, &issued.code).await
    };
    everywhere("yearly", true, 1, call, |answer| answer.status.to_string()).await;
}

#[tokio::test(start_paused = true)]
async fn a_file() {
    let call = async |house: &House, issued: &Issued, _: &Value| {
        house.holder(Method::GET, &format!("/v1/licenses/{}/file", issued.id), &issued.code).await
    };
    everywhere("perpetual", true, 1, call, Answer::text).await;
}

#[tokio::test(start_paused = true)]
async fn conflicts_with_transactions_are_ridden_out() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let conflict = Fault::TransactionConflict { index: 0 };
    for _ in 0..3 {
        house.embedded.faults().inject(None, conflict);
    }
    assert_eq!(house.validate(issued.id, 1).await.ok(200)["valid"], true);
    for _ in 0..4 {
        house.embedded.faults().inject(None, conflict);
    }
    house.validate(issued.id, 1).await.problem(503, "UNAVAILABLE");
    assert_eq!(house.embedded.faults().pending(), 0);
    let other = house.issue("yearly").await;
    for _ in 0..3 {
        house.embedded.faults().inject(None, conflict);
    }
    house.activate(&other.code, 2).await.ok(201);
    let third = house.issue("yearly").await;
    for _ in 0..4 {
        house.embedded.faults().inject(None, conflict);
    }
    house.activate(&third.code, 3).await.problem(503, "UNAVAILABLE");
    assert!(house.license(third.id).await.activations.is_empty());
}
