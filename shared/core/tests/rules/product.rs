//! One test a business rule of the reference product, as far as pure rules can decide it. Every plan here is plain data.

use marque_core::plan::{Percent, Sale, Starts, Terms};
use marque_core::{Duration, Kind, Paid, Pending, Plan, Plans, Purpose, Reason, Refusal, Seen, State, TokenId};

use crate::build::{Case, Deed, Shop, day, domain, slug, time};

#[test]
fn rule_01_four_kinds_of_licence_and_what_is_on_sale_are_data() {
    let shop = Shop::demo();
    for (plan, kind, sale) in [
        ("trial", Kind::Trial, Sale::Sellable),
        ("monthly", Kind::Subscription, Sale::Sellable),
        ("yearly", Kind::Subscription, Sale::Sellable),
        ("perpetual", Kind::Perpetual, Sale::Sellable),
        ("billed", Kind::Subscription, Sale::Hidden),
        ("saas", Kind::Subscription, Sale::Hidden),
    ] {
        assert_eq!((shop.newest(plan).kind(), shop.newest(plan).sale), (kind, sale), "{plan}");
    }
}

#[test]
fn rule_01_a_plan_off_sale_renews_and_is_no_target_of_a_change() {
    for sale in [Sale::Legacy, Sale::Hidden] {
        let mut case = Case::issued("monthly", "2027-01-10");
        let mut off = case.shop.newest("monthly").clone();
        off.sale = sale;
        case.shop.put("monthly", off.clone());
        case.shop.put("yearly", off);
        assert!(matches!(case.attempt(Deed::Change("yearly")), Err(Refusal::Rule(_))), "{sale}");
        case.did(Deed::Renew(1));
        assert_eq!(case.through().as_deref(), Some("2027-03-10"), "{sale}");
    }
}

#[test]
fn rule_02_a_trials_clock_starts_when_it_is_activated() {
    let mut case = Case::issued("trial", "2027-01-10T12:00:00Z");
    case.later(400);
    assert_eq!((case.state(), case.paid_through()), (State::Available, None));
    assert_eq!(case.position().grace_until, None);
    case.at("2028-03-01T23:59:59Z").bind(1);
    assert_eq!((case.state(), case.paid_through().as_deref()), (State::Active, Some("2028-03-31T23:59:59Z")));
    assert_eq!(case.position().grace_until, Some(time("2028-03-31T23:59:59Z")), "a trial has no grace");
    assert!(case.at("2028-03-31T23:59:59Z").check(1).is_valid());
    assert_eq!(case.at("2028-04-01").reasons(1), [Reason::Expired]);
}

#[test]
fn rule_02_a_release_neither_stops_nor_restarts_a_trial() {
    let mut case = Case::bound("trial", "2027-01-10");
    case.at("2027-01-20").release(1);
    assert_eq!(case.state(), State::Active);
    case.at("2027-02-01").bind(1);
    assert_eq!(case.through().as_deref(), Some("2027-02-09"));
}

#[test]
fn rule_02_a_domain_cannot_try_the_same_product_twice() {
    let used = Purpose::Activate { trial_used: true };
    let mut case = Case::issued("trial", "2027-01-10");
    assert_eq!(case.ask("kopicloud-ad-api", 1, used).reasons(), [Reason::TrialUsed]);
    case.bind(1);
    assert!(case.ask("kopicloud-ad-api", 1, used).is_valid(), "its own trial is no other");
    for paid in ["monthly", "yearly", "perpetual"] {
        let verdict = Case::issued(paid, "2027-01-10");
        assert!(verdict.ask("kopicloud-ad-api", 1, used).is_valid(), "{paid}: whoever tried may buy");
    }
}

#[test]
fn rule_02_the_number_of_trials_a_person_is_data_and_support_may_extend_one() {
    assert_eq!(Shop::demo().newest("trial").trials_per_person, Some(2));
    let mut case = Case::bound("trial", "2027-01-10");
    case.did(Deed::Extend(10));
    assert_eq!(case.through().as_deref(), Some("2027-02-19"), "from its end while that lies ahead");
    case.at("2027-03-05").did(Deed::Extend(7));
    assert_eq!(case.through().as_deref(), Some("2027-03-12"), "from today once it is over");
}

#[test]
fn rule_03_one_domain_a_licence_and_one_licence_a_domain() {
    let mut case = Case::bound("yearly", "2027-01-10");
    let refused = case.activation(2);
    assert_eq!(refused.reasons(), [Reason::ActivationLimit]);
    for cure in ["Release", "buy a licence for this domain"] {
        assert!(refused.detail().contains(cure), "{}", refused.detail());
    }
    let elsewhere = case.check(2);
    assert_eq!(elsewhere.reasons(), [Reason::FingerprintMismatch]);
    assert!(elsewhere.detail().contains("buy a licence for this domain"));
    case.at("2027-05-05");
    assert!(case.activation(1).is_valid(), "a reinstall or a move inside of the domain needs nothing from anybody");
    assert!(case.check(1).is_valid());
}

