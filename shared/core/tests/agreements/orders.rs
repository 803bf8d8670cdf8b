//! Any order, any repetition.

use marque_core::agreement::{
    Agreement, Chain, Ended, Entitlement, EntitlementValue, Facts, How, LinkRefusal, Since, State, Succession,
    Superseded,
};
use marque_core::{AgreementId, CustomerId, LicenseId, Timestamp};
use proptest::prelude::*;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds).unwrap()
}

pub(crate) fn agreement(number: u8, requested: i64) -> Agreement {
    let id = AgreementId::new(at(requested), [number; 10]);
    Agreement::new(id, format!("agmt-{number}").parse().unwrap(), "code", at(requested))
}

pub(crate) fn rows(count: i64, expires: i64) -> Vec<Entitlement> {
    let value = EntitlementValue::Integer(count);
    vec![Entitlement { dimension: "servers".to_owned(), value, expires_at: Some(at(expires)) }]
}

/// In minutes, so that what a read has found comes out on both sides of what clocks may differ by.
fn since() -> impl Strategy<Value = Since> {
    let time = (0..20_i64).prop_map(|minutes| at(60 * minutes));
    (time, any::<bool>()).prop_map(|(at, said)| if said { Since::Said(at) } else { Since::Found(at) })
}

fn facts() -> impl Strategy<Value = Facts> {
    let time = || (0..100_i64).prop_map(at);
    let how = prop_oneof![Just(How::Deprovisioned), Just(How::Expired), Just(How::Cancelled), Just(How::Terminated)];
    let succession = prop_oneof![Just(Succession::Renewed), Just(Succession::Replaced)];
    (
        time(),
        proptest::option::of(since()),
        proptest::option::of((since(), succession).prop_map(|(since, how)| Superseded { since, how })),
        proptest::option::of((since(), how).prop_map(|(since, how)| Ended { since, how })),
        proptest::option::of((time(), any::<bool>())),
    )
        .prop_map(|(requested, provisioned, superseded, ended, suspended)| Facts {
            requested,
            provisioned,
            superseded,
            ended,
            suspended,
        })
}

proptest! {
    #[test]
    fn facts_know_no_order_and_no_repetition(one in facts(), two in facts(), three in facts()) {
        prop_assert_eq!(one.and(&two), two.and(&one));
        prop_assert_eq!(one.and(&two).and(&three), one.and(&two.and(&three)));
        prop_assert_eq!(one.and(&one), one);
    }

    #[test]
    fn a_read_by_a_clock_that_is_behind_moves_nothing(said in 1000..2000_i64, behind in 0..=300_i64, more in 1..1000_i64) {
        let found = |earlier: i64| Since::Found(at(said - earlier));
        let said = Since::Said(at(said));
        prop_assert_eq!(said.and(found(behind)), said);
        prop_assert_eq!(said.and(found(-more)), said);
        prop_assert_eq!(said.and(found(300 + more)), found(300 + more), "what was said is of a later change");
    }

    #[test]
    fn what_has_ended_stays_ended(one in facts(), two in facts()) {
        if matches!(one.state(), State::Ended { .. }) {
            let stays_ended = matches!(one.and(&two).state(), State::Ended { .. });
            prop_assert!(stays_ended);
        }
    }

    #[test]
    fn only_a_positive_statement_ends_an_agreement(one in facts()) {
        let ended = matches!(one.state(), State::Ended { .. });
        prop_assert_eq!(ended, one.ended.is_some());
    }

    #[test]
    fn the_latest_read_tells_what_was_bought(mut reads in proptest::collection::vec((1..9_i64, 0..100_i64), 1..12)) {
        let mut seen = agreement(1, 0);
        for (count, when) in &reads {
            seen.learn_entitlements(rows(*count, 1000), at(*when));
        }
        // Of two reads that began at the same second the later answer counts.
        reads.sort_by_key(|(_, when)| *when);
        let latest = reads.last().unwrap().1;
        let told: Vec<_> = reads.iter().filter(|(_, when)| *when == latest).map(|(count, _)| rows(*count, 1000)).collect();
        prop_assert!(told.iter().any(|rows| rows == seen.entitlements()));
    }
}

#[test]
fn an_empty_answer_takes_nothing_away() {
    let mut seen = agreement(1, 0);
    seen.learn_entitlements(rows(5, 1000), at(1));
    seen.learn_entitlements(Vec::new(), at(2));
    assert_eq!(seen.entitlements(), rows(5, 1000));
    assert_eq!(seen.read_at, Some(at(2)));
    assert_eq!(seen.state(), State::Active { since: at(1) });
}

#[test]
fn a_whole_arn_takes_the_place_of_a_short_one_and_no_other_licence_does() {
    let mut seen = agreement(1, 0);
    let (short, whole) = ("aws:license:l-1", "arn:aws:license:l-1");
    for text in [short, whole, short, "arn:aws:license:l-2"] {
        seen.learn_license(text.parse().unwrap());
    }
    assert_eq!(seen.license_arn.unwrap().as_str(), whole);
}

#[test]
fn chains_are_joined_unless_each_has_given_something_away() {
    let chain = |number| Chain::new("product".parse().unwrap(), agreement(number, i64::from(number)));
    let (license, customer) = (LicenseId::new(at(0), [7; 10]), CustomerId::new(at(0), [8; 10]));
    let with = |number| Chain { license: Some(license), customer: Some(customer), ..chain(number) };
    let joined = chain(1).join(with(2)).unwrap();
    assert_eq!((joined.id, joined.license, joined.customer), (chain(2).id, Some(license), Some(customer)));
    assert_eq!(joined.agreements.iter().map(|agreement| agreement.id).collect::<Vec<_>>(), [chain(1).id, chain(2).id]);
    assert_eq!(with(2).join(chain(1)).unwrap(), joined, "whichever is joined to which");
    assert_eq!(with(1).join(with(2)), Err(LinkRefusal::TwoLicenses));
    let elsewhere = Chain { product: "other".parse().unwrap(), ..chain(1) };
    assert_eq!(elsewhere.join(chain(2)), Err(LinkRefusal::TwoProducts));
    let stranger = Chain { customer: Some(CustomerId::new(at(0), [9; 10])), ..chain(1) };
    assert_eq!(stranger.join(with(2)), Err(LinkRefusal::TwoCustomers));
}
