//! Verdicts end to end: every reason, signed, and what each caller may learn.

use marque_core::token::{Denial, Lease};
use marque_core::{Duration, Timestamp};
use serde_json::{Value, json};

use crate::harness::{House, INSTANCE, ISSUER, NONCE, PRODUCT, activation, domain, time, validation, with};

/// A refusal as the wire has it: the body, and its denial proven and compared with the body.
async fn refused(house: &House, answer: &Value, reasons: &[&str]) {
    assert_eq!(
        (&answer["valid"], &answer["code"], &answer["reasons"]),
        (&json!(false), &json!(reasons[0]), &json!(reasons))
    );
    assert_eq!(answer["lease"], Value::Null);
    assert_eq!(answer.get("activation_id"), None);
    let denial = house.verified::<Denial>(&answer["denial"]).await;
    assert_eq!(denial.code, reasons[0]);
    assert_eq!(denial.reasons, reasons);
    assert_eq!(denial.iss, ISSUER);
    assert_eq!(denial.iat, house.now());
    assert_eq!(denial.nonce, NONCE);
    assert_eq!(denial.instance_id, INSTANCE);
    assert_eq!(json!(denial.sub), answer["license_id"]);
    for (claim, member) in [
        (json!(denial.state), "state"),
        (json!(denial.plan), "plan"),
        (json!(denial.kind), "kind"),
        (json!(denial.features), "features"),
        (json!(denial.paid_through), "paid_through"),
        (json!(denial.grace_until), "grace_until"),
        (json!(denial.next_check), "next_check"),
    ] {
        assert_eq!(claim, answer[member], "{member}");
    }
    let payload = answer["denial"].as_str().unwrap().split('.').nth(1).unwrap();
    let payload = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(payload).unwrap();
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(payload.get("exp"), None);
    assert_eq!(payload["valid"], json!(false));
}

fn tells_nothing(answer: &Value) {
    for member in ["plan", "kind", "features", "paid_through", "grace_until"] {
        assert_eq!(answer[member], Value::Null, "{member}");
    }
}

#[tokio::test]
async fn a_lease_says_what_the_body_says() {
    let house = House::new().await;
    let issued = house.issue("yearly").await;
    let body = with(activation(&issued.code, 1), "instance_id", json!(INSTANCE.to_uppercase()));
    let body = with(body, "fingerprint", json!({"kind": "ad-domain", "value": "AB".repeat(32)}));
    let answer = house.post("/v1/activations", &body).await.ok(201);
    assert_eq!(answer["valid"], true);
    assert_eq!((&answer["code"], &answer["reasons"], &answer["denial"]), (&json!("VALID"), &json!([]), &Value::Null));
    assert_eq!(
        (&answer["state"], &answer["plan"], &answer["kind"]),
        (&json!("active"), &json!("yearly"), &json!("subscription"))
    );
    assert_eq!(answer["features"], json!({"seats": 5}));
    assert_eq!(answer["paid_through"], "2028-03-10T23:59:59Z");
    assert_eq!(answer["grace_until"], "2028-03-24T23:59:59Z");
    assert_eq!((&answer["server_time"], &answer["nonce"]), (&json!(house.now()), &json!(NONCE)));
    let lease = house.verified::<Lease>(&answer["lease"]).await;
    assert_eq!((lease.iss.as_str(), lease.aud.as_str(), lease.sub), (ISSUER, PRODUCT, issued.id));
    assert_eq!((lease.iat, lease.exp), (house.now(), house.now().after(Duration::days(14))));
    assert_eq!((lease.nonce.as_str(), lease.instance_id.as_str(), lease.prev), (NONCE, INSTANCE, None));
    assert_eq!(lease.fingerprint.value.to_string(), "ab".repeat(32));
    assert_eq!(json!(lease.paid_through), answer["paid_through"]);
    assert_eq!(json!(lease.grace_until), answer["grace_until"]);
    assert_eq!(json!(lease.next_check), answer["next_check"]);
    assert_eq!((lease.state.as_str(), lease.plan.as_str(), lease.kind.as_str()), ("active", "yearly", "subscription"));
    let wait = lease.next_check.since(lease.iat);
    assert!((Duration::hours(12)..=Duration::hours(36)).contains(&wait), "{wait:?}");
    let kept = house.license(issued.id).await;
    let (_, bound) = kept.activations.first_key_value().unwrap();
    assert_eq!(json!(bound.id), answer["activation_id"]);
    assert_eq!(bound.seen.as_ref().unwrap().lease, lease.jti, "the lease that was given is the one that is remembered");
}

