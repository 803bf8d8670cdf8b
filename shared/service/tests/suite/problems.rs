//! Problem documents: each error there is, and what the router and the envelope make by themselves.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use marque_clouds::ProofError;
use marque_service::http::envelope;
use marque_service::problem::{Error, Fault, Taken};
use marque_store::StoreError;
use serde_json::Value;
use tower::ServiceExt;

use crate::harness::{Answer, House, activation, validation};

/// Every error with its status, its code and its Retry-After. The match beside it does not compile when one is new.
fn table() -> Vec<(Error, u16, &'static str, &'static str)> {
    let fault = Fault { pointer: "/a".to_owned(), detail: "must be so".to_owned() };
    let conflict = Error::StateConflict { from: "revoked", action: "release", detail: "It is over.".to_owned() };
    vec![
        (Error::Invalid(vec![fault]), 400, "INVALID_REQUEST", ""),
        (Error::Unauthorized, 401, "UNAUTHORIZED", ""),
        (Error::SignatureRequired, 401, "SIGNATURE_REQUIRED", ""),
        (Error::SignatureInvalid, 401, "SIGNATURE_INVALID", ""),
        (Error::LeaseInvalid, 401, "LEASE_INVALID", ""),
        (Error::ChallengeUnknown, 409, "CHALLENGE_UNKNOWN", ""),
        (Error::Proof(ProofError::Invalid("SECRET")), 422, "PROOF_INVALID", ""),
        (Error::Proof(ProofError::Untrusted("SECRET")), 422, "PROOF_UNTRUSTED", ""),
        (Error::Proof(ProofError::Stale("SECRET")), 422, "PROOF_STALE", ""),
        (Error::Proof(ProofError::ChallengeMismatch("SECRET")), 422, "CHALLENGE_MISMATCH", ""),
        (Error::Proof(ProofError::SourceUnavailable("SECRET".into())), 503, "PROOF_SOURCE_UNAVAILABLE", "60"),
        (Error::ProductNotListed, 422, "PRODUCT_NOT_LISTED", ""),
        (Error::ByolCodeRequired, 422, "BYOL_CODE_REQUIRED", ""),
        (Error::MachineTaken(Taken::ByKey), 409, "MACHINE_TAKEN", ""),
        (Error::MachineTaken(Taken::TooOften), 409, "MACHINE_TAKEN", ""),
        (Error::MachineTaken(Taken::ShutOut), 409, "MACHINE_TAKEN", ""),
        (Error::DomainTaken, 409, "DOMAIN_TAKEN", ""),
        (Error::NotFound, 404, "NOT_FOUND", ""),
        (Error::LicenseNotFound, 404, "LICENSE_NOT_FOUND", ""),
        (Error::MethodNotAllowed, 405, "METHOD_NOT_ALLOWED", ""),
        (Error::BodyTooLarge, 413, "BODY_TOO_LARGE", ""),
        (Error::UnsupportedMediaType, 415, "UNSUPPORTED_MEDIA_TYPE", ""),
        (conflict, 409, "STATE_CONFLICT", ""),
        (Error::AdminUnauthorized, 401, "UNAUTHORIZED", ""),
        (Error::Unknown("No such thing."), 404, "NOT_FOUND", ""),
        (Error::IdempotencyConflict, 409, "IDEMPOTENCY_CONFLICT", ""),
        (Error::NotPerpetual, 409, "NOT_PERPETUAL", ""),
        (Error::NotActivated, 409, "NOT_ACTIVATED", ""),
        (Error::FileIssued, 409, "FILE_ISSUED", ""),
        (Error::CodeMistyped, 422, "CODE_MISTYPED", ""),
        (Error::RuleViolated("Only so."), 422, "RULE_VIOLATED", ""),
        (Error::RateLimited { retry_after: 77 }, 429, "RATE_LIMITED", "77"),
        (Error::Unavailable { cause: "SECRET".to_owned() }, 503, "UNAVAILABLE", "5"),
    ]
}

