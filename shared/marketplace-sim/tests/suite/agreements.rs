//! The Agreement API.

use aws_sdk_marketplaceagreement::types::{AcceptedTerm, AgreementEntitlementStatus, AgreementStatus, Filter};
use marque_marketplace_sim::{Order, Pricing};

use crate::support::{PRODUCT, World};

#[tokio::test]
async fn an_agreement_tells_account_status_product_and_the_first_of_its_chain() {
    let world = World::new();
    let bought = world.buy(Pricing::Contract);
    let renewed = world.marketplace.renew(&bought.agreement, None).unwrap();
    let old = world.agreement().describe_agreement().agreement_id(&bought.agreement).send().await.unwrap();
    assert_eq!(old.status, Some(AgreementStatus::Renewed));
    let new = world.agreement().describe_agreement().agreement_id(&renewed.agreement).send().await.unwrap();
    assert_eq!(new.status, Some(AgreementStatus::Active));
    assert_eq!(new.initial_agreement_id.as_deref(), Some(bought.agreement.as_str()));
    assert_eq!(new.acceptor.unwrap().account_id, Some(world.account(&bought)));
    let resources = new.proposal_summary.unwrap().resources.unwrap();
    assert_eq!(resources[0].id.as_deref(), Some("prod-1"));
    let unknown = world.agreement().describe_agreement().agreement_id("agmt-none").send().await;
    assert!(unknown.unwrap_err().into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn the_terms_tell_how_it_is_paid() {
    let world = World::new();
    for (pricing, upfront, usage) in [
        (Pricing::Contract, true, false),
        (Pricing::Subscription, false, true),
        (Pricing::ContractWithConsumption, true, true),
    ] {
        let bought = world.buy(pricing);
        let terms = world.agreement().get_agreement_terms().agreement_id(&bought.agreement).send().await.unwrap();
        let terms = terms.accepted_terms.unwrap();
        assert_eq!(terms.iter().any(AcceptedTerm::is_configurable_upfront_pricing_term), upfront);
        assert_eq!(terms.iter().any(AcceptedTerm::is_usage_based_pricing_term), usage);
    }
}

#[tokio::test]
async fn a_licence_is_provisioned_when_it_is_paid() {
    let world = World::new();
    let order = Order { paid: false, ..Order::new(PRODUCT, Pricing::Subscription, Vec::new()) };
    let bought = world.marketplace.purchase(order).unwrap();
    for (status, arn) in [
        (AgreementEntitlementStatus::Pending, None),
        (AgreementEntitlementStatus::Provisioned, Some(bought.license_arn.clone())),
    ] {
        let call = world.agreement().get_agreement_entitlements().agreement_id(&bought.agreement);
        let found = call.send().await.unwrap().agreement_entitlements.unwrap();
        assert_eq!((found[0].status.clone(), found[0].license_arn.clone()), (Some(status), arn));
        drop(world.marketplace.pay(&bought.agreement));
    }
}

#[tokio::test]
async fn a_seller_finds_its_agreements_page_by_page() {
    let world = World::new();
    for _ in 0..3 {
        world.buy(Pricing::Contract);
    }
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let search = || {
        let call = world.agreement().search_agreements().catalog("AWSMarketplace").max_results(2);
        call.filters(filter("PartyType", "Proposer")).filters(filter("AgreementType", "PurchaseAgreement"))
    };
    let first = search().send().await.unwrap();
    assert_eq!(first.agreement_view_summaries().len(), 2);
    let second = search().next_token(first.next_token.unwrap()).send().await.unwrap();
    assert_eq!((second.agreement_view_summaries().len(), second.next_token), (1, None));
    let bare = world.agreement().search_agreements().catalog("AWSMarketplace").send().await;
    assert!(bare.unwrap_err().into_service_error().is_validation_exception());
    world.marketplace.set(|knobs| knobs.agreements_denied = true);
    assert!(search().send().await.unwrap_err().into_service_error().is_access_denied_exception());
}
