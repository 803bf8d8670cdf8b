//! A start that fails is one init error that names the cure, and no secret.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use marque_core::token::{RootKey, SigningKey};
use marque_service::keyring::{NewKey, RingDocument};
use marque_tests::aws::{Aws, Service};
use marque_tests::deployment::{KEY_RING, LEASE_SEED, ring};
use marque_tests::{Client, Deployment, Function, Shipped, function};
use serde_json::{Value, json};

/// Starts validate, which must fail, and answers the fault after holding that no seed was written anywhere.
fn fails_to_start(environment: &[(String, String)]) -> String {
    let mut function = Function::start(&function("validate"), environment);
    let status = function.wait_until_ended().expect("it ends by itself");
    assert!(!status.success());
    let (kind, body) = function.sandbox().init_error().expect("an init error");
    assert_eq!((kind.as_str(), &body["errorType"]), ("Marque.StartFailed", &json!("Marque.StartFailed")));
    let fault = body["errorMessage"].as_str().expect("a message").to_owned();
    let log = function.log();
    let line: Value = log.iter().find_map(|line| serde_json::from_str(line).ok()).expect("a line of JSON");
    assert_eq!((&line["level"], &line["error"]), (&json!("ERROR"), &json!(fault)), "{log:#?}");
    for text in [body.to_string(), log.join("\n")] {
        let hex: String = LEASE_SEED.iter().map(|byte| format!("{byte:02x}")).collect();
        for secret in [
            Base64UrlUnpadded::encode_string(&LEASE_SEED),
            Base64::encode_string(&LEASE_SEED),
            String::from_utf8_lossy(&LEASE_SEED).into_owned(),
            hex,
            format!("{LEASE_SEED:?}"),
        ] {
            // Half of it would be too much as well.
            assert!(!text.contains(&secret[..secret.len() / 2]), "a secret was written: {text}");
        }
        assert!(!text.contains("wJalrXUtnFEMI"), "a secret was written: {text}");
    }
    fault
}

fn document(change: impl FnOnce(&mut Value)) -> String {
    let root = RootKey::from_seed([1; 32]);
    let mut document = serde_json::to_value(ring(&root, &NewKey::Seed([2; 32]))).expect("JSON");
    change(&mut document);
    document.to_string()
}

#[test]
fn every_faulty_variable_is_named_at_once() {
    let deployment = Deployment::new();
    let fault = fails_to_start(&deployment.environment_with(&[
        ("MARQUE_TABLE", "x"),
        ("MARQUE_ISSUER", "http://licences.example.com"),
        ("MARQUE_KEY_RING", ""),
        ("MARQUE_LOG", "loud"),
        ("AWS_SECRET_ACCESS_KEY", ""),
    ]));
    for name in [
        "MARQUE_TABLE",
        "MARQUE_ISSUER",
        "MARQUE_KEY_RING is missing",
        "MARQUE_LOG",
        "AWS_SECRET_ACCESS_KEY is missing",
    ] {
        assert!(fault.contains(name), "{name} in {fault}");
    }
    assert!(!fault.contains("AWS_REGION"), "{fault}");
    assert_eq!(deployment.aws.calls(), [], "nothing is called before the settings are read");
}

#[test]
fn a_broken_key_ring_is_told_without_a_byte_of_it() {
    let deployment = Deployment::new();
    let broken = [
        ("no JSON", document(|_| {}).replace('}', "")),
        ("cut off", document(|_| {})[..200].to_owned()),
        (
            "a seed that is too long",
            document(|ring| {
                ring["secrets"][0]["seed"] = json!(Base64UrlUnpadded::encode_string(&[&LEASE_SEED[..], b"!"].concat()))
            }),
        ),
        ("a seed in the wrong place", document(|ring| ring[Base64UrlUnpadded::encode_string(&LEASE_SEED)] = json!(1))),
        (
            "a seed as kid",
            document(|ring| ring["secrets"][0]["kid"] = json!(Base64UrlUnpadded::encode_string(&LEASE_SEED))),
        ),
        ("a seed as a number", document(|ring| ring["secrets"][0]["seed"] = json!(LEASE_SEED.to_vec()))),
        ("another root", document(|ring| ring["root"] = RootKey::from_seed([9; 32]).public().to_jwk())),
        (
            "a seed of another key",
            document(|ring| {
                let kid = SigningKey::from_seed([2; 32]).key_id().to_string();
                ring["secrets"][0]["kid"] = json!(kid);
            }),
        ),
        ("no secrets", document(|ring| ring["secrets"] = json!([]))),
        (
            "a lease key in KMS",
            document(|ring| {
                let kid = ring["secrets"][0]["kid"].clone();
                ring["secrets"] = json!([{"kid": kid, "kms": "a-key"}]);
            }),
        ),
        ("nothing", String::new()),
    ];
    for (what, text) in broken {
        deployment.aws.put_secret(KEY_RING, text);
        let fault = fails_to_start(&deployment.environment());
        assert!(fault.contains("the key ring is faulty"), "{what}: {fault}");
    }
}

