//! The business rules of the reference product, each through the real handlers.

use marque_core::Duration;
use marque_core::token::Subject;
use serde_json::{Value, json};

use super::{act, listed, put_plan, sell, shop, text};
use crate::harness::{House, PRODUCT, domain, validation, with};

async fn seen(house: &House, license: &Value, number: u8) -> Value {
    house.validate(text(&license["id"]).parse().unwrap(), number).await.ok(200)
}

async fn bound(house: &House, customer: &str, plan: &str, number: u8) -> Value {
    let license = sell(house, customer, plan).await;
    let answer = house.activate(text(&license["code"]), number).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    license
}

#[tokio::test]
async fn rule_1_what_is_on_sale_is_data() {
    let (house, customer) = shop().await;
    let sold = bound(&house, &customer, "monthly", 1).await;
    for sale in ["legacy", "hidden"] {
        put_plan(&house, "monthly", &json!({"term": "P1M", "sale": sale})).await;
        let body = json!({"product": PRODUCT, "plan": "monthly", "customer_id": customer});
        house.ask("/licenses", &body).await.problem(422, "RULE_VIOLATED");
        let other = sell(&house, &customer, "trial").await;
        act(&house, &other, "change-plan", &json!({"plan": "monthly"})).await.problem(422, "RULE_VIOLATED");
        act(&house, &sold, "renew", &json!({})).await.ok(200);
    }
    // What was sold keeps its terms until it is renewed.
    let before = seen(&house, &sold, 1).await;
    put_plan(&house, "monthly", &json!({"term": "P1M", "grace": "P5D"})).await;
    assert_eq!(seen(&house, &sold, 1).await["grace_until"], before["grace_until"]);
}

#[tokio::test]
async fn rule_2_support_extends_a_trial_with_a_reason() {
    let (house, customer) = shop().await;
    let trial = sell(&house, &customer, "trial").await;
    assert_eq!((&trial["state"], &trial["paid_through"]), (&json!("available"), &Value::Null));
    house.later(Duration::days(40));
    house.activate(text(&trial["code"]), 1).await.ok(201);
    assert_eq!(act(&house, &trial, "extend", &json!({"days": 10})).await.pointers(), ["/reason"]);
    let extended = act(&house, &trial, "extend", &json!({"days": 10, "reason": "holiday"})).await.ok(200);
    assert_eq!(extended["paid_through"], "2027-05-29T23:59:59Z");
    let yearly = bound(&house, &customer, "yearly", 2).await;
    act(&house, &yearly, "extend", &json!({"days": 1, "reason": "x"})).await.problem(422, "RULE_VIOLATED");
}

#[tokio::test]
async fn rule_3_one_licence_a_domain_and_support_moves_it() {
    let (house, customer) = shop().await;
    let license = bound(&house, &customer, "yearly", 1).await;
    let refused = house.activate(text(&license["code"]), 2).await.ok(200);
    assert_eq!(refused["code"], "ACTIVATION_LIMIT");
    act(&house, &license, "release", &json!({"reason": "server lost"})).await.ok(200);
    house.activate(text(&license["code"]), 2).await.ok(201);
    let unknown = json!({"activation_id": "act_00000000000000000000000000", "reason": "again"});
    let same = act(&house, &license, "release", &unknown).await.ok(200);
    assert_eq!(same["activations"].as_array().unwrap().len(), 1, "what is not live is no fault");
    act(&house, &license, "release", &json!({"reason": "once more"})).await.ok(200);
    act(&house, &license, "release", &json!({"reason": "none is left"})).await.problem(409, "NOT_ACTIVATED");
}

#[tokio::test]
async fn rule_4_a_cancelled_subscription_runs_to_its_paid_end() {
    let (house, customer) = shop().await;
    let license = bound(&house, &customer, "monthly", 1).await;
    let cancelled = act(&house, &license, "cancel", &json!({"reason": "too dear"})).await.ok(200);
    assert_eq!((&cancelled["state"], &cancelled["pending"]["action"]), (&json!("cancelled"), &json!("cancel")));
    assert_eq!(cancelled["grace_until"], cancelled["paid_through"]);
    house.at("2027-04-10T23:59:59Z");
    assert_eq!(seen(&house, &license, 1).await["valid"], true);
    house.at("2027-04-11T00:00:00Z");
    assert_eq!(seen(&house, &license, 1).await["code"], "EXPIRED");
    let problem = act(&house, &license, "withdraw-change", &json!({})).await.problem(409, "STATE_CONFLICT");
    assert_eq!((&problem["from"], &problem["action"]), (&json!("expired"), &json!("withdraw-change")));
}

