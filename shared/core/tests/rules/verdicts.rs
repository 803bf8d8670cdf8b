//! Verdicts: the order of reasons, what strangers learn, when to check again, and how long a lease lasts.

use marque_core::{Duration, Outcome, Paid, Pending, Purpose, Reason, State, Term, Timestamp, Verdict};
use proptest::prelude::*;

use crate::build::{Case, Deed, PRODUCT, Shop, id, time};

const ACTIVATE: Purpose = Purpose::Activate { trial_used: false };
const TRIED: Purpose = Purpose::Activate { trial_used: true };

#[test]
fn reasons_are_named_in_the_order_of_the_contract() {
    let names: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(
        names,
        [
            "REVOKED",
            "SUSPENDED",
            "MACHINE_REPLACED",
            "PRODUCT_MISMATCH",
            "ACTIVATION_LIMIT",
            "FINGERPRINT_MISMATCH",
            "NOT_ACTIVATED",
            "TRIAL_USED",
            "EXPIRED"
        ]
    );
}

/// A trial, bound to domain 1 or to none, and then what happened to it.
fn trial(bound: bool, state: State) -> Case {
    let mut case = Case::issued("trial", "2027-01-10");
    if bound || state == State::Expired {
        case.bind(1);
    }
    match state {
        State::Expired => case.at("2027-03-01"),
        State::Suspended => case.did(Deed::Suspend),
        State::Revoked => case.did(Deed::Revoke),
        _ => &mut case,
    };
    if !bound && state == State::Expired {
        case.release(1);
    }
    case
}

#[test]
fn every_combination_gives_every_reason_in_order() {
    use Purpose::Validate;
    use Reason::{ActivationLimit, Expired, FingerprintMismatch, NotActivated, ProductMismatch, TrialUsed};
    let other = "another-product";
    // Bound to 1 or to none; who asks for what; the reasons of a live licence, and whether a stranger's is the last.
    let table: [(bool, &str, u8, Purpose, &[Reason]); 14] = [
        (true, PRODUCT, 1, Validate, &[]),
        (true, PRODUCT, 1, ACTIVATE, &[]),
        (true, PRODUCT, 1, TRIED, &[]),
        (true, PRODUCT, 2, Validate, &[FingerprintMismatch]),
        (true, PRODUCT, 2, ACTIVATE, &[ActivationLimit]),
        (true, PRODUCT, 2, TRIED, &[ActivationLimit, TrialUsed]),
        (true, other, 1, Validate, &[ProductMismatch]),
        (true, other, 2, Validate, &[ProductMismatch]),
        (true, other, 2, TRIED, &[ProductMismatch]),
        (false, PRODUCT, 1, Validate, &[NotActivated]),
        (false, PRODUCT, 1, ACTIVATE, &[]),
        (false, PRODUCT, 2, TRIED, &[TrialUsed]),
        (false, other, 1, Validate, &[ProductMismatch]),
        (false, other, 1, TRIED, &[ProductMismatch]),
    ];
    for (bound, product, number, purpose, live) in table {
        let strange = live.iter().any(|reason| matches!(reason, ProductMismatch | FingerprintMismatch));
        for (state, before, after) in [
            (State::Active, None, None),
            (State::Expired, None, Some(Expired)),
            (State::Suspended, Some(Reason::Suspended), None),
            (State::Revoked, Some(Reason::Revoked), None),
        ] {
            let case = trial(bound, state);
            let verdict = case.ask(product, number, purpose);
            let expected: Vec<_> =
                before.into_iter().chain(live.iter().copied()).chain(after.filter(|_| !strange)).collect();
            let name = format!("bound {bound}, {state}, {product}, domain {number}, {purpose:?}");
            assert_eq!(verdict.reasons(), expected, "{name}");
            assert_eq!(verdict.is_valid(), expected.is_empty(), "{name}");
            assert_eq!(verdict.code(), expected.first().map_or("VALID", |first| first.as_str()), "{name}");
            assert_eq!(verdict.facts.is_none(), strange, "{name}: a stranger is told no plan and no date");
            assert!(expected.is_sorted(), "{name}");
        }
    }
}

#[test]
fn a_validation_never_names_what_only_an_activation_can_and_the_other_way_round() {
    for state in [State::Active, State::Expired, State::Suspended, State::Revoked] {
        for (bound, product, number) in [(true, PRODUCT, 1), (true, PRODUCT, 2), (false, PRODUCT, 1), (true, "x", 2)] {
            let case = trial(bound, state);
            for (purpose, never) in [
                (Purpose::Validate, [Reason::ActivationLimit, Reason::TrialUsed]),
                (TRIED, [Reason::NotActivated, Reason::FingerprintMismatch]),
            ] {
                let verdict = case.ask(product, number, purpose);
                assert!(!verdict.reasons().iter().any(|reason| never.contains(reason)), "{purpose:?}");
            }
        }
    }
}

