//! Random lives of licences, held to the plain model and to what no life may break.

use marque_core::{Binding, Duration, License, Paid, Position, Timestamp};
use proptest::prelude::*;

use crate::build::{Case, Deed, Shop, domain};
use crate::model::Model;

/// How the clock moves before a step. Most faults live beside the ends.
#[derive(Debug, Clone, Copy)]
enum Wait {
    Seconds(u32),
    Days(u32),
    /// To so many seconds after the last paid one.
    PaidThrough(u32),
    /// To so many seconds after the end of the grace.
    GraceUntil(u32),
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Do(Deed),
    Bind(u8),
}

fn waits() -> impl Strategy<Value = Wait> {
    prop_oneof![
        2 => (0_u32..200_000).prop_map(Wait::Seconds),
        3 => (0_u32..40).prop_map(Wait::Days),
        1 => (40_u32..900).prop_map(Wait::Days),
        1 => (0_u32..2).prop_map(Wait::PaidThrough),
        1 => (0_u32..2).prop_map(Wait::GraceUntil),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let plans = vec!["trial", "weekly", "monthly", "old", "sixty", "yearly", "later", "perpetual"];
    // A perpetual licence has little to live through: it comes seldom.
    let targets = prop_oneof![1 => prop::sample::select(plans), 4 => prop::sample::select(vec!["monthly", "sixty", "yearly", "weekly"])];
    prop_oneof![
        6 => (1_u32..4).prop_map(|count| Step::Do(Deed::Renew(count))),
        1 => (0_u32..40).prop_map(|count| Step::Do(Deed::Renew(count))),
        5 => targets.prop_map(|plan| Step::Do(Deed::Change(plan))),
        2 => Just(Step::Do(Deed::Withdraw)),
        2 => Just(Step::Do(Deed::Cancel)),
        2 => Just(Step::Do(Deed::Suspend)),
        4 => any::<bool>().prop_map(|consume| Step::Do(Deed::Reinstate { consume })),
        1 => prop::bool::weighted(0.1).prop_map(|ends| Step::Do(if ends { Deed::Revoke } else { Deed::Renew(1) })),
        2 => (0_u16..50).prop_map(|days| Step::Do(Deed::Extend(days))),
        3 => any::<bool>().prop_map(|by_support| Step::Do(Deed::Release { by_support })),
        4 => (1_u8..4).prop_map(Step::Bind),
    ]
}

fn moved(case: &Case, wait: Wait) -> Timestamp {
    let Position { paid_through, grace_until, .. } = case.position();
    let to = |end: Option<Timestamp>, more| end.unwrap_or(case.now).after(Duration::from_seconds(more)).max(case.now);
    match wait {
        Wait::Seconds(count) => case.now.after(Duration::from_seconds(count)),
        Wait::Days(count) => case.now.after(Duration::days(count)),
        Wait::PaidThrough(more) => to(paid_through, more),
        Wait::GraceUntil(more) => to(grace_until, more),
    }
}

/// Code and model tell the same at a time.
fn agree(case: &Case, model: &Model, at: Timestamp) -> Result<(), TestCaseError> {
    let case = &Case { now: at, ..case.clone() };
    let seen = case.position();
    prop_assert_eq!(seen.state.as_str(), model.state(at.unix()), "state at {}", at);
    prop_assert_eq!(seen.paid_through.map(Timestamp::unix), model.paid_through(), "paid_through at {}", at);
    prop_assert_eq!(seen.grace_until.map(Timestamp::unix), model.grace_until(), "grace_until at {}", at);
    prop_assert_eq!(seen.reference.plan.to_string(), model.plan(at.unix()), "plan at {}", at);
    if let Some(bound) = model.bound() {
        prop_assert_eq!(case.check(bound).is_valid(), model.runs(at.unix()), "verdict at {}", at);
        prop_assert_eq!(case.check(bound).is_valid(), at <= case.runs_until(), "runs_until at {}", at);
    }
    Ok(())
}

/// What no step may do, whatever the model says.
fn unbroken(before: &Case, deed: Deed, after: &License) -> Result<(), TestCaseError> {
    let (old, new) = (before.license.last_term().paid, after.last_term().paid);
    let was_trial = before.license.running.plan.plan.as_str() == "trial";
    if let (Paid::Through { through: old, .. }, Paid::Through { through: new, .. }) = (old, new) {
        prop_assert!(new >= old || (was_trial && matches!(deed, Deed::Change(_))), "a paid day was lost");
    }
    prop_assert!(!(old == Paid::Forever && new != Paid::Forever), "for ever has ended");
    prop_assert!(!(old != Paid::NotStarted && new == Paid::NotStarted), "a clock that ran was stopped");
    if let Some(next) = &after.next {
        prop_assert!(next.paid.end() > after.running.paid.end(), "a next term that ends first");
    }
    let on_time = before.position().grace_until.is_some_and(|grace| before.now <= grace);
    if let (Deed::Renew(count), Paid::Through { through: old, .. }, Paid::Through { through: new, .. }) =
        (deed, old, new)
        && on_time
    {
        let (least, most) = match after.last_term().plan.plan.as_str() {
            "weekly" => (7, 7),
            "sixty" => (60, 60),
            "monthly" => (28, 31),
            _ => (365, 366),
        };
        let count = i64::from(count);
        prop_assert!((least * count..=most * count).contains(&new.days_since(old)), "more or less than was bought");
    }
    Ok(())
}

fn live(plan: &'static str, born: Timestamp, life: &[(Wait, Step)]) -> Result<(), TestCaseError> {
    let mut case = Case::of(Shop::wide(), plan, born);
    let mut model = Model::issued(plan, born.unix());
    for (wait, step) in life {
        case.now = moved(&case, *wait);
        let (before, now) = (case.clone(), case.now.unix());
        agree(&case, &model, case.now)?;
        prop_assert_eq!(&case.license, &before.license, "time alone has changed a fact");
        match *step {
            Step::Do(deed) => {
                let outcome = case.attempt(deed);
                prop_assert_eq!(outcome.is_ok(), model.attempt(deed, now), "{:?}: {:?}", deed, outcome);
                match outcome {
                    Ok(()) => unbroken(&before, deed, &case.license)?,
                    Err(_) => prop_assert_eq!(&case.license, &before.license, "a refusal has changed a fact"),
                }
            }
            Step::Bind(number) => {
                let may = model.bound().is_none() && model.runs(now);
                if may && case.activation(number).is_valid() {
                    let seen = format!("{:?}", case.bind(number));
                    prop_assert_eq!(seen, model.bind(number, now));
                } else if may {
                    let judged = case.license.judge_binding(&domain(number), case.position().plan, case.now);
                    prop_assert_eq!(judged, Binding::OverLimit);
                    prop_assert_eq!("OverLimit", model.bind(number, now));
                }
            }
        }
        let position = case.position();
        let ends = [
            Some(case.now),
            case.license.running.paid.end(),
            position.paid_through,
            position.grace_until,
            Some(case.runs_until()),
        ];
        for at in ends.into_iter().flatten().filter(|at| *at > Timestamp::EPOCH && *at < Timestamp::MAX) {
            agree(&case, &model, at)?;
            agree(&case, &model, at.after(Duration::from_seconds(1)))?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_licences_life_is_as_the_model_tells(
        plan in prop::sample::select(vec!["trial", "monthly", "yearly", "later", "sixty", "weekly", "perpetual"]),
        born in 1_600_000_000_i64..2_000_000_000,
        life in prop::collection::vec((waits(), steps()), 1..40),
    ) {
        live(plan, Timestamp::from_unix(born).unwrap(), &life)?;
    }

    #[test]
    fn one_that_moves_much_keeps_to_the_limits(
        born in 1_600_000_000_i64..2_000_000_000,
        moves in prop::collection::vec((waits(), 1_u8..4), 1..40),
    ) {
        let release = Step::Do(Deed::Release { by_support: false });
        let life: Vec<_> =
            moves.into_iter().flat_map(|(wait, to)| [(wait, release), (Wait::Seconds(1), Step::Bind(to))]).collect();
        live("perpetual", Timestamp::from_unix(born).unwrap(), &life)?;
    }
}
