//! Usage through the shipped functions: a server reports it to `marketplace`, `meter` bills it, and the publisher looks at it
//! and mends it through `admin`.

use std::process::Command;

use marque_core::usage::Hour;
use marque_core::{Duration, Timestamp};
use marque_marketplace_sim::{Fault, Operation};
use marque_service::Clock;
use marque_tests::binary;
use marque_tests::seller::Storefront;
use serde_json::{Value, json};

use crate::buyer::Buyer;

#[test]
fn usage_is_reported_billed_and_mended() {
    for by_role in [false, true] {
        let buyer = a_days_usage(Buyer::shipped(Storefront::start(by_role)));
        assert_eq!(buyer.storefront().deployment.aws.refusals(), Vec::<String>::new());
    }
}

/// A server sends what it has buffered, twice; an answer of AWS is lost; AWS's clock is wrong for a while, and a person puts
/// it right; the buyer cancels.
pub(crate) fn a_days_usage(mut buyer: Buyer) -> Buyer {
    let clock =
        |front: &Storefront, ago: u32| front.market_clock.set(Clock::system().now().before(Duration::hours(ago)));
    clock(buyer.storefront(), 5);
    let bought = buyer.buy("subscription", "paid");
    buyer.register(&bought["registration_token"]);
    let code = buyer.code();
    clock(buyer.storefront(), 0);
    let lease = buyer.activate(&code)["lease"].clone();
    let at = |hours: u32| Clock::system().now().before(Duration::hours(hours));
    let buffered = json!([
        {"id": "a", "dimension": "requests", "quantity": "12.5", "at": at(3)},
        {"id": "b", "dimension": "requests", "quantity": "0.25", "at": at(3)},
    ]);
    let statuses = |answer: &Value| -> Vec<Value> {
        answer["results"].as_array().into_iter().flatten().map(|result| result["status"].clone()).collect()
    };
    assert_eq!(statuses(&buyer.report(&lease, &buffered)), ["accepted", "accepted"]);
    assert_eq!(statuses(&buyer.report(&lease, &buffered)), ["duplicate", "duplicate"]);
    let front = buyer.storefront();
    front.market.order_fault(Operation::BatchMeterUsage, Fault::LostResponse, 1);
    let told = front.tick("meter");
    assert_eq!((&told["confirmed"], &told["failed"]), (&json!(1), &json!(0)), "{told}");
    let billed = || -> Vec<String> {
        front
            .market
            .truth()
            .accepted
            .into_iter()
            .map(|record| format!("{} {}", record.dimension, record.quantity))
            .collect()
    };
    assert_eq!(billed(), ["requests 12.75"]);
    // AWS refuses an hour; the publisher finds it, and sends it again once that was mended.
    clock(front, 4);
    let later = at(2);
    buyer.report(&lease, &json!([{"id": "c", "dimension": "requests", "quantity": "3", "at": later}]));
    let told = front.tick("meter");
    assert_eq!((&told["quarantined"], &told["confirmed"]), (&json!(1), &json!(0)), "{told}");
    clock(front, 0);
    mended_by_the_publisher(front, &bought["agreement_id"], later);
    assert_eq!(front.tick("meter")["confirmed"], 1);
    assert_eq!(billed(), ["requests 12.75", "requests 3"]);
    // The last hour is billed, too: what is closed at once.
    buyer.report(&lease, &json!([{"id": "d", "dimension": "requests", "quantity": "1", "at": at(1)}]));
    buyer.act(&bought["agreement_id"], "cancel", &json!({}));
    front.pump();
    front.tick("meter");
    let empty = front.tick("meter");
    assert_eq!((&empty["finished"], &empty["sealed"]), (&json!(true), &json!(0)), "{empty}");
    buyer
}

/// `marque usage`, in front of the shipped `admin`.
fn mended_by_the_publisher(front: &Storefront, external: &Value, at: Timestamp) {
    let (_admin, gateway) = front.desk();
    let run = |arguments: &[&str]| {
        let output = Command::new(binary("marque"))
            .args(arguments)
            .args(["--json", "--url", &gateway.url(), "--token", "the gateway signs"])
            .env_clear()
            .output()
            .expect("marque runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default(), said)
    };
    let (_, listed, said) = run(&["agreements", "list"]);
    let all = listed["items"].as_array().into_iter().flatten().flat_map(|chain| chain["agreements"].as_array());
    let found = all.flatten().find(|agreement| agreement["external_id"] == *external);
    let id =
        found.and_then(|agreement| agreement["id"].as_str()).unwrap_or_else(|| panic!("{listed} {said}")).to_owned();
    let (_, shown, said) = run(&["usage", "show", &id, "--unsettled"]);
    let hour = &shown["dimensions"][0]["hours"][0];
    assert_eq!(
        (&hour["state"], &hour["reason"]),
        (&json!("quarantined"), &json!("TIMESTAMP_OUT_OF_BOUNDS")),
        "{shown} {said}"
    );
    let hour = Hour::of(at).to_string();
    let replay = |quantity: &str| {
        let mended = ["--quantity", quantity, "--reason", "AWS's clock is right again"];
        run(&[&["usage", "replay", &id, &hour, "requests"][..], &mended].concat())
    };
    let (code, _, said) = replay("4");
    assert_eq!(code, Some(1), "whoever replays has looked: {said}");
    let (code, replayed, said) = replay("3");
    assert_eq!(code, Some(0), "{replayed} {said}");
}
