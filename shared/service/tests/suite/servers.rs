//! What servers do for years: check daily, hold leases, lose answers, be cloned; and what it costs.

use marque_core::token::{Lease, RootKey, SigningKey};
use marque_core::{Duration, LicenseId};
use marque_embedded::Operation;
use serde_json::{Value, json};

use crate::harness::{House, activation, time, validation, with};

async fn forks(house: &House, id: LicenseId) -> u32 {
    house.license(id).await.activations.values().map(|bound| bound.forks).sum()
}

async fn check(house: &House, id: LicenseId, lease: &Value) -> Value {
    let answer = house.post("/v1/validations", &with(validation(id, 1), "lease", lease.clone())).await.ok(200);
    assert_eq!(answer["valid"], true, "{answer}");
    answer
}

async fn prev(house: &House, answer: &Value) -> Option<String> {
    house.verified::<Lease>(&answer["lease"]).await.prev.map(|jti| jti.to_string())
}

async fn jti(house: &House, answer: &Value) -> Option<String> {
    Some(house.verified::<Lease>(&answer["lease"]).await.jti.to_string())
}

#[tokio::test]
async fn a_check_costs_one_request() {
    let house = House::new().await;
    let (issued, first) = house.bound("yearly").await;
    check(&house, issued.id, &first["lease"]).await;
    let cost = async |body: &Value| {
        house.embedded.calls().record(true);
        house.embedded.calls().take();
        house.post("/v1/validations", body).await.ok(200);
        let calls = house.embedded.calls().take();
        let operations: Vec<_> = calls.iter().filter_map(|call| call.operation).collect();
        (operations, calls.iter().map(|call| call.write_units).sum::<f64>())
    };
    let second = check(&house, issued.id, &first["lease"]).await;
    let held = |lease: &Value| with(validation(issued.id, 1), "lease", lease.clone());
    let (update, get) = (Operation::UpdateItem, Operation::GetItem);
    assert_eq!(cost(&held(&second["lease"])).await, (vec![update], 1.0));
    assert_eq!(cost(&validation(issued.id, 2)).await.0, [update], "a refusal costs no more");
    let by_code = with(with(held(&second["lease"]), "license_id", Value::Null), "code", json!(issued.code));
    assert_eq!(cost(&by_code).await, (vec![get, update], 1.0), "a code is one read more");
}

#[tokio::test]
async fn the_lease_that_is_held_is_named_and_no_fork() {
    let house = House::new().await;
    let (issued, a) = house.bound("yearly").await;
    let b = check(&house, issued.id, &a["lease"]).await;
    assert_eq!(prev(&house, &b).await, jti(&house, &a).await);
    let c = check(&house, issued.id, &b["lease"]).await;
    assert_eq!(prev(&house, &c).await, jti(&house, &b).await);
    // The answer was lost: the caller still holds the one before.
    let d = check(&house, issued.id, &b["lease"]).await;
    assert_eq!(prev(&house, &d).await, jti(&house, &b).await);
    assert_eq!(forks(&house, issued.id).await, 0);
    // Two servers, one lease: whoever comes with an older one is a fork, counted and never denied.
    let e = check(&house, issued.id, &a["lease"]).await;
    assert_eq!(prev(&house, &e).await, jti(&house, &a).await);
    assert_eq!(forks(&house, issued.id).await, 1);
    check(&house, issued.id, &Value::Null).await;
    assert_eq!(forks(&house, issued.id).await, 2);
}

#[tokio::test]
async fn a_reinstall_needs_nothing_from_anybody() {
    let house = House::new().await;
    let (issued, first) = house.bound("yearly").await;
    let other = json!("00000000-0000-4000-8000-000000000001");
    let again = house.post("/v1/activations", &with(activation(&issued.code, 1), "instance_id", other.clone())).await;
    let again = again.ok(200);
    assert_eq!(again["activation_id"], first["activation_id"]);
    house.post("/v1/validations", &with(validation(issued.id, 1), "instance_id", other)).await.ok(200);
    let license = house.license(issued.id).await;
    let seen = license.activations.values().next().unwrap().seen.clone().unwrap();
    assert_eq!(seen.instance_id[15], 1);
    assert_eq!(license.head.seq, 2, "binding once is one entry");
}

#[tokio::test]
async fn a_lease_that_is_none_never_stops_a_server() {
    let house = House::new().await;
    let (issued, first) = house.bound("yearly").await;
    let mut lease = house.verified::<Lease>(&first["lease"]).await.into_claims();
    let other = house.issue("yearly").await;
    let foreign = house.activate(&other.code, 9).await.ok(201);
    let denial = house.validate(issued.id, 8).await.ok(200);
    let strange = SigningKey::from_seed([77; 32]).sign(&lease);
    lease.iss = "https://elsewhere.example.com".to_owned();
    let elsewhere = SigningKey::from_seed([1; 32]).sign(&lease);
    let token = first["lease"].as_str().unwrap();
    let (head, tail) = token.split_at(token.len() - 1);
    let cut = format!("{head}{}", if tail == "A" { "B" } else { "A" });
    for lease in [
        json!(1),
        json!([first["lease"]]),
        json!({"token": first["lease"]}),
        json!(true),
        json!(""),
        json!("x"),
        json!("a.b.c"),
        json!("\u{0}"),
        json!("x".repeat(60_000)),
        json!(cut),
        json!(strange),
        json!(elsewhere),
        foreign["lease"].clone(),
        denial["denial"].clone(),
    ] {
        let before = forks(&house, issued.id).await;
        let answer = check(&house, issued.id, &lease).await;
        assert_eq!(prev(&house, &answer).await, None, "{lease}");
        assert_eq!(forks(&house, issued.id).await, before + 1, "{lease}");
    }
}