#[test]
fn rule_04_a_subscription_is_cancelled_at_any_time_and_runs_to_the_end_of_the_paid_period() {
    for (plan, end) in [("monthly", "2027-02-10T23:59:59Z"), ("yearly", "2028-01-10T23:59:59Z")] {
        let mut case = Case::bound(plan, "2027-01-10");
        case.did(Deed::Cancel);
        assert_eq!((case.state(), case.paid_through().as_deref()), (State::Cancelled, Some(end)));
        assert!(case.at(end).check(1).is_valid());
        case.now = time(end).after(Duration::from_seconds(1));
        assert_eq!((case.state(), case.reasons(1)), (State::Expired, vec![Reason::Expired]), "no grace");
    }
}

#[test]
fn rule_04_subscriptions_and_trials_check_in_daily() {
    for plan in ["trial", "monthly", "yearly"] {
        let case = Case::bound(plan, "2027-01-10T09:30:00Z");
        let wait = case.check(1).next_check.since(case.now);
        assert!((Duration::hours(12)..=Duration::hours(36)).contains(&wait), "{plan}: {wait}");
    }
}

#[test]
fn rule_05_a_perpetual_licence_has_no_end_and_nothing_to_renew() {
    let mut case = Case::bound("perpetual", "2027-01-10");
    for at in ["2027-01-10", "2099-12-31T23:59:59Z", "9999-12-29"] {
        case.at(at);
        assert_eq!((case.state(), case.paid_through(), case.position().grace_until), (State::Active, None, None));
        assert!(case.check(1).is_valid(), "{at}");
    }
    for deed in [Deed::Renew(1), Deed::Cancel] {
        let refusal = case.attempt(deed).unwrap_err();
        assert!(matches!(refusal, Refusal::State { from: State::Active, .. }), "{refusal}");
    }
}

#[test]
fn rule_06_the_version_of_the_product_is_a_statistic() {
    let mut case = Case::bound("yearly", "2027-01-10");
    let before = case.check(1).outcome;
    for version in [None, Some("0.0.1"), Some("999.9.9"), Some("no version at all")] {
        let seen = Seen {
            at: case.now,
            instance_id: [5; 16],
            product_version: version.map(str::to_owned),
            lease: TokenId::new(case.now, [1; 10]),
            previous_lease: None,
        };
        case.license.activations.get_mut(&domain(1)).unwrap().seen = Some(seen);
        assert_eq!(case.check(1).outcome, before, "{version:?}");
    }
}

#[test]
fn rule_07_upward_changes_are_at_once_and_keep_the_unused_days() {
    let mut case = Case::bound("monthly", "2027-01-10");
    case.at("2027-01-20").did(Deed::Change("yearly"));
    assert_eq!(case.position().reference.plan, slug("yearly"));
    assert_eq!(case.through().as_deref(), Some("2028-02-10"), "the rest of the month and a year");
    assert!(case.check(1).is_valid(), "same activation");
    case.did(Deed::Change("perpetual"));
    assert_eq!((case.state(), case.paid_through()), (State::Active, None));

    let mut case = Case::bound("monthly", "2027-01-10");
    case.did(Deed::Change("perpetual"));
    assert!(case.at("2090-01-01").check(1).is_valid());
}

#[test]
fn rule_07_yearly_to_monthly_waits_for_the_end_of_the_paid_period() {
    let mut case = Case::bound("yearly", "2027-01-31");
    case.did(Deed::Change("monthly"));
    assert_eq!(case.position().reference.plan, slug("yearly"));
    assert_eq!(case.through().as_deref(), Some("2028-01-31"));
    case.did(Deed::Renew(1));
    assert_eq!(case.through().as_deref(), Some("2028-02-29"));
    assert_eq!(case.at("2028-01-31T23:59:59Z").position().reference.plan, slug("yearly"));
    assert_eq!(case.at("2028-02-01").position().reference.plan, slug("monthly"));
}

#[test]
fn rule_07_what_is_scheduled_can_be_withdrawn_until_it_takes_effect() {
    for scheduled in [Deed::Change("monthly"), Deed::Cancel] {
        let mut case = Case::bound("yearly", "2027-01-10");
        let before = case.position().grace_until;
        case.did(scheduled).at("2028-01-10T23:59:59Z").did(Deed::Withdraw);
        assert_eq!((case.state(), case.position().grace_until), (State::Active, before), "{scheduled:?}");
    }
    let mut case = Case::bound("yearly", "2027-01-10");
    case.did(Deed::Cancel).at("2028-01-11");
    assert!(case.attempt(Deed::Withdraw).is_err(), "the cancellation has taken effect");
    let mut case = Case::bound("yearly", "2027-01-10");
    case.did(Deed::Change("monthly")).at("2029-01-01").did(Deed::Withdraw);
    assert_eq!(case.license.renewal_plan(), &slug("yearly"), "nobody renewed: the change has not taken effect");
}

