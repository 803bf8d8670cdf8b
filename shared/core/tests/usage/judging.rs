//! Where a record may go, and why it may not.

use marque_core::usage::{Chain, Rejection};

use crate::build::{START, agreement, agreement_id, chain, running, time, usage};

const NOW: &str = "2027-03-10T12:30:00Z";

fn rejection(chain: &Chain, quantity: &str, dimension: &str, at: &str, now: &str) -> Option<Rejection> {
    chain.judge(&usage(dimension, quantity, at), time(now)).err()
}

/// The hours that a record may go to: agreement's number, hour, whether it is carried.
fn targets(chain: &Chain, at: &str, now: &str) -> Vec<(u8, String, bool)> {
    let number = |id| (1..=9).find(|number| agreement_id(*number) == id).unwrap();
    let candidate = chain.judge(&usage("requests", "1", at), time(now));
    let targets = candidate.map(|candidate| candidate.targets).unwrap_or_default();
    targets.into_iter().map(|to| (number(to.key.agreement), to.key.hour.to_string(), to.carried)).collect()
}

fn to(agreement: u8, hour: &str, carried: bool) -> (u8, String, bool) {
    (agreement, format!("2027-03-{hour}:00:00Z"), carried)
}

#[test]
fn each_fault_has_its_code() {
    let chain = running();
    for (quantity, dimension, at, code) in [
        ("1", "requests", NOW, None),
        ("-1", "requests", NOW, Some(Rejection::QuantityInvalid)),
        ("-1", "nothing", "2020-01-01T00:00:00Z", Some(Rejection::QuantityInvalid)),
        ("1", "Requests", NOW, Some(Rejection::DimensionUnknown)),
        ("1", "requests", "2027-03-10T12:35:00Z", None),
        ("1", "requests", "2027-03-10T12:35:01Z", Some(Rejection::InFuture)),
        ("1", "requests", START, None),
        ("1", "requests", "2027-03-01T10:20:29Z", Some(Rejection::BeforeStart)),
        ("1", "requests", "2027-02-03T12:29:59Z", Some(Rejection::TooOld)),
    ] {
        assert_eq!(rejection(&chain, quantity, dimension, at, NOW), code, "{quantity} {dimension} {at}");
    }
}

#[test]
fn usage_goes_to_its_own_hour_or_to_the_running_one() {
    let chain = running();
    assert_eq!(targets(&chain, NOW, NOW), [to(1, "10T12", false), to(1, "10T13", true)]);
    assert_eq!(
        targets(&chain, "2027-03-10T09:10:00Z", NOW),
        [to(1, "10T09", false), to(1, "10T12", true), to(1, "10T13", true)]
    );
}

#[test]
fn an_hour_that_is_soon_closed_is_not_opened_any_more() {
    let chain = running();
    let carried = [to(1, "10T12", true), to(1, "10T13", true)];
    assert_eq!(targets(&chain, "2027-03-09T12:59:59Z", NOW), carried, "its day is over in half an hour");
    assert_eq!(targets(&chain, "2027-03-09T14:00:00Z", NOW)[0], to(1, "09T14", false));
    let closing = targets(&chain, "2027-03-31T23:10:00Z", "2027-04-01T05:10:00Z");
    assert_eq!(closing[0].1, "2027-04-01T05:00:00Z", "its month is closed in 50 minutes");
}

#[test]
fn after_the_end_only_the_last_hour_takes_what_servers_still_hold() {
    let chain = chain(vec![agreement(1, Some(START), Some("2027-03-10T12:20:00Z"))]);
    let after = |at, now| targets(&chain, at, now);
    assert_eq!(rejection(&chain, "1", "requests", "2027-03-10T12:20:00Z", NOW), Some(Rejection::AfterEnd));
    assert_eq!(after("2027-03-10T12:19:59Z", "2027-03-10T12:29:00Z"), [to(1, "10T12", false)]);
    assert_eq!(
        after("2027-03-10T11:00:00Z", "2027-03-10T12:29:00Z"),
        [to(1, "10T11", false), to(1, "10T12", true)],
        "late usage is carried to the last hour"
    );
    assert_eq!(after("2027-03-10T11:00:00Z", "2027-03-10T13:09:00Z"), [to(1, "10T11", false)]);
    assert_eq!(
        rejection(&chain, "1", "requests", "2027-03-10T11:00:00Z", "2027-03-10T13:10:00Z"),
        Some(Rejection::AfterEnd)
    );
}

#[test]
fn a_chain_goes_on_where_an_agreement_ends() {
    let chain = chain(vec![
        agreement(1, Some(START), Some("2027-03-10T12:20:00Z")),
        agreement(2, Some("2027-03-10T12:21:00Z"), None),
    ]);
    let now = "2027-03-10T14:30:00Z";
    assert_eq!(
        targets(&chain, "2027-03-10T12:20:30Z", NOW)[0],
        to(2, "10T12", false),
        "between the two: the later one"
    );
    assert_eq!(targets(&chain, "2027-03-10T12:10:00Z", NOW)[0], to(1, "10T12", false));
    assert_eq!(
        targets(&chain, "2027-03-10T12:10:00Z", now),
        [to(2, "10T14", true), to(2, "10T15", true)],
        "its agreement's door is shut"
    );
}

#[test]
fn an_agreement_without_a_licence_takes_usage_that_waits() {
    let chain = chain(vec![agreement(1, None, None)]);
    assert_eq!(targets(&chain, NOW, NOW)[0], to(1, "10T12", false));
}
