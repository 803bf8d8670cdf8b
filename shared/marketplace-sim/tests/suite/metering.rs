//! `ResolveCustomer` and `BatchMeterUsage`.

use marque_core::Duration;
use marque_marketplace_sim::metering_rules::{RULES, Source};
use marque_marketplace_sim::{Entitled, Order, Pricing};
use serde_json::{Value, json};

use crate::support::{PRODUCT, World, statuses};

fn records(records: impl IntoIterator<Item = Value>) -> Value {
    json!({"UsageRecords": records.into_iter().collect::<Vec<_>>()})
}

fn with(mut record: Value, name: &str, value: Value) -> Value {
    if value.is_null() {
        record.as_object_mut().unwrap().remove(name);
    } else {
        record[name] = value;
    }
    record
}

#[tokio::test]
async fn a_token_tells_account_product_licence_and_agreement_as_often_as_it_is_asked_for_four_hours() {
    let world = World::new();
    let bought = world.buy(Pricing::Contract);
    let resolve = |token: &str| world.metering("eu-west-1").resolve_customer().registration_token(token).send();
    for _ in 0..2 {
        let answer = resolve(&bought.token).await.unwrap();
        assert_eq!(answer.license_arn.as_deref(), Some(bought.license_arn.as_str()));
        assert_eq!(answer.product_code.as_deref(), Some(PRODUCT));
        assert_eq!(answer.customer_aws_account_id, Some(world.account(&bought)));
        assert_eq!(answer.customer_identifier, None);
        assert_eq!(answer.metadata.and_then(|metadata| metadata.agreement_id), Some(bought.agreement.clone()));
        world.advance(4 * 3600 - 1);
    }
    world.advance(1);
    assert!(resolve(&bought.token).await.unwrap_err().into_service_error().is_expired_token_exception());
    assert!(resolve("zzz").await.unwrap_err().into_service_error().is_invalid_token_exception());
}

#[tokio::test]
async fn an_hour_is_taken_once_and_the_first_quantity_stays() {
    let world = World::new();
    let bought = world.buy(Pricing::Subscription);
    let usage = world.usage(&bought, 7);
    let first = world.batch(records([usage.clone()])).await.unwrap();
    assert_eq!(statuses(&first), ["Success"]);
    let again = world.batch(records([usage.clone()])).await.unwrap();
    assert_eq!(statuses(&again), ["Success"], "the identical record");
    assert_eq!(again["Results"][0]["MeteringRecordId"], first["Results"][0]["MeteringRecordId"]);
    let decimal = with(with(usage.clone(), "Quantity", Value::Null), "QuantityAsDecimal", json!("7.00"));
    assert_eq!(statuses(&world.batch(records([decimal])).await.unwrap()), ["Success"], "compared by value");
    world.advance(1);
    let other = world.usage(&bought, 8);
    assert_eq!(statuses(&world.batch(records([other])).await.unwrap()), ["DuplicateRecord"]);
    world.marketplace.set(|knobs| knobs.identical_is_duplicate = true);
    assert_eq!(statuses(&world.batch(records([usage])).await.unwrap()), ["DuplicateRecord"]);
    let truth = world.marketplace.truth();
    assert_eq!((truth.accepted.len(), truth.accepted[0].quantity.as_str()), (1, "7"));
    assert_eq!((truth.refused.len(), truth.refused[0].error.as_str()), (2, "DuplicateRecord"));
}

#[tokio::test]
async fn the_same_hour_in_two_regions_is_billed_twice() {
    let world = World::new();
    let bought = world.buy(Pricing::Subscription);
    for region in ["us-east-1", "eu-west-1"] {
        world.batch_in(region, records([world.usage(&bought, 1)])).await.unwrap();
    }
    assert_eq!(world.marketplace.truth().accepted.len(), 2);
    let refused = world.batch_in("xx-nowhere-1", records([world.usage(&bought, 1)])).await;
    assert_eq!(refused, Err("DisabledApiException".to_owned()));
}

