//! Events and landings, in any order: the same is known in the end, and whoever has paid gets in.

use marque_core::What;
use marque_core::agreement::{Chain, How, LicenseArn, State};
use marque_core::event::Head;
use marque_marketplace_sim::{Entitled, Fault, Operation, Order, Pricing};
use marque_service::marketplace::{EventFault, Outcome, Reconciled, Why};
use serde_json::{Value, json};

use crate::market::{Bazaar, servers};

const PRICINGS: [Pricing; 3] = [Pricing::Contract, Pricing::Subscription, Pricing::ContractWithConsumption];

/// What must not depend on the order: everything but our own ids, and how often something was written.
fn essence(chain: &Chain) -> Value {
    let agreements = chain.agreements.iter().map(|agreement| {
        let state = match agreement.state() {
            State::Ended { how, .. } => json!(["ended", how]),
            other => json!([other.as_str()]),
        };
        // What was bought under an agreement that is over can be read no more.
        let bought = if matches!(agreement.state(), State::Active { .. }) { agreement.entitlements() } else { &[] };
        let paid = agreement.facts.provisioned.is_some();
        // A licence that never was has a name that one event alone tells.
        let license = agreement.license_arn.as_ref().filter(|_| paid).map(|arn| arn.key().to_string());
        let pricing = agreement.pricing.filter(|_| paid);
        json!([agreement.external_id, state, agreement.account, pricing, bought, license, paid])
    });
    let mut agreements: Vec<Value> = agreements.collect();
    agreements.sort_by_key(ToString::to_string);
    json!({"agreements": agreements, "registered": chain.customer.is_some()})
}

/// The same of any purchase: without what names this one.
fn nameless(chain: &Chain) -> String {
    let agreement = chain.current();
    let names = [
        Some(agreement.external_id.to_string()),
        agreement.account.as_ref().map(ToString::to_string),
        agreement.license_arn.as_ref().map(|arn| arn.key().to_string()),
    ];
    names.into_iter().flatten().fold(essence(chain).to_string(), |text, name| text.replace(&name, "its own"))
}

/// A generator of our own, so that a failing history can be made again from its printed seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.roll(place + 1));
        }
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    let longer = shorter.iter().flat_map(|order| {
        (0..count).map(move |place| {
            let mut order = order.clone();
            order.insert(place, count - 1);
            order
        })
    });
    longer.collect()
}

#[tokio::test(start_paused = true)]
async fn a_purchase_gets_its_code_whether_events_or_the_buyer_come_first() {
    for pricing in PRICINGS {
        for events_first in [true, false] {
            let bazaar = Bazaar::new().await;
            let bought = bazaar.buy(pricing);
            if events_first {
                assert_eq!(bazaar.deliver(&bought.events).await, [Outcome::Kept, Outcome::Kept]);
            }
            let visit = bazaar.welcome(&bought.token, "buyer@example.org").await;
            if !events_first {
                assert!(bazaar.code_shown(&visit).await.is_some(), "what AWS says is provisioned is paid");
                bazaar.deliver(&bought.events).await;
            }
            let code = bazaar.code_shown(&visit).await.expect("a code");
            assert_eq!(bazaar.deliver(&bought.events).await, [Outcome::Repeated, Outcome::Repeated]);
            assert_eq!(bazaar.code_shown(&visit).await, Some(code), "once and for all");
        }
    }
}

