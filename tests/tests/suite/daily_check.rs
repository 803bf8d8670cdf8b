//! A server's life with one licence, over the wire.

use marque_core::token::{Expected, KeySet, Lease, LicFile, LicenseFile, PublicKey, Revocations, UnverifiedToken};
use marque_tests::{Answer, Server, claims};
use serde_json::{Value, json};

use crate::place::{Place, in_both_places};

in_both_places!(
    a_server_activates_checks_in_and_is_released,
    rule_03_one_licence_per_domain_and_a_second_domain_is_told_why,
    rule_04_a_lease_never_outlives_the_grace_and_ends_with_a_signed_denial,
    a_trial_starts_at_activation_and_a_domain_has_one,
    a_perpetual_licence_has_a_file_that_verifies_off_line,
    what_anybody_may_read_is_signed,
    support_is_told_why,
    every_fault_of_a_body_is_told_at_once_and_changes_nothing,
    what_the_router_refuses_is_a_problem_too,
);

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn keys(answer: &Answer) -> KeySet {
    KeySet::parse(&answer.body).expect("a key set")
}

fn a_server_activates_checks_in_and_is_released(place: &Place) {
    let site = place.site();
    let mut server = Server::in_domain("one");
    let first = site.post("/v1/activations", &server.activation(site.code("yearly")));
    assert_eq!(first.status, 201);
    let again = site.post("/v1/activations", &server.activation(site.code("yearly")));
    assert_eq!((again.status, &again.json()["activation_id"]), (200, &first.json()["activation_id"]));
    let (license, lease) = (first.json()["license_id"].clone(), again.json()["lease"].clone());
    let checked = site.validate(&mut server, text(&license), lease.as_str());
    assert_eq!(checked["valid"], true);
    assert_eq!(claims(text(&checked["lease"]))["prev"], claims(text(&lease))["jti"]);
    let path = format!("/v1/activations/{}", text(&first.json()["activation_id"]));
    let header = format!("License {}", site.code("yearly"));
    let release = || site.client.call("DELETE", &path, &[("authorization", &header)], &[]).expect("an answer").status;
    assert_eq!((release(), release()), (204, 204));
    assert_eq!(site.validate(&mut server, text(&license), None)["code"], "NOT_ACTIVATED");
    // Another domain than before: its owner gets a mail.
    let moved = site.post("/v1/activations", &Server::in_domain("two").activation(site.code("yearly")));
    assert_eq!((moved.status, &moved.json()["valid"]), (201, &json!(true)));
}

fn rule_03_one_licence_per_domain_and_a_second_domain_is_told_why(place: &Place) {
    let site = place.site();
    let first = site.activate(&mut Server::in_domain("one"), "monthly");
    let second = site.activate(&mut Server::in_domain("two"), "monthly");
    assert_eq!((&second["valid"], &second["code"]), (&json!(false), &json!("ACTIVATION_LIMIT")));
    assert!(second["lease"].is_null() && claims(text(&second["denial"])).get("exp").is_none());
    let stranger = site.validate(&mut Server::in_domain("two"), text(&first["license_id"]), None);
    assert_eq!(stranger["code"], "FINGERPRINT_MISMATCH");
    for name in ["plan", "kind", "features", "paid_through", "grace_until"] {
        assert!(stranger[name].is_null(), "a stranger learns {name}");
    }
}

fn rule_04_a_lease_never_outlives_the_grace_and_ends_with_a_signed_denial(place: &Place) {
    // A month has up to 31 days, and 14 of grace follow.
    let mut server = Server::in_domain("one");
    let site = place.site_issued_days_ago(40);
    let first = site.activate(&mut server, "monthly");
    assert_eq!((&first["valid"], &first["state"]), (&json!(true), &json!("past_due")), "{first}");
    let exp: marque_core::Timestamp = text(&first["grace_until"]).parse().expect("a time");
    assert_eq!(claims(text(&first["lease"]))["exp"], exp.unix(), "14 days of lease would outlive the grace");

    let late = place.site_issued_days_ago(50);
    let over = late.activate(&mut server, "monthly");
    assert_eq!((&over["valid"], &over["code"]), (&json!(false), &json!("EXPIRED")));
    assert!(over["lease"].is_null() && over["denial"].is_string());

    let Some(clock) = site.clock() else {
        return eprintln!("skipped here: the last second of the grace, which needs a clock that can be set");
    };
    clock.change(&json!({"set": first["grace_until"]}));
    let last = site.validate(&mut server, text(&first["license_id"]), None);
    assert_eq!((&last["valid"], &last["state"]), (&json!(true), &json!("past_due")));
    clock.change(&json!({"advance": "PT1S"}));
    let over = site.validate(&mut server, text(&first["license_id"]), None);
    assert_eq!((&over["valid"], &over["code"]), (&json!(false), &json!("EXPIRED")));
    assert!(over["denial"].is_string());
    let back = clock.try_change(&json!({"set": first["server_time"]}));
    assert_eq!(back.problem(), "RULE_VIOLATED", "the clock is not set back after a change");
}

