//! When the marketplace closes its doors.

use marque_core::Timestamp;
use marque_core::usage::Hour;
use proptest::prelude::*;

use crate::build::{agreement, hour, time};

#[test]
fn usage_is_taken_for_a_day_or_until_its_month_is_closed() {
    for (at, deadline) in [
        ("2027-03-10T10:59:59Z", "2027-03-11T10:59:59Z"),
        ("2027-03-31T05:59:59Z", "2027-04-01T05:59:59Z"),
        ("2027-03-31T06:00:00Z", "2027-04-01T06:00:00Z"),
        ("2027-03-31T23:59:59Z", "2027-04-01T06:00:00Z"),
        ("2027-04-01T00:00:00Z", "2027-04-02T00:00:00Z"),
        ("2027-12-31T20:00:00Z", "2028-01-01T06:00:00Z"),
        ("2028-02-29T12:00:00Z", "2028-03-01T06:00:00Z"),
    ] {
        assert_eq!(Hour::deadline(time(at)), time(deadline), "{at}");
    }
}

#[test]
fn an_ended_agreement_is_urgent() {
    let ended = agreement(1, Some("2027-03-01T00:00:00Z"), Some("2027-03-10T10:40:00Z"));
    assert_eq!(ended.send_by(time("2027-03-10T10:39:59Z")), time("2027-03-10T11:40:00Z"));
    assert_eq!(
        ended.seal_due(hour("2027-03-10T08:00:00Z")),
        time("2027-03-10T09:05:00Z"),
        "closed long before the end"
    );
    assert_eq!(
        ended.seal_due(hour("2027-03-10T10:00:00Z")),
        time("2027-03-10T10:50:00Z"),
        "servers report what they hold"
    );
    let ended = agreement(1, Some("2027-03-01T00:00:00Z"), Some("2027-03-10T11:00:00Z"));
    assert_eq!(
        ended.seal_due(hour("2027-03-10T10:00:00Z")),
        time("2027-03-10T11:10:00Z"),
        "also when it ends with its hour"
    );
    let ended = agreement(1, Some("2027-03-01T00:00:00Z"), Some("2027-03-10T10:02:00Z"));
    assert_eq!(
        ended.seal_due(hour("2027-03-10T09:00:00Z")),
        time("2027-03-10T10:02:00Z"),
        "closed at the end: at once"
    );
}

proptest! {
    #[test]
    fn the_older_usage_is_never_the_less_urgent(first in 0..4_000_000_000_i64, second in 0..4_000_000_000_i64) {
        let at = |seconds| Timestamp::from_unix(seconds).unwrap();
        let (older, newer) = (at(first.min(second)), at(first.max(second)));
        prop_assert!(Hour::deadline(older) <= Hour::deadline(newer));
        prop_assert!(Hour::deadline(older) > older);
        prop_assert!(Hour::of(older).start() <= older && older < Hour::of(older).end());
    }
}
