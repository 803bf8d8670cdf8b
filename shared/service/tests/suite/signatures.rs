//! Checks of machines that registered a key.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use http::{Request, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Answer, House, Issued, activation, validation, with};

const PATH: &str = "/v1/validations";

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(key: &SigningKey) -> Value {
    json!(Base64UrlUnpadded::encode_string(key.verifying_key().as_bytes()))
}

fn signature(key: &SigningKey, method: &str, path: &str, body: &str) -> String {
    let digest: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let message = format!("marque/request/v1\n{method}\n{path}\n{digest}");
    Base64UrlUnpadded::encode_string(&key.sign(message.as_bytes()).to_bytes())
}

async fn send(house: &House, body: &str, signature: &str) -> Answer {
    let request = Request::post(PATH).header(header::CONTENT_TYPE, "application/json");
    let request = request.header("marque-signature", signature);
    house.send(request.body(body.to_owned().into()).unwrap()).await
}

/// A licence whose domain 1 registered a key.
async fn keyed(house: &House, key: &SigningKey) -> Issued {
    let issued = house.issue("yearly").await;
    house.post("/v1/activations", &with(activation(&issued.code, 1), "public_key", public(key))).await.ok(201);
    issued
}

#[tokio::test]
async fn a_machine_with_a_key_signs() {
    let house = House::new().await;
    let issued = keyed(&house, &key(1)).await;
    let body = validation(issued.id, 1).to_string();
    let before = house.license(issued.id).await;
    house.post_bytes(PATH, body.clone()).await.problem(401, "SIGNATURE_REQUIRED");
    assert_eq!(house.license(issued.id).await, before, "an unsigned check was stamped");
    let signed = signature(&key(1), "POST", PATH, &body);
    assert_eq!(send(&house, &body, &signed).await.ok(200)["valid"], true);
    assert_ne!(house.license(issued.id).await, before);
}

#[tokio::test]
async fn a_signature_is_of_this_very_request() {
    let house = House::new().await;
    let issued = keyed(&house, &key(1)).await;
    let body = validation(issued.id, 1).to_string();
    let good = signature(&key(1), "POST", PATH, &body);
    let before = house.license(issued.id).await;
    let other = with(validation(issued.id, 1), "nonce", json!("another-nonce-0123456789")).to_string();
    for (body, signature) in [
        (&body, signature(&key(2), "POST", PATH, &body)),
        (&body, signature(&key(1), "PUT", PATH, &body)),
        (&body, signature(&key(1), "post", PATH, &body)),
        (&body, signature(&key(1), "POST", "/v1/activations", &body)),
        (&body, signature(&key(1), "POST", PATH, &other)),
        (&other, good.clone()),
        (&format!("{body} "), good.clone()),
        (&body, String::new()),
        (&body, "x".to_owned()),
        (&body, format!("{good}=")),
        (&body, format!("{good}A")),
        (&body, good[..43].to_owned()),
        (&body, "A".repeat(86)),
        (&body, good.replace(['-', '_'], "+")),
        (&body, format!("{good}{good}")),
    ] {
        let answer = send(&house, body, &signature).await;
        if signature == good && *body != other && !body.ends_with(' ') {
            continue;
        }
        answer.problem(401, "SIGNATURE_INVALID");
    }
    assert_eq!(house.license(issued.id).await, before, "a faulty signature left a stamp");
    send(&house, &body, &good).await.ok(200);
}

#[tokio::test]
async fn a_signature_by_code_holds_too_and_needs_one_read_more() {
    let house = House::new().await;
    let issued = keyed(&house, &key(1)).await;
    let body = with(with(validation(issued.id, 1), "license_id", Value::Null), "code", json!(issued.code)).to_string();
    house.post_bytes(PATH, body.clone()).await.problem(401, "SIGNATURE_REQUIRED");
    send(&house, &body, &signature(&key(1), "POST", PATH, &body)).await.ok(200);
}

#[tokio::test]
async fn the_code_outweighs_a_key() {
    let house = House::new().await;
    let issued = keyed(&house, &key(1)).await;
    let body = validation(issued.id, 1).to_string();
    let by = |number| signature(&key(number), "POST", PATH, &body);

    let replace = with(activation(&issued.code, 1), "public_key", public(&key(2)));
    house.post("/v1/activations", &replace).await.ok(200);
    send(&house, &body, &by(1)).await.problem(401, "SIGNATURE_INVALID");
    send(&house, &body, &by(2)).await.ok(200);

    house.activate(&issued.code, 1).await.ok(200);
    assert_eq!(house.license(issued.id).await.activations.values().next().unwrap().public_key, None);
    house.post_bytes(PATH, body.clone()).await.ok(200);
    // A signature that nobody asked for stops nobody.
    send(&house, &body, &by(2)).await.ok(200);
    send(&house, &body, "x").await.ok(200);
}

#[tokio::test]
async fn strangers_are_judged_as_such_and_verdicts_need_the_signature_too() {
    let house = House::new().await;
    let issued = keyed(&house, &key(1)).await;
    assert_eq!(house.validate(issued.id, 2).await.ok(200)["code"], "FINGERPRINT_MISMATCH");
    let product = with(validation(issued.id, 1), "product", json!("other"));
    assert_eq!(house.post(PATH, &product).await.ok(200)["code"], "PRODUCT_MISMATCH");
    house.revoke(issued.id).await;
    house.validate(issued.id, 1).await.problem(401, "SIGNATURE_REQUIRED");
    let body = validation(issued.id, 1).to_string();
    let answer = send(&house, &body, &signature(&key(1), "POST", PATH, &body)).await.ok(200);
    assert_eq!(answer["code"], "REVOKED");
}