#[test]
fn a_stranger_cannot_tell_an_expired_licence_by_when_to_check_again() {
    for (product, number) in [("another-product", 1), (PRODUCT, 2)] {
        let mut case = Case::bound("trial", "2027-01-10");
        case.at("2027-01-20");
        let wait = |case: &Case| case.ask(product, number, Purpose::Validate).next_check.since(case.now);
        let live = wait(&case);
        case.at("2029-01-20");
        assert_eq!(case.state(), State::Expired);
        assert_eq!(wait(&case), live, "{product} {number}");
    }
}

#[test]
fn every_reason_names_a_cure() {
    for reason in Reason::ALL {
        let cures = ["Ask", "Activate", "Buy", "buy", "Use", "Renew", "Register"];
        assert!(cures.iter().any(|cure| reason.detail().contains(cure)), "{reason}");
    }
}

#[test]
fn after_a_denial_an_hour_for_seven_days_then_a_day() {
    let (hour, day) = (Duration::hours(1), Duration::days(1));
    let case = |deed: Option<Deed>| {
        let mut case = Case::bound("monthly", "2027-01-10");
        deed.map(|deed| case.at("2027-02-25").did(deed).clone()).unwrap_or(case)
    };
    // The grace of the untouched one ends on 24 February at 23:59:59.
    for (deed, at, wait) in [
        (Some(Deed::Revoke), "2027-02-25", hour),
        (Some(Deed::Revoke), "2027-03-03T23:59:59Z", hour),
        (Some(Deed::Revoke), "2027-03-04", day),
        (Some(Deed::Suspend), "2027-03-03T23:59:59Z", hour),
        (Some(Deed::Suspend), "2027-03-04", day),
        (None, "2027-02-25", hour),
        (None, "2027-03-03T23:59:58Z", hour),
        (None, "2027-03-03T23:59:59Z", day),
        (None, "2030-01-01", day),
    ] {
        let mut case = case(deed);
        let verdict = case.at(at).check(1);
        assert_eq!((verdict.is_valid(), verdict.next_check.since(verdict.now)), (false, wait), "{deed:?} {at}");
    }
}

#[test]
fn a_lease_is_as_the_plan_says_and_never_outlives_the_grace() {
    for (plan, at, until) in [
        ("trial", "2027-01-20T10:00:00Z", "2027-01-23T10:00:00Z"),
        ("trial", "2027-02-08T10:00:00Z", "2027-02-09T23:59:59Z"),
        ("monthly", "2027-01-20T10:00:00Z", "2027-02-03T10:00:00Z"),
        ("monthly", "2027-02-10T23:59:59Z", "2027-02-24T23:59:59Z"),
        ("monthly", "2027-02-20T10:00:00Z", "2027-02-24T23:59:59Z"),
        ("monthly", "2027-02-24T23:59:59Z", "2027-02-24T23:59:59Z"),
        ("perpetual", "2027-02-20T10:00:00Z", "2027-03-06T10:00:00Z"),
    ] {
        let mut case = Case::bound(plan, "2027-01-10");
        case.at(at);
        assert_eq!(case.check(1).outcome, Outcome::Granted { until: time(until) }, "{plan} {at}");
    }
    let mut case = Case::bound("monthly", "2027-01-10");
    case.did(Deed::Cancel).at("2027-02-05T10:00:00Z");
    assert_eq!(case.check(1).outcome, Outcome::Granted { until: time("2027-02-10T23:59:59Z") }, "no grace");
}

#[test]
fn near_its_end_a_licence_checks_at_half_of_the_rest_and_at_least_an_hour_ahead() {
    // The trial ends on 9 February at 23:59:59.
    for (at, wait) in [
        ("2027-02-09T13:59:59Z", "PT5H"),
        ("2027-02-09T21:59:58Z", "PT1H"),
        ("2027-02-09T22:30:00Z", "PT1H"),
        ("2027-02-09T23:59:59Z", "PT1H"),
    ] {
        let mut case = Case::bound("trial", "2027-01-10");
        let verdict = case.at(at).check(1);
        assert_eq!((verdict.is_valid(), verdict.next_check.since(verdict.now)), (true, wait.parse().unwrap()), "{at}");
    }
}

