//! When a licence's paid time is worth a mail.

use marque_core::plan::{Sale, Starts, Terms};
use marque_core::{Duration, Notice, Plan, Timestamp};
use proptest::prelude::*;

use crate::build::{Case, Deed, Shop, plan, subscription, time, trial};

fn shop(reminders: &[u16]) -> Shop {
    let mut shop = Shop::demo();
    let yearly = plan(subscription(Some("P1Y"), Starts::Issue, 14), 14, Sale::Sellable);
    shop.put("yearly", Plan { reminders: reminders.to_vec(), ..yearly });
    let monthly = plan(subscription(Some("P1M"), Starts::Issue, 14), 14, Sale::Sellable);
    shop.put("monthly", Plan { reminders: vec![3, 1], ..monthly });
    shop.put("trial", Plan { reminders: vec![7], ..plan(trial(), 3, Sale::Sellable) });
    shop
}

fn yearly() -> Case {
    Case::of(shop(&[30, 14, 7, 1]), "yearly", time("2031-01-01"))
}

fn notices(case: &Case) -> Vec<(String, Notice)> {
    let notices = case.license.notices(case.shop.plans(&case.license));
    notices.into_iter().map(|(at, notice)| (at.to_string(), notice)).collect()
}

fn next(case: &Case, after: Timestamp) -> Option<Timestamp> {
    case.license.next_notice(case.shop.plans(&case.license), after).map(|(at, _)| at)
}

fn at(text: &str) -> String {
    format!("{text}T00:00:00Z")
}

#[test]
fn reminders_come_as_the_plan_says_then_the_grace_then_the_end() {
    let expected = [
        (at("2031-12-02"), Notice::Reminder { days: 30 }),
        (at("2031-12-18"), Notice::Reminder { days: 14 }),
        (at("2031-12-25"), Notice::Reminder { days: 7 }),
        (at("2031-12-31"), Notice::Reminder { days: 1 }),
        (at("2032-01-02"), Notice::Grace),
        (at("2032-01-16"), Notice::Expired),
    ];
    assert_eq!(notices(&yearly()), expected);
    // In whatever order the publisher lists them, and however often.
    let odd = Case::of(shop(&[1, 30, 7, 14, 30]), "yearly", time("2031-01-01"));
    assert_eq!(notices(&odd), expected);
}

#[test]
fn none_once_it_is_cancelled_and_all_again_once_that_is_withdrawn() {
    let mut case = yearly();
    let before = notices(&case);
    assert_eq!(notices(case.did(Deed::Cancel)), []);
    assert_eq!(notices(case.did(Deed::Withdraw)), before);
}

#[test]
fn none_while_support_has_stopped_it() {
    let mut case = yearly();
    assert_eq!(notices(case.did(Deed::Suspend)), []);
    case.later(5).did(Deed::Reinstate { consume: false });
    assert_eq!(notices(&case)[0].0, at("2031-12-07"), "the days given back count");
    assert_eq!(notices(case.did(Deed::Revoke)), []);
}

#[test]
fn none_without_an_end_before_the_start_and_where_a_cloud_says_what_is_paid() {
    for plan in ["perpetual", "trial", "billed", "saas"] {
        assert_eq!(notices(&Case::of(shop(&[30]), plan, time("2031-01-01"))), [], "{plan}");
    }
}

#[test]
fn a_trial_is_reminded_of_its_end_and_has_no_grace() {
    let mut case = Case::of(shop(&[]), "trial", time("2031-01-01"));
    case.later(40).bind(1);
    assert_eq!(notices(&case), [(at("2031-03-05"), Notice::Reminder { days: 7 }), (at("2031-03-13"), Notice::Expired)]);
}

#[test]
fn what_lies_before_the_sale_is_not_due() {
    // Sold for a month, with a reminder that would have been due before that.
    let mut short = Case::of(shop(&[]), "monthly", time("2031-01-01"));
    short.shop.put("monthly", Plan { reminders: vec![60, 3], ..short.shop.newest("monthly").clone() });
    let case = Case::of(short.shop, "monthly", time("2031-01-01"));
    assert_eq!(next(&case, case.now), Some(time("2031-01-29")));
}

#[test]
fn renewing_puts_them_off_to_the_new_end() {
    let mut case = yearly();
    case.at("2031-12-20").did(Deed::Renew(1));
    assert_eq!(next(&case, case.now), Some(time("2032-12-02")));
}

proptest! {
    /// However rarely and irregularly somebody looks: each notice is told once at most, only the latest of those that
    /// were missed, and after the last one nothing is due.
    #[test]
    fn each_is_told_once_and_of_those_missed_only_the_latest(
        mut looks in prop::collection::vec(0_u32..500, 0..40),
        reminders in prop::collection::vec(0_u16..120, 0..6),
    ) {
        let case = Case::of(shop(&reminders), "yearly", time("2031-01-01"));
        let plans = case.shop.plans(&case.license);
        looks.sort_unstable();
        let (mut due, mut told, mut last) = (next(&case, case.now), Vec::new(), case.now);
        let mut expected = Vec::new();
        for days in looks {
            let now = case.now.after(Duration::days(days)).after(Duration::hours(8));
            let mut passed = case.license.notices(plans).into_iter().filter(|(at, _)| last < *at && *at <= now);
            expected.extend(passed.next_back());
            if due.is_some_and(|due| due <= now) {
                told.extend(case.license.latest_notice(plans, now));
                due = next(&case, now);
            }
            last = now;
        }
        prop_assert!(told.windows(2).all(|pair| pair[0].0 < pair[1].0));
        prop_assert_eq!(told, expected);
        prop_assert_eq!(next(&case, Timestamp::MAX), None);
        let ended = case.license.latest_notice(plans, Timestamp::MAX).map(|(_, notice)| notice);
        prop_assert_eq!(ended, Some(Notice::Expired));
    }
}

#[test]
fn a_plan_without_grace_has_no_word_of_one() {
    let length = "P30D".parse().unwrap();
    let terms = Terms::Trial { length, starts: Starts::Issue, grace: Duration::ZERO };
    let mut shop = Shop::demo();
    shop.put("trial", plan(terms, 3, Sale::Sellable));
    let case = Case::of(shop, "trial", time("2031-01-01"));
    assert_eq!(notices(&case), [(at("2031-02-01"), Notice::Expired)]);
}
