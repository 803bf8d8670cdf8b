//! Faults on order, and rates.

use marque_marketplace_sim::{Fault, Operation, Pricing};
use serde_json::json;

use crate::support::{World, statuses};

#[tokio::test]
async fn faults_happen_in_order_one_a_request_and_only_a_lost_response_takes_effect() {
    let world = World::new();
    let bought = world.buy(Pricing::Subscription);
    let order = |fault| world.marketplace.order_fault(Operation::BatchMeterUsage, fault, 1);
    [Fault::Throttle, Fault::Internal, Fault::Timeout, Fault::LostResponse].into_iter().for_each(order);
    let usage = json!({"UsageRecords": [world.usage(&bought, 3)]});
    let mut seen = Vec::new();
    for _ in 0..4 {
        let record = aws_sdk_marketplacemetering::types::UsageRecord::builder()
            .timestamp(aws_sdk_marketplacemetering::primitives::DateTime::from_secs(0))
            .dimension("-")
            .build()
            .unwrap();
        let text = usage.to_string();
        let call = world.metering("us-east-1").batch_meter_usage().usage_records(record).customize();
        let call = call.mutate_request(move |request| *request.body_mut() = text.clone().into());
        let error = call.send().await.unwrap_err();
        seen.push((
            error.as_service_error().and_then(|error| error.meta().code().map(str::to_owned)).unwrap_or_default(),
            world.marketplace.truth().accepted.len(),
        ));
    }
    let lost = String::new;
    assert_eq!(
        seen,
        [
            ("ThrottlingException".to_owned(), 0),
            ("InternalServiceErrorException".to_owned(), 0),
            (lost(), 0),
            (lost(), 1)
        ]
    );
    assert_eq!(statuses(&world.batch(usage).await.unwrap()), ["Success"]);
    assert_eq!(world.marketplace.truth().accepted.len(), 1, "sent again it is the same record");
}

#[tokio::test]
async fn every_second_record_is_handed_back_unprocessed() {
    let world = World::new();
    let bought: Vec<_> = (0..3).map(|_| world.buy(Pricing::Subscription)).collect();
    let usage: Vec<_> = bought.iter().map(|bought| world.usage(bought, 1)).collect();
    world.marketplace.order_fault(Operation::BatchMeterUsage, Fault::Unprocessed, 1);
    let answer = world.batch(json!({"UsageRecords": usage})).await.unwrap();
    assert_eq!(answer["UnprocessedRecords"], json!([usage[0], usage[2]]));
    assert_eq!(statuses(&answer), ["Success"]);
    assert_eq!(world.marketplace.truth().accepted.len(), 1);
}

#[tokio::test]
async fn none_ordered_ends_them_and_other_calls_are_not_touched() {
    let world = World::new();
    let bought = world.buy(Pricing::Contract);
    world.marketplace.order_fault(Operation::ResolveCustomer, Fault::Throttle, 50);
    world.marketplace.order_fault(Operation::GetEntitlements, Fault::Throttle, 1);
    world.marketplace.order_fault(Operation::ResolveCustomer, Fault::Internal, 0);
    assert!(world.metering("us-east-1").resolve_customer().registration_token(bought.token).send().await.is_ok());
    assert!(world.entitlement("us-east-1").get_entitlements().product_code("prodcode1").send().await.is_err());
}

#[tokio::test]
async fn calls_beyond_the_rate_are_throttled_when_rates_are_limited() {
    let world = World::new();
    let bought = world.buy(Pricing::Subscription);
    world.marketplace.set(|knobs| knobs.limits_rates = true);
    let usage = json!({"UsageRecords": [world.usage(&bought, 3)]});
    for _ in 0..10 {
        assert!(world.batch(usage.clone()).await.is_ok());
    }
    assert_eq!(world.batch(usage.clone()).await, Err("ThrottlingException".to_owned()));
    world.advance(1);
    assert!(world.batch(usage).await.is_ok());
    assert_eq!(world.marketplace.calls(Operation::BatchMeterUsage), 12);
}
