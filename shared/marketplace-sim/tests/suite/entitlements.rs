//! `GetEntitlements`.

use aws_sdk_marketplaceentitlement::types::{Entitlement, GetEntitlementFilterName as Key};
use marque_core::Duration;
use marque_marketplace_sim::{Entitled, Order, Pricing, Receipt};
use serde_json::{Value, json};

use crate::support::{PRODUCT, World, servers};

async fn read(world: &World, of: Option<&Receipt>) -> Vec<Entitlement> {
    let mut call = world.entitlement("us-east-1").get_entitlements().product_code(PRODUCT);
    if let Some(bought) = of {
        call = call.filter(Key::LicenseArn, vec![bought.license_arn.clone()]);
    }
    call.send().await.unwrap().entitlements.unwrap_or_default()
}

fn value(entitlement: &Entitlement) -> Option<i32> {
    entitlement.value.as_ref()?.integer_value
}

#[tokio::test]
async fn a_paid_contract_has_rows_and_nothing_else_has() {
    let world = World::new();
    let bought = world.buy(Pricing::Contract);
    world.buy(Pricing::Subscription);
    let pending = Order { paid: false, ..Order::new(PRODUCT, Pricing::Contract, servers(1)) };
    world.marketplace.purchase(pending).unwrap();
    let rows = read(&world, None).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].dimension.as_deref(), value(&rows[0])), (Some("servers"), Some(5)));
    assert_eq!(rows[0].license_arn.as_deref(), Some(bought.license_arn.as_str()));
    assert_eq!(rows[0].customer_identifier, None);
    assert_eq!(rows[0].expiration_date.unwrap().secs(), world.now() + 365 * 86_400);
    world.marketplace.cancel(&bought.agreement).unwrap();
    assert!(read(&world, Some(&bought)).await.is_empty());
}

#[tokio::test]
async fn every_kind_of_value_keeps_its_type() {
    let world = World::new();
    for value in [json!(5), json!(2.5), json!(true), json!("Enabled")] {
        let entitled = Entitled { dimension: "servers".to_owned(), value };
        world.marketplace.purchase(Order::new(PRODUCT, Pricing::Contract, vec![entitled])).unwrap();
    }
    let values: Vec<Value> = read(&world, None)
        .await
        .into_iter()
        .map(|row| {
            let value = row.value.unwrap();
            json!([value.integer_value, value.double_value, value.boolean_value, value.string_value])
        })
        .collect();
    for wanted in [
        json!([5, null, null, null]),
        json!([null, 2.5, null, null]),
        json!([null, null, true, null]),
        json!([null, null, null, "Enabled"]),
    ] {
        assert!(values.contains(&wanted), "{wanted} in {values:?}");
    }
}

#[tokio::test]
async fn pages_go_on_while_there_is_a_token_even_after_an_empty_one() {
    let world = World::new();
    world.marketplace.set(|knobs| knobs.empty_pages = true);
    for _ in 0..30 {
        world.buy(Pricing::Contract);
    }
    let client = world.entitlement("us-east-1");
    let (mut token, mut sizes) = (None, Vec::new());
    loop {
        let page = client.get_entitlements().product_code(PRODUCT).set_next_token(token).send().await.unwrap();
        sizes.push(page.entitlements.unwrap_or_default().len());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [0, 25, 5]);
}

#[tokio::test]
async fn entitlements_lag_behind_the_events_when_told_to() {
    let world = World::new();
    world.marketplace.set(|knobs| knobs.entitlement_lag = Duration::from_seconds(60));
    let bought = world.buy(Pricing::Contract);
    assert!(read(&world, Some(&bought)).await.is_empty());
    world.advance(60);
    assert_eq!(value(&read(&world, Some(&bought)).await[0]), Some(5));
    world.marketplace.amend(&bought.agreement, servers(9)).unwrap();
    assert_eq!(value(&read(&world, Some(&bought)).await[0]), Some(5));
    world.advance(60);
    assert_eq!(value(&read(&world, Some(&bought)).await[0]), Some(9));
}

#[tokio::test]
async fn faulty_requests_and_other_regions_are_refused() {
    let world = World::new();
    let call = || world.entitlement("us-east-1").get_entitlements();
    let one = || vec!["1".to_owned()];
    for call in [
        call(),
        call().product_code("nothing"),
        call().product_code(PRODUCT).max_results(26),
        call().product_code(PRODUCT).next_token("x"),
        call().product_code(PRODUCT).filter(Key::Dimension, Vec::new()),
        call().product_code(PRODUCT).filter(Key::CustomerIdentifier, one()).filter(Key::CustomerAwsAccountId, one()),
    ] {
        assert!(call.send().await.unwrap_err().into_service_error().is_invalid_parameter_exception());
    }
    let elsewhere = world.entitlement("eu-west-1").get_entitlements().product_code(PRODUCT).send().await;
    assert_eq!(elsewhere.unwrap_err().into_service_error().meta().code(), Some("InvalidSignatureException"));
}