#[test]
fn the_next_check_is_the_licences_own_second_of_the_day() {
    let mut case = Case::bound("perpetual", "2027-01-10");
    let mut seconds = Vec::new();
    for hour in 0..48 {
        case.now = time("2027-03-01T00:00:00Z").after(Duration::hours(hour));
        seconds.push(case.check(1).next_check.unix() % 86_400);
    }
    seconds.dedup();
    assert_eq!(seconds.len(), 1, "{seconds:?}");
}

#[test]
fn a_fleet_spreads_itself_over_the_day() {
    let mut case = Case::bound("perpetual", "2027-01-10T03:00:00Z");
    let mut hours = [0; 24];
    for number in 0..2400_u32 {
        case.license.id = id(number.wrapping_mul(2_654_435_761));
        let next = case.check(1).next_check.unix() % 86_400 / 3600;
        hours[usize::try_from(next).unwrap()] += 1;
    }
    assert!(hours.iter().all(|count| (60..=140).contains(count)), "{hours:?}");
}

/// The length of the lease, and of the wait, in seconds.
fn lengths(verdict: &Verdict<'_>) -> Option<(i64, i64)> {
    let Outcome::Granted { until } = verdict.outcome else { return None };
    Some((until.unix() - verdict.now.unix(), verdict.next_check.unix() - verdict.now.unix()))
}

proptest! {
    #[test]
    fn next_check_is_in_its_slot(
        number: u32, plan in prop::sample::select(vec!["trial", "monthly", "yearly", "perpetual", "sixty", "weekly"]),
        seconds in 0_u32..40_000_000,
    ) {
        let mut case = Case::of(Shop::wide(), plan, time("2027-01-10"));
        case.bind(1);
        case.license.id = id(number);
        case.now = case.now.after(Duration::from_seconds(seconds));
        let verdict = case.check(1);
        prop_assert_eq!(verdict.is_valid(), case.now <= case.runs_until());
        if let Some((lease, wait)) = lengths(&verdict) {
            prop_assert!(lease <= case.position().plan.lease.seconds());
            prop_assert!(wait >= 3600);
            prop_assert!(wait < 36 * 3600);
            prop_assert!(wait <= (lease / 2).max(3600), "half of the lease's remaining life");
            prop_assert!(wait >= 12 * 3600 || wait == (lease / 2).max(3600), "earlier only for the lease's sake");
        }
    }

    #[test]
    fn every_licence_of_every_shape_runs_until_what_it_says(
        standing in 0..3, paid in 0..4, next: bool, pending in 0..3, from in 1_i64..40_000, length in 0_i64..800,
        more in 0_i64..400, ahead in 0_i64..2000, second in 0_i64..86_400,
    ) {
        let mut case = Case::of(Shop::wide(), "yearly", time("1970-01-02"));
        case.bind(1);
        let start = time("1970-01-01").day().plus_days(from);
        let through = |days| Paid::Through { anchor: start, through: start.plus_days(days) };
        case.license.running.paid = match paid {
            0 => Paid::Until(Timestamp::from_unix(from * 86_400 + second).unwrap()),
            1 => Paid::Forever,
            _ => through(length),
        };
        if next && paid > 1 {
            let plan = case.shop.offer(&"monthly".parse().unwrap()).reference;
            case.license.next = Some(Term { plan, paid: through(length + more) });
        }
        case.license.pending = match pending {
            0 if paid != 1 => Pending::Cancellation,
            1 if paid != 1 => Pending::Change("monthly".parse().unwrap()),
            _ => Pending::Nothing,
        };
        case.now = Timestamp::from_unix((from + ahead) * 86_400 + second).unwrap();
        if standing == 1 { case.did(Deed::Suspend); }
        if standing == 2 { case.did(Deed::Revoke); }
        let verdict = case.check(1);
        prop_assert_eq!(verdict.is_valid(), case.now <= case.runs_until());
        if let Outcome::Granted { until } = verdict.outcome {
            prop_assert!(until >= case.now);
            prop_assert!(case.position().grace_until.is_none_or(|grace| until <= grace));
        }
    }
}

#[test]
fn runs_until_and_the_verdict_agree_for_what_a_cloud_pays() {
    // A cloud states how far it is paid: a start at activation means nothing there.
    for plan in ["billed", "saas", "cloud"] {
        let mut case = Case::of(Shop::wide(), plan, time("2027-01-10"));
        case.bind(1);
        for days in [0, 5, 20] {
            case.later(days);
            assert_eq!(case.check(1).is_valid(), case.now <= case.runs_until(), "{plan} {days}");
        }
    }
}