#[tokio::test]
async fn rule_5_a_site_without_internet_gets_its_file_from_support() {
    let (house, customer) = shop().await;
    let license = sell(&house, &customer, "perpetual").await;
    act(&house, &license, "file", &json!({})).await.problem(409, "NOT_ACTIVATED");
    let site = |number| json!({"fingerprint": {"kind": "ad-domain", "value": domain(number)}});
    let file = act(&house, &license, "file", &site(1)).await;
    assert_eq!((file.status.as_u16(), file.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert!(file.text().contains(&domain(1)));
    assert_eq!(act(&house, &license, "file", &json!({})).await.body, file.body, "once a licence and domain");
    act(&house, &license, "file", &site(2)).await.problem(422, "RULE_VIOLATED");
    let kind = json!({"fingerprint": {"kind": "custom", "value": domain(1)}});
    let other = sell(&house, &customer, "perpetual").await;
    assert_eq!(act(&house, &other, "file", &kind).await.pointers(), ["/fingerprint/kind"]);
    let yearly = sell(&house, &customer, "yearly").await;
    act(&house, &yearly, "file", &site(3)).await.problem(409, "NOT_PERPETUAL");

    // Support frees the domain; the file is listed, the licence is not, and the same domain gets a new file.
    act(&house, &license, "release", &json!({"reason": "server lost"})).await.ok(200);
    let list = listed(&house).await;
    assert_eq!((list.seq, list.revoked.len(), list.revoked[0].reason.as_str()), (2, 1, "moved"));
    assert!(matches!(list.revoked[0].subject, Subject::Token(_)));
    let next = act(&house, &license, "file", &site(1)).await;
    assert_ne!(next.body, file.body, "the old file is no longer good");
}

#[tokio::test]
async fn rule_6_a_licence_is_good_for_every_version_of_the_product() {
    let (house, customer) = shop().await;
    let license = bound(&house, &customer, "monthly", 1).await;
    let before = seen(&house, &license, 1).await;
    for version in [json!("0.0.1"), json!("999.0.0"), json!("no version at all"), Value::Null] {
        let body = with(validation(text(&license["id"]).parse().unwrap(), 1), "product_version", version);
        let after = house.post("/v1/validations", &body).await.ok(200);
        for member in ["valid", "code", "state", "paid_through", "grace_until", "features"] {
            assert_eq!(after[member], before[member], "{member}: {body}");
        }
    }
    let shown = house.see(&format!("/licenses/{}", text(&license["id"]))).await.ok(200);
    assert_eq!(shown["plan"], "monthly");
}

#[tokio::test]
async fn rule_7_unused_days_are_carried_and_what_is_scheduled_waits() {
    let (house, customer) = shop().await;
    let license = bound(&house, &customer, "monthly", 1).await;
    let yearly = act(&house, &license, "change-plan", &json!({"plan": "yearly"})).await.ok(200);
    assert_eq!((&yearly["plan"], &yearly["paid_through"]), (&json!("yearly"), &json!("2028-04-10T23:59:59Z")));
    let scheduled = act(&house, &license, "change-plan", &json!({"plan": "monthly"})).await.ok(200);
    assert_eq!((&scheduled["plan"], &scheduled["pending"]["plan"]), (&json!("yearly"), &json!("monthly")));
    act(&house, &license, "withdraw-change", &json!({})).await.ok(200);
    act(&house, &license, "change-plan", &json!({"plan": "monthly"})).await.ok(200);
    let renewed = act(&house, &license, "renew", &json!({})).await.ok(200);
    assert_eq!((&renewed["plan"], &renewed["next_plan"]), (&json!("yearly"), &json!("monthly")));
    house.at("2028-04-11T00:00:00Z");
    assert_eq!(seen(&house, &license, 1).await["plan"], "monthly");
    let forever = act(&house, &license, "change-plan", &json!({"plan": "perpetual"})).await.ok(200);
    assert_eq!((&forever["kind"], &forever["paid_through"]), (&json!("perpetual"), &Value::Null));
    act(&house, &license, "renew", &json!({})).await.problem(409, "STATE_CONFLICT");
    act(&house, &license, "change-plan", &json!({"plan": "none"})).await.problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn rule_8_only_a_revocation_with_a_reason_ends_what_is_paid() {
    let (house, customer) = shop().await;
    let license = bound(&house, &customer, "perpetual", 1).await;
    assert_eq!(act(&house, &license, "revoke", &json!({})).await.pointers(), ["/reason"]);
    act(&house, &license, "revoke", &json!({"reason": "fraud, secret words"})).await.ok(200);
    let denied = seen(&house, &license, 1).await;
    assert_eq!(denied["code"], "REVOKED");
    assert!(!denied.to_string().contains("secret words"));
    let list = listed(&house).await;
    assert_eq!(list.revoked[0].subject, Subject::License(text(&license["id"]).parse().unwrap()));
    for action in ["reinstate", "revoke", "suspend"] {
        act(&house, &license, action, &json!({"reason": "x"})).await.problem(409, "STATE_CONFLICT");
    }
    // A subscription has no file: it is denied when it checks in, and the list stays short.
    let yearly = bound(&house, &customer, "yearly", 2).await;
    act(&house, &yearly, "revoke", &json!({"reason": "fraud"})).await.ok(200);
    assert_eq!(listed(&house).await.revoked.len(), 1);
}

#[tokio::test]
async fn rule_9_discounts_are_approved_for_a_year_on_yearly_and_perpetual_plans() {
    let (house, customer) = shop().await;
    let path = format!("/customers/{customer}/discounts");
    let approve = async |percent: u64| {
        house.ask(&path, &json!({"kind": "education", "percent": percent, "note": "letter"})).await
    };
    approve(60).await.problem(422, "RULE_VIOLATED");
    assert_eq!(
        house.ask(&path, &json!({"kind": "friends", "percent": 0})).await.pointers(),
        ["/kind", "/note", "/percent"]
    );
    let discount = approve(50).await.ok(201);
    assert_eq!(discount["valid_until"], "2028-03-10T10:00:00Z");
    let issue = async |plan: &str, discount: &Value| {
        let body = json!({"product": PRODUCT, "plan": plan, "customer_id": customer, "discount_id": discount["id"]});
        house.ask("/licenses", &body).await
    };
    let license = issue("yearly", &discount).await.ok(201);
    let events = house.see(&format!("/licenses/{}/events", text(&license["id"]))).await.ok(200);
    assert_eq!(events["items"][0]["detail"]["percent"], 50);
    act(&house, &license, "renew", &json!({"discount_id": discount["id"]})).await.ok(200);
    let events = house.see(&format!("/licenses/{}/events", text(&license["id"]))).await.ok(200);
    assert_eq!(events["items"][1]["detail"]["percent"], 50);
    issue("perpetual", &discount).await.ok(201);
    issue("monthly", &discount).await.problem(422, "RULE_VIOLATED");
    issue("yearly", &json!({"id": "dis_00000000000000000000000000"})).await.problem(422, "RULE_VIOLATED");
    put_plan(&house, "yearly", &json!({"term": "P1Y", "discount_max": 40})).await;
    issue("yearly", &discount).await.problem(422, "RULE_VIOLATED");
    let scheduled = json!({"plan": "monthly", "discount_id": discount["id"]});
    act(&house, &license, "change-plan", &scheduled).await.problem(422, "RULE_VIOLATED");
    house.at("2028-03-10T10:00:00Z");
    issue("perpetual", &discount).await.problem(422, "RULE_VIOLATED");
}

#[tokio::test]
async fn rule_10_the_clouds_plans_are_for_machines_and_agreements_alone() {
    let (house, customer) = shop().await;
    put_plan(&house, "billed", &json!({"term": null, "grace": "P11D", "sale": "hidden"})).await;
    let body = json!({"product": PRODUCT, "plan": "billed", "customer_id": customer});
    house.ask("/licenses", &body).await.problem(422, "RULE_VIOLATED");
    let license = sell(&house, &customer, "monthly").await;
    act(&house, &license, "change-plan", &json!({"plan": "billed"})).await.problem(422, "RULE_VIOLATED");
    let code = "A0001-F5416-5B71B-AC380-95077";
    let person = json!({"name": "N", "company": "C", "email": "n@example.org"});
    let line = json!({"code": code, "product": PRODUCT, "plan": "billed", "customer": person});
    let imported = house.ask("/imports", &json!({"lines": [line]})).await.ok(200);
    assert_eq!(imported["results"][0]["errors"][0]["pointer"], "/plan");
}

#[tokio::test]
async fn rule_11_the_anchor_day_is_kept_and_late_renewals_begin_today() {
    let (house, customer) = shop().await;
    let body =
        json!({"product": PRODUCT, "plan": "monthly", "customer_id": customer, "starts_at": "2027-01-31T10:00:00Z"});
    let license = house.ask("/licenses", &body).await.ok(201);
    assert_eq!(license["paid_through"], "2027-02-28T23:59:59Z");
    let renewed = act(&house, &license, "renew", &json!({})).await.ok(200);
    assert_eq!(renewed["paid_through"], "2027-03-31T23:59:59Z");
    house.at("2027-08-01T00:00:00Z");
    let late = act(&house, &license, "renew", &json!({"n": 2})).await.ok(200);
    assert_eq!(late["paid_through"], "2027-10-01T23:59:59Z");
    let future =
        json!({"product": PRODUCT, "plan": "monthly", "customer_id": customer, "starts_at": "2027-08-01T00:00:01Z"});
    house.ask("/licenses", &future).await.problem(422, "RULE_VIOLATED");
}

#[tokio::test]
async fn a_suspension_gives_its_whole_days_back() {
    let (house, customer) = shop().await;
    let license = bound(&house, &customer, "monthly", 1).await;
    act(&house, &license, "suspend", &json!({"reason": "chargeback"})).await.ok(200);
    let problem = act(&house, &license, "renew", &json!({})).await.problem(409, "STATE_CONFLICT");
    assert_eq!((&problem["from"], &problem["action"]), (&json!("suspended"), &json!("renew")));
    house.later(Duration::days(5));
    let back = act(&house, &license, "reinstate", &json!({"reason": "paid"})).await.ok(200);
    assert_eq!(back["paid_through"], "2027-04-15T23:59:59Z");
    act(&house, &license, "suspend", &json!({"reason": "again"})).await.ok(200);
    house.later(Duration::days(5));
    let back = act(&house, &license, "reinstate", &json!({"reason": "paid", "consume": true})).await.ok(200);
    assert_eq!(back["paid_through"], "2027-04-15T23:59:59Z");
}

#[tokio::test]
async fn every_fault_of_an_action_is_told() {
    let (house, customer) = shop().await;
    let license = sell(&house, &customer, "monthly").await;
    for (action, body, pointers) in [
        ("renew", json!({"n": 0, "discount_id": "x", "more": 1}), &["/discount_id", "/more", "/n"][..]),
        ("renew", json!({"n": 121}), &["/n"]),
        ("change-plan", json!({}), &["/plan"]),
        ("withdraw-change", json!({"reason": "x"}), &["/reason"]),
        ("suspend", json!({"reason": "a\nb"}), &["/reason"]),
        ("reinstate", json!({"consume": "no"}), &["/consume", "/reason"]),
        ("extend", json!({"days": 367}), &["/days", "/reason"]),
        ("release", json!({"activation_id": "x"}), &["/activation_id", "/reason"]),
        ("file", json!({"fingerprint": {"kind": "x"}}), &["/fingerprint/kind", "/fingerprint/value"]),
    ] {
        assert_eq!(act(&house, &license, action, &body).await.pointers(), pointers, "{action}");
    }
    assert_eq!(
        house.ask("/licenses", &json!({"starts_at": "x"})).await.pointers(),
        ["/customer_id", "/plan", "/product", "/starts_at"]
    );
    house.ask("/licenses/lic_00000000000000000000000000/renew", &json!({})).await.problem(404, "LICENSE_NOT_FOUND");
    house.ask("/licenses/x/renew", &json!({})).await.problem(404, "LICENSE_NOT_FOUND");
    house.ask(&format!("/licenses/{}/melt", text(&license["id"])), &json!({})).await.problem(404, "NOT_FOUND");
}