#[tokio::test]
async fn a_lease_that_has_run_out_still_tells_who_comes() {
    let house = House::new().await;
    let (issued, first) = house.bound("yearly").await;
    house.later(Duration::days(60));
    let answer = check(&house, issued.id, &first["lease"]).await;
    assert_eq!(prev(&house, &answer).await, jti(&house, &first).await);
    assert_eq!(forks(&house, issued.id).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_count_that_fails_costs_nobody_an_answer() {
    use marque_embedded::Fault;
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let count = house.embedded.calls().count();
    house.embedded.faults().fail_nth(2, Fault::Crash { applied: false });
    check(&house, issued.id, &Value::Null).await;
    assert!(house.embedded.faults().crashed());
    assert_eq!(house.embedded.calls().count() - count, 1 + 3);
}

#[tokio::test]
async fn two_seats_are_two_servers() {
    let house = House::new().await;
    let (issued, first) = house.bound("pair").await;
    let second = house.activate(&issued.code, 2).await.ok(201);
    check(&house, issued.id, &first["lease"]).await;
    let body = with(validation(issued.id, 2), "lease", second["lease"].clone());
    house.post("/v1/validations", &body).await.ok(200);
    assert_eq!(forks(&house, issued.id).await, 0);
    assert_eq!(house.activate(&issued.code, 3).await.ok(200)["code"], "ACTIVATION_LIMIT");
    assert_eq!(house.validate(issued.id, 3).await.ok(200)["code"], "FINGERPRINT_MISMATCH");
}

#[tokio::test]
async fn a_refusal_leaves_nothing_behind() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let before = house.license(issued.id).await;
    house.later(Duration::hours(1));
    house.validate(issued.id, 2).await.ok(200);
    house.post("/v1/validations", &with(validation(issued.id, 1), "product", json!("other"))).await.ok(200);
    house.activate(&issued.code, 2).await.ok(200);
    assert_eq!(house.license(issued.id).await, before);
}

#[tokio::test(start_paused = true)]
async fn at_most_twenty_bindings_a_day() {
    let house = House::new().await;
    let issued = house.issue("nomad").await;
    house.at("2027-03-10T23:00:00Z");
    let bind = async |number: u8| {
        let answer = house.activate(&issued.code, number).await;
        if answer.status == 201 {
            let id = answer.json()["activation_id"].as_str().unwrap().to_owned();
            let released = house.holder(http::Method::DELETE, &format!("/v1/activations/{id}"), &issued.code).await;
            assert_eq!(released.status, 204);
        }
        answer
    };
    for number in 1..=20 {
        bind(number).await.ok(201);
    }
    let before = house.license(issued.id).await;
    for number in [21, 20] {
        let refused = bind(number).await;
        refused.problem(429, "RATE_LIMITED");
        assert_eq!(refused.header("retry-after"), "3600");
    }
    assert_eq!(house.license(issued.id).await, before);
    house.at("2027-03-10T23:59:59Z");
    assert_eq!(bind(21).await.header("retry-after"), "1");
    house.at("2027-03-11T00:00:00Z");
    bind(21).await.ok(201);
}

/// Whoever asks for the twentieth time in a day is bound, and checks go on as ever.
#[tokio::test]
async fn a_rate_stops_bindings_and_not_checks() {
    let house = House::new().await;
    let issued = house.issue("nomad").await;
    for number in 1..=20 {
        let answer = house.activate(&issued.code, number).await.ok(201);
        if number < 20 {
            let path = format!("/v1/activations/{}", answer["activation_id"].as_str().unwrap());
            house.holder(http::Method::DELETE, &path, &issued.code).await;
        }
    }
    house.activate(&issued.code, 20).await.ok(200);
    assert_eq!(house.validate(issued.id, 20).await.ok(200)["valid"], true);
    assert_eq!(house.activate(&issued.code, 21).await.ok(200)["code"], "ACTIVATION_LIMIT");
}

#[tokio::test(start_paused = true)]
async fn racers_for_one_seat_over_http() {
    let house = std::sync::Arc::new(House::new().await);
    let issued = house.issue("yearly").await;
    let mut racers = tokio::task::JoinSet::new();
    for number in 1..=40 {
        let (house, code) = (house.clone(), issued.code.clone());
        racers.spawn(async move { house.activate(&code, number).await });
    }
    let answers = racers.join_all().await;
    let bound: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(bound.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.ok(200)["code"], "ACTIVATION_LIMIT");
    }
}

#[tokio::test(start_paused = true)]
async fn one_server_that_asks_often_at_once_is_bound_once() {
    let house = std::sync::Arc::new(House::new().await);
    let issued = house.issue("yearly").await;
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (house, code) = (house.clone(), issued.code.clone());
        racers.spawn(async move { house.activate(&code, 1).await });
    }
    let answers = racers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    let ids: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer.json()["activation_id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(house.license(issued.id).await.head.seq, 2);
}

#[tokio::test]
async fn leases_of_a_removed_key_are_ignored_and_stop_nobody() {
    use marque_service::keyring::{Keys, NewKey, RingDocument};
    let house = House::new().await;
    let (issued, first) = house.bound("yearly").await;
    let root = RootKey::from_seed([9; 32]);
    let from = time("2027-01-01T00:00:00Z");
    let issuer = crate::harness::ISSUER;
    let other = RingDocument::first(&root, issuer, &NewKey::Seed([3; 32]), &NewKey::Seed([4; 32]), from, from).unwrap();
    let keys = Keys::given(&other, house.now()).unwrap();
    let moved = house.under(keys);
    let answer = check(&moved, issued.id, &first["lease"]).await;
    assert_eq!(prev(&moved, &answer).await, None);
}