#[tokio::test]
async fn each_plan_and_state() {
    let house = House::new().await;
    let trial = house.issue("trial").await;
    let answer = house.activate(&trial.code, 2).await.ok(201);
    assert_eq!((&answer["kind"], &answer["paid_through"]), (&json!("trial"), &json!("2027-04-09T23:59:59Z")));
    let lease = house.verified::<Lease>(&answer["lease"]).await;
    assert_eq!(lease.exp, house.now().after(Duration::days(3)));

    let (perpetual, answer) = house.bound("perpetual").await;
    assert_eq!(
        (&answer["kind"], &answer["paid_through"], &answer["grace_until"]),
        (&json!("perpetual"), &Value::Null, &Value::Null)
    );
    house.at("2047-03-10T10:00:00Z");
    assert_eq!(house.validate(perpetual.id, 1).await.ok(200)["state"], "active");
    house.at(crate::harness::NOW);

    let monthly = house.issue("monthly").await;
    house.activate(&monthly.code, 3).await.ok(201);
    house.at("2027-04-11T00:00:00Z");
    let answer = house.validate(monthly.id, 3).await.ok(200);
    assert_eq!((&answer["valid"], &answer["state"]), (&json!(true), &json!("past_due")));
    let lease = house.verified::<Lease>(&answer["lease"]).await;
    assert_eq!(lease.exp, time("2027-04-24T23:59:59Z"), "a lease never outlives the grace");
    house.at("2027-04-20T00:00:00Z");
    house.cancel(monthly.id).await;
    let answer = house.validate(monthly.id, 3).await.ok(200);
    refused(&house, &answer, &["EXPIRED"]).await;

    house.at(crate::harness::NOW);
    let cancelled = house.issue("monthly").await;
    house.activate(&cancelled.code, 4).await.ok(201);
    house.cancel(cancelled.id).await;
    let answer = house.validate(cancelled.id, 4).await.ok(200);
    assert_eq!((&answer["valid"], &answer["state"]), (&json!(true), &json!("cancelled")));
    assert_eq!(answer["grace_until"], answer["paid_through"]);
}

#[tokio::test]
async fn revoked_and_suspended() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    house.suspend(issued.id).await;
    let answer = house.validate(issued.id, 1).await.ok(200);
    refused(&house, &answer, &["SUSPENDED"]).await;
    assert_eq!((&answer["state"], &answer["plan"]), (&json!("suspended"), &json!("yearly")));
    assert_eq!(answer["next_check"], json!(house.now().after(Duration::hours(1))));
    refused(&house, &house.activate(&issued.code, 1).await.ok(200), &["SUSPENDED"]).await;
    house.revoke(issued.id).await;
    refused(&house, &house.validate(issued.id, 1).await.ok(200), &["REVOKED"]).await;
    refused(&house, &house.activate(&issued.code, 1).await.ok(200), &["REVOKED"]).await;
    let stranger = house.validate(issued.id, 2).await.ok(200);
    refused(&house, &stranger, &["REVOKED", "FINGERPRINT_MISMATCH"]).await;
    tells_nothing(&stranger);
    house.later(Duration::days(8));
    let answer = house.validate(issued.id, 1).await.ok(200);
    assert_eq!(answer["next_check"], json!(house.now().after(Duration::days(1))));
}

#[tokio::test]
async fn expired() {
    let house = House::new().await;
    let (issued, _) = house.bound("monthly").await;
    house.at("2027-04-24T23:59:58Z");
    assert_eq!(house.validate(issued.id, 1).await.ok(200)["valid"], true);
    house.at("2027-04-25T00:00:00Z");
    let before = house.license(issued.id).await;
    let answer = house.validate(issued.id, 1).await.ok(200);
    refused(&house, &answer, &["EXPIRED"]).await;
    assert_eq!((&answer["state"], &answer["plan"]), (&json!("expired"), &json!("monthly")));
    refused(&house, &house.activate(&issued.code, 1).await.ok(200), &["EXPIRED"]).await;
    assert_eq!(house.license(issued.id).await, before, "a refusal left a stamp");
}

#[tokio::test]
async fn strangers_learn_that_they_are() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let other = with(validation(issued.id, 1), "product", json!("other-product"));
    let other = with(other, "fingerprint", json!({"kind": "custom", "value": domain(7)}));
    let answer = house.post("/v1/validations", &other).await.ok(200);
    refused(&house, &answer, &["PRODUCT_MISMATCH"]).await;
    tells_nothing(&answer);
    let denial = house.verified::<Denial>(&answer["denial"]).await;
    assert_eq!(denial.aud.as_str(), "other-product", "the denial repeats what was asked");
    assert_eq!(json!(denial.fingerprint), json!({"kind": "custom", "value": domain(7)}));

    let answer = house.validate(issued.id, 2).await.ok(200);
    refused(&house, &answer, &["FINGERPRINT_MISMATCH"]).await;
    tells_nothing(&answer);
    let denial = house.verified::<Denial>(&answer["denial"]).await;
    assert_eq!((denial.aud.as_str(), denial.fingerprint.value.to_string()), (PRODUCT, domain(2)));

    let answer = house.activate(&issued.code, 2).await.ok(200);
    refused(&house, &answer, &["ACTIVATION_LIMIT"]).await;
    let product = with(activation(&issued.code, 1), "product", json!("other-product"));
    let answer = house.post("/v1/activations", &product).await.ok(200);
    refused(&house, &answer, &["PRODUCT_MISMATCH"]).await;
    tells_nothing(&answer);
    assert_eq!(house.license(issued.id).await.activations.len(), 1);
}