fn a_trial_starts_at_activation_and_a_domain_has_one(place: &Place) {
    let site = place.site_issued_days_ago(100);
    let trial = site.activate(&mut Server::in_domain("one"), "trial");
    assert_eq!((&trial["kind"], &trial["state"]), (&json!("trial"), &json!("active")));
    assert!(text(&trial["paid_through"]) > text(&trial["server_time"]));
}

fn a_perpetual_licence_has_a_file_that_verifies_off_line(place: &Place) {
    let site = place.site();
    let header = format!("License {}", site.code("perpetual"));
    let bound = site.activate(&mut Server::in_domain("one"), "perpetual");
    let path = format!("/v1/licenses/{}/file", text(&bound["license_id"]));
    let file = site.client.call("GET", &path, &[("authorization", &header)], &[]).expect("an answer");
    assert_eq!((file.status, file.header("content-type")), (200, "text/plain; charset=utf-8"), "{}", file.text());
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"lic_"));
    let again = site.client.call("GET", &path, &[("authorization", &header)], &[]).expect("an answer");
    assert_eq!(again.body, file.body, "asking again gives the same bytes");
    let keys = keys(&site.get("/.well-known/jwks.json"));
    let token = LicFile::parse(&file.body).expect("a file");
    let verified = token.verify::<LicenseFile>(&keys, Expected::default()).expect("signed by a listed key");
    assert_eq!(verified.sub.to_string(), text(&bound["license_id"]));
    assert_eq!(site.client.call("GET", &path, &[], &[]).expect("an answer").status, 401);
}

fn what_anybody_may_read_is_signed(place: &Place) {
    let site = place.site();
    let keys = keys(&site.get("/.well-known/jwks.json"));
    let root = PublicKey::from_jwk(&site.root()).expect("a root");
    let signed = site.get("/.well-known/keys.jwt").text();
    let set = UnverifiedToken::parse(&signed).and_then(|set| set.verify_key_set(&root, None, None));
    assert_eq!(set.expect("signed by the root").keys.keys().len(), keys.keys().len());
    let list = site.get("/v1/revocations").json();
    let list = UnverifiedToken::parse(text(&list["crl"])).expect("a list");
    assert!(list.verify::<Revocations>(&keys, Expected::default()).is_ok());
    let leased = site.activate(&mut Server::in_domain("one"), "yearly");
    let lease = UnverifiedToken::parse(text(&leased["lease"])).expect("a lease");
    assert!(lease.verify::<Lease>(&keys, Expected::default()).is_ok());
    assert_eq!(site.get("/health").json()["status"], "ok");
    let contract = site.get("/openapi.json").json();
    assert!(text(&contract["openapi"]).starts_with("3.1"), "{contract}");
}

fn support_is_told_why(place: &Place) {
    let site = place.site();
    site.activate(&mut Server::in_domain("one"), "yearly");
    let why = site.post("/v1/explain", &json!({"code": site.code("yearly")}));
    assert_eq!(why.status, 200, "{}", why.text());
    assert_eq!(site.post("/v1/explain", &json!({"code": "MARQV-E0123-45678-9ABCD-EFGJY"})).status, 404);
}

fn every_fault_of_a_body_is_told_at_once_and_changes_nothing(place: &Place) {
    let site = place.site();
    let answer = site.post(
        "/v1/activations",
        &json!({"code": 5, "product": "No Slug", "nonce": "short", "fingerprint": {"kind": "x"}}),
    );
    assert_eq!((answer.status, answer.problem().as_str()), (400, "INVALID_REQUEST"));
    let pointers: Vec<_> =
        answer.json()["errors"].as_array().expect("faults").iter().map(|fault| fault["pointer"].clone()).collect();
    for expected in ["/code", "/product", "/nonce", "/fingerprint/kind", "/fingerprint/value", "/instance_id"] {
        assert!(pointers.contains(&json!(expected)), "{expected} in {pointers:?}");
    }
}

fn what_the_router_refuses_is_a_problem_too(place: &Place) {
    let site = place.site();
    let call = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        site.client.call(method, path, headers, body).expect("an answer")
    };
    let json_type = [("content-type", "application/json")];
    assert_eq!(call("GET", "/v1/nothing", &[], &[]).problem(), "NOT_FOUND");
    assert_eq!(
        call("GET", "/v1/licenses/%ff%fe/file", &[("authorization", "License MARQV-E0123-45678-9ABCD-EFGJY")], &[])
            .problem(),
        "INVALID_REQUEST"
    );
    let wrong = call("PUT", "/v1/activations", &json_type, b"{}");
    assert_eq!((wrong.problem().as_str(), wrong.header("allow")), ("METHOD_NOT_ALLOWED", "POST"));
    assert_eq!(call("POST", "/v1/activations", &json_type, &vec![b' '; 65 * 1024]).problem(), "BODY_TOO_LARGE");
    assert_eq!(
        call("POST", "/v1/activations", &[("content-type", "text/plain")], b"{}").problem(),
        "UNSUPPORTED_MEDIA_TYPE"
    );
    let encoded = [("content-type", "application/json"), ("content-encoding", "gzip")];
    assert_eq!(call("POST", "/v1/activations", &encoded, b"{}").problem(), "UNSUPPORTED_MEDIA_TYPE");
}
