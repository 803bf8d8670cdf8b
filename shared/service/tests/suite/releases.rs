//! Releasing a server.

use http::{Method, Request};
use marque_core::event::Head;
use serde_json::{Value, json};

use crate::harness::{House, Issued};

async fn release(house: &House, activation: &Value, code: &str) -> crate::harness::Answer {
    house.holder(Method::DELETE, &format!("/v1/activations/{}", activation.as_str().unwrap()), code).await
}

#[tokio::test]
async fn a_release_frees_the_domain_and_is_harmless_to_repeat() {
    let house = House::new().await;
    let (issued, bound) = house.bound("yearly").await;
    for _ in 0..3 {
        let answer = release(&house, &bound["activation_id"], &issued.code).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    }
    assert!(house.license(issued.id).await.activations.is_empty());
    assert_eq!(house.store().history(issued.id, Head::START, 10).await.unwrap().len(), 3);
    assert_eq!(house.validate(issued.id, 1).await.ok(200)["code"], "NOT_ACTIVATED");
    // The same domain again is another binding, and no rebind.
    let again = house.activate(&issued.code, 1).await.ok(201);
    assert_ne!(again["activation_id"], bound["activation_id"]);
    assert!(house.license(issued.id).await.bindings.rebinds.is_empty());
    assert_eq!(release(&house, &bound["activation_id"], &issued.code).await.status, 204);
    assert_eq!(house.license(issued.id).await.activations.len(), 1, "an old id released a new binding");
}

#[tokio::test]
async fn a_foreign_code_finds_nothing() {
    let house = House::new().await;
    let (_, bound) = house.bound("yearly").await;
    let other = house.issue("yearly").await;
    let id = &bound["activation_id"];
    release(&house, id, &other.code).await.problem(404, "NOT_FOUND");
    release(&house, id, "MARQV-E0123-45678-9ABCD-EFGJY").await.problem(404, "NOT_FOUND");
    release(&house, &json!("act_01ARZ3NDEKTSV4RRFFQ69G5FAV"), &other.code).await.problem(404, "NOT_FOUND");
    release(&house, &json!("x"), &other.code).await.problem(404, "NOT_FOUND");
    release(&house, id, "MARQV-E0123-45678-9ABCD-EFGJX").await.problem(422, "CODE_MISTYPED");
    assert_eq!(house.activate(&other.code, 2).await.status, 201);
}

#[tokio::test]
async fn a_release_needs_the_code() {
    let house = House::new().await;
    let (Issued { code, .. }, bound) = house.bound("yearly").await;
    let path = format!("/v1/activations/{}", bound["activation_id"].as_str().unwrap());
    for credential in ["", "License", &code, &format!("Bearer {code}"), "Basic eDp5"] {
        let mut request = Request::delete(&path);
        if !credential.is_empty() {
            request = request.header("authorization", credential);
        }
        let answer = house.send(request.body(axum::body::Body::empty()).unwrap()).await;
        answer.problem(401, "UNAUTHORIZED");
    }
    let request = Request::delete(&path).header("authorization", format!("license   {}", code.to_lowercase()));
    assert_eq!(house.send(request.body(axum::body::Body::empty()).unwrap()).await.status, 204);
}

#[tokio::test]
async fn a_state_may_forbid_it() {
    let house = House::new().await;
    let (issued, bound) = house.bound("yearly").await;
    house.suspend(issued.id).await;
    let problem = release(&house, &bound["activation_id"], &issued.code).await.problem(409, "STATE_CONFLICT");
    assert_eq!((&problem["from"], &problem["action"]), (&json!("suspended"), &json!("release")));
    house.revoke(issued.id).await;
    let problem = release(&house, &bound["activation_id"], &issued.code).await.problem(409, "STATE_CONFLICT");
    assert_eq!(problem["from"], "revoked");
}

#[tokio::test]
async fn once_a_file_was_issued_support_releases() {
    let house = House::new().await;
    let (issued, bound) = house.bound("perpetual").await;
    let path = format!("/v1/licenses/{}/file", issued.id);
    assert_eq!(house.holder(Method::GET, &path, &issued.code).await.status, 200);
    release(&house, &bound["activation_id"], &issued.code).await.problem(409, "FILE_ISSUED");
    assert_eq!(house.license(issued.id).await.activations.len(), 1);
}
