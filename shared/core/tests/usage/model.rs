//! Random histories of one hour, held to a marketplace that takes an hour once and forgets nothing.

use marque_core::Timestamp;
use marque_core::usage::{Entry, Quantity, Reply, State, StateName};
use proptest::prelude::*;

use crate::build::{open, quantity, running, sealed, time};

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// An attempt is counted and sent; the marketplace takes it, or not.
    Send {
        reaches: bool,
    },
    /// The oldest attempt that is still out is answered, or its answer is lost.
    Answer {
        lost: bool,
    },
    /// The marketplace leaves the attempt unprocessed.
    Unprocessed,
    /// A minute, or a day, passes.
    Minute,
    Day,
    /// A person replays it.
    Replay,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => any::<bool>().prop_map(|reaches| Step::Send { reaches }),
        4 => any::<bool>().prop_map(|lost| Step::Answer { lost }),
        1 => Just(Step::Unprocessed),
        2 => Just(Step::Minute),
        1 => Just(Step::Day),
        1 => Just(Step::Replay),
    ];
    prop::collection::vec(step, 0..30)
}

/// The marketplace: what it took, and from whom.
#[derive(Debug, Default)]
struct Marketplace {
    ours: bool,
    somebody_elses: bool,
}

impl Marketplace {
    fn take(&mut self, identical_is_duplicate: bool) -> Reply {
        if self.somebody_elses || (self.ours && identical_is_duplicate) {
            return Reply::Duplicate;
        }
        self.ours = true;
        Reply::Success("r-1".to_owned())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn an_hour_is_billed_once_and_never_forgotten(steps in steps(), elsewhere: bool, identical_is_duplicate: bool) {
        let mut now: Timestamp = time("2027-03-10T11:05:00Z");
        let accepted = quantity("5.25");
        let (mut entry, _) = sealed(
            &running(), &open("requests", "2027-03-10T10:00:00Z", accepted), Quantity::ZERO, "2027-03-10T11:05:00Z",
        );
        let fixed = entry.state.sealed().cloned();
        let mut market = Marketplace { ours: false, somebody_elses: elsewhere };
        let mut out: Vec<Reply> = Vec::new();
        for step in steps {
            let before = entry.clone();
            entry = match step {
                Step::Send { reaches } => match entry.clone().attempt() {
                    Ok(counted) => {
                        let in_time = now < time("2027-03-11T10:59:59Z");
                        out.push(if reaches && in_time { market.take(identical_is_duplicate) } else { Reply::Nothing });
                        counted
                    }
                    Err(_) => entry,
                },
                Step::Answer { .. } if out.is_empty() => entry,
                Step::Answer { lost } => {
                    let reply = out.remove(0);
                    entry.answered(if lost { &Reply::Nothing } else { &reply }, false, now)
                }
                Step::Unprocessed => match entry.clone().attempt() {
                    Ok(counted) => counted.answered(&Reply::NotTaken, false, now),
                    Err(_) => entry,
                },
                Step::Minute | Step::Day => {
                    let seconds = if matches!(step, Step::Day) { 86_400 } else { 60 };
                    now = Timestamp::from_unix(now.unix() + seconds).unwrap();
                    entry.clone().expire(now).unwrap_or(entry)
                }
                Step::Replay => entry.clone().replay(now).unwrap_or(entry),
            };
            check(&before, &entry, &market)?;
            prop_assert_eq!(entry.state.sealed(), fixed.as_ref(), "what was sealed is never changed");
        }
    }
}

fn check(before: &Entry, after: &Entry, market: &Marketplace) -> Result<(), TestCaseError> {
    let attempts = after.state.attempts();
    prop_assert!(attempts.unresolved <= attempts.count);
    prop_assert_eq!(after.version == before.version, after == before, "each change counts");
    prop_assert!(after.version <= before.version + 2);
    if after.state.name() == StateName::Confirmed && !market.somebody_elses {
        prop_assert!(market.ours, "confirmed, and the marketplace has nothing");
    }
    if before.state.name() == StateName::Confirmed {
        prop_assert_eq!(after.state.name(), StateName::Confirmed);
    }
    if let State::Quarantined(_, attempts, _) = &after.state {
        prop_assert!(!market.ours || attempts.count > 0);
    }
    Ok(())
}
