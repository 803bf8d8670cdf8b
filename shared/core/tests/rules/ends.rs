//! The end of time and the largest numbers: nothing overflows and nothing panics.

use marque_core::{Day, Duration, Period, State, Timestamp};
use proptest::prelude::*;

use crate::build::{Case, Deed, Shop, day, time};

const LAST: &str = "9999-12-31";

/// The last second that there is.
fn end(text: &str) -> Timestamp {
    if text == LAST { Timestamp::MAX } else { time(text) }
}

#[test]
fn renewals_without_number_end_with_the_calendar() {
    for plan in ["monthly", "yearly", "sixty", "weekly"] {
        for at in ["2027-01-31", "2099-01-01", LAST] {
            let mut case = Case::of(Shop::wide(), plan, time("2027-01-31"));
            case.now = end(at);
            for count in [u32::MAX, u32::MAX, 1] {
                case.did(Deed::Renew(count));
                assert_eq!(case.through().as_deref(), Some("9999-12-31"), "{plan} {at}");
            }
            assert_eq!(case.state(), State::Active);
        }
    }
}

#[test]
fn an_extension_without_measure_ends_with_the_calendar() {
    let mut case = Case::bound("trial", "2027-01-10");
    for _ in 0..60 {
        case.did(Deed::Extend(u16::MAX));
    }
    assert_eq!(case.through().as_deref(), Some("9999-12-31"));
    case.now = Timestamp::MAX;
    assert!(case.check(1).is_valid());
}

#[test]
fn every_deed_at_the_last_second() {
    let deeds = [
        Deed::Renew(u32::MAX),
        Deed::Change("yearly"),
        Deed::Change("weekly"),
        Deed::Withdraw,
        Deed::Cancel,
        Deed::Suspend,
        Deed::Reinstate { consume: false },
        Deed::Extend(u16::MAX),
        Deed::Release { by_support: true },
        Deed::Revoke,
    ];
    for issued in ["1970-01-01", "2027-01-10", LAST] {
        for plan in ["trial", "monthly", "yearly", "perpetual", "billed", "later", "weekly"] {
            let mut case = Case::of(Shop::wide(), plan, end(issued));
            case.bind(1);
            for deed in deeds {
                case.now = Timestamp::MAX;
                let outcome = case.attempt(deed);
                let next = case.check(1).next_check;
                assert!(next <= Timestamp::MAX && case.activation(2).next_check <= Timestamp::MAX, "{outcome:?}");
            }
        }
    }
}

#[test]
fn a_suspension_over_all_time_gives_back_no_more_than_the_calendar_has() {
    let mut case = Case::bound("yearly", "1970-01-01");
    case.did(Deed::Suspend).now = Timestamp::MAX;
    case.did(Deed::Reinstate { consume: false });
    assert_eq!(case.through().as_deref(), Some("9999-12-31"));
}

proptest! {
    #[test]
    fn calendar_arithmetic_stays_in_the_calendar(from in 0_i64..253_402_300_799, count: u32, size: u16, days: i64) {
        let anchor = Timestamp::from_unix(from).unwrap().day();
        for period in [Period::Days(size), Period::Months(size), Period::Years(size)] {
            prop_assert!((anchor..=day("9999-12-31")).contains(&anchor.plus_periods(period, count)));
        }
        prop_assert!((day("1970-01-01")..=day("9999-12-31")).contains(&anchor.plus_days(days)));
        prop_assert!(Timestamp::from_unix(from).unwrap().after(Duration::days(u32::MAX)) <= Timestamp::MAX);
    }

    #[test]
    fn more_periods_are_never_earlier(from in 0_i64..100_000_000_000, count in 0_u32..2000, months in 1_u16..24) {
        let anchor: Day = Timestamp::from_unix(from).unwrap().day();
        let period = Period::Months(months);
        prop_assert!(anchor.plus_periods(period, count) < anchor.plus_periods(period, count + 1));
    }
}
