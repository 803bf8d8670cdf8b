//! Events as AWS sends them, and such as it should not.

use std::process::Command;

use base64ct::{Base64, Encoding};
use marque_tests::gateway;
use marque_tests::{Client, Deployment, Outcome, Server, Shipped};
use serde_json::{Value, json};

fn shipped() -> Shipped {
    Shipped::start(Deployment::new())
}

/// The event of a request.
fn event(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
    let request = http::Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    gateway::event(&request.body(()).expect("a request").into_parts().0, body)
}

fn answered(shipped: &Shipped, event: &Value) -> Value {
    match shipped.function.sandbox().call(event.to_string()) {
        Outcome::Response(answer) => answer,
        other => panic!("{other:?} to {event}: {:#?}", shipped.function.log()),
    }
}

fn problem(answer: &Value) -> String {
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
    body["code"].as_str().unwrap_or_default().to_owned()
}

fn lives(shipped: &Shipped) {
    assert_eq!(Client::new(&shipped.url()).get("/health").expect("an answer").status, 200);
}

#[test]
fn events_of_other_services_are_refused_clearly_and_the_function_lives_on() {
    let shipped = shipped();
    let others = [
        json!({"Records": [{
            "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": "a body of somebody's", "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:q", "awsRegion": "eu-central-1",
        }]}),
        json!({
            "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "Scheduled Event",
            "source": "aws.events", "account": "123456789012", "time": "2026-11-24T08:00:00Z", "region": "eu-central-1",
            "resources": ["arn:aws:events:eu-central-1:123456789012:rule/r"], "detail": {},
        }),
        // An API's event of the first format, and half of one of the second.
        json!({"resource": "/", "path": "/health", "httpMethod": "GET", "requestContext": {}, "headers": null}),
        json!({"version": "2.0", "rawPath": "/health", "headers": {}}),
        json!({}),
        json!([]),
        json!(null),
        json!("text"),
    ];
    for event in others {
        let before = shipped.function.log().len();
        let Outcome::Error { kind, body } = shipped.function.sandbox().call(event.to_string()) else {
            panic!("an event of another shape was answered: {event}")
        };
        assert!(!kind.is_empty() || body["errorType"].is_string(), "{body}");
        let message = body["errorMessage"].as_str().unwrap_or_default();
        assert_eq!(body["errorType"], "Marque.UnknownEvent");
        assert!(message.contains("function URLs"), "{event} got {message}");
        assert!(shipped.function.wait_for_line_after(before, "\"ERROR\""), "{event}: {:#?}", shipped.function.log());
        let log = shipped.function.log()[before..].concat();
        assert!(!log.contains("a body of somebody's"), "what was in the event is nobody's business: {log}");
        lives(&shipped);
    }
}

#[test]
fn garbage_is_refused_and_the_function_lives_on() {
    let shipped = shipped();
    for garbage in [&b"{"[..], b"", b"garbage", br#"{"version": 2.0e999}"#, br#"{"a": "\ud800"}"#] {
        let outcome = shipped.function.sandbox().call(garbage.to_vec());
        assert!(matches!(outcome, Outcome::Error { .. }), "{outcome:?}");
        lives(&shipped);
    }
    assert!(shipped.function.sandbox().wait_until_asked(11), "the same process took every event");
}

#[test]
fn paths_and_queries_arrive_as_callers_wrote_them() {
    let shipped = shipped();
    for (path, query, status, code) in [
        ("/health", "a=<b>\"{}|\\^`", 200, ""),
        ("/v1/a b", "", 404, "NOT_FOUND"),
        ("/é", "ü=ä", 404, "NOT_FOUND"),
        ("", "", 404, "NOT_FOUND"),
        ("/v1/licenses/%00/file", "", 401, "UNAUTHORIZED"),
    ] {
        let mut odd = event("GET", "/health", &[], &[]);
        (odd["rawPath"], odd["rawQueryString"]) = (json!(path), json!(query));
        odd["requestContext"]["http"]["path"] = json!(path);
        let answer = answered(&shipped, &odd);
        assert_eq!(
            (answer["statusCode"].as_u64(), problem(&answer).as_str()),
            (Some(status), code),
            "{path}?{query} {answer}"
        );
    }
}

#[test]
fn cookies_and_base64_bodies_are_read_as_aws_sends_them() {
    let shipped = shipped();
    let body = Server::in_domain("one").activation(shipped.code("yearly")).to_string();
    let headers = [("content-type", "application/json"), ("cookie", "a=1; b=2"), ("cookie", "c=3")];
    let mut activation = event("POST", "/v1/activations", &headers, body.as_bytes());
    assert_eq!(activation["cookies"], json!(["a=1", "b=2", "c=3"]));
    assert_eq!(activation["headers"]["cookie"], "a=1; b=2; c=3");
    let first = answered(&shipped, &activation);
    assert_eq!(first["statusCode"], 201, "{first}");
    // The same bytes as base64 are the same call.
    (activation["body"], activation["isBase64Encoded"]) = (json!(Base64::encode_string(body.as_bytes())), json!(true));
    assert_eq!(answered(&shipped, &activation)["statusCode"], 200);
    // What claims to be base64 and is not was not sent by AWS.
    activation["body"] = json!("%%%");
    let outcome = shipped.function.sandbox().call(activation.to_string());
    assert!(matches!(&outcome, Outcome::Error { kind, .. } if kind == "Marque.UnknownEvent"), "{outcome:?}");
    lives(&shipped);
    let binary = event("POST", "/v1/activations", &[("content-type", "application/json")], b"\xff\xfe");
    assert_eq!(binary["isBase64Encoded"], true);
    assert_eq!(problem(&answered(&shipped, &binary)), "INVALID_REQUEST");
}

#[test]
fn answers_are_text_with_one_value_a_header() {
    let shipped = shipped();
    for path in ["/health", "/.well-known/jwks.json", "/.well-known/keys.jwt", "/openapi.json", "/v1/nothing"] {
        let answer = answered(&shipped, &event("GET", path, &[], &[]));
        assert_eq!(answer["isBase64Encoded"], false, "{path} {answer}");
        assert!(answer.get("multiValueHeaders").is_none(), "function URLs drop lists of values: {path} {answer}");
        let headers = answer["headers"].as_object().expect("headers");
        assert!(headers.contains_key("content-type") && headers.values().all(Value::is_string), "{path} {answer}");
    }
}

#[test]
fn sigterm_ends_it_at_once_and_loses_nothing() {
    let mut shipped = shipped();
    let client = Client::new(&shipped.url());
    let mut server = Server::in_domain("one");
    let code = shipped.code("yearly").to_owned();
    let first = client.post("/v1/activations", &server.activation(&code)).expect("an answer");
    assert_eq!(first.status, 201);
    let killed = Command::new("kill").args(["-TERM", &shipped.function.pid().to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()));
    assert!(shipped.function.wait_until_ended().is_some(), "it is still there");
    assert_eq!(shipped.function.sandbox().init_error(), None);
    // The next sandbox finds what was acknowledged.
    let next = marque_tests::Function::start(&marque_tests::function("validate"), &shipped.deployment.environment());
    assert!(next.sandbox().wait_until_asked(1));
    let again = event(
        "POST",
        "/v1/activations",
        &[("content-type", "application/json")],
        server.activation(&code).to_string().as_bytes(),
    );
    let Outcome::Response(answer) = next.sandbox().call(again.to_string()) else { panic!("no answer") };
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).expect("JSON");
    assert_eq!((&answer["statusCode"], &body["activation_id"]), (&json!(200), &first.json()["activation_id"]));
}
