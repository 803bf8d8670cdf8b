//! Machines of clouds at the shipped `register`: it gives challenges, trusts no simulated cloud, and says in its log why.

use std::path::PathBuf;

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use marque_core::ProofBinding;
use marque_tests::gateway::Gateway;
use marque_tests::{Answer, Client, Deployment, Function, Served, Server, function};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The shipped function behind its URL.
struct Shipped {
    function: Function,
    client: Client,
    _gateway: Gateway,
    _deployment: Deployment,
}

impl Shipped {
    fn start() -> Self {
        let deployment = Deployment::new();
        let function = Function::start(&function("register"), &deployment.environment());
        assert!(function.sandbox().wait_until_asked(1), "register does not start: {:#?}", function.log());
        let gateway = Gateway::start(function.sandbox().clone());
        let client = Client::new(&gateway.url());
        Self { function, client, _gateway: gateway, _deployment: deployment }
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn public() -> String {
    Base64UrlUnpadded::encode_string(key().verifying_key().as_bytes())
}

fn challenge(client: &Client, cloud: &str) -> String {
    let given = client.post("/v1/challenges", &json!({ "cloud": cloud })).expect("an answer");
    assert_eq!(given.status, 201, "{}", given.text());
    given.json()["challenge"].as_str().expect("a challenge").to_owned()
}

/// A proof as `marque serve` simulates it, for this challenge.
fn simulated(client: &Client, cloud: &str, claim: &Value, challenge: &str) -> Value {
    let binding = ProofBinding::of(challenge, &public());
    let asked = json!({ "product_claim": claim, "binding": binding.as_str() });
    client.post(&format!("/local/clouds/{cloud}/proofs"), &asked).expect("an answer").json()["proof"].clone()
}

fn register(client: &Client, challenge: &str, proof: &Value) -> Answer {
    let mut body = Server::in_domain("clouds").activation("");
    let members = body.as_object_mut().expect("an object");
    members.remove("code");
    members.insert("challenge".to_owned(), json!(challenge));
    members.insert("public_key".to_owned(), json!(public()));
    members.insert("proof".to_owned(), proof.clone());
    let body = body.to_string();
    let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = key().sign(format!("marque/request/v1\nPOST\n/v1/registrations\n{digest}").as_bytes());
    let signature = Base64UrlUnpadded::encode_string(&signature.to_bytes());
    let headers = [("content-type", "application/json"), ("marque-signature", signature.as_str())];
    client.call("POST", "/v1/registrations", &headers, body.as_bytes()).expect("an answer")
}

/// Whoever could sign as the simulators do would have licences for nothing.
#[test]
fn the_shipped_function_trusts_no_simulated_cloud() {
    let served = Served::start(None);
    let local = Client::new(served.url());
    for (cloud, why) in [
        ("aws", "no certificate of this region"),
        ("azure", "unknown issuer"),
        ("gcp", "GCP: "),
        ("oci", "the signed request is not for the roots"),
    ] {
        let claim = &served.info["demo"]["marketplace"][cloud]["billed"];
        let given = challenge(&local, cloud);
        let mut proof = simulated(&local, cloud, claim, &given);
        if cloud == "oci" {
            // So that nobody asks Oracle for the roots: a chain to a trusted root needs no such request.
            proof["roots_request"]["url"] = json!("https://auth.example.com/");
        }
        assert_eq!(register(&local, &given, &proof).status, 201, "{cloud}: it would be good");
        // One each: of refusals with one code a log has a line a second.
        let shipped = Shipped::start();
        let given = challenge(&shipped.client, cloud);
        let mut proof = simulated(&local, cloud, claim, &given);
        if cloud == "oci" {
            proof["roots_request"]["url"] = json!("https://auth.example.com/");
        }
        let refused = register(&shipped.client, &given, &proof).problem();
        // Google's key of this name is looked for, where there is a network.
        let unfetched = cloud == "gcp" && refused == "PROOF_SOURCE_UNAVAILABLE";
        assert!(refused == "PROOF_UNTRUSTED" || unfetched, "{cloud}: {refused}");
        assert!(shipped.function.wait_for_line(why), "{cloud}: {:#?}", shipped.function.log());
    }
}

#[test]
fn refusals_are_judged_in_their_order() {
    let shipped = Shipped::start();
    let proof = json!({ "cloud": "aws", "identity_document_rsa2048": "MAA=" });
    let unknown = register(&shipped.client, &"x".repeat(32), &proof);
    assert_eq!((unknown.status, unknown.problem().as_str()), (409, "CHALLENGE_UNKNOWN"));
    let given = challenge(&shipped.client, "azure");
    assert_eq!(register(&shipped.client, &given, &proof).problem(), "CHALLENGE_UNKNOWN", "it is another cloud's");
    let given = challenge(&shipped.client, "aws");
    let invalid = register(&shipped.client, &given, &proof);
    assert_eq!((invalid.status, invalid.problem().as_str()), (422, "PROOF_INVALID"));
    assert!(shipped.function.wait_for_line("CMS: not signed data"), "{:#?}", shipped.function.log());
    for (member, value) in [("document", json!("{}")), ("attested_document", json!("MAA="))] {
        let mut beside = proof.clone();
        beside[member] = value;
        let answer = register(&shipped.client, &given, &beside);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "INVALID_REQUEST"), "{member}");
    }
    let huge = json!({ "cloud": "aws", "identity_document_rsa2048": "A".repeat(1 << 20) });
    assert_eq!(register(&shipped.client, &given, &huge).problem(), "BODY_TOO_LARGE");
    let large = json!({ "cloud": "aws", "identity_document_rsa2048": "A".repeat(40_000) });
    assert_eq!(register(&shipped.client, &given, &large).problem(), "PROOF_INVALID");
}

/// A machine of AWS that was started years ago: proven by what is shipped, and started from no listing of ours.
#[test]
fn a_real_document_is_proven_by_what_is_shipped() {
    let vectors = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/attestation");
    let Ok(document) = std::fs::read_to_string(vectors.join("aws/2018-us-east-2.rsa2048.b64")) else {
        eprintln!("skipped: {} is not there", vectors.display());
        return;
    };
    let shipped = Shipped::start();
    let given = challenge(&shipped.client, "aws");
    let proof = json!({ "cloud": "aws", "identity_document_rsa2048": document });
    assert_eq!(register(&shipped.client, &given, &proof).problem(), "PRODUCT_NOT_LISTED");
}
