//! Documents that real machines were given, with what is known of them.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use marque_clouds::{Anchors, Expected, Fetcher, Freshness, NamedKey, Proof, ProofError, TrustData, Verifier};
use marque_core::{Cloud, ProofBinding};
use marque_simulators::asn1::{int, seq};

use crate::support::{at, binding, vector, vector_text, verify_at};

fn aws(document: String) -> Proof {
    Proof::Aws { identity_document_rsa2048: document }
}

#[tokio::test]
async fn a_real_aws_document_verifies_with_shipped_trust() {
    let Some(document) = vector_text("aws/2018-us-east-2.rsa2048.b64") else { return };
    let machine = verify_at(TrustData::shipped().unwrap(), &aws(document), "2026-11-24T00:00:00Z").await.unwrap();
    assert_eq!(machine.cloud, Cloud::Aws);
    assert_eq!(machine.account, "437526006925");
    assert_eq!(machine.instance, "i-075f088c72ad3271c");
    assert_eq!(machine.region.as_deref(), Some("us-east-2"));
    assert_eq!(machine.product_claims, Vec::<String>::new());
    assert_eq!(machine.freshness, Freshness::StartedAt(at("2018-10-05T20:10:43Z")));
}

#[tokio::test]
async fn no_changed_bit_of_a_real_aws_document_verifies() {
    let Some(document) = vector_text("aws/2018-us-east-2.rsa2048.b64") else { return };
    let document = Base64::decode_vec(&document.replace('\n', "")).unwrap();
    let trust = TrustData::shipped().unwrap();
    for place in 0..document.len() {
        let mut changed = document.clone();
        changed[place] ^= 1 << (place % 8);
        let verdict = verify_at(trust.clone(), &aws(Base64::encode_string(&changed)), "2026-11-24T00:00:00Z").await;
        // What the signature does not cover, and nobody reads: versions, and identifiers of algorithms in their two spellings.
        if let Ok(machine) = verdict {
            assert_eq!((machine.account.as_str(), machine.instance.as_str()), ("437526006925", "i-075f088c72ad3271c"));
            assert!(document[..place].windows(6).all(|part| part != b"region") || place > 560, "byte {place}");
        }
    }
}

#[tokio::test]
async fn forms_of_aws_that_are_too_weak_are_refused() {
    let Some(document) = vector_text("aws/2018-us-east-2.pkcs7-dsa-sha1.b64") else { return };
    let error = verify_at(TrustData::shipped().unwrap(), &aws(document), "2026-11-24T00:00:00Z").await.unwrap_err();
    assert_eq!(error, ProofError::Invalid("CMS: not RSA with SHA-256"));
    let signature = vector_text("aws/2026-us-east-1.signature-rsa1024.b64").unwrap();
    let error = verify_at(TrustData::shipped().unwrap(), &aws(signature), "2026-11-24T00:00:00Z").await.unwrap_err();
    assert_eq!(error.code(), "PROOF_INVALID");
}

/// Trust as it was in 2023: the intermediate that has ended since.
fn trust_of_2023() -> Option<TrustData> {
    let pem = vector_text("azure/intermediate-azure-tls-issuing-ca-05.pem")?;
    let letters: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let anchors = Anchors { azure_intermediate: Some(Base64::decode_vec(&letters).unwrap()), ..Anchors::default() };
    Some(TrustData::shipped().unwrap().with_anchors(&anchors).unwrap())
}

#[tokio::test]
async fn a_real_azure_document_verifies_in_its_time_and_asks_for_its_nonce() {
    let Some(trust) = trust_of_2023() else { return };
    let proof = Proof::Azure { attested_document: vector_text("azure/2023-10-02-northeurope.b64").unwrap() };
    // All that is wrong with it is the nonce, which no binding can be: so it verifies.
    let error = verify_at(trust.clone(), &proof, "2023-10-02T15:00:00Z").await.unwrap_err();
    assert_eq!(error, ProofError::ChallengeMismatch("Azure: another nonce"));
    for now in ["2023-10-02T12:30:00Z", "2023-10-02T18:33:12Z", "2023-10-03T15:00:00Z"] {
        assert_eq!(verify_at(trust.clone(), &proof, now).await.unwrap_err().code(), "PROOF_STALE", "{now}");
    }
    // Today certificate and intermediate have ended as well.
    assert_eq!(verify_at(trust, &proof, "2026-11-24T00:00:00Z").await.unwrap_err().code(), "PROOF_UNTRUSTED");
    let shipped = verify_at(TrustData::shipped().unwrap(), &proof, "2023-10-02T15:00:00Z").await.unwrap_err();
    assert_eq!(shipped, ProofError::Untrusted("Azure: unknown issuer"));
}

#[tokio::test]
async fn a_self_signed_look_alike_of_azure_is_refused() {
    let Some(document) = vector("azure/2018-selfsigned.der") else { return };
    let proof = Proof::Azure { attested_document: Base64::encode_string(&document) };
    let error = verify_at(TrustData::shipped().unwrap(), &proof, "2018-12-01T00:00:00Z").await.unwrap_err();
    assert_eq!(error.code(), "PROOF_INVALID", "its RSA-1024 key is not even looked at");
}

#[tokio::test]
async fn a_real_gcp_token_verifies_in_its_time_for_its_audience() {
    let (Some(token), Some(keys)) = (vector_text("gcp/2026-05-29.jwt"), vector("gcp/2026-05-29.jwks.json")) else {
        return;
    };
    let keys: serde_json::Value = serde_json::from_slice(&keys).unwrap();
    let token = token.trim().to_owned();
    let header = Base64UrlUnpadded::decode_vec(token.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    let jwk = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let number = |name: &str| int(&Base64UrlUnpadded::decode_vec(jwk[name].as_str().unwrap()).unwrap());
    let key = NamedKey { id: header["kid"].as_str().unwrap().to_owned(), key: seq(&[&number("n"), &number("e")]) };
    let trust = TrustData::shipped().unwrap().with_anchors(&Anchors { gcp: Some(key), ..Anchors::default() }).unwrap();
    let proof = Proof::Gcp { identity_token: token };
    // The audience was `witness-node-attestor`: it cannot end with a binding, and that is all that is wrong.
    let error = verify_at(trust.clone(), &proof, "2026-05-29T17:45:00Z").await.unwrap_err();
    assert_eq!(error, ProofError::ChallengeMismatch("GCP: another audience"));
    for now in ["2026-05-29T17:30:00Z", "2026-05-29T18:00:00Z", "2026-11-24T00:00:00Z"] {
        assert_eq!(verify_at(trust.clone(), &proof, now).await.unwrap_err().code(), "PROOF_STALE", "{now}");
    }
    let shipped = verify_at(TrustData::shipped().unwrap(), &proof, "2026-05-29T17:45:00Z").await.unwrap_err();
    assert_eq!(shipped, ProofError::Untrusted("GCP: no key of this name"));
}

#[tokio::test]
async fn the_shipped_trust_is_enough_for_no_simulated_proof() {
    for cloud in Cloud::ALL {
        let proof = crate::support::prove(*cloud, "product/of/ours");
        let binding: ProofBinding = binding();
        let expected = Expected { binding: &binding, audience_prefix: crate::support::PREFIX };
        let verifier = Verifier::new(TrustData::shipped().unwrap(), Fetcher::none());
        let error = verifier.verify(&proof, expected, None, at(crate::support::NOW)).await.unwrap_err();
        assert_eq!(error.code(), "PROOF_UNTRUSTED", "{cloud}");
    }
}
