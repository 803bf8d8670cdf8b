//! A server's life with one licence, over the wire.

use marque_tests::{Answer, Client, Served, Server, claims};
use serde_json::{Value, json};

struct Site {
    served: Served,
    client: Client,
}

impl Site {
    fn new() -> Self {
        let served = Served::start(None);
        let client = Client::new(served.url());
        Self { served, client }
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.post(path, body).expect("an answer")
    }

    fn activate(&self, server: &mut Server, plan: &str) -> Value {
        let answer = self.post("/v1/activations", &server.activation(self.served.code(plan)));
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
        answer.json()
    }

    fn validate(&self, server: &mut Server, license: &str, lease: Option<&str>) -> Value {
        let answer = self.post("/v1/validations", &server.validation(license, lease));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn a_server_activates_checks_in_and_is_released() {
    let site = Site::new();
    let mut server = Server::in_domain("one");
    let first = site.post("/v1/activations", &server.activation(site.served.code("yearly")));
    assert_eq!(first.status, 201);
    let again = site.post("/v1/activations", &server.activation(site.served.code("yearly")));
    assert_eq!((again.status, &again.json()["activation_id"]), (200, &first.json()["activation_id"]));
    let (license, lease) = (first.json()["license_id"].clone(), again.json()["lease"].clone());
    let checked = site.validate(&mut server, text(&license), lease.as_str());
    assert_eq!(checked["valid"], true);
    assert_eq!(claims(text(&checked["lease"]))["prev"], claims(text(&lease))["jti"]);
    let path = format!("/v1/activations/{}", text(&first.json()["activation_id"]));
    let header = format!("License {}", site.served.code("yearly"));
    let release = || site.client.call("DELETE", &path, &[("authorization", &header)], &[]).expect("an answer").status;
    assert_eq!((release(), release()), (204, 204));
    assert_eq!(site.validate(&mut server, text(&license), None)["code"], "NOT_ACTIVATED");
}

#[test]
fn rule_03_one_licence_per_domain_and_a_second_domain_is_told_why() {
    let site = Site::new();
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

#[test]
fn rule_04_a_lease_never_outlives_the_grace_and_ends_with_a_signed_denial() {
    let site = Site::new();
    let mut server = Server::in_domain("one");
    let first = site.activate(&mut server, "monthly");
    let grace = first["grace_until"].clone();
    let clock = |time: &Value| assert_eq!(site.post("/local/clock", &json!({"set": time})).status, 200);
    clock(&grace);
    let last = site.validate(&mut server, text(&first["license_id"]), None);
    assert_eq!((&last["valid"], &last["state"]), (&json!(true), &json!("past_due")));
    assert_eq!(site.post("/local/clock", &json!({"advance": "PT1S"})).status, 200);
    let over = site.validate(&mut server, text(&first["license_id"]), None);
    assert_eq!((&over["valid"], &over["code"]), (&json!(false), &json!("EXPIRED")));
    assert!(over["denial"].is_string());
    let back = site.post("/local/clock", &json!({"set": first["server_time"]}));
    assert_eq!(back.problem(), "RULE_VIOLATED", "the clock is not set back after a change");
}

#[test]
fn a_trial_starts_at_activation_and_a_domain_has_one() {
    let site = Site::new();
    assert_eq!(site.post("/local/clock", &json!({"advance": "P100D"})).status, 200);
    let trial = site.activate(&mut Server::in_domain("one"), "trial");
    let now = site.client.get("/local/clock").expect("an answer").json()["now"].clone();
    assert_eq!((&trial["kind"], &trial["state"]), (&json!("trial"), &json!("active")));
    assert!(text(&trial["paid_through"]) > text(&now));
}

#[test]
fn every_fault_of_a_body_is_told_at_once_and_changes_nothing() {
    let site = Site::new();
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

#[test]
fn what_the_router_refuses_is_a_problem_too() {
    let site = Site::new();
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