fn number(error: &Error) -> usize {
    match error {
        Error::Invalid(_) => 0,
        Error::Unauthorized => 1,
        Error::SignatureRequired => 2,
        Error::SignatureInvalid => 3,
        Error::NotFound => 4,
        Error::LicenseNotFound => 5,
        Error::MethodNotAllowed => 6,
        Error::BodyTooLarge => 7,
        Error::UnsupportedMediaType => 8,
        Error::StateConflict { .. } => 9,
        Error::NotPerpetual => 10,
        Error::NotActivated => 11,
        Error::FileIssued => 12,
        Error::CodeMistyped => 13,
        Error::RuleViolated(_) => 14,
        Error::RateLimited { .. } => 15,
        Error::Unavailable { .. } => 16,
        Error::AdminUnauthorized => 17,
        Error::Unknown(_) => 18,
        Error::IdempotencyConflict => 19,
        Error::LeaseInvalid => 20,
        Error::ChallengeUnknown => 21,
        Error::Proof(_) => 22,
        Error::ProductNotListed => 23,
        Error::ByolCodeRequired => 24,
        Error::MachineTaken(_) => 25,
        Error::DomainTaken => 26,
    }
}

async fn answer(router: Router, path: &str) -> Answer {
    let response = envelope(router).oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}

#[tokio::test]
async fn every_error_is_a_problem_document() {
    let mut numbers = BTreeSet::new();
    for (error, status, code, retry_after) in table() {
        numbers.insert(number(&error));
        let (failing, expected) = (error.clone(), error.code());
        let router = Router::new().route("/", get(move || async move { Err::<(), _>(failing) }));
        let answer = answer(router, "/").await;
        let problem = answer.problem(status, code);
        assert_eq!(expected, code);
        assert_eq!(answer.header("retry-after"), retry_after, "{code}");
        assert!(!answer.text().contains("SECRET"), "the log's cause was told");
        let extra: BTreeSet<_> = problem.as_object().unwrap().keys().map(String::as_str).collect();
        let mut allowed: BTreeSet<_> = ["type", "title", "status", "detail", "code", "request_id"].into();
        match code {
            "INVALID_REQUEST" => drop(allowed.insert("errors")),
            "STATE_CONFLICT" => allowed.extend(["from", "action"]),
            _ => {}
        }
        assert_eq!(extra, allowed, "{code}");
    }
    assert_eq!(numbers.len(), 27);
}

#[tokio::test]
async fn a_failing_table_is_unavailable_and_tells_no_stranger_why() {
    for error in [
        StoreError::Unavailable("SECRET".to_owned()),
        StoreError::Contention { item: "SECRET".to_owned() },
        StoreError::Corrupt { item: "SECRET".to_owned(), fault: "SECRET".to_owned() },
    ] {
        let error = Error::from(error);
        assert!(error.cause().is_some_and(|cause| cause.contains("SECRET")));
        assert!(!serde_json::to_string(&error.problem("x")).unwrap().contains("SECRET"));
    }
}

