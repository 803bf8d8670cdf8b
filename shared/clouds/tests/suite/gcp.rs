//! GCP: which tokens are an instance's, and for us.

use base64ct::{Base64UrlUnpadded, Encoding};
use marque_clouds::Proof;
use marque_core::Cloud;
use marque_simulators::proofs::{GcpClaims, sign_gcp};
use serde_json::{Value, json};

use crate::support::{ANCHOR, NOW, OTHER, PREFIX, at, binding, code, prove, verify};

fn claims_of(change: impl FnOnce(&mut Value)) -> Value {
    let now = at(NOW).unix();
    let mut claims = json!({
        "aud": format!("{PREFIX}{}", binding()),
        "exp": now + 3600,
        "google": { "compute_engine": {
            "instance_id": "3630792770399268881",
            "license_id": ["8045211386737108299"],
            "project_id": "a-project",
            "project_number": 356_494_542_886_u64,
            "zone": "us-central1-a",
        } },
        "iat": now,
        "iss": "https://accounts.google.com",
    });
    change(&mut claims);
    claims
}

fn token(header: Value, change: impl FnOnce(&mut Value)) -> Proof {
    let claims = claims_of(change);
    Proof::Gcp { identity_token: sign_gcp(&GcpClaims { header, claims }, &ANCHOR).unwrap() }
}

fn header() -> Value {
    json!({ "alg": "RS256", "kid": "simulated-google", "typ": "JWT" })
}

#[tokio::test]
async fn a_signed_token_tells_the_machine() {
    let machine = verify(&token(header(), |_| {})).await.unwrap();
    assert_eq!(machine.account, "356494542886");
    assert_eq!(machine.instance, "3630792770399268881");
    assert_eq!(machine.region.as_deref(), Some("us-central1"));
    assert_eq!(machine.product_claims, ["8045211386737108299"], "beyond 2^53, to the last digit");
    assert_eq!(code(&prove(Cloud::Gcp, "")).await, "accepted");
}

#[tokio::test]
async fn claims_are_judged_in_order() {
    let now = at(NOW).unix();
    for (member, value, expected) in [
        ("aud", json!(format!("{PREFIX}{}x", binding())), "CHALLENGE_MISMATCH"),
        ("aud", json!(binding().as_str()), "CHALLENGE_MISMATCH"),
        ("aud", json!([format!("{PREFIX}{}", binding())]), "PROOF_INVALID"),
        ("iss", json!("accounts.google.com"), "PROOF_UNTRUSTED"),
        ("iss", json!("https://accounts.google.com/"), "PROOF_UNTRUSTED"),
        ("exp", json!(now - 1), "PROOF_STALE"),
        ("iat", json!(now - 601), "PROOF_STALE"),
        ("iat", json!(now + 61), "PROOF_STALE"),
        ("exp", json!((now + 3600).to_string()), "PROOF_INVALID"),
        ("exp", json!(null), "PROOF_INVALID"),
        ("iat", json!(1.5), "PROOF_INVALID"),
        ("google", json!({}), "PROOF_INVALID"),
        (
            "google",
            json!({ "compute_engine": { "instance_id": 1, "zone": "a-b", "project_number": 1 } }),
            "PROOF_INVALID",
        ),
    ] {
        let proof = token(header(), |claims| claims[member] = value.clone());
        assert_eq!(code(&proof).await, expected, "{member}: {value}");
    }
}

/// The same keys sign tokens of service accounts, with any audience that is asked for.
#[tokio::test]
async fn a_token_without_an_instance_is_nobodys() {
    let bare = token(header(), |claims| {
        claims.as_object_mut().unwrap().remove("google");
    });
    assert_eq!(code(&bare).await, "PROOF_INVALID");
}

#[tokio::test]
async fn licenses_are_texts_or_absent() {
    for (licenses, expected) in [
        (json!([]), "accepted"),
        (json!(["1", "2"]), "accepted"),
        (json!([8_045_211_386_737_108_299_u64]), "PROOF_INVALID"),
        (json!("1"), "PROOF_INVALID"),
        (json!(null), "PROOF_INVALID"),
    ] {
        let proof = token(header(), |claims| claims["google"]["compute_engine"]["license_id"] = licenses.clone());
        assert_eq!(code(&proof).await, expected, "{licenses}");
    }
}

#[tokio::test]
async fn the_header_brings_along_neither_algorithm_nor_key() {
    for (member, value) in [
        ("alg", json!("HS256")),
        ("alg", json!("none")),
        ("alg", json!("RS512")),
        ("alg", json!("rs256")),
        ("typ", json!("at+jwt")),
        ("jku", json!("https://example.com/keys")),
        ("jwk", json!({})),
        ("x5u", json!("https://example.com/key")),
        ("x5c", json!([])),
        ("crit", json!(["exp"])),
        ("kid", json!(null)),
    ] {
        let mut changed = header();
        changed[member] = value.clone();
        assert_eq!(code(&token(changed, |_| {})).await, "PROOF_INVALID", "{member}: {value}");
    }
    let unknown = json!({ "alg": "RS256", "kid": "another" });
    assert_eq!(code(&token(unknown, |_| {})).await, "PROOF_UNTRUSTED");
}

#[tokio::test]
async fn a_token_that_another_key_signed_is_invalid() {
    let good = GcpClaims { header: header(), claims: claims_of(|_| {}) };
    let signed = |key| Proof::Gcp { identity_token: sign_gcp(&good, key).unwrap() };
    assert_eq!(code(&signed(&ANCHOR)).await, "accepted");
    assert_eq!(code(&signed(&OTHER)).await, "PROOF_INVALID");
}

/// Header and claims as texts, whatever they are, signed by the trusted key.
fn written(header: &str, claims: &str) -> Proof {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let covered = format!("{}.{}", encode(header), encode(claims));
    let signature = Base64UrlUnpadded::encode_string(&ANCHOR.sign(covered.as_bytes()).unwrap());
    Proof::Gcp { identity_token: format!("{covered}.{signature}") }
}

#[tokio::test]
async fn a_token_has_one_reading() {
    let header = r#"{"alg":"RS256","kid":"simulated-google"}"#;
    let claims = claims_of(|_| {}).to_string();
    assert_eq!(code(&written(header, &claims)).await, "accepted");
    let twice = |member: &str| claims.replacen('{', &format!("{{{member},"), 1);
    for claims in [
        twice(r#""iss":"https://example.com""#),
        twice(r#""\u0069ss":"https://example.com""#),
        claims.replace(r#""project_number""#, r#""instance_id":"1","project_number""#),
        format!("{claims} {{}}"),
        claims.replace(r#""zone""#, r#""Zone""#),
    ] {
        assert_eq!(code(&written(header, &claims)).await, "PROOF_INVALID", "{claims}");
    }
    for header in [
        r#"{"alg":"none","alg":"RS256","kid":"simulated-google"}"#,
        r#"{"alg":"RS256","kid":"another","kid":"simulated-google"}"#,
        r#"{"Alg":"RS256","kid":"simulated-google"}"#,
    ] {
        assert_eq!(code(&written(header, &claims)).await, "PROOF_INVALID", "{header}");
    }
}

#[tokio::test]
async fn base64url_has_one_spelling() {
    let Proof::Gcp { identity_token: token } = token(header(), |_| {}) else { unreachable!() };
    for token in [format!("{token}="), format!("{token}\n"), token.replace('.', ".."), format!(".{token}")] {
        assert_eq!(code(&Proof::Gcp { identity_token: token }).await, "PROOF_INVALID");
    }
}
