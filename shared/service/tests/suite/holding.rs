//! What a machine holds: one domain's licence at a time, whatever key it comes with; and what support may end.

use marque_core::{Cloud, Duration};
use serde_json::{Value, json};

use crate::machines::{Clouds, Place, key, place};

fn reason() -> Value {
    json!({ "reason": "a report" })
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
    clouds.act(&again, "revoke").await.ok(200);
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
    assert_eq!(forks(&clouds, &again).await, 0, "its holder is no stranger");
}

async fn forks(clouds: &Clouds, registered: &Value) -> u32 {
    let id = registered["license_id"].as_str().unwrap().parse().unwrap();
    let license = clouds.house.store().license(id).await.unwrap().unwrap();
    license.activations.values().map(|activation| activation.forks).sum()
}

#[tokio::test]
async fn who_lost_the_answer_to_a_daily_proof_is_no_stranger() {
    let clouds = Clouds::new().await;
    let kept = clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(201);
    clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(200);
    clouds.check_with(&kept, 1, &key(1)).await.ok(200);
    assert_eq!(forks(&clouds, &kept).await, 0, "the lease before the last is known");
    clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(200);
    clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(200);
    clouds.check_with(&kept, 1, &key(1)).await.ok(200);
    assert_eq!(forks(&clouds, &kept).await, 1, "an older one is not");
}

#[tokio::test]
async fn a_machine_that_is_shut_out_takes_nobody_elses_licence_with_it() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "old", 1)).await.ok(201);
    clouds.register(&key(2), place(Cloud::Azure, "new", 1)).await.ok(200);
    clouds.act(&first, "revoke").await.ok(200);
    assert_eq!(clouds.check(&first, 1, &key(2)).await.ok(200)["valid"], true, "its holder goes on");
    clouds.register(&key(1), place(Cloud::Azure, "old", 1)).await.problem(409, "MACHINE_TAKEN");
}

#[tokio::test]
async fn a_machine_of_a_revoked_licence_is_shut_out_for_good() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(201);
    let license = first["license_id"].as_str().unwrap();
    clouds.house.ask(&format!("/licenses/{license}/revoke"), &reason()).await.ok(200);
    assert_eq!(clouds.act(&first, "revoke").await.ok(200)["revoked"], true);
    let again = clouds.act(&first, "confirm").await.problem(409, "STATE_CONFLICT");
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

#[tokio::test]
async fn machines_that_share_a_key_hold_no_more_than_others() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "a", 1)).await.ok(201);
    for machine in ["b", "a", "b"] {
        let swapped = clouds.register(&key(1), place(Cloud::Azure, machine, 1)).await.ok(200);
        assert_eq!(swapped["license_id"], first["license_id"]);
    }
    clouds.register(&key(1), place(Cloud::Azure, "a", 1)).await.problem(409, "DOMAIN_TAKEN");
    let history =
        clouds.house.see(&format!("/licenses/{}/events", first["license_id"].as_str().unwrap())).await.ok(200);
    let rebinds = history["items"].as_array().unwrap().iter().filter(|event| event["detail"]["rebind"] == true).count();
    assert_eq!(rebinds, 3, "{history}");
}

#[tokio::test]
async fn a_move_is_counted_while_the_plan_has_free_seats() {
    let clouds = Clouds::new().await;
    let at = |domain| Place { claim: "us/product/pair", ..place(Cloud::Azure, "vm", domain) };
    clouds.register(&key(1), at(1)).await.ok(201);
    for domain in 2..=4 {
        clouds.register(&key(1), at(domain)).await.ok(201);
    }
    clouds.register(&key(1), at(5)).await.problem(409, "MACHINE_TAKEN");
}

#[tokio::test]
async fn a_licence_has_the_plan_of_the_listing_that_pays_for_it() {
    let clouds = Clouds::new().await;
    let basic = place(Cloud::Azure, "basic", 1);
    let pair = Place { claim: "us/product/pair", ..place(Cloud::Azure, "pair", 1) };
    let first = clouds.register(&key(1), basic).await.ok(201);
    assert_eq!(clouds.register(&key(2), pair).await.ok(200)["plan"], "pair");
    clouds.house.later(Duration::hours(24));
    assert_eq!(clouds.register(&key(1), basic).await.ok(200)["plan"], "billed");
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["plan"], "billed");
    let license = format!("/licenses/{}", first["license_id"].as_str().unwrap());
    let history = clouds.house.see(&format!("{license}/events")).await.ok(200);
    let plans: Vec<_> = history["items"].as_array().unwrap().iter().map(|event| &event["detail"]["plan"]).collect();
    assert_eq!(plans.into_iter().filter(|plan| plan.is_string()).collect::<Vec<_>>(), ["billed", "pair", "billed"]);
    clouds.house.ask(&format!("{license}/change-plan"), &json!({ "plan": "yearly" })).await.ok(200);
    assert_eq!(clouds.register(&key(1), basic).await.ok(200)["plan"], "yearly", "support has sold it");
    clouds.house.later(Duration::days(400));
    assert_eq!(clouds.register(&key(1), basic).await.ok(200)["plan"], "billed", "and that is over");
}

#[tokio::test]
async fn the_next_machine_starts_anew_where_one_was_shut_out() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "thief", 1)).await.ok(201);
    clouds.act(&first, "revoke").await.ok(200);
    let next = clouds.register(&key(2), place(Cloud::Azure, "next", 1)).await.ok(201);
    assert_ne!(next["license_id"], first["license_id"]);
    assert_eq!(clouds.check(&next, 1, &key(2)).await.ok(200)["valid"], true);
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["code"], "REVOKED");
}

#[tokio::test]
async fn a_licence_that_support_has_revoked_is_every_machines() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "vm", 1)).await.ok(201);
    let license = first["license_id"].as_str().unwrap();
    clouds.house.ask(&format!("/licenses/{license}/revoke"), &reason()).await.ok(200);
    clouds.act(&first, "revoke").await.ok(200);
    let next = clouds.register(&key(2), place(Cloud::Azure, "next", 1)).await.ok(200);
    assert_eq!((&next["code"], &next["license_id"]), (&json!("REVOKED"), &first["license_id"]));
}
