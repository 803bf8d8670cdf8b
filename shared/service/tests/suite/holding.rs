//! What a machine holds: one domain's licence at a time, whatever key it comes with; and what support may end.

use marque_core::{Cloud, Duration};
use serde_json::{Value, json};

use crate::harness::Answer;
use crate::machines::{Clouds, Place, key, place};

fn reason() -> Value {
    json!({ "reason": "a report" })
}

async fn act(clouds: &Clouds, registered: &Value, action: &str) -> Answer {
    let instance = registered["machine"]["instance"].as_str().unwrap_or_default();
    clouds.house.ask(&format!("/machines/azure/{instance}/{action}"), &reason()).await
}

#[tokio::test]
async fn a_new_key_gets_a_machine_no_second_domain() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(201);
    for number in 2..=4 {
        let moved = clouds.register(&key(number), place(Cloud::Azure, "vm", number)).await.ok(201);
        assert_eq!(moved["license_id"], first["license_id"], "it takes its licence along");
        let left = clouds.check(&first, number - 1, &key(number - 1)).await.ok(200);
        assert_eq!(left["code"], "FINGERPRINT_MISMATCH");
    }
    clouds.register(&key(5), place(Cloud::Azure, "vm", 5)).await.problem(409, "MACHINE_TAKEN");
    assert_eq!(clouds.check(&first, 4, &key(4)).await.ok(200)["valid"], true);
}

#[tokio::test]
async fn a_later_start_gets_a_machine_no_second_domain() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Aws, "vm", 1)).await.ok(201);
    let restarted = Place { started: Some("2027-03-09T08:00:00Z".parse().unwrap()), ..place(Cloud::Aws, "vm", 2) };
    let moved = clouds.register(&key(2), restarted).await.ok(201);
    assert_eq!(moved["license_id"], first["license_id"]);
}

#[tokio::test]
async fn taking_over_gives_back_what_was_held() {
    let clouds = Clouds::new().await;
    let one = clouds.register(&key(1), place(Cloud::Gcp, "one", 1)).await.ok(201);
    let two = clouds.register(&key(2), place(Cloud::Gcp, "two", 2)).await.ok(201);
    clouds.house.later(Duration::hours(24));
    let both = clouds.register(&key(1), place(Cloud::Gcp, "one", 2)).await.ok(200);
    assert_eq!(both["license_id"], two["license_id"]);
    let left = clouds.check(&one, 1, &key(1)).await.ok(200);
    assert_eq!(left["code"], "NOT_ACTIVATED", "one machine's proofs pay for one domain");
    let history = clouds.house.see(&format!("/licenses/{}/events", one["license_id"].as_str().unwrap())).await.ok(200);
    let types: Vec<_> = history["items"].as_array().unwrap().iter().map(|event| event["type"].clone()).collect();
    assert_eq!(types, ["issued", "activated", "released"]);
    let third = clouds.register(&key(3), place(Cloud::Gcp, "three", 1)).await.ok(200);
    assert_eq!(third["license_id"], one["license_id"], "it waited for the next machine");
}

#[tokio::test]
async fn going_to_and_fro_between_two_licences_is_counted() {
    let clouds = Clouds::new().await;
    clouds.register(&key(1), place(Cloud::Gcp, "one", 1)).await.ok(201);
    clouds.register(&key(2), place(Cloud::Gcp, "two", 2)).await.ok(201);
    for _ in 0..3 {
        clouds.house.later(Duration::hours(24));
        clouds.register(&key(1), place(Cloud::Gcp, "one", 2)).await.ok(200);
        clouds.register(&key(1), place(Cloud::Gcp, "one", 1)).await.ok(200);
    }
    clouds.house.later(Duration::hours(24));
    clouds.register(&key(1), place(Cloud::Gcp, "one", 2)).await.problem(409, "MACHINE_TAKEN");
}

#[tokio::test]
async fn each_machine_that_was_replaced_is_told() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "a", 1)).await.ok(201);
    for (number, machine) in [(2, "b"), (3, "c")] {
        clouds.register(&key(number), place(Cloud::Azure, machine, 1)).await.ok(200);
    }
    for number in [1, 2] {
        assert_eq!(clouds.check(&first, 1, &key(number)).await.ok(200)["code"], "MACHINE_REPLACED");
    }
    clouds.house.later(Duration::hours(24));
    clouds.register(&key(1), place(Cloud::Azure, "a", 1)).await.ok(200);
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["valid"], true, "it holds it again");
    assert_eq!(clouds.check(&first, 1, &key(3)).await.ok(200)["code"], "MACHINE_REPLACED");
}