/// A stranger asks on both sides of every date: nothing in the answers but the clock may move.
#[tokio::test]
async fn a_strangers_answers_tell_no_date() {
    let house = House::new().await;
    let (issued, _) = house.bound("monthly").await;
    let mut seen = std::collections::BTreeSet::new();
    for day in ["2027-03-11", "2027-04-09", "2027-04-20"] {
        house.at(&format!("{day}T10:00:00Z"));
        let mut answer = house.validate(issued.id, 2).await.ok(200);
        let (server, next) = (answer["server_time"].take(), answer["next_check"].take());
        let wait = |value: Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
        assert_eq!(wait(next).since(wait(server)), Duration::hours(1));
        answer["denial"].take();
        answer["state"].take();
        seen.insert(answer.to_string());
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn not_activated_and_activation_limit() {
    let house = House::new().await;
    let issued = house.issue("yearly").await;
    let answer = house.validate(issued.id, 1).await.ok(200);
    refused(&house, &answer, &["NOT_ACTIVATED"]).await;
    // Four domains in a year: the first, and three rebinds; the fifth is one too many.
    for number in 1..=4 {
        let answer = house.activate(&issued.code, number).await.ok(201);
        let id = answer["activation_id"].as_str().unwrap();
        let path = format!("/v1/activations/{id}");
        assert_eq!(house.holder(http::Method::DELETE, &path, &issued.code).await.status, 204);
    }
    let answer = house.activate(&issued.code, 5).await.ok(200);
    refused(&house, &answer, &["ACTIVATION_LIMIT"]).await;
    house.activate(&issued.code, 4).await.ok(201);
}

#[tokio::test]
async fn one_trial_a_domain() {
    let house = House::new().await;
    let (one, two) = (house.issue("trial").await, house.issue("trial").await);
    house.activate(&one.code, 1).await.ok(201);
    let answer = house.activate(&two.code, 1).await.ok(200);
    refused(&house, &answer, &["TRIAL_USED"]).await;
    assert_eq!(answer["state"], "available");
    house.activate(&two.code, 2).await.ok(201);
    let held = house.activate(&one.code, 1).await.ok(200);
    // Released and back again is the same trial, which neither stopped nor starts anew.
    let path = format!("/v1/activations/{}", held["activation_id"].as_str().unwrap());
    assert_eq!(house.holder(http::Method::DELETE, &path, &one.code).await.status, 204);
    house.later(Duration::days(1));
    let again = house.activate(&one.code, 1).await.ok(201);
    assert_eq!(again["paid_through"], held["paid_through"]);
    house.later(Duration::days(40));
    refused(&house, &house.validate(one.id, 1).await.ok(200), &["EXPIRED"]).await;
    let paid = house.issue("yearly").await;
    house.activate(&paid.code, 1).await.ok(201);
}

#[tokio::test]
async fn another_kind_of_fingerprint_is_a_fault_not_a_verdict() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let custom = json!({"kind": "custom", "value": domain(1)});
    for (path, body) in
        [("/v1/validations", validation(issued.id, 1)), ("/v1/activations", activation(&issued.code, 1))]
    {
        assert_eq!(
            house.post(path, &with(body, "fingerprint", custom.clone())).await.pointers(),
            ["/fingerprint/kind"]
        );
    }
}

#[tokio::test]
async fn who_is_not_known_is_not_found() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let unknown = "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    house.validate(unknown, 1).await.problem(404, "LICENSE_NOT_FOUND");
    house.activate("MARQV-E0123-45678-9ABCD-EFGJY", 1).await.problem(404, "LICENSE_NOT_FOUND");
    house.activate("ABCDE-F0123-45678-9ABCD-EF012", 1).await.problem(404, "LICENSE_NOT_FOUND");
    for code in ["MARQV-E0123-45678-9ABCD-EFGJX", "", "x", "MARQV"] {
        house.activate(code, 1).await.problem(422, "CODE_MISTYPED");
        let body = with(with(validation(issued.id, 1), "license_id", Value::Null), "code", json!(code));
        house.post("/v1/validations", &body).await.problem(422, "CODE_MISTYPED");
        house.post("/v1/explain", &json!({"code": code})).await.problem(422, "CODE_MISTYPED");
    }
}

#[tokio::test]
async fn a_code_stands_in_for_the_licence() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let sloppy = issued.code.to_lowercase().replace('-', " – ").replace('0', "o").replace('1', "l");
    let body = with(with(validation(issued.id, 1), "license_id", Value::Null), "code", json!(sloppy));
    let answer = house.post("/v1/validations", &body).await.ok(200);
    assert_eq!((&answer["valid"], &answer["license_id"]), (&json!(true), &json!(issued.id)));
    house.activate(&sloppy, 1).await.ok(200);
}
