//! What buyers do, and what the seller is told.

use marque_marketplace_sim::{Objection, Order, Pricing};

use crate::support::{PRODUCT, World, servers, types};

const CREATED: &str = "Purchase Agreement Created - Proposer";
const AMENDED: &str = "Purchase Agreement Amended - Proposer";
const ENDED: &str = "Purchase Agreement Ended - Proposer";
const UPDATED: &str = "License Updated - Manufacturer";
const DEPROVISIONED: &str = "License Deprovisioned - Manufacturer";

#[test]
fn each_act_sends_the_events_that_aws_sends() {
    let world = World::new();
    let market = &world.marketplace;
    let bought = world.buy(Pricing::Contract);
    assert_eq!(types(&bought.events), [CREATED, UPDATED]);
    assert_eq!(types(&market.amend(&bought.agreement, servers(9)).unwrap()), [AMENDED, UPDATED]);
    let renewed = market.renew(&bought.agreement, None).unwrap();
    assert_eq!(types(&renewed.events), [CREATED, UPDATED, ENDED]);
    assert_eq!(renewed.events[0]["detail"]["agreement"]["intent"], "RENEW");
    assert_eq!(renewed.events[0]["detail"]["agreement"]["previousAgreementId"], bought.agreement.as_str());
    assert_eq!(renewed.events[2]["detail"]["agreement"]["status"], "RENEWED");
    let replaced = market.replace(&renewed.agreement, Some(servers(20))).unwrap();
    assert_eq!(replaced.events[2]["detail"]["agreement"]["status"], "REPLACED");
    assert_ne!(replaced.license_arn, renewed.license_arn);
    assert_eq!(types(&market.cancel(&replaced.agreement).unwrap()), [ENDED, DEPROVISIONED]);
    let waiting = market.waiting_events().unwrap();
    assert_eq!(waiting.len(), 12);
    for event in &waiting[1..] {
        market.delivered(event["id"].as_str().unwrap()).unwrap();
    }
    assert_eq!(market.waiting_events().unwrap(), waiting[..1]);
}

#[test]
fn payment_is_awaited_then_comes_or_fails() {
    let world = World::new();
    let order = || Order { paid: false, ..Order::new(PRODUCT, Pricing::Subscription, Vec::new()) };
    let poor = world.marketplace.purchase(order()).unwrap();
    assert_eq!(types(&poor.events), [CREATED]);
    assert_eq!(types(&world.marketplace.fail_payment(&poor.agreement).unwrap()), [ENDED]);
    let late = world.marketplace.purchase(order()).unwrap();
    assert_eq!(types(&world.marketplace.pay(&late.agreement).unwrap()), [UPDATED]);
    assert!(matches!(world.marketplace.pay(&late.agreement), Err(Objection::State(_))));
}

#[test]
fn nothing_is_done_to_an_agreement_that_is_over() {
    let world = World::new();
    let market = &world.marketplace;
    let bought = world.buy(Pricing::Contract);
    let id = bought.agreement.as_str();
    market.cancel(id).unwrap();
    let over = [
        market.pay(id).err(),
        market.fail_payment(id).err(),
        market.amend(id, servers(1)).err(),
        market.renew(id, None).err(),
        market.replace(id, None).err(),
        market.cancel(id).err(),
        market.token(id).err(),
    ];
    assert!(over.iter().all(|objection| matches!(objection, Some(Objection::State("over")))), "{over:?}");
    assert!(matches!(market.cancel("agmt-none"), Err(Objection::Unknown)));
}

#[test]
fn events_lack_what_live_ones_lack() {
    let world = World::new();
    let bought = world.buy(Pricing::Subscription);
    let ended = &world.marketplace.cancel(&bought.agreement).unwrap()[0];
    for event in [&bought.events[0], ended] {
        assert!(event["detail"]["license"].is_null() && event["detail"]["product"]["code"].is_null());
        assert!(event["detail"]["resaleAuthorization"]["id"].is_null());
    }
    let agreement = &bought.events[0]["detail"]["agreement"];
    assert_eq!(agreement["endTime"], "9999-01-01T00:00:00Z");
    assert_eq!(agreement["startTime"], "2027-03-10T09:30:00.417Z");
    let arn = bought.events[1]["detail"]["license"]["arn"].as_str().unwrap();
    assert!(arn.starts_with("aws:license-manager:us-east-1:"));
    assert_eq!(arn.rsplit(':').next(), bought.license_arn.rsplit(':').next());
}

#[test]
fn a_partners_sale_is_told_to_the_manufacturer_without_the_agreement_before() {
    let world = World::new();
    let order = Order { via_partner: true, ..Order::new(PRODUCT, Pricing::Contract, servers(1)) };
    let bought = world.marketplace.purchase(order).unwrap();
    assert_eq!(types(&bought.events), ["Purchase Agreement Created - Manufacturer", UPDATED]);
    assert_ne!(bought.events[0]["detail"]["proposer"]["accountId"], "111122223333");
    let renewed = world.marketplace.renew(&bought.agreement, None).unwrap();
    assert!(renewed.events[0]["detail"]["agreement"]["previousAgreementId"].is_null());
}

#[test]
fn a_contract_runs_out_with_events_or_renews_itself_without() {
    let world = World::new();
    let bought = world.buy(Pricing::Contract);
    let order = Order { auto_renew: true, ..Order::new(PRODUCT, Pricing::Contract, servers(1)) };
    let kept = world.marketplace.purchase(order).unwrap();
    world.advance(365 * 86_400);
    let events = &world.marketplace.waiting_events().unwrap()[4..];
    assert_eq!(types(events), [ENDED, DEPROVISIONED]);
    assert_eq!(events[0]["detail"]["agreement"]["id"], bought.agreement.as_str());
    assert_eq!(events[0]["detail"]["agreement"]["status"], "EXPIRED");
    assert!(world.marketplace.amend(&kept.agreement, servers(2)).is_ok());
}