async fn explode() -> &'static str {
    panic!("SECRET")
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_service_goes_on() {
    let router = Router::new().route("/boom", get(explode)).route("/fine", get(async || "fine"));
    let boom = answer(router.clone(), "/boom").await;
    boom.problem(503, "UNAVAILABLE");
    assert!(!boom.text().contains("SECRET"));
    assert_eq!(boom.header("retry-after"), "5");
    assert_eq!(answer(router, "/fine").await.text(), "fine");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_a_problem() {
    let hang = async || {
        tokio::time::sleep(Duration::from_secs(3600)).await;
    };
    answer(Router::new().route("/", get(hang)), "/").await.problem(503, "UNAVAILABLE");
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let house = House::new().await;
    for path in ["/", "/v1", "/v1/validations/", "/v1/nope", "//v1/validations"] {
        house.get(path).await.problem(404, "NOT_FOUND");
    }
    for (method, path, allow) in [
        (Method::GET, "/v1/validations", "POST"),
        (Method::PUT, "/v1/activations", "POST"),
        (Method::GET, "/v1/explain", "POST"),
        (Method::GET, "/v1/activations/act_01ARZ3NDEKTSV4RRFFQ69G5FAV", "DELETE"),
        (Method::DELETE, "/v1/licenses/lic_01ARZ3NDEKTSV4RRFFQ69G5FAV/file", "GET"),
        (Method::POST, "/v1/revocations", "GET"),
        (Method::POST, "/health", "GET"),
        (Method::POST, "/openapi.json", "GET"),
        (Method::PATCH, "/.well-known/jwks.json", "GET"),
        (Method::OPTIONS, "/v1/validations", "POST"),
    ] {
        let answer = house.send(Request::builder().method(&method).uri(path).body(Body::empty()).unwrap()).await;
        answer.problem(405, "METHOD_NOT_ALLOWED");
        assert!(answer.header("allow").split(',').any(|word| word.trim() == allow), "{method} {path}: {answer:?}");
    }
    house.get("/v1/activations/%ff").await.problem(405, "METHOD_NOT_ALLOWED");
    let faulty = house.holder(Method::DELETE, "/v1/activations/%ff", "x").await;
    faulty.problem(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_body_may_have_65536_bytes() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let body = validation(issued.id, 1).to_string();
    let padded = |size: usize| format!("{body}{}", " ".repeat(size - body.len()));
    house.post_bytes("/v1/validations", padded(65_536)).await.ok(200);
    house.post_bytes("/v1/validations", padded(65_537)).await.problem(413, "BODY_TOO_LARGE");
    house.post_bytes("/v1/validations", padded(8 * 1024 * 1024)).await.problem(413, "BODY_TOO_LARGE");
    house.post_bytes("/v1/validations", vec![0; 65_536]).await.problem(400, "INVALID_REQUEST");
    house.post_bytes("/v1/validations", vec![0; 65_537]).await.problem(413, "BODY_TOO_LARGE");
    house.post_bytes("/v1/explain", vec![b'x'; 65_537]).await.problem(413, "BODY_TOO_LARGE");
}

#[tokio::test]
async fn a_body_is_plain_json() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let body = Bytes::from(validation(issued.id, 1).to_string());
    let send = async |headers: &[(&str, &str)]| {
        let mut request = Request::post("/v1/validations");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        house.send(request.body(Body::from(body.clone())).unwrap()).await
    };
    for media_type in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
    ] {
        send(&[("content-type", media_type)]).await.ok(200);
    }
    send(&[("content-type", "application/json"), ("content-encoding", "identity")]).await.ok(200);
    for headers in [
        &[][..],
        &[("content-type", "")],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/jsonp")],
        &[("content-type", "application/json; charset=latin1")],
        &[("content-type", "application/json; charset=utf-16")],
        &[("content-type", "application/json"), ("content-encoding", "gzip")],
        &[("content-type", "application/json"), ("content-encoding", "br")],
        &[("content-type", "application/json"), ("content-encoding", "identity, gzip")],
        &[("content-type", "application/json"), ("content-encoding", "identity"), ("content-encoding", "gzip")],
        &[("content-type", "application/json"), ("content-type", "text/plain")],
    ] {
        assert_eq!(send(headers).await.status.as_u16(), 415, "{headers:?}");
        send(headers).await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    }
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let house = House::new().await;
    let issued = house.issue("yearly").await;
    let mut ids = BTreeSet::new();
    for answer in [
        house.get("/health").await,
        house.get("/health").await,
        house.get("/nope").await,
        house.activate(&issued.code, 1).await,
        house.validate(issued.id, 1).await,
        house.get("/.well-known/jwks.json").await,
    ] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        ids.insert(answer.header("x-request-id").to_owned());
    }
    assert_eq!(ids.len(), 6);
    let request = Request::get("/health").header("x-request-id", "mine").body(Body::empty()).unwrap();
    assert_ne!(house.send(request).await.header("x-request-id"), "mine");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_does_not_answer_is_503_with_retry_after() {
    use marque_embedded::Fault;
    for fault in [Fault::Throttle, Fault::Internal, Fault::Timeout, Fault::Crash { applied: false }] {
        let house = House::new().await;
        let (issued, _) = house.bound("yearly").await;
        for path in ["/health", "/v1/validations", "/v1/activations", "/v1/explain", "/v1/revocations"] {
            for _ in 0..3 {
                house.embedded.faults().inject(None, fault);
            }
            let answer = match path {
                "/v1/validations" => house.validate(issued.id, 1).await,
                "/v1/activations" => house.post(path, &activation(&issued.code, 1)).await,
                "/v1/explain" => house.post(path, &serde_json::json!({"code": issued.code})).await,
                _ => house.get(path).await,
            };
            let problem: Value = answer.problem(503, "UNAVAILABLE");
            assert_eq!(answer.header(header::RETRY_AFTER.as_str()), "5");
            assert!(!problem.to_string().to_lowercase().contains("dynamo"), "{problem}");
            house.embedded.faults().clear();
        }
    }
}
