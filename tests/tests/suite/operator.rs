//! The operator's tools over a deployed environment: `marque seed` and `marque doctor`.

use std::process::{Command, Output};

use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use base64ct::{Base64UrlUnpadded, Encoding};
use marque_tests::aws::{Aws, REGION, Service, TABLE};
use marque_tests::deployment::{ISSUER, KEY_RING, LEASE_SEED};
use marque_tests::{Client, Deployment, Server, Shipped, binary, runtime, seller};
use serde_json::{Value, json};

/// Runs `marque` with nothing in its environment but this.
fn marque(environment: &[(String, String)], arguments: &[&str]) -> Output {
    let mut marque = Command::new(binary("marque"));
    marque.env_clear().envs(environment.iter().cloned()).args(arguments).output().expect("the command runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn seed(aws: &Aws, arguments: &[&str]) -> Output {
    marque(&aws.environment(), &[&["seed", "--json", "--table", TABLE, "--region", REGION], arguments].concat())
}

/// What `marque doctor` found, by check; the exit code says the same as the document.
fn findings(environment: &[(String, String)], arguments: &[&str]) -> Vec<(String, String, String)> {
    let output = marque(environment, &[&["doctor", "--json"], arguments].concat());
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    assert_eq!(output.status.code(), Some(i32::from(document["well"] != true)), "{document}");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let findings = document["findings"].as_array().expect("findings").iter();
    findings.map(|finding| (text(finding, "check"), text(finding, "state"), text(finding, "detail"))).collect()
}

/// The details of what failed, with the name of the check in front.
fn failures(findings: &[(String, String, String)]) -> Vec<String> {
    let failed = findings.iter().filter(|(_, state, _)| state == "failed");
    failed.map(|(check, _, detail)| format!("{check}: {detail}")).collect()
}

#[test]
fn seeding_gives_an_empty_table_licences_that_activate_and_shows_them_again() {
    let deployment = Deployment::unseeded();
    let first = seed(&deployment.aws, &[]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let seeded: Value = serde_json::from_slice(&first.stdout).expect("JSON");
    assert_eq!(seeded["product"], "kopicloud-ad-api");
    let again: Value = serde_json::from_slice(&seed(&deployment.aws, &[]).stdout).expect("JSON");
    assert_eq!(again["licenses"], seeded["licenses"], "seeding again changes nothing");
    assert_eq!(deployment.aws.refusals(), Vec::<String>::new());

    let shipped = Shipped::start(deployment);
    let licenses = seeded["licenses"].as_array().expect("licences");
    let yearly = licenses.iter().find(|license| license["plan"] == "yearly").expect("a yearly one");
    let activation = Server::in_domain("one").activation(yearly["code"].as_str().expect("a code"));
    let answer = Client::new(&shipped.url()).post("/v1/activations", &activation).expect("an answer");
    assert_eq!((answer.status, &answer.json()["valid"]), (201, &json!(true)), "{}", answer.text());
}

#[test]
fn seeding_that_cannot_be_done_says_why() {
    let aws = Aws::start();
    let elsewhere = marque(&aws.environment(), &["seed", "--table", "another", "--region", REGION]);
    assert_eq!(elsewhere.status.code(), Some(2));
    assert!(said(&elsewhere).contains("ResourceNotFoundException"), "{}", said(&elsewhere));
    let bare = marque(&[], &["seed", "--table", TABLE]);
    assert_eq!(bare.status.code(), Some(2));
    for missing in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        assert!(said(&bare).contains(&format!("{missing} is missing")), "{}", said(&bare));
    }
    aws.set_down(Service::DynamoDb, true);
    let down = seed(&aws, &[]);
    assert_eq!(down.status.code(), Some(2));
    assert!(said(&down).contains("Seeding again goes on where it stopped"), "{}", said(&down));
}

#[test]
fn a_sound_environment_is_found_well() {
    let deployment = Deployment::new();
    deployment.aws.put_market(seller::marketplace(&deployment));
    let shipped = Shipped::start(deployment);
    let found = findings(&shipped.deployment.environment(), &["--url", &shipped.url()]);
    assert_eq!(failures(&found), Vec::<String>::new());
    let checks: Vec<_> = found.iter().map(|(check, state, _)| (check.as_str(), state.as_str())).collect();
    let all = ["config", "table", "key ring", "lease key", "file key", "service", "clock", "published keys"];
    for check in all {
        assert!(checks.contains(&(check, "ok")), "{check} in {checks:?}");
    }
    assert_eq!(shipped.deployment.aws.refusals(), Vec::<String>::new());
}

#[test]
fn the_sellers_role_is_assumed_or_the_cure_is_told() {
    let deployment = Deployment::new();
    deployment.aws.put_market(seller::marketplace(&deployment));
    deployment.aws.put_role(seller::SELLER_ROLE, ISSUER);
    let found = |role: &str| findings(&deployment.environment(), &["--seller-role", role]);
    let sound = found(seller::SELLER_ROLE);
    assert_eq!(failures(&sound), Vec::<String>::new());
    for (check, told) in [("seller's role", "is assumed"), ("AWS Marketplace", "lists the seller's agreements")] {
        let ok =
            |(name, state, detail): &&(String, String, String)| name == check && state == "ok" && detail.contains(told);
        assert!(sound.iter().any(|finding| ok(&finding)), "{check} in {sound:?}");
    }
    // Of a stack whose issuer is another than the one that the role expects.
    deployment.aws.put_role(seller::SELLER_ROLE, "https://elsewhere.example.com");
    let refused = failures(&found(seller::SELLER_ROLE));
    let [fault] = refused.as_slice() else { panic!("{refused:?}") };
    for part in ["seller's role: ", "AccessDenied", "infra/us-east-1.yaml", ISSUER] {
        assert!(fault.contains(part), "{part} in {fault}");
    }
}

#[test]
fn every_fault_of_the_settings_is_a_finding_of_its_own() {
    let found = findings(&[("MARQUE_LOG".to_owned(), "debug".to_owned())], &["--table", "x", "--issuer", "http://x"]);
    let failed = failures(&found);
    for fault in [
        "MARQUE_TABLE must",
        "MARQUE_ISSUER must",
        "MARQUE_KEY_RING is missing",
        "AWS_REGION is missing",
        "MARQUE_LOG must",
    ] {
        assert!(failed.iter().any(|text| text.starts_with(&format!("config: {fault}"))), "{fault} in {failed:?}");
    }
}

#[test]
fn a_table_that_is_not_there_or_of_another_shape_is_told_with_the_cure() {
    let deployment = Deployment::new();
    let missing = failures(&findings(&deployment.environment(), &["--table", "another"]));
    assert!(matches!(&missing[..], [one] if one.contains("Compare name and region")), "{missing:?}");

    let attribute = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
    let odd =
        deployment.aws.database().client().create_table().table_name("odd").billing_mode(BillingMode::PayPerRequest);
    let odd = odd.attribute_definitions(attribute.build().expect("whole")).key_schema(key.build().expect("whole"));
    runtime().block_on(odd.send()).expect("a table");
    let odd = failures(&findings(&deployment.environment(), &["--table", "odd"]));
    assert!(!odd.is_empty() && odd.iter().all(|fault| fault.starts_with("table: ")), "{odd:?}");

    // The keys alone are right.
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .expect("whole")
    };
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("whole");
    let bare =
        deployment.aws.database().client().create_table().table_name("bare").billing_mode(BillingMode::PayPerRequest);
    let bare = bare.attribute_definitions(attribute("pk")).attribute_definitions(attribute("sk"));
    let bare = bare.key_schema(key("pk", KeyType::Hash)).key_schema(key("sk", KeyType::Range));
    runtime().block_on(bare.send()).expect("a table");
    let bare = failures(&findings(&deployment.environment(), &["--table", "bare"]));
    assert_eq!(bare.len(), 2, "{bare:?}");
    assert!(bare[0].contains("the index due") && bare[1].contains("time to live"), "{bare:?}");
}

