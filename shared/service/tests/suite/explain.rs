//! `POST /v1/explain`.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, House, NOW, validation, with};

async fn explain(house: &House, member: &str, value: &Value) -> Answer {
    house.post("/v1/explain", &json!({member: value})).await
}

#[tokio::test]
async fn a_code_tells_its_owner_everything_but_names() {
    let house = House::new().await;
    let issued = house.issue("yearly").await;
    let answer = explain(&house, "code", &json!(issued.code)).await.ok(200);
    assert_eq!(
        (&answer["valid"], &answer["code"], &answer["state"]),
        (&json!(true), &json!("VALID"), &json!("active"))
    );
    assert_eq!((&answer["plan"], &answer["kind"]), (&json!("yearly"), &json!("subscription")));
    assert_eq!(answer["runs_until"], answer["grace_until"]);
    assert_eq!(answer["what_to_do"], "Activate a server with the code.");
    for name in ["Ada", "Lovelace", "Engines", "example.com", &issued.code] {
        assert!(!answer.to_string().contains(name));
    }
    house.activate(&issued.code, 1).await.ok(201);
    let answer = explain(&house, "code", &json!(issued.code)).await.ok(200);
    assert_eq!(answer["what_to_do"], "Nothing: the licence works.");
    house.at("2028-03-11T00:00:00Z");
    let answer = explain(&house, "code", &json!(issued.code)).await.ok(200);
    assert_eq!((&answer["valid"], &answer["state"]), (&json!(true), &json!("past_due")));
    house.at("2029-01-01T00:00:00Z");
    let answer = explain(&house, "code", &json!(issued.code)).await.ok(200);
    assert_eq!(
        (&answer["valid"], &answer["code"], &answer["runs_until"]),
        (&json!(false), &json!("EXPIRED"), &Value::Null)
    );
    assert!(answer["what_to_do"].as_str().is_some_and(|text| text.ends_with('.')));
    house.at(NOW);
    house.revoke(issued.id).await;
    assert_eq!(explain(&house, "code", &json!(issued.code)).await.ok(200)["code"], "REVOKED");
}

#[tokio::test]
async fn every_plan_and_state_says_what_to_do() {
    let house = House::new().await;
    for plan in ["trial", "monthly", "yearly", "perpetual", "pair"] {
        let issued = house.issue(plan).await;
        let answer = explain(&house, "code", &json!(issued.code)).await.ok(200);
        assert_eq!(answer["valid"], true, "{plan}: {answer}");
        house.suspend(issued.id).await;
        let answer = explain(&house, "code", &json!(issued.code)).await.ok(200);
        assert_eq!((&answer["code"], &answer["runs_until"]), (&json!("SUSPENDED"), &Value::Null));
        assert!(answer["what_to_do"].as_str().is_some_and(|text| !text.is_empty()));
    }
}

#[tokio::test]
async fn a_lease_and_a_denial_tell_what_a_check_would() {
    let house = House::new().await;
    let (issued, bound) = house.bound("yearly").await;
    let answer = explain(&house, "token", &bound["lease"]).await.ok(200);
    assert_eq!(
        (&answer["valid"], &answer["plan"], &answer["license_id"]),
        (&json!(true), &json!("yearly"), &json!(issued.id))
    );
    house.suspend(issued.id).await;
    let denied = house.validate(issued.id, 1).await.ok(200);
    let answer = explain(&house, "token", &denied["denial"]).await.ok(200);
    assert_eq!((&answer["code"], &answer["plan"]), (&json!("SUSPENDED"), &json!("yearly")));
}

#[tokio::test]
async fn a_strangers_denial_tells_no_plan_and_no_date() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let domain = house.validate(issued.id, 2).await.ok(200);
    let product = with(validation(issued.id, 1), "product", json!("other"));
    let product = house.post("/v1/validations", &product).await.ok(200);
    for (denial, code) in [(&domain["denial"], "FINGERPRINT_MISMATCH"), (&product["denial"], "PRODUCT_MISMATCH")] {
        let answer = explain(&house, "token", denial).await.ok(200);
        assert_eq!((&answer["valid"], &answer["code"]), (&json!(false), &json!(code)));
        for member in ["plan", "kind", "paid_through", "grace_until", "runs_until"] {
            assert_eq!(answer[member], Value::Null, "{member}");
        }
        assert!(answer["what_to_do"].as_str().is_some_and(|text| !text.is_empty()));
    }
}

#[tokio::test]
async fn a_file_whole_or_its_token_alone() {
    let house = House::new().await;
    let (issued, _) = house.bound("perpetual").await;
    let lic = house.holder(Method::GET, &format!("/v1/licenses/{}/file", issued.id), &issued.code).await.text();
    let token: String = lic.split("-----").nth(2).unwrap().split_whitespace().collect();
    for text in [lic.clone(), format!("\n\n{lic}\n"), lic.replace('\n', "\r\n"), token.clone(), format!("  {token}\n")]
    {
        let answer = explain(&house, "token", &json!(text)).await.ok(200);
        assert_eq!((&answer["valid"], &answer["kind"]), (&json!(true), &json!("perpetual")));
    }
    for text in [lic.replace("BEGIN", "BEGUN"), lic.replace("-----END MARQUE LICENSE-----", ""), lic[..300].to_owned()]
    {
        assert_eq!(explain(&house, "token", &json!(text)).await.pointers(), ["/token"]);
    }
}

#[tokio::test]
async fn other_tokens_name_no_licence() {
    let house = House::new().await;
    let list = house.get("/v1/revocations").await.ok(200)["crl"].clone();
    let keys = json!(house.get("/.well-known/keys.jwt").await.text());
    for token in [list, keys, json!(""), json!("x"), json!("a.b.c"), json!(1), json!(["x"])] {
        assert_eq!(explain(&house, "token", &token).await.pointers(), ["/token"], "{token}");
    }
}

#[tokio::test]
async fn a_token_of_somebody_elses_is_refused() {
    let (house, other) = (House::new().await, House::new().await);
    let (_, bound) = other.bound("yearly").await;
    // The same keys and issuer, another table: it is a token, and no licence.
    explain(&house, "token", &bound["lease"]).await.problem(404, "LICENSE_NOT_FOUND");
    let lease = other.verified::<marque_core::token::Lease>(&bound["lease"]).await.into_claims();
    let forged = marque_core::token::SigningKey::from_seed([50; 32]).sign(&lease);
    assert_eq!(explain(&house, "token", &json!(forged)).await.pointers(), ["/token"]);
}

#[tokio::test]
async fn one_of_the_two_is_asked() {
    let house = House::new().await;
    let issued = house.issue("yearly").await;
    let both = json!({"code": issued.code, "token": "x"});
    assert_eq!(house.post("/v1/explain", &both).await.pointers(), ["/token"]);
    assert_eq!(house.post("/v1/explain", &json!({"code": null, "token": null})).await.pointers(), ["/code"]);
    house.post("/v1/explain", &json!({"code": issued.code, "token": null})).await.ok(200);
    let wrong = json!({"code": 1, "x": 1});
    assert_eq!(house.post("/v1/explain", &wrong).await.pointers(), ["/code", "/x"]);
}