#[tokio::test]
async fn the_same_bytes_again_give_nothing_back() {
    let clouds = Clouds::new().await;
    let challenge = clouds.challenge(Cloud::Azure).await;
    let body = clouds.body(&challenge, &key(1), &place(Cloud::Azure, "old", 1));
    clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(201);
    clouds.register(&key(2), place(Cloud::Azure, "new", 1)).await.ok(200);
    let again = clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(200);
    assert_eq!((&again["code"], &again["lease"]), (&json!("MACHINE_REPLACED"), &Value::Null));
    act(&clouds, &again, "revoke").await.ok(200);
    clouds.send("/v1/registrations", &body, Some(&key(1))).await.problem(409, "MACHINE_TAKEN");
}

#[tokio::test]
async fn the_lease_of_the_same_bytes_again_is_known() {
    let clouds = Clouds::new().await;
    let challenge = clouds.challenge(Cloud::Azure).await;
    let body = clouds.body(&challenge, &key(1), &place(Cloud::Azure, "vm", 1));
    clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(201);
    clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(200);
    let again = clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(200);
    clouds.check_with(&again, 1, &key(1)).await.ok(200);
    let id = again["license_id"].as_str().unwrap().parse().unwrap();
    let license = clouds.house.store().license(id).await.unwrap().unwrap();
    assert!(license.activations.values().all(|activation| activation.forks == 0), "its holder is no stranger");
}

#[tokio::test]
async fn a_machine_that_is_shut_out_takes_nobody_elses_licence_with_it() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "old", 1)).await.ok(201);
    clouds.register(&key(2), place(Cloud::Azure, "new", 1)).await.ok(200);
    act(&clouds, &first, "revoke").await.ok(200);
    assert_eq!(clouds.check(&first, 1, &key(2)).await.ok(200)["valid"], true, "its holder goes on");
    clouds.register(&key(1), place(Cloud::Azure, "old", 1)).await.problem(409, "MACHINE_TAKEN");
}

#[tokio::test]
async fn a_machine_of_a_revoked_licence_is_shut_out_for_good() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(201);
    let license = first["license_id"].as_str().unwrap();
    clouds.house.ask(&format!("/licenses/{license}/revoke"), &reason()).await.ok(200);
    assert_eq!(act(&clouds, &first, "revoke").await.ok(200)["revoked"], true);
    let again = act(&clouds, &first, "confirm").await.problem(409, "STATE_CONFLICT");
    assert_eq!((&again["from"], &again["action"]), (&json!("revoked"), &json!("confirm")));
    let refused = clouds.register(&key(1), place(Cloud::Azure, "vm", 2)).await.problem(409, "MACHINE_TAKEN");
    assert!(refused["detail"].as_str().unwrap().contains("shut this machine out"), "{refused}");
}

#[tokio::test]
async fn a_term_that_support_has_sold_outlasts_a_proof() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(201);
    let license = first["license_id"].as_str().unwrap();
    clouds.house.ask(&format!("/licenses/{license}/change-plan"), &json!({ "plan": "yearly" })).await.ok(200);
    let sold = clouds.house.see(&format!("/licenses/{license}")).await.ok(200)["paid_through"].clone();
    clouds.house.later(Duration::days(1));
    assert_eq!(clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(200)["paid_through"], sold);
    clouds.house.later(Duration::days(400));
    let proven = clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(200);
    assert_eq!((&proven["valid"], &proven["state"]), (&json!(true), &json!("active")), "its cloud bills it still");
}

#[tokio::test]
async fn a_cancelled_licence_goes_on_while_its_cloud_bills_it() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(201);
    let license = first["license_id"].as_str().unwrap();
    clouds.house.ask(&format!("/licenses/{license}/cancel"), &reason()).await.ok(200);
    clouds.house.later(Duration::days(2));
    let proven = clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(200);
    assert_eq!((&proven["valid"], &proven["state"]), (&json!(true), &json!("cancelled")));
    clouds.house.later(Duration::days(3));
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["valid"], true);
    clouds.house.later(Duration::from_seconds(1));
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["code"], "EXPIRED", "without proofs it has no grace");
}
