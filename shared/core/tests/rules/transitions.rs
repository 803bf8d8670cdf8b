//! The table of transitions: what each state allows, and every clause of every row.

use marque_core::plan::{Sale, Starts};
use marque_core::{Action, Paid, Pending, Reason, Refusal, State, Timestamp};

use crate::build::{Case, Deed, Shop, day, plan, slug, subscription, time};

/// A case in the state, of a plan, with a domain bound where the state can have one.
fn in_state(plan: &str, state: State) -> Option<Case> {
    let mut case = Case::of(Shop::wide(), plan, time("2027-01-10"));
    if state != State::Available {
        case.bind(1);
    }
    match state {
        State::Available | State::Active => {}
        State::PastDue => case.now = case.position().paid_through?.after("PT1S".parse().unwrap()),
        State::Expired => case.now = case.position().grace_until?.after("PT1S".parse().unwrap()),
        State::Suspended => {
            case.did(Deed::Suspend).later(1);
        }
        State::Cancelled => case.attempt(Deed::Cancel).ok()?,
        State::Revoked => {
            case.did(Deed::Revoke).later(1);
        }
    }
    (case.state() == state).then_some(case)
}

/// Columns: renew, change-plan, withdraw-change, cancel, suspend, reinstate, revoke, extend, release.
/// `y` allowed, `-` refused for the state, `r` refused by a rule.
const TABLE: [(&str, State, &str); 22] = [
    ("trial", State::Available, "-y--y-y-y"),
    ("trial", State::Active, "-y-yy-yyy"),
    ("trial", State::Expired, "-y--y-yyy"),
    ("trial", State::Suspended, "---y-yy--"),
    ("trial", State::Cancelled, "-yy-y-yyy"),
    ("trial", State::Revoked, "---------"),
    ("monthly", State::Active, "yy-yy-yry"),
    ("monthly", State::PastDue, "yy-yy-yry"),
    ("monthly", State::Expired, "yy--y-yry"),
    ("monthly", State::Suspended, "---y-yy--"),
    ("monthly", State::Cancelled, "yyy-y-yry"),
    ("monthly", State::Revoked, "---------"),
    ("later", State::Available, "-y--y-y-y"),
    ("later", State::Active, "yy-yy-yry"),
    ("later", State::PastDue, "yy-yy-yry"),
    ("perpetual", State::Active, "-r--y-yry"),
    ("perpetual", State::Suspended, "-----yy--"),
    ("perpetual", State::Revoked, "---------"),
    ("billed", State::PastDue, "-y-yy-yry"),
    ("billed", State::Expired, "-y--y-yry"),
    ("billed", State::Cancelled, "-yy-y-yry"),
    ("billed", State::Suspended, "---y-yy--"),
];

fn deed_of(action: Action) -> Deed {
    match action {
        Action::Renew => Deed::Renew(1),
        Action::ChangePlan => Deed::Change("yearly"),
        Action::WithdrawChange => Deed::Withdraw,
        Action::Cancel => Deed::Cancel,
        Action::Suspend => Deed::Suspend,
        Action::Reinstate => Deed::Reinstate { consume: false },
        Action::Revoke => Deed::Revoke,
        Action::Extend => Deed::Extend(5),
        Action::Release => Deed::Release { by_support: true },
    }
}

#[test]
fn each_state_allows_what_the_table_says_and_refuses_by_naming_state_and_action() {
    for (plan, state, row) in TABLE {
        assert_eq!(row.len(), Action::ALL.len());
        let case = in_state(plan, state).unwrap_or_else(|| panic!("{plan} cannot be {state}"));
        for (&action, expected) in Action::ALL.iter().zip(row.chars()) {
            let mut tried = case.clone();
            let name = format!("{plan}, {state}, {action}");
            match (tried.attempt(deed_of(action)), expected) {
                (Ok(()), 'y') => {}
                (Err(Refusal::Rule(_)), 'r') => assert_eq!(tried.license, case.license),
                (Err(refusal @ Refusal::State { from, action: named, .. }), '-') => {
                    assert_eq!((from, named), (state, action), "{name}");
                    let text = refusal.to_string();
                    assert!(text.contains(state.as_str()) && text.contains(action.as_str()), "{name}: {text}");
                    assert_eq!(tried.license, case.license, "{name}");
                }
                (outcome, _) => panic!("{name}: {outcome:?}, expected {expected}"),
            }
        }
    }
}

#[test]
fn the_table_has_every_state_in_it() {
    for state in State::ALL {
        assert!(TABLE.iter().any(|(_, seen, _)| seen == state), "{state}");
    }
}