#[tokio::test]
async fn usage_is_taken_from_the_activation_to_an_hour_after_the_end() {
    let world = World::new();
    let order = Order { paid: false, ..Order::new(PRODUCT, Pricing::Subscription, Vec::new()) };
    let bought = world.marketplace.purchase(order).unwrap();
    let usage = records([world.usage(&bought, 1)]);
    assert_eq!(statuses(&world.batch(usage.clone()).await.unwrap()), ["CustomerNotSubscribed"]);
    world.advance(60);
    world.marketplace.pay(&bought.agreement).unwrap();
    assert_eq!(world.batch(usage).await, Err("InvalidLicenseException".to_owned()), "before the activation");
    world.marketplace.set(|knobs| knobs.subscription_lag = Duration::from_seconds(120));
    let usage = records([world.usage(&bought, 1)]);
    assert_eq!(statuses(&world.batch(usage.clone()).await.unwrap()), ["CustomerNotSubscribed"], "not known yet");
    world.advance(120);
    assert_eq!(statuses(&world.batch(usage).await.unwrap()), ["Success"]);
    world.advance(3600);
    world.marketplace.cancel(&bought.agreement).unwrap();
    let (last, after) = (world.usage(&bought, 2), world.now() + 1);
    world.advance(3599);
    assert_eq!(
        world.batch(records([with(last.clone(), "Timestamp", after.into())])).await,
        Err("InvalidLicenseException".to_owned())
    );
    let on_time = with(last.clone(), "Dimension", "bytes".into());
    assert_eq!(statuses(&world.batch(records([on_time])).await.unwrap()), ["Success"]);
    world.advance(1);
    assert_eq!(statuses(&world.batch(records([last])).await.unwrap()), ["CustomerNotSubscribed"], "the door is shut");
}

#[tokio::test]
async fn a_month_closes_at_six_on_the_first_and_a_day_after_24_hours() {
    let world = World::new();
    world.set("2027-03-30T12:00:00Z");
    let bought = world.buy(Pricing::Subscription);
    let at = |text: &str| with(world.usage(&bought, 1), "Timestamp", crate::support::time(text).unix().into());
    world.set("2027-04-01T05:59:59Z");
    assert!(world.batch(records([at("2027-03-31T23:00:00Z")])).await.is_ok());
    world.set("2027-04-01T06:00:00Z");
    let out = Err("TimestampOutOfBoundsException".to_owned());
    assert_eq!(world.batch(records([at("2027-03-31T22:00:00Z")])).await, out);
    assert!(world.batch(records([at("2027-04-01T00:00:00Z")])).await.is_ok());
    world.set("2027-04-02T01:00:00Z");
    assert_eq!(world.batch(records([at("2027-04-01T01:00:00Z")])).await, out);
    assert!(world.batch(records([at("2027-04-01T01:00:01Z")])).await.is_ok());
    assert_eq!(world.batch(records([at("2027-04-02T01:05:01Z")])).await, out);
}

/// Each rule of the table, and a record that breaks it and no rule before it.
#[tokio::test]
async fn one_bad_record_fails_the_whole_call_by_each_rule_of_the_table() {
    let world = World::new();
    let (bought, other) = (world.buy(Pricing::Subscription), world.buy(Pricing::Subscription));
    let order = Order::new("prodcode2", Pricing::Subscription, Vec::new());
    let elsewhere = world.marketplace.purchase(order).unwrap();
    let good = || world.usage(&other, 1);
    let bad = |name: &str, value: Value| records([good(), with(world.usage(&bought, 1), name, value)]);
    let tagged = |parts: Value| bad("UsageAllocations", parts);
    let part = |quantity: i64, tags: &[(&str, &str)]| {
        let tags: Vec<_> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        json!({"AllocatedUsageQuantity": quantity, "Tags": tags})
    };
    let six: Vec<_> = ["a", "b", "c", "d", "e", "f"].iter().map(|key| (*key, "v")).collect();
    let mut both = bad("Quantity", 1.into());
    both["ProductCode"] = PRODUCT.into();
    let cases = [
        both,
        bad("CustomerIdentifier", "".into()),
        bad("LicenseArn", Value::Null),
        bad("LicenseArn", bought.license_arn.trim_start_matches("arn:").into()),
        bad("CustomerAWSAccountId", "999999999999".into()),
        records([good(), world.usage(&elsewhere, 1)]),
        bad("Dimension", "Requests".into()),
        bad("Timestamp", (world.now() - 86_400).into()),
        records([good(), with(world.usage(&bought, 1), "Timestamp", (world.now() - 40 * 86_400).into())]),
        bad("Timestamp", (world.now() + 301).into()),
        bad("Timestamp", (world.now() - 1).into()),
        tagged(json!([part(2, &[])])),
        tagged(json!([part(1, &six)])),
        tagged(json!([part(1, &[("key", "v#")])])),
    ];
    assert_eq!(cases.len(), RULES.len());
    for (rule, case) in RULES.iter().zip(cases) {
        assert_eq!(world.batch(case).await, Err(rule.exception.to_owned()), "{}", rule.holds);
    }
    assert!(world.marketplace.truth().accepted.is_empty(), "not even the good ones");
    assert!(RULES.iter().filter(|rule| rule.source == Source::Assumed).count() <= 2, "most rules are AWS's word");
}

