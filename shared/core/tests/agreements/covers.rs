//! How far agreements pay.

use marque_core::Timestamp;
use marque_core::agreement::{Agreement, Chain, Cover, Ended, Facts, How, Pricing, Since, Succession, Superseded};

use crate::orders::{agreement, at, rows};

fn chain(agreements: Vec<Agreement>) -> Chain {
    let mut chain = Chain::new("product".parse().unwrap(), agreements[0].clone());
    chain.agreements = agreements;
    chain
}

fn subscription(number: u8, requested: i64) -> Agreement {
    let mut seen = agreement(number, requested);
    seen.pricing = Some(Pricing::Subscription);
    seen.facts.provisioned = Some(Since::Said(at(requested)));
    seen
}

fn contract(number: u8, requested: i64, expires: i64) -> Agreement {
    let mut seen = agreement(number, requested);
    seen.pricing = Some(Pricing::Contract);
    seen.learn_entitlements(rows(5, expires), at(requested));
    seen
}

fn ended(mut agreement: Agreement, when: i64, how: How) -> Agreement {
    agreement.facts.ended = Some(Ended { since: Since::Said(at(when)), how });
    agreement
}

fn superseded(mut agreement: Agreement, when: i64) -> Agreement {
    agreement.facts.superseded = Some(Superseded { since: Since::Said(at(when)), how: Succession::Replaced });
    agreement
}

const fn with_grace(until: Timestamp) -> Option<Cover> {
    Some(Cover { until, grace: true })
}

const fn without_grace(until: Timestamp) -> Option<Cover> {
    Some(Cover { until, grace: false })
}

#[test]
fn one_agreement_pays_by_its_pricing_to_its_end() {
    let mut unread = agreement(1, 0);
    unread.pricing = Some(Pricing::Contract);
    unread.facts.provisioned = Some(Since::Said(at(0)));
    let mut unpaid = agreement(1, 0);
    unpaid.pricing = Some(Pricing::Subscription);
    let cases = [
        ("payment is awaited", unpaid.clone(), None),
        ("payment has failed", ended(unpaid, 5, How::Cancelled), None),
        ("a contract of which nothing was read", unread, None),
        ("a subscription has no end", subscription(1, 0), with_grace(Timestamp::MAX)),
        ("a contract ends with the day of what was bought", contract(1, 0, 100), with_grace(at(100).day().end())),
        ("an expiry has a grace", ended(contract(1, 0, 100), 100, How::Expired), with_grace(at(100))),
        ("a cancellation has none", ended(contract(1, 0, 100), 50, How::Cancelled), without_grace(at(50))),
        ("nor has a subscription's", ended(subscription(1, 0), 50, How::Terminated), without_grace(at(50))),
        ("a renewal announced ends nothing", superseded(subscription(1, 0), 50), with_grace(Timestamp::MAX)),
        (
            "a licence taken back while a renewal is announced leaves the grace",
            ended(superseded(subscription(1, 0), 50), 50, How::Deprovisioned),
            with_grace(at(50)),
        ),
    ];
    for (what, agreement, wanted) in cases {
        assert_eq!(chain(vec![agreement]).cover(), wanted, "{what}");
    }
}

#[test]
fn a_chain_pays_as_far_as_any_of_its_agreements() {
    let old = || superseded(subscription(1, 0), 50);
    let mut coming = subscription(2, 50);
    coming.facts = Facts::new(at(50));
    let cases = [
        ("renewed and running", vec![contract(1, 0, 100), contract(2, 50, 200)], with_grace(at(200).day().end())),
        ("the successor is not paid yet", vec![old(), coming.clone()], with_grace(Timestamp::MAX)),
        ("the successor's payment fails", vec![old(), ended(coming, 60, How::Cancelled)], with_grace(at(50))),
        (
            "cancelled after a replacement",
            vec![old(), ended(subscription(2, 50), 80, How::Cancelled)],
            without_grace(at(80)),
        ),
    ];
    for (what, agreements, wanted) in cases {
        assert_eq!(chain(agreements).cover(), wanted, "{what}");
    }
}

#[test]
fn agreements_of_the_same_second_end_as_those_of_different_ones() {
    // Cancelled a minute after the replacement, and in the very second of it.
    for cancelled_at in [60, 0] {
        let one = superseded(subscription(1, 0), 0);
        let two = ended(subscription(2, 0), cancelled_at, How::Cancelled);
        for agreements in [vec![one.clone(), two.clone()], vec![two, one]] {
            assert_eq!(chain(agreements).cover(), without_grace(at(cancelled_at)));
        }
    }
}

#[test]
fn the_current_agreement_is_the_newest_that_works() {
    let current = |agreements: Vec<Agreement>| chain(agreements).current().external_id.to_string();
    let requested = |number, when| {
        let mut seen = agreement(number, when);
        seen.pricing = Some(Pricing::Subscription);
        seen
    };
    assert_eq!(current(vec![subscription(1, 0), requested(2, 50)]), "agmt-1");
    assert_eq!(current(vec![superseded(subscription(1, 0), 50), requested(2, 50)]), "agmt-1");
    assert_eq!(current(vec![superseded(subscription(1, 0), 50), subscription(2, 50)]), "agmt-2");
    let over = ended(subscription(2, 50), 60, How::Cancelled);
    assert_eq!(current(vec![superseded(subscription(1, 0), 50), over.clone()]), "agmt-2", "it has come, and gone");
    assert_eq!(current(vec![ended(subscription(1, 0), 50, How::Cancelled), over]), "agmt-2");
}