#[test]
fn a_faulty_ring_is_told_with_the_cure_and_without_a_byte_of_it() {
    let deployment = Deployment::new();
    let environment = deployment.environment();
    let other = failures(&findings(&environment, &["--issuer", "https://other.example.com"]));
    assert!(matches!(&other[..], [one] if one.contains("another issuer")), "{other:?}");
    let missing = failures(&findings(&environment, &["--ring", "ssm:/none"]));
    assert!(matches!(&missing[..], [one] if one.contains("SecureString")), "{missing:?}");

    let seed = Base64UrlUnpadded::encode_string(&LEASE_SEED);
    deployment.aws.put_secret(KEY_RING, json!({"root": {}, "secrets": [{"seed": seed}]}).to_string());
    let broken = failures(&findings(&environment, &[]));
    assert!(matches!(&broken[..], [one] if one.contains("marque keys rotate")), "{broken:?}");
    assert!(!broken[0].contains(&seed[..20]), "{broken:?}");
    deployment.aws.set_down(Service::SecretsManager, true);
    let down = failures(&findings(&environment, &[]));
    assert!(matches!(&down[..], [one] if one.contains("Secrets Manager: 500")), "{down:?}");
}

#[test]
fn an_address_that_does_not_answer_is_told() {
    let deployment = Deployment::new();
    let found = failures(&findings(&deployment.environment(), &["--url", "http://127.0.0.1:9"]));
    assert!(found.iter().any(|fault| fault.starts_with("service: ")), "{found:?}");
    assert!(found.iter().any(|fault| fault.contains("permissions")), "{found:?}");
}

#[test]
fn doctor_reads_as_a_table() {
    let deployment = Deployment::new();
    let output = marque(&deployment.environment_with(&[("MARQUE_ISSUER", "https://other.example.com")]), &["doctor"]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(shown.contains("FAILED") && shown.contains("key ring") && shown.contains(TABLE), "{shown}");
    assert!(!shown.contains(ISSUER), "{shown}");
}
