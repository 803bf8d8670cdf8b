//! Binding to domains: seats, rebinds in 365 days, bindings a day.

use marque_core::plan::Activations;
use marque_core::{Binding, Duration, License, Reason};

use crate::build::{Case, Shop, domain, time};

fn seats(count: u64) -> Case {
    let mut shop = Shop::demo();
    let mut plan = shop.newest("yearly").clone();
    plan.activations = Activations::new(count).unwrap();
    shop.put("yearly", plan);
    Case::of(shop, "yearly", time("2027-01-10"))
}

fn rebinds(license: &License, case: &Case) -> usize {
    license.bindings.rebinds_in_a_year(case.now)
}

/// Moves the licence from one domain to another.
fn moves(case: &mut Case, from: u8, to: u8) -> Binding {
    case.release(from);
    case.bind(to)
}

#[test]
fn a_plan_has_one_to_eight_seats() {
    for (count, fits) in [(0, false), (1, true), (8, true), (9, false), (257, false), (u64::MAX, false)] {
        assert_eq!(Activations::new(count).is_some(), fits, "{count}");
    }
}

#[test]
fn seats_fill_without_counting_as_rebinds() {
    for count in 1..=8 {
        let mut case = seats(count);
        let last = u8::try_from(count).unwrap();
        for number in 1..=last {
            assert_eq!(case.bind(number), Binding::Free, "{number} of {count}");
        }
        assert_eq!(rebinds(&case.license, &case), 0);
        assert_eq!(case.bind(99), Binding::OverLimit);
        assert_eq!(case.bind(1), Binding::Held);
        case.release(1);
        assert_eq!(case.bind(99), Binding::Rebind, "the seats of {count} were filled before");
    }
}

#[test]
fn the_last_bound_domain_again_is_no_rebind_and_any_other_is() {
    let mut case = Case::bound("yearly", "2027-01-10");
    assert_eq!(moves(&mut case, 1, 1), Binding::Free);
    assert_eq!(moves(&mut case, 1, 2), Binding::Rebind);
    assert_eq!(moves(&mut case, 2, 2), Binding::Free);
    assert_eq!(moves(&mut case, 2, 1), Binding::Rebind, "back again is a move too");
    assert_eq!(rebinds(&case.license, &case), 2);
}

#[test]
fn a_plan_allows_so_many_rebinds_in_365_days() {
    let mut case = Case::bound("yearly", "2026-06-01T12:00:00Z");
    for (number, at) in [(2, "2026-06-02T12:00:00Z"), (3, "2026-07-01T12:00:00Z"), (4, "2026-08-01T12:00:00Z")] {
        case.at(at);
        assert_eq!(moves(&mut case, number - 1, number), Binding::Rebind);
    }
    case.at("2027-05-31T23:59:59Z").release(4);
    assert_eq!(case.activation(5).reasons(), [Reason::ActivationLimit]);
    assert_eq!(case.at("2027-06-02T11:59:59Z").bind(5), Binding::OverLimit);
    assert_eq!(case.license.judge_binding(&domain(4), case.position().plan, case.now), Binding::Free);
    assert_eq!(case.at("2027-06-02T12:00:00Z").bind(5), Binding::Rebind, "365 days after the first of the three");
    case.release(5);
    assert_eq!(case.at("2027-07-01T11:59:59Z").bind(6), Binding::OverLimit);
}

#[test]
fn a_plan_without_rebinds_keeps_to_its_domain() {
    let mut case = seats(1);
    let mut plan = case.shop.newest("yearly").clone();
    plan.rebinds_per_year = 0;
    case.shop.put("yearly", plan);
    let mut case = Case::of(case.shop, "yearly", case.now);
    assert_eq!(
        (case.bind(1), moves(&mut case, 1, 2), case.bind(1)),
        (Binding::Free, Binding::OverLimit, Binding::Free)
    );
}

#[test]
fn twenty_bindings_a_day_and_then_tomorrow() {
    let mut case = Case::bound("yearly", "2027-01-10T23:00:00Z");
    for number in 2..=20 {
        assert_eq!(moves(&mut case, 1, 1), Binding::Free, "{number}");
    }
    assert_eq!(moves(&mut case, 1, 1), Binding::TooOften);
    assert_eq!(case.at("2027-01-10T23:59:59Z").bind(1), Binding::TooOften);
    assert_eq!(case.at("2027-01-11").bind(1), Binding::Free);
    assert_eq!(case.bind(1), Binding::Held, "a bound domain is never too often");
}

#[test]
fn binding_starts_a_clock_once() {
    let mut case = Case::of(Shop::wide(), "later", time("2027-01-10"));
    case.at("2027-03-31T23:00:00Z").bind(1);
    assert_eq!(case.through().as_deref(), Some("2028-03-31"));
    case.now = case.now.after(Duration::days(30));
    assert_eq!(moves(&mut case, 1, 2), Binding::Rebind);
    assert_eq!(case.through().as_deref(), Some("2028-03-31"));
}