#[tokio::test]
async fn what_the_model_does_not_allow_is_refused() {
    let world = World::new();
    let bought = world.buy(Pricing::Subscription);
    let usage = || world.usage(&bought, 1);
    let both = with(usage(), "QuantityAsDecimal", "1".into());
    let decimal =
        |text: &str| records([with(with(usage(), "Quantity", Value::Null), "QuantityAsDecimal", text.into())]);
    let refused = [
        records(std::iter::repeat_with(usage).take(26)),
        records([with(usage(), "Quantity", (-1).into())]),
        records([with(usage(), "Quantity", 2_147_483_648_i64.into())]),
        records([both]),
        records([with(usage(), "Color", "red".into())]),
        decimal("01"),
        decimal("1."),
        decimal("1.1234567"),
        decimal("-1"),
        decimal("1e3"),
        json!({}),
    ];
    for body in refused {
        assert_eq!(world.batch(body.clone()).await, Err("ValidationException".to_owned()), "{body}");
    }
    assert!(world.batch(decimal("17.420000")).await.is_ok());
    assert_eq!(world.marketplace.truth().accepted[0].quantity, "17.42");
    let long = "x".repeat(1 << 20);
    assert!(world.batch(json!({"UsageRecords": [], "ProductCode": long})).await.is_err());
}

#[tokio::test]
async fn the_official_client_sends_an_empty_identifier_and_is_refused_for_it() {
    let world = World::new();
    let bought = world.buy(Pricing::Subscription);
    let record = aws_sdk_marketplacemetering::types::UsageRecord::builder()
        .timestamp(aws_sdk_marketplacemetering::primitives::DateTime::from_secs(world.now()))
        .dimension("requests")
        .quantity(1)
        .license_arn(&bought.license_arn)
        .customer_aws_account_id(world.account(&bought))
        .build()
        .unwrap();
    let sent = world.metering("us-east-1").batch_meter_usage().usage_records(record).send().await;
    assert!(sent.unwrap_err().into_service_error().is_invalid_customer_identifier_exception());
}

#[test]
fn only_what_a_listing_offers_can_be_bought() {
    let world = World::new();
    let entitled = |dimension: &str| vec![Entitled { dimension: dimension.to_owned(), value: 1.into() }];
    for order in [
        Order::new("nothing", Pricing::Contract, entitled("servers")),
        Order::new(PRODUCT, Pricing::Contract, Vec::new()),
        Order::new(PRODUCT, Pricing::Contract, entitled("requests")),
        Order::new(PRODUCT, Pricing::Contract, entitled("Servers")),
        Order { account: Some("12".to_owned()), ..Order::new(PRODUCT, Pricing::Contract, entitled("servers")) },
    ] {
        assert!(world.marketplace.purchase(order).is_err());
    }
    let order = Order::new(PRODUCT, Pricing::ContractWithConsumption, entitled("requests"));
    assert!(world.marketplace.purchase(order).is_ok(), "a metered dimension with an included part");
}
