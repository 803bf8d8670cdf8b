//! What sealing fixes.

use marque_core::usage::{MAX_REPORTED, Quantity, Reason, Sealing, State, StateName, Sums, Usage};
use proptest::prelude::*;

use crate::build::{START, agreement, chain, entitled, open, quantity, running, sealed, time};

const HOUR: &str = "2027-03-10T10:00:00Z";
const DUE: &str = "2027-03-10T11:05:00Z";

#[test]
fn an_hour_is_sealed_five_minutes_after_its_end() {
    let entry = open("requests", HOUR, quantity("12.5"));
    let early = entry.seal(&running(), Quantity::ZERO, time("2027-03-10T11:04:59Z"));
    assert_eq!(early, Sealing::NotYet { due: time(DUE) });
    let (entry, left) = sealed(&running(), &entry, Quantity::ZERO, DUE);
    let record = &entry.state.sealed().unwrap().record;
    assert_eq!((record.quantity, record.timestamp), (quantity("12.5"), time("2027-03-10T10:59:59Z")));
    assert_eq!((left, entry.version), (Quantity::ZERO, 1));
    assert_eq!(entry.seal(&running(), Quantity::ZERO, time(DUE)), Sealing::Done, "once");
}

#[test]
fn nothing_is_sealed_before_its_licence_is_known() {
    let waiting = chain(vec![agreement(1, None, None)]);
    let sealing = open("requests", HOUR, quantity("1")).seal(&waiting, Quantity::ZERO, time(DUE));
    assert_eq!(sealing, Sealing::NotYet { due: time("2027-03-10T11:10:00Z") });
}

#[test]
fn a_report_lies_inside_the_hour_and_the_licence() {
    for (hour, end, now, timestamp) in [
        (HOUR, Some("2027-03-10T10:40:00Z"), "2027-03-10T10:50:00Z", "2027-03-10T10:39:59Z"),
        (HOUR, Some("2027-03-10T11:02:00Z"), "2027-03-10T11:02:00Z", "2027-03-10T10:59:59Z"),
        ("2027-03-01T10:00:00Z", None, "2027-03-01T11:05:00Z", "2027-03-01T10:59:59Z"),
        ("2027-03-01T10:00:00Z", Some("2027-03-01T10:20:31Z"), "2027-03-01T10:30:31Z", "2027-03-01T10:20:30Z"),
    ] {
        let chain = chain(vec![agreement(1, Some(START), end)]);
        let (entry, _) = sealed(&chain, &open("requests", hour, quantity("1")), Quantity::ZERO, now);
        assert_eq!(entry.state.sealed().unwrap().record.timestamp, time(timestamp), "{hour} to {end:?}");
    }
}

#[test]
fn an_hour_before_the_licence_is_for_a_person() {
    let (entry, _) = sealed(&running(), &open("requests", "2027-03-01T09:00:00Z", quantity("1")), Quantity::ZERO, DUE);
    assert_eq!(entry.state.reason(), Some(Reason::BeforeStart));
    assert_eq!(entry.state.name(), StateName::Quarantined);
}

/// A read by a clock that was behind found the licence two minutes before the hour was over; it may be younger than the hour.
#[test]
fn an_hour_that_a_licence_may_not_have_seen_goes_to_the_next_one() {
    let found = |end| {
        let mut found = agreement(1, Some("2027-03-10T10:58:00Z"), end);
        found.activated.as_mut().unwrap().surely_by = time("2027-03-10T11:03:00Z");
        chain(vec![found])
    };
    let Sealing::Sealed { entry, remainder, overflow } =
        open("requests", HOUR, quantity("2.5")).seal(&found(None), Quantity::ZERO, time(DUE))
    else {
        panic!("not sealed")
    };
    assert_eq!((entry.state.name(), entry.state.reason()), (StateName::Expired, Some(Reason::BeforeStart)));
    assert_eq!((entry.state.sealed().unwrap().record.quantity, remainder), (Quantity::ZERO, quantity("2.5")));
    assert_eq!(overflow.unwrap().key.hour.to_string(), "2027-03-10T11:00:00Z");
    let (entry, left) =
        sealed(&found(Some("2027-03-10T11:04:00Z")), &open("requests", HOUR, quantity("2.5")), Quantity::ZERO, DUE);
    assert_eq!((entry.state.name(), left), (StateName::Sealed, Quantity::ZERO), "no later hour is sure to come");
}