#[test]
fn every_transition_counts_once_and_a_refusal_changes_nothing() {
    for (plan, state, _) in TABLE {
        for &action in Action::ALL {
            let mut case = in_state(plan, state).unwrap();
            let before = case.license.version;
            let nothing_bound = case.license.activations.is_empty() && action == Action::Release;
            let counted = u64::from(case.attempt(deed_of(action)).is_ok() && !nothing_bound);
            assert_eq!(case.license.version, before + counted, "{plan}, {state}, {action}");
        }
    }
}

#[test]
fn renew_until_the_grace_ends_keeps_the_anchor_and_later_starts_today() {
    for (at, count, through) in [
        ("2027-01-31T10:00:00Z", 1, "2027-03-31"),
        ("2027-02-28T23:59:59Z", 2, "2027-04-30"),
        ("2027-03-01T00:00:00Z", 1, "2027-03-31"),
        ("2027-03-14T23:59:59Z", 1, "2027-03-31"),
        ("2027-03-15T00:00:00Z", 1, "2027-04-15"),
        ("2027-08-31T00:00:00Z", 6, "2028-02-29"),
    ] {
        let mut case = Case::issued("monthly", "2027-01-31");
        case.at(at).did(Deed::Renew(count));
        assert_eq!((case.through().as_deref(), case.state()), (Some(through), State::Active), "{at}");
    }
}

#[test]
fn renew_needs_at_least_one_period_and_extend_at_least_one_day() {
    for at in ["2027-01-10", "2027-02-15", "2027-06-01"] {
        let mut case = Case::bound("monthly", "2027-01-10");
        assert!(matches!(case.at(at).attempt(Deed::Renew(0)), Err(Refusal::Rule(_))), "{at}");
        let mut case = Case::bound("trial", "2027-01-10");
        assert!(matches!(case.at(at).attempt(Deed::Extend(0)), Err(Refusal::Rule(_))), "{at}");
    }
}

#[test]
fn renew_withdraws_a_cancellation_and_after_its_end_starts_today() {
    let mut case = Case::issued("monthly", "2027-01-10");
    case.did(Deed::Cancel).at("2027-02-10T23:59:59Z").did(Deed::Renew(1));
    assert_eq!((case.state(), case.through().as_deref()), (State::Active, Some("2027-03-10")));
    case.did(Deed::Cancel).at("2027-03-11").did(Deed::Renew(1));
    assert_eq!((case.state(), case.through().as_deref()), (State::Active, Some("2027-04-11")));
}

#[test]
fn renew_moves_to_the_newest_revision_and_nothing_else_does() {
    let mut case = Case::issued("monthly", "2027-01-10");
    let generous = plan(subscription(Some("P1M"), Starts::Issue, 30), 14, Sale::Sellable);
    case.shop.put("monthly", generous);
    assert_eq!(case.position().grace_until, Some(time("2027-02-24T23:59:59Z")));
    case.did(Deed::Cancel).did(Deed::Withdraw).did(Deed::Suspend).did(Deed::Reinstate { consume: false });
    assert_eq!(case.position().reference.revision, 1);
    case.did(Deed::Renew(1));
    assert_eq!(case.position().reference.revision, 2);
    assert_eq!(case.position().grace_until, Some(time("2027-04-09T23:59:59Z")));
}

#[test]
fn renew_on_a_pending_plan_waits_for_the_running_term_and_the_newest_pays_the_next() {
    let mut case = Case::issued("yearly", "2027-01-10");
    case.did(Deed::Change("monthly")).did(Deed::Renew(2)).did(Deed::Renew(1));
    assert_eq!(case.through().as_deref(), Some("2028-04-10"));
    assert_eq!(case.license.running.paid, Paid::Through { anchor: day("2027-01-10"), through: day("2028-01-10") });
    assert_eq!(case.license.pending, Pending::Nothing);
    case.at("2028-02-01").did(Deed::Renew(1));
    assert_eq!((case.license.next.is_none(), case.through().as_deref()), (true, Some("2028-05-10")));
}

#[test]
fn renew_on_a_pending_plan_after_the_paid_time_takes_effect_at_once() {
    for (at, through) in [("2028-01-20", "2028-02-10"), ("2028-03-01", "2028-04-01")] {
        let mut case = Case::issued("yearly", "2027-01-10");
        case.did(Deed::Change("monthly")).at(at).did(Deed::Renew(1));
        assert_eq!(case.position().reference.plan, slug("monthly"));
        assert_eq!((case.license.next.is_none(), case.through().as_deref()), (true, Some(through)), "{at}");
    }
}