/// Somebody should ask them, once they have had a day: each is counted while it is so.
#[tokio::test(start_paused = true)]
async fn who_has_paid_and_not_registered_is_chased_and_who_has_registered_and_not_paid() {
    let bazaar = Bazaar::new().await;
    let paid = bazaar.buy(Pricing::Contract);
    bazaar.deliver(&paid.events).await;
    let unpaid = bazaar.buy_unpaid(Pricing::Contract);
    bazaar.deliver(&unpaid.events).await;
    bazaar.welcome(&unpaid.token, "unpaid@example.org").await;
    let chased = |compared: Reconciled| (compared.agreements_unregistered, compared.agreements_unpaid);
    assert_eq!(chased(bazaar.compare().await), (0, 0), "on the first day nobody is");
    bazaar.advance(24 * 3600);
    assert_eq!(chased(bazaar.compare().await), (1, 1));
    let token = bazaar.market.token(&paid.agreement).unwrap();
    bazaar.welcome(&token, "paid@example.org").await;
    bazaar.deliver(&bazaar.market.pay(&unpaid.agreement).unwrap()).await;
    bazaar.advance(24 * 3600);
    assert_eq!(chased(bazaar.compare().await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn all_orders_of_a_purchase_and_its_end_with_repetitions_and_the_landing_anywhere_end_the_same() {
    for denied in [false, true] {
        // One table for all: purchases are strangers to each other.
        let bazaar = Bazaar::new().await;
        bazaar.market.set(|knobs| knobs.agreements_denied = denied);
        let mut wanted: Option<String> = None;
        for order in permutations(4) {
            for landing in 0..=4 {
                let bought = bazaar.buy(Pricing::Subscription);
                let mut events = bought.events.clone();
                bazaar.advance(60);
                events.extend(bazaar.market.cancel(&bought.agreement).unwrap());
                for (place, event) in order.iter().enumerate() {
                    if place == landing {
                        bazaar.welcome(&bought.token, "buyer@example.org").await;
                    }
                    for _ in 0..2 {
                        bazaar.shop.event(&events[*event]).await.unwrap();
                    }
                }
                if landing == 4 {
                    bazaar.welcome(&bought.token, "buyer@example.org").await;
                }
                let chain = bazaar.chain(&bought.agreement).await.expect("a chain");
                let seen = nameless(&chain);
                let wanted = wanted.get_or_insert_with(|| seen.clone());
                assert_eq!(&seen, wanted, "{order:?}, landing at {landing}, agreements denied: {denied}");
                assert!(matches!(chain.current().state(), State::Ended { how: How::Cancelled, .. }));
                assert!(
                    chain.cover().is_none_or(|cover| cover.until <= bazaar.now()),
                    "nobody who does not pay gets in"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_order_repetition_and_loss_of_events_followed_by_a_reconcile_ends_as_if_nothing_had_gone_wrong() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let straight = Bazaar::new().await;
        let crooked = straight.beside().await;
        let market = &straight.market;
        let mut live: Vec<String> = Vec::new();
        let mut all: Vec<String> = Vec::new();
        let mut late: Vec<Value> = Vec::new();
        for _ in 0..8 {
            straight.advance(i64::try_from(dice.roll(7200)).unwrap());
            let pick = if live.is_empty() { None } else { Some(live[dice.roll(live.len())].clone()) };
            let events = match (dice.roll(6), pick) {
                (1, Some(id)) => market.amend(&id, servers(9)).unwrap_or_default(),
                (2, Some(id)) => market.cancel(&id).inspect(|_| live.retain(|known| *known != id)).unwrap_or_default(),
                (act @ (3 | 4), Some(id)) => {
                    let receipt =
                        if act == 3 { market.renew(&id, None) } else { market.replace(&id, Some(servers(20))) };
                    receipt.map_or(Vec::new(), |receipt| {
                        live.retain(|known| *known != id);
                        live.push(receipt.agreement.clone());
                        all.push(receipt.agreement);
                        receipt.events
                    })
                }
                (5, Some(id)) => market.pay(&id).unwrap_or_default(),
                _ => {
                    let paid = dice.roll(3) > 0;
                    let order = Order { paid, ..straight.order(PRICINGS[dice.roll(3)]) };
                    let receipt = market.purchase(order).unwrap();
                    live.push(receipt.agreement.clone());
                    all.push(receipt.agreement);
                    receipt.events
                }
            };
            straight.deliver(&events).await;
            late.extend(events);
            dice.shuffle(&mut late);
            for _ in 0..dice.roll(late.len() + 1) {
                let event = late.pop().unwrap();
                match dice.roll(4) {
                    // Lost.
                    0 => {}
                    // Told twice, one of them later.
                    1 => {
                        crooked.deliver(std::slice::from_ref(&event)).await;
                        late.insert(0, event);
                    }
                    _ => drop(crooked.deliver(&[event]).await),
                }
            }
        }
        late.truncate(late.len() / 2);
        crooked.deliver(&late).await;
        // A day later both have compared with AWS, whatever was lost.
        for _ in 0..2 {
            straight.advance(12 * 3600);
            for bazaar in [&straight, &crooked] {
                assert!(bazaar.compare().await.agreements_finished);
            }
        }
        for id in &all {
            let (one, two) = (straight.chain(id).await, crooked.chain(id).await);
            let (one, two) = (one.expect("a chain"), two.expect("a chain"));
            assert_eq!(essence(&two), essence(&one), "seed {seed}, {id}");
            let works = |chain: &Chain| chain.cover().is_some_and(|cover| cover.until > straight.now());
            assert_eq!(works(&two), works(&one), "seed {seed}, {id}");
        }
        straight.advance(12 * 3600);
        assert_eq!(crooked.compare().await.agreements_mended, 0, "seed {seed}: nothing is left to mend");
    }
}

#[tokio::test(start_paused = true)]
async fn renewals_and_replacements_keep_one_licence_whatever_comes_first() {
    for pricing in [Pricing::Contract, Pricing::Subscription] {
        for order in permutations(3) {
            let bazaar = Bazaar::new().await;
            let bought = bazaar.buy(pricing);
            bazaar.deliver(&bought.events).await;
            let visit = bazaar.welcome(&bought.token, "buyer@example.org").await;
            let code = bazaar.code_shown(&visit).await;
            let renewed = bazaar.market.replace(&bought.agreement, None).unwrap();
            for place in &order {
                bazaar.shop.event(&renewed.events[*place]).await.unwrap();
                let chain = bazaar.chain(&bought.agreement).await.unwrap();
                assert!(chain.cover().is_some_and(|cover| cover.until > bazaar.now()), "no gap: {order:?}");
            }
            let again = bazaar.land(&renewed.token).await;
            assert_eq!(bazaar.get("/aws/registration", &again.cookie).await.header("location"), "/aws/status");
            assert_eq!(bazaar.code_shown(&again).await, code, "{order:?}");
            bazaar.advance(60);
            bazaar.deliver(&bazaar.market.cancel(&renewed.agreement).unwrap()).await;
            let chain = bazaar.chain(&bought.agreement).await.unwrap();
            assert!(chain.cover().is_some_and(|cover| cover.until <= bazaar.now() && !cover.grace), "{order:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_purchases_of_one_account_are_two_licences() {
    let bazaar = Bazaar::new().await;
    let mut codes = Vec::new();
    for email in ["one@example.org", "two@example.org"] {
        let order = Order { account: Some("123456789012".to_owned()), ..bazaar.order(Pricing::Contract) };
        let bought = bazaar.market.purchase(order).unwrap();
        bazaar.deliver(&bought.events).await;
        let visit = bazaar.welcome(&bought.token, email).await;
        codes.push(bazaar.code_shown(&visit).await.expect("a code"));
    }
    assert_ne!(codes[0], codes[1]);
}

#[tokio::test(start_paused = true)]
async fn a_partners_sale_is_served_and_its_renewal_is_linked_without_a_back_pointer() {
    let bazaar = Bazaar::new().await;
    let order = Order { via_partner: true, ..bazaar.order(Pricing::Contract) };
    let bought = bazaar.market.purchase(order).unwrap();
    bazaar.deliver(&bought.events).await;
    let visit = bazaar.welcome(&bought.token, "buyer@example.org").await;
    let code = bazaar.code_shown(&visit).await;
    assert!(code.is_some());
    let renewed = bazaar.market.renew(&bought.agreement, None).unwrap();
    bazaar.deliver(&renewed.events).await;
    let again = bazaar.land(&renewed.token).await;
    assert_eq!(bazaar.code_shown(&again).await, code);
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_no_event_told_of_is_found_though_aws_does_not_list_the_agreement() {
    let bazaar = Bazaar::new().await;
    let order = Order { via_partner: true, paid: false, ..bazaar.order(Pricing::Subscription) };
    let bought = bazaar.market.purchase(order).unwrap();
    let visit = bazaar.welcome(&bought.token, "buyer@example.org").await;
    assert_eq!(bazaar.code_shown(&visit).await, None, "landing is not payment");
    assert_eq!(bazaar.compare().await.agreements_mended, 0);
    bazaar.market.pay(&bought.agreement).unwrap();
    bazaar.advance(12 * 3600);
    assert_eq!(bazaar.compare().await.agreements_mended, 1);
    assert!(bazaar.chain(&bought.agreement).await.unwrap().license.is_some(), "its code is made");
}

#[tokio::test(start_paused = true)]
async fn what_a_comparison_mends_is_in_the_history_of_the_licence() {
    let bazaar = Bazaar::new().await;
    let order = bazaar.order(Pricing::ContractWithConsumption);
    let mut more = order.entitlements.clone();
    more.push(Entitled { dimension: "requests".to_owned(), value: 1000.into() });
    let bought = bazaar.market.purchase(order).unwrap();
    bazaar.deliver(&bought.events).await;
    bazaar.welcome(&bought.token, "buyer@example.org").await;
    bazaar.compare().await;
    let chain = bazaar.chain(&bought.agreement).await.unwrap();
    let license = chain.license.unwrap();
    let history = async || {
        let events = bazaar.app.store().history(license, Head::START, 100).await.unwrap();
        events.into_iter().map(|event| event.what).collect::<Vec<_>>()
    };
    let before = history().await;
    // Units that are included, which no event told of, and which neither plan nor term nor limit follows.
    bazaar.market.amend(&bought.agreement, more).unwrap();
    bazaar.advance(12 * 3600);
    assert_eq!(bazaar.compare().await.agreements_mended, 1);
    let told = history().await;
    assert!(matches!(&told[before.len()..], [What::AgreementMended { .. }]), "{told:?}");
    bazaar.advance(12 * 3600);
    assert_eq!((bazaar.compare().await.agreements_mended, history().await), (0, told));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_whose_buyer_never_lands_has_the_name_that_usage_is_reported_under() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy(Pricing::Subscription);
    bazaar.welcome(&bought.token, "buyer@example.org").await;
    bazaar.deliver(&bought.events).await;
    let renewed = bazaar.market.renew(&bought.agreement, None).unwrap();
    bazaar.deliver(&renewed.events).await;
    let chain = bazaar.chain(&renewed.agreement).await.unwrap();
    assert!(chain.current().license_arn.as_ref().is_some_and(LicenseArn::is_whole), "{chain:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_without_product_waits_for_its_agreement_when_aws_does_not_tell() {
    let bazaar = Bazaar::new().await;
    bazaar.market.set(|knobs| knobs.agreements_denied = true);
    let bought = bazaar.buy(Pricing::Subscription);
    let ended = bazaar.market.cancel(&bought.agreement).unwrap();
    assert_eq!(bazaar.deliver(&ended[..1]).await, [Outcome::Parked]);
    assert!(bazaar.chain(&bought.agreement).await.is_none());
    assert_eq!(bazaar.deliver(&bought.events[1..]).await, [Outcome::Kept]);
    let chain = bazaar.chain(&bought.agreement).await.unwrap();
    assert!(matches!(chain.current().state(), State::Ended { how: How::Cancelled, .. }), "it was replayed");
    let id = bought.agreement.parse().unwrap();
    assert!(bazaar.app.store().parked(&id).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_contract_whose_entitlements_lag_is_asked_again_and_works_meanwhile() {
    let bazaar = Bazaar::new().await;
    bazaar.market.set(|knobs| knobs.entitlement_lag = marque_core::Duration::from_seconds(60));
    let bought = bazaar.buy(Pricing::Contract);
    assert_eq!(bazaar.deliver(&bought.events).await, [Outcome::Kept, Outcome::Again]);
    let visit = bazaar.welcome(&bought.token, "buyer@example.org").await;
    assert!(bazaar.code_shown(&visit).await.is_some(), "the payment was confirmed");
    bazaar.advance(60);
    assert_eq!(bazaar.deliver(&bought.events[1..]).await, [Outcome::Kept]);
    let chain = bazaar.chain(&bought.agreement).await.unwrap();
    assert_eq!(chain.current().entitlements().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_aws_is_down_an_events_own_words_are_kept_and_it_comes_again() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy(Pricing::Contract);
    bazaar.deliver(&bought.events[..1]).await;
    bazaar.market.order_fault(Operation::GetEntitlements, Fault::Internal, 10);
    assert_eq!(bazaar.deliver(&bought.events[1..]).await, [Outcome::Again]);
    let chain = bazaar.chain(&bought.agreement).await.unwrap();
    assert!(matches!(chain.current().state(), State::Active { .. }));
    bazaar.market.order_fault(Operation::GetEntitlements, Fault::Internal, 0);
    assert_eq!(bazaar.deliver(&bought.events[1..]).await, [Outcome::Kept]);
}

#[tokio::test(start_paused = true)]
async fn events_of_others_are_refused_and_those_of_other_products_dropped() {
    let bazaar = Bazaar::new().await;
    let other = bazaar.market.purchase(Order::new("elsewhere", Pricing::Contract, servers(1))).unwrap();
    assert_eq!(bazaar.deliver(&other.events).await, [Outcome::Dropped, Outcome::Dropped]);
    let bought = bazaar.buy(Pricing::Contract);
    for (member, value) in [("account", "999999999999"), ("source", "my.app"), ("region", "eu-west-1")] {
        let mut event = bought.events[1].clone();
        event[member] = value.into();
        assert!(matches!(bazaar.shop.event(&event).await, Err(EventFault::Refused(_))), "{member}");
    }
    assert!(matches!(bazaar.shop.event(&json!({})).await, Err(EventFault::Refused(_))));
    let mut unknown = bought.events[0].clone();
    unknown["detail-type"] = "Something Of Next Year - Proposer".into();
    assert_eq!(bazaar.deliver(&[unknown]).await, [Outcome::Noted]);
    assert!(bazaar.chain(&bought.agreement).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_late_event_resurrects_nothing_and_ends_nothing_new() {
    let bazaar = Bazaar::new().await;
    let first = bazaar.buy(Pricing::Subscription);
    bazaar.deliver(&first.events[..1]).await;
    let ended = bazaar.market.cancel(&first.agreement).unwrap();
    bazaar.deliver(&ended[..1]).await;
    bazaar.deliver(&first.events[1..]).await;
    let chain = bazaar.chain(&first.agreement).await.unwrap();
    assert!(matches!(chain.current().state(), State::Ended { .. }), "a late License Updated resurrects nothing");
    bazaar.advance(60);
    let second = bazaar.buy(Pricing::Subscription);
    bazaar.deliver(&second.events).await;
    bazaar.deliver(&ended[1..]).await;
    let chain = bazaar.chain(&second.agreement).await.unwrap();
    assert!(matches!(chain.current().state(), State::Active { .. }), "a late Deprovisioned ends nothing but its own");
}

#[tokio::test(start_paused = true)]
async fn an_automatic_renewal_is_found_by_reading() {
    let bazaar = Bazaar::new().await;
    let order = Order { auto_renew: true, ..bazaar.order(Pricing::Contract) };
    let bought = bazaar.market.purchase(order).unwrap();
    bazaar.deliver(&bought.events).await;
    let before = bazaar.chain(&bought.agreement).await.unwrap().cover().unwrap().until;
    bazaar.advance(365 * 86_400 + 60);
    bazaar.compare().await;
    let after = bazaar.chain(&bought.agreement).await.unwrap().cover().unwrap().until;
    assert_eq!(after.since(before).whole_days(), 365);
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_only_what_failed_comes_again() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy(Pricing::Contract);
    let mut stranger = bought.events[0].clone();
    stranger["account"] = "999999999999".into();
    bazaar.market.order_fault(Operation::GetEntitlements, Fault::Throttle, 2);
    let record = |id: &str, body: String| json!({"messageId": id, "body": body});
    let batch = json!({"Records": [
        record("good", bought.events[0].to_string()),
        record("later", bought.events[1].to_string()),
        record("foreign", stranger.to_string()),
        record("nonsense", "{".to_owned()),
    ]});
    let undone = async || {
        let handled = bazaar.shop.batch(&batch).await.unwrap();
        let told = handled.undone.iter().map(|undone| (undone.id.clone(), matches!(undone.why, Why::Refused(_))));
        (told.collect::<Vec<_>>(), handled.counts)
    };
    let (first, counts) = undone().await;
    let (foreign, nonsense) = (("foreign".to_owned(), true), ("nonsense".to_owned(), true));
    assert_eq!(first, [("later".to_owned(), false), foreign.clone(), nonsense.clone()]);
    assert_eq!((counts.events_kept, counts.events_again, counts.events_refused), (1, 1, 2));
    let (second, counts) = undone().await;
    assert_eq!(second, [foreign, nonsense], "told again it is handled");
    assert_eq!((counts.events_repeated, counts.events_kept), (1, 1));
    assert!(bazaar.shop.batch(&json!({"detail": {}})).await.is_err());
}