#[test]
fn fractions_of_whole_units_are_carried() {
    let (first, left) = sealed(&running(), &open("servers", HOUR, quantity("3.7")), Quantity::ZERO, DUE);
    assert_eq!((first.state.sealed().unwrap().record.quantity, left), (quantity("3"), quantity("0.7")));
    let next = open("servers", "2027-03-10T11:00:00Z", quantity("0.3"));
    let (second, left) = sealed(&running(), &next, left, "2027-03-10T12:05:00Z");
    assert_eq!((second.state.sealed().unwrap().record.quantity, left), (quantity("1"), Quantity::ZERO));
}

#[test]
fn what_one_report_cannot_hold_goes_to_the_next_hour() {
    let accepted = MAX_REPORTED + quantity("5.5");
    let Sealing::Sealed { entry, remainder, overflow } =
        open("requests", HOUR, accepted).seal(&running(), Quantity::ZERO, time(DUE))
    else {
        panic!("not sealed")
    };
    assert_eq!((entry.state.sealed().unwrap().record.quantity, remainder), (MAX_REPORTED, quantity("5.5")));
    let next = overflow.unwrap();
    assert_eq!((next.key.hour.to_string().as_str(), next.due), ("2027-03-10T11:00:00Z", time("2027-03-10T12:05:00Z")));
    let fraction = open("requests", HOUR, MAX_REPORTED + quantity("0.5")).seal(&running(), Quantity::ZERO, time(DUE));
    assert!(matches!(fraction, Sealing::Sealed { overflow: Some(_), .. }), "a fraction waits for no other usage");
    let whole = open("servers", HOUR, quantity("1.5")).seal(&running(), Quantity::ZERO, time(DUE));
    assert!(matches!(whole, Sealing::Sealed { overflow: None, .. }), "a part of a unit waits for more of it");
}

/// Usage of a chain whose first agreement was renewed at half past eight, which was heard of after eleven.
#[test]
fn an_hour_after_an_end_that_was_heard_of_late_is_billed_by_the_agreement_that_goes_on() {
    let renewed = Some("2027-03-10T08:30:00Z");
    let chain = chain(vec![agreement(1, Some(START), renewed), agreement(2, renewed, None)]);
    let Sealing::Sealed { entry, remainder, overflow } =
        open("requests", HOUR, quantity("2.5")).seal(&chain, quantity("0.5"), time(DUE))
    else {
        panic!("not sealed")
    };
    assert_eq!(entry.state.name(), StateName::Expired);
    assert_eq!(entry.state.reason(), Some(Reason::AfterEnd));
    assert_eq!(entry.state.sealed().unwrap().record.quantity, Quantity::ZERO, "nothing is lost");
    assert_eq!(remainder, quantity("3"));
    let next = overflow.unwrap();
    assert_eq!(
        (next.key.agreement, next.key.hour.to_string().as_str()),
        (agreement(2, None, None).id, "2027-03-10T11:00:00Z")
    );
}

/// The first agreement was renewed at half past ten; by what is not known yet.
#[test]
fn hours_after_a_renewal_wait_for_the_agreement_that_takes_over() {
    let mut renewed = agreement(1, Some(START), None);
    renewed.left = Some(time("2027-03-10T10:30:00Z"));
    let waiting = chain(vec![renewed.clone()]);
    let later = "2027-03-10T13:05:00Z";
    let (last, _) = sealed(&waiting, &open("requests", HOUR, quantity("1")), Quantity::ZERO, later);
    assert_eq!(last.state.sealed().unwrap().record.timestamp, time("2027-03-10T10:29:59Z"), "what is its own is sent");
    let next = open("requests", "2027-03-10T11:00:00Z", quantity("2"));
    let sealing = next.seal(&waiting, Quantity::ZERO, time(later));
    assert_eq!(sealing, Sealing::NotYet { due: time("2027-03-10T13:10:00Z") });
    let usage = Usage { dimension: "requests".to_owned(), quantity: "1".to_owned(), at: time(later) };
    assert!(waiting.judge(&usage, time(later)).is_ok(), "and usage is taken");
    // It has come.
    (renewed.end, renewed.left) = (renewed.left, None);
    let known = chain(vec![renewed, agreement(2, Some("2027-03-10T10:30:00Z"), None)]);
    let Sealing::Sealed { entry, remainder, overflow } = next.seal(&known, Quantity::ZERO, time(later)) else {
        panic!("not sealed")
    };
    assert_eq!((entry.state.reason(), remainder), (Some(Reason::AfterEnd), quantity("2")));
    assert_eq!(overflow.unwrap().key.agreement, agreement(2, None, None).id);
}