#[test]
fn renew_from_days_to_months_counts_from_the_last_paid_day() {
    // The 60 days end on 1 April: a month more is 1 May, although the anchor is a 31st.
    let mut case = Case::of(Shop::wide(), "sixty", time("2027-01-31"));
    assert_eq!(case.through().as_deref(), Some("2027-04-01"));
    case.did(Deed::Change("monthly")).did(Deed::Renew(1));
    assert_eq!(case.through().as_deref(), Some("2027-05-01"));
    case.did(Deed::Renew(1));
    assert_eq!(case.through().as_deref(), Some("2027-06-01"));
}

#[test]
fn without_renewal_the_old_plan_and_its_grace_run_out() {
    let mut case = Case::bound("yearly", "2027-01-10");
    case.shop.put("monthly", plan(subscription(Some("P1M"), Starts::Issue, 3), 3, Sale::Sellable));
    case.did(Deed::Change("monthly"));
    assert!(case.at("2028-01-24T23:59:59Z").check(1).is_valid());
    assert_eq!(case.position().reference.plan, slug("yearly"));
    assert_eq!(case.at("2028-01-25").reasons(1), [Reason::Expired]);
}

#[test]
fn upward_starts_from_the_later_of_the_end_and_today() {
    for (at, through) in [
        ("2027-01-20", "2028-02-10"),
        ("2027-02-10T23:59:59Z", "2028-02-10"),
        ("2027-02-11", "2028-02-11"),
        ("2027-09-01", "2028-09-01"),
    ] {
        let mut case = Case::bound("monthly", "2027-01-10");
        let bound = case.license.activations.clone();
        case.at(at).did(Deed::Change("yearly"));
        assert_eq!((case.through().as_deref(), &case.license.activations), (Some(through), &bound), "{at}");
    }
}

#[test]
fn upward_clears_the_pending_slot_and_keeps_the_days_of_a_next_term() {
    for pending in [Deed::Cancel, Deed::Change("weekly")] {
        let mut case = Case::of(Shop::wide(), "monthly", time("2027-01-10"));
        case.did(pending).did(Deed::Change("yearly"));
        assert_eq!((&case.license.pending, case.state()), (&Pending::Nothing, State::Active), "{pending:?}");
    }
    let mut case = Case::issued("yearly", "2027-01-10");
    case.did(Deed::Change("monthly")).did(Deed::Renew(3)).did(Deed::Change("yearly"));
    assert_eq!((case.license.next.is_none(), case.through().as_deref()), (true, Some("2029-04-10")));
}

#[test]
fn upward_keeps_the_days_that_a_cloud_has_stated() {
    let mut case = Case::bound("saas", "2027-01-10");
    case.license.running.paid = Paid::Until(time("2027-06-30T08:00:00Z"));
    case.did(Deed::Change("yearly"));
    assert_eq!(case.through().as_deref(), Some("2028-06-30"));
}

#[test]
fn a_trial_that_is_paid_starts_today() {
    let mut case = Case::bound("trial", "2027-01-10");
    case.at("2027-01-20").did(Deed::Change("monthly"));
    assert_eq!(case.through().as_deref(), Some("2027-02-20"));
    for target in ["monthly", "yearly", "perpetual"] {
        let mut case = Case::issued("trial", "2027-01-10");
        case.at("2027-01-20").did(Deed::Change(target));
        assert_eq!(case.state(), State::Active, "{target}");
    }
    let mut case = Case::of(Shop::wide(), "trial", time("2027-01-10"));
    case.did(Deed::Change("later"));
    assert_eq!(case.state(), State::Available, "never activated: its clock starts then");
}

#[test]
fn what_is_no_target_of_a_change() {
    for (from, to) in [
        ("monthly", "monthly"),
        ("monthly", "trial"),
        ("trial", "trial"),
        ("monthly", "old"),
        ("monthly", "saas"),
        ("monthly", "cloud"),
        ("trial", "cloud"),
        ("perpetual", "yearly"),
        ("perpetual", "perpetual"),
    ] {
        let mut case = Case::of(Shop::wide(), from, time("2027-01-10"));
        case.bind(1);
        assert!(matches!(case.attempt(Deed::Change(to)), Err(Refusal::Rule(_))), "{from} → {to}");
    }
}

#[test]
fn a_change_never_undoes_a_cancellation_that_has_taken_effect() {
    let mut case = Case::bound("yearly", "2027-01-10");
    case.did(Deed::Cancel).at("2028-01-11");
    let refusal = case.attempt(Deed::Change("monthly"));
    assert!(matches!(refusal, Err(Refusal::State { from: State::Expired, action: Action::ChangePlan, .. })));
    assert_eq!(case.reasons(1), [Reason::Expired], "no grace comes back");
    case.did(Deed::Change("perpetual"));
    assert!(case.check(1).is_valid());
}

