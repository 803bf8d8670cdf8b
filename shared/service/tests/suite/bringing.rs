//! Machines that bring their own licence: the code is the credential, and what a machine may do without it.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::SigningKey;
use http::Method;
use marque_core::Cloud;
use serde_json::{Value, json};

use crate::harness::{Issued, activation};
use crate::machines::{Clouds, Place, key, place};

fn at(machine: &str) -> Place<'_> {
    Place { claim: "byolcode", ..place(Cloud::Aws, machine, 1) }
}

#[tokio::test]
async fn a_machine_comes_back_without_a_code_only_to_what_is_bound_as_it_left_it() {
    let clouds = Clouds::new().await;
    let issued = clouds.house.issue("yearly").await;
    let bound = clouds.bring(&key(1), at("vm"), &issued.code).await.ok(201);
    assert_eq!(clouds.register(&key(1), at("vm")).await.ok(200)["activation_id"], bound["activation_id"]);
    activate_with(&clouds, &issued, &key(9)).await;
    clouds.register(&key(1), at("vm")).await.problem(422, "BYOL_CODE_REQUIRED");
    clouds.check(&bound, 1, &key(9)).await.ok(200);
    clouds.house.activate(&issued.code, 1).await.ok(200);
    clouds.register(&key(1), at("vm")).await.ok(200);
    let path = format!("/v1/activations/{}", bound["activation_id"].as_str().unwrap());
    assert_eq!(clouds.house.holder(Method::DELETE, &path, &issued.code).await.status, 204);
    clouds.register(&key(1), at("vm")).await.problem(422, "BYOL_CODE_REQUIRED");
    clouds.bring(&key(1), at("vm"), &issued.code).await.ok(201);
}

/// Whoever has the code says that checks must be signed with this key.
async fn activate_with(clouds: &Clouds, issued: &Issued, key: &SigningKey) {
    let mut body = activation(&issued.code, 1);
    body["public_key"] = json!(Base64UrlUnpadded::encode_string(key.verifying_key().as_bytes()));
    clouds.house.post("/v1/activations", &body).await.ok(200);
}

#[tokio::test]
async fn the_same_bytes_again_undo_no_key() {
    let clouds = Clouds::new().await;
    let issued = clouds.house.issue("yearly").await;
    let challenge = clouds.challenge(Cloud::Aws).await;
    let mut body = clouds.body(&challenge, &key(1), &at("vm"));
    body["code"] = json!(issued.code);
    clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(201);
    clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(200);
    activate_with(&clouds, &issued, &key(9)).await;
    clouds.send("/v1/registrations", &body, Some(&key(1))).await.problem(409, "CHALLENGE_UNKNOWN");
}

#[tokio::test]
async fn another_code_with_a_copied_document_spoils_no_way_back() {
    let clouds = Clouds::new().await;
    let (mine, theirs) = (clouds.house.issue("yearly").await, clouds.house.issue("yearly").await);
    let bound = clouds.bring(&key(1), at("vm"), &mine.code).await.ok(201);
    clouds.bring(&key(2), at("vm"), &theirs.code).await.ok(201);
    let back = clouds.register(&key(1), at("vm")).await.ok(200);
    assert_eq!(back["license_id"], bound["license_id"]);
    clouds.register(&key(2), at("vm")).await.problem(422, "BYOL_CODE_REQUIRED");
}

#[tokio::test]
async fn a_token_that_the_product_does_not_ask_for_stops_nobody() {
    let clouds = Clouds::new().await;
    let issued = clouds.house.issue("yearly").await;
    let at = Place { claim: "ocid1.listing.of.somebody", ..place(Cloud::Oci, "vm", 1) };
    let bound = clouds.bring(&key(1), at, &issued.code).await.ok(201);
    assert_eq!((&bound["mode"], &bound["machine"]["product_claim"]), (&json!("byol"), &Value::Null));
    let mistyped = clouds.bring(&key(2), Place { machine: "other", ..at }, "no code").await;
    mistyped.problem(422, "CODE_MISTYPED");
}