#[test]
fn an_hour_after_the_last_end_is_lost_and_one_before_a_renewals_start_is_not() {
    let ended = chain(vec![agreement(1, Some(START), Some("2027-03-10T08:30:00Z"))]);
    let (entry, left) = sealed(&ended, &open("requests", HOUR, quantity("2.5")), Quantity::ZERO, DUE);
    assert_eq!((entry.state.name(), entry.state.reason()), (StateName::Expired, Some(Reason::AfterEnd)));
    assert_eq!((entry.state.sealed().unwrap().record.quantity, left), (quantity("2.5"), Quantity::ZERO));
    let end = Some("2027-03-10T08:30:00Z");
    let gap = chain(vec![agreement(1, Some(START), end), agreement(2, Some("2027-03-10T11:10:00Z"), None)]);
    let mut early = open("requests", HOUR, quantity("2.5"));
    early.key.agreement = agreement(2, None, None).id;
    let Sealing::Sealed { entry, remainder, overflow } = early.seal(&gap, Quantity::ZERO, time("2027-03-10T11:20:00Z"))
    else {
        panic!("not sealed")
    };
    assert_eq!((entry.state.reason(), remainder), (Some(Reason::BeforeStart), quantity("2.5")));
    assert_eq!(overflow.unwrap().key.hour.to_string(), "2027-03-10T11:00:00Z");
}

#[test]
fn a_contract_bills_what_exceeds_the_largest_entitlement_of_the_hour() {
    let mut agreement = agreement(1, Some(START), None);
    agreement.entitled = vec![
        entitled("seats", 5, START, Some("2027-03-10T10:30:00Z")),
        entitled("seats", 3, "2027-03-10T10:30:00Z", None),
        entitled("servers", 100, START, None),
    ];
    let chain = chain(vec![agreement]);
    let billed = |dimension, hour, amount: &str, now| {
        let (entry, _) = sealed(&chain, &open(dimension, hour, quantity(amount)), Quantity::ZERO, now);
        let sealed = entry.state.sealed().unwrap();
        (sealed.record.quantity.to_string(), sealed.included.to_string())
    };
    let of = |billed: &str, included: &str| (billed.to_owned(), included.to_owned());
    assert_eq!(billed("seats", HOUR, "7", DUE), of("2", "5"));
    assert_eq!(billed("seats", "2027-03-10T11:00:00Z", "7", "2027-03-10T12:05:00Z"), of("4", "3"));
    assert_eq!(billed("seats", HOUR, "4", DUE), of("0", "4"));
    assert_eq!(billed("servers", HOUR, "7", DUE), of("7", "0"), "a dimension that includes nothing");
}

#[test]
fn what_is_included_never_covers_what_earlier_hours_left() {
    let mut agreement = agreement(1, Some(START), None);
    agreement.entitled = vec![entitled("seats", 5, START, None)];
    let (entry, left) = sealed(&chain(vec![agreement]), &open("seats", HOUR, quantity("4.5")), quantity("2"), DUE);
    let fixed = entry.state.sealed().unwrap();
    assert_eq!((fixed.included, fixed.record.quantity, left), (quantity("4.5"), quantity("2"), Quantity::ZERO));
}

proptest! {
    #[test]
    fn hours_are_balanced_and_so_are_their_sums(
        amounts in prop::collection::vec(0..3_000_000_000_000_000_u128, 1..12), whole: bool, kept in 0..12_usize,
    ) {
        let mut agreement = agreement(1, Some(START), None);
        agreement.entitled = vec![entitled("seats", 7, START, None)];
        let chain = chain(vec![agreement]);
        let dimension = if whole { "seats" } else { "requests" };
        let mut left = Quantity::ZERO;
        let mut entries = Vec::new();
        for (at, amount) in amounts.iter().enumerate() {
            let entry = open(dimension, &format!("2027-03-10T{at:02}:00:00Z"), Quantity::from_millionths(*amount));
            let brought = left;
            let (entry, rest) = sealed(&chain, &entry, brought, "2027-03-10T23:59:00Z");
            let State::Sealed(fixed) = &entry.state else { panic!("{entry:?}") };
            let record = fixed.record.quantity;
            prop_assert_eq!(entry.taken.accepted + brought, fixed.included + record + rest);
            prop_assert!(record <= MAX_REPORTED && (!whole || record == record.whole()));
            left = rest;
            entries.push(entry);
        }
        let all: Quantity = amounts.iter().map(|amount| Quantity::from_millionths(*amount)).sum();
        let sums = Sums::of(&entries, left);
        prop_assert!(sums.hold(), "{sums:?}");
        prop_assert_eq!(sums.accepted, all);
        prop_assert!(Sums::of(entries.iter().skip(kept), left).hold(), "hours that are not kept any more");
    }
}