#[test]
fn cancel_replaces_a_change_and_a_change_replaces_a_cancellation_ahead() {
    let mut case = Case::issued("yearly", "2027-01-10");
    case.did(Deed::Change("monthly")).did(Deed::Cancel);
    assert_eq!((&case.license.pending, case.state()), (&Pending::Cancellation, State::Cancelled));
    case.did(Deed::Change("monthly"));
    assert_eq!((&case.license.pending, case.state()), (&Pending::Change(slug("monthly")), State::Active));
}

#[test]
fn withdraw_empties_the_slot_also_before_the_start_and_refuses_an_empty_one() {
    let mut case = Case::of(Shop::wide(), "later", time("2027-01-10"));
    case.did(Deed::Change("monthly")).did(Deed::Withdraw);
    assert_eq!(case.license.pending, Pending::Nothing);
    assert!(matches!(case.attempt(Deed::Withdraw), Err(Refusal::State { action: Action::WithdrawChange, .. })));
}

#[test]
fn reinstating_gives_back_whole_days_unless_they_are_consumed() {
    for (until, consume, through) in [
        ("2027-01-21T11:59:59Z", false, "2027-02-10"),
        ("2027-01-21T12:00:00Z", false, "2027-02-11"),
        ("2027-03-01T12:00:00Z", false, "2027-03-22"),
        ("2027-03-01T12:00:00Z", true, "2027-02-10"),
    ] {
        let mut case = Case::bound("monthly", "2027-01-10");
        case.at("2027-01-20T12:00:00Z").did(Deed::Suspend);
        case.at(until).did(Deed::Reinstate { consume });
        assert_eq!(case.through().as_deref(), Some(through), "{until} {consume}");
    }
}

#[test]
fn reinstating_moves_the_next_term_too() {
    let mut case = Case::issued("yearly", "2027-01-10");
    case.did(Deed::Change("monthly")).did(Deed::Renew(1)).did(Deed::Suspend);
    case.later(10).did(Deed::Reinstate { consume: false });
    assert_eq!(case.license.running.paid.end(), Some(time("2028-01-20T23:59:59Z")));
    assert_eq!(case.through().as_deref(), Some("2028-02-20"));
    case.did(Deed::Renew(1));
    assert_eq!(case.through().as_deref(), Some("2028-03-20"), "counting goes on from there");
}

#[test]
fn a_suspension_revives_nothing_that_was_over() {
    let mut case = Case::bound("monthly", "2027-01-10");
    case.at("2027-02-25").did(Deed::Suspend).at("2027-08-01").did(Deed::Reinstate { consume: false });
    assert_eq!(case.state(), State::Expired);
    let mut case = Case::bound("monthly", "2027-01-10");
    case.did(Deed::Suspend).did(Deed::Cancel).at("2027-01-15").did(Deed::Reinstate { consume: true });
    assert_eq!(case.state(), State::Cancelled);
}

#[test]
fn revoked_is_final_and_beats_everything() {
    for state in State::ALL.iter().filter(|state| **state != State::Revoked) {
        let (plan, _, _) = TABLE.iter().find(|(_, seen, _)| seen == state).unwrap();
        let mut case = in_state(plan, *state).unwrap();
        case.did(Deed::Revoke).later(4000);
        assert_eq!((case.state(), case.runs_until()), (State::Revoked, Timestamp::EPOCH), "{state}");
    }
}

#[test]
fn extend_counts_from_the_later_of_the_end_and_today() {
    for (at, through) in
        [("2027-01-20", "2027-02-14"), ("2027-02-09T23:59:59Z", "2027-02-14"), ("2027-03-01", "2027-03-06")]
    {
        let mut case = Case::bound("trial", "2027-01-10");
        case.at(at).did(Deed::Extend(5));
        assert_eq!((case.through().as_deref(), case.state()), (Some(through), State::Active), "{at}");
    }
}

#[test]
fn a_released_server_is_free_and_one_with_a_file_needs_support() {
    let mut case = Case::bound("perpetual", "2027-01-10");
    let file = case.file(1);
    assert_eq!(case.attempt(Deed::Release { by_support: false }), Err(Refusal::FileIssued));
    let (id, plans) = (case.license.activations.values().next().unwrap().id, case.shop.plans(&case.license));
    let released = case.license.clone().release(id, true, plans, case.now).unwrap().unwrap();
    assert_eq!((released.file, released.license.activations.is_empty()), (Some(file), true));
    let again = released.license.release(id, false, plans, case.now);
    assert_eq!(again, Ok(None), "it is not live any more: nothing to do");
}