#[test]
fn a_ring_that_is_not_there_or_out_of_reach_is_told() {
    let deployment = Deployment::new();
    let fault = fails_to_start(&deployment.environment_with(&[("MARQUE_KEY_RING", "secretsmanager:another")]));
    assert!(fault.contains("Secrets Manager") && fault.contains("ResourceNotFoundException"), "{fault}");
    let fault = fails_to_start(&deployment.environment_with(&[("MARQUE_KEY_RING", "ssm:/marque/ring")]));
    assert!(fault.contains("SSM") && fault.contains("ParameterNotFound"), "{fault}");
    let fault = fails_to_start(&deployment.environment_with(&[("MARQUE_KEY_RING", "file:/nowhere/ring.json")]));
    assert!(fault.contains("/nowhere/ring.json"), "{fault}");
    deployment.aws.set_down(Service::SecretsManager, true);
    let fault = fails_to_start(&deployment.environment());
    assert!(fault.contains("Secrets Manager"), "{fault}");
}

#[test]
fn an_answer_that_cannot_be_read_is_told_without_what_was_in_it() {
    let deployment = Deployment::new();
    deployment.aws.set_cut_off(Service::SecretsManager, true);
    let fault = fails_to_start(&deployment.environment());
    assert!(fault.contains("Secrets Manager"), "{fault}");
    deployment.aws.put_parameter("/marque/ring", document(|_| {}));
    deployment.aws.set_cut_off(Service::Ssm, true);
    let fault = fails_to_start(&deployment.environment_with(&[("MARQUE_KEY_RING", "ssm:/marque/ring")]));
    assert!(fault.contains("SSM"), "{fault}");
}

#[test]
fn a_table_out_of_reach_is_told() {
    let deployment = Deployment::new();
    let fault = fails_to_start(&deployment.environment_with(&[("MARQUE_TABLE", "another")]));
    assert!(fault.contains("the table does not answer") && fault.contains("ResourceNotFoundException"), "{fault}");
    deployment.aws.set_down(Service::DynamoDb, true);
    let fault = fails_to_start(&deployment.environment());
    assert!(fault.contains("the table does not answer"), "{fault}");
    // Nobody listens there; reading the ring from a file needs no AWS.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ring.json");
    std::fs::write(&path, document(|_| {})).expect("a file");
    let fault = fails_to_start(&deployment.environment_with(&[
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("MARQUE_KEY_RING", &format!("file:{}", path.display())),
    ]));
    assert!(fault.contains("the table does not answer"), "{fault}");
}

#[test]
fn credentials_of_somebody_else_are_told() {
    let deployment = Deployment::new();
    let fault = fails_to_start(&deployment.environment_with(&[("AWS_SESSION_TOKEN", "another")]));
    assert!(fault.contains("InvalidSignatureException"), "{fault}");
    assert!(!deployment.aws.refusals().is_empty());
}

#[test]
fn the_ring_may_be_in_the_parameter_store() {
    let deployment = Deployment::new();
    deployment.aws.put_parameter("/marque/ring", document(|_| {}));
    let shipped = Function::start(
        &function("validate"),
        &deployment.environment_with(&[("MARQUE_KEY_RING", "ssm:/marque/ring")]),
    );
    assert!(shipped.sandbox().wait_until_asked(1), "{:#?}", shipped.log());
    assert_eq!(deployment.aws.refusals(), Vec::<String>::new(), "it is asked for with decryption");
}

#[test]
fn init_calls_the_table_once_and_the_ring_once() {
    let shipped = Shipped::start(Deployment::new());
    let calls: Vec<_> = shipped.deployment.aws.calls().iter().map(ToString::to_string).collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(
        calls.contains(&"dynamodb:Query".to_owned()) && calls.contains(&"secretsmanager:GetSecretValue".to_owned())
    );
    assert_eq!(Client::new(&shipped.url()).get("/.well-known/jwks.json").expect("an answer").status, 200);
    assert_eq!(shipped.deployment.aws.calls().len(), 2, "keys are in memory");
}

/// The documents here are rings: what is broken above is broken by the change alone.
#[test]
fn the_unchanged_document_is_a_ring() {
    let ring: RingDocument = serde_json::from_str(&document(|_| {})).expect("a ring");
    assert!(ring.verified(RootKey::from_seed([1; 32]).public()).is_ok());
    drop(Aws::start());
}