#[test]
fn rule_08_nothing_but_a_revocation_ends_a_paid_period_early() {
    let deeds = [
        Deed::Renew(1),
        Deed::Change("monthly"),
        Deed::Change("perpetual"),
        Deed::Withdraw,
        Deed::Cancel,
        Deed::Extend(1),
        Deed::Release { by_support: true },
    ];
    for deed in deeds {
        let mut case = Case::bound("yearly", "2027-01-10");
        let outcome = case.attempt(deed);
        case.at("2028-01-10T23:59:59Z").bind(1);
        assert!(case.check(1).is_valid(), "{deed:?} {outcome:?}");
    }
    let mut case = Case::bound("yearly", "2027-01-10");
    case.at("2027-02-01").did(Deed::Suspend).at("2027-03-01").did(Deed::Reinstate { consume: false });
    assert_eq!(case.through().as_deref(), Some("2028-02-07"), "28 days lost, 28 given back");
    case.did(Deed::Revoke);
    assert_eq!(case.reasons(1), [Reason::Revoked]);
}

#[test]
fn rule_09_discounts_are_of_at_most_half_and_only_on_yearly_and_perpetual_plans() {
    assert_eq!(Percent::new(50).map(Percent::get), Some(50));
    assert_eq!(Percent::new(51), None);
    assert_eq!(Percent::new(u64::MAX), None);
    let shop = Shop::demo();
    for (plan, most) in [("trial", 0), ("monthly", 0), ("yearly", 50), ("perpetual", 50), ("billed", 0), ("saas", 0)] {
        assert_eq!(shop.newest(plan).discount_max.get(), most, "{plan}");
    }
}

#[test]
fn rule_10_a_billed_machine_is_paid_to_an_instant_and_runs_through_the_grace() {
    let mut case = Case::bound("billed", "2027-01-10T08:15:30Z");
    case.license.running.paid = Paid::Until(time("2027-01-13T08:15:30Z"));
    assert_eq!(case.paid_through().as_deref(), Some("2027-01-13T08:15:30Z"), "no day's end");
    assert_eq!(case.position().grace_until, Some(time("2027-01-24T08:15:30Z")));
    for (at, state) in [
        ("2027-01-13T08:15:30Z", State::Active),
        ("2027-01-13T08:15:31Z", State::PastDue),
        ("2027-01-24T08:15:30Z", State::PastDue),
        ("2027-01-24T08:15:31Z", State::Expired),
    ] {
        case.at(at);
        assert_eq!((case.state(), case.check(1).is_valid()), (state, state != State::Expired), "{at}");
    }
    assert_eq!(case.shop.newest("billed").lease, "PT72H".parse().unwrap());
}

#[test]
fn what_a_cloud_pays_for_has_seven_days_of_grace_whatever_its_plan_says() {
    let mut case = Case::bound("billed", "2027-01-10T08:15:30Z");
    case.license.running.paid = Paid::Until(time("2027-01-13T08:15:30Z"));
    let short = Terms::Subscription { period: None, starts: Starts::Issue, grace: Duration::days(3) };
    let plan = Plan { terms: short, ..case.shop.newest("billed").clone() };
    let plans = Plans { running: &plan, next: None };
    assert_eq!(case.license.position(plans, case.now).grace_until, Some(time("2027-01-20T08:15:30Z")));
    assert_eq!(case.license.runs_until(plans), time("2027-01-20T08:15:30Z"));
    case.license.pending = Pending::Cancellation;
    assert_eq!(case.license.position(plans, case.now).grace_until, Some(time("2027-01-13T08:15:30Z")));
}

#[test]
fn rule_10_a_code_from_the_store_works_on_any_machine_and_hidden_plans_are_not_for_sale() {
    for hidden in ["billed", "saas"] {
        let mut case = Case::bound("monthly", "2027-01-10");
        assert!(matches!(case.attempt(Deed::Change(hidden)), Err(Refusal::Rule(_))), "{hidden}");
    }
}

#[test]
fn rule_11_a_monthly_term_keeps_its_anchor_day() {
    let mut case = Case::bound("monthly", "2027-01-31T15:00:00Z");
    let mut ends = vec![case.through().unwrap()];
    for _ in 0..4 {
        case.did(Deed::Renew(1));
        ends.push(case.through().unwrap());
    }
    assert_eq!(ends, ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30"]);
    assert_eq!(Case::issued("monthly", "2028-01-31").through().as_deref(), Some("2028-02-29"));
    assert_eq!(Case::issued("yearly", "2028-02-29").through().as_deref(), Some("2029-02-28"));
}

#[test]
fn rule_11_a_licence_works_to_the_end_of_its_last_paid_day_plus_the_grace() {
    let mut case = Case::bound("monthly", "2027-01-31T15:00:00Z");
    for (at, state) in [
        ("2027-02-28T23:59:59Z", State::Active),
        ("2027-03-01T00:00:00Z", State::PastDue),
        ("2027-03-14T23:59:59Z", State::PastDue),
        ("2027-03-15T00:00:00Z", State::Expired),
    ] {
        case.at(at);
        assert_eq!((case.state(), case.check(1).is_valid()), (state, state != State::Expired), "{at}");
    }
    assert_eq!(day("2027-02-28").end(), time("2027-02-28T23:59:59Z"));
}
