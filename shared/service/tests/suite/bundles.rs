//! One machine and several products of ours: each has its own licence, way of paying and confirmation.

use marque_core::{Cloud, Duration};
use serde_json::{Value, json};

use crate::machines::{Clouds, Place, SECOND, key, place};

fn second(at: Place<'_>) -> Place<'_> {
    Place { product: SECOND, ..at }
}

#[tokio::test]
async fn a_code_and_a_copied_document_take_no_machine() {
    let clouds = Clouds::new().await;
    let at = place(Cloud::Aws, "vm", 1);
    let first = clouds.register(&key(1), at).await.ok(201);
    let code = clouds.code(SECOND).await;
    clouds.bring(&key(2), second(at), &code).await.ok(201);
    clouds.register(&key(2), at).await.problem(409, "MACHINE_TAKEN");
    clouds.register(&key(1), at).await.ok(200);
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["valid"], true);
}

#[tokio::test]
async fn shutting_a_machine_out_ends_all_that_its_cloud_bills_and_nothing_else() {
    let clouds = Clouds::new().await;
    let at = place(Cloud::Azure, "vm", 1);
    let billed = clouds.register(&key(1), at).await.ok(201);
    let code = clouds.code(SECOND).await;
    let brought = clouds.bring(&key(1), second(at), &code).await.ok(201);
    let revoked = clouds.act(&billed, "revoke").await.ok(200);
    let all = revoked["licenses"].as_array().unwrap();
    assert!(all.len() == 2 && all.contains(&billed["license_id"]) && all.contains(&brought["license_id"]), "{all:?}");
    assert_eq!(clouds.check(&billed, 1, &key(1)).await.ok(200)["code"], "REVOKED");
    let shown = |answer: &Value| format!("/licenses/{}", answer["license_id"].as_str().unwrap());
    assert_eq!(clouds.house.see(&shown(&brought)).await.ok(200)["state"], "active", "it was bought elsewhere");
    let history = clouds.house.see(&format!("{}/events", shown(&brought))).await.ok(200);
    assert_eq!(history["items"].as_array().unwrap().last().unwrap()["type"], "machine_shut_out");
    clouds.register(&key(1), second(at)).await.problem(409, "MACHINE_TAKEN");
    clouds.bring(&key(1), second(at), &code).await.problem(409, "MACHINE_TAKEN");
    clouds.register(&key(2), second(at)).await.problem(422, "BYOL_CODE_REQUIRED");
}

#[tokio::test]
async fn what_support_has_confirmed_outlasts_another_product() {
    let clouds = Clouds::new().await;
    let at = place(Cloud::Oci, "vm", 1);
    let first = clouds.register(&key(1), at).await.ok(201);
    assert_eq!(first["confirmed"], false);
    clouds.act(&first, "confirm").await.ok(200);
    assert_eq!(clouds.register(&key(1), second(at)).await.ok(201)["confirmed"], false, "nobody has compared that");
    for _ in 0..4 {
        clouds.house.later(Duration::days(2));
        let proven = clouds.register(&key(1), at).await.ok(200);
        assert_eq!((&proven["confirmed"], &proven["valid"]), (&json!(true), &json!(true)));
        clouds.register(&key(1), second(at)).await.ok(200);
    }
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["state"], "active");
}

#[tokio::test]
async fn the_same_bytes_again_are_judged_as_they_were() {
    let clouds = Clouds::new().await;
    let at = place(Cloud::Azure, "vm", 1);
    let challenge = clouds.challenge(Cloud::Azure).await;
    let body = clouds.body(&challenge, &key(1), &at);
    let first = clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(201);
    let code = clouds.code(SECOND).await;
    clouds.bring(&key(1), second(at), &code).await.ok(201);
    let again = clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(200);
    assert_eq!((&again["mode"], &again["license_id"]), (&json!("billed"), &first["license_id"]));
    let id = first["license_id"].as_str().unwrap().parse().unwrap();
    let license = clouds.house.store().license(id).await.unwrap().unwrap();
    assert!(license.activations.values().all(|held| held.public_key == Some(*key(1).verifying_key().as_bytes())));
}
