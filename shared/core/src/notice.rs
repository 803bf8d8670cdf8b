//! When a licence's paid time is worth a mail: reminders before its end, the grace, the end.
//!
//! Pure: the licence's item carries when the next notice is due, set at issue and at each change, so that a schedule finds
//! it. Nothing is decided by it: a notice that is late or never sent changes no verdict.

use crate::license::{License, Paid, Pending, Plans, Standing};
use crate::time::{Duration, Timestamp};

/// What there is to write about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The paid time ends in so many days, as the plan says.
    Reminder {
        /// Of the plan's `reminders`.
        days: u16,
    },
    /// It has ended, and the grace is running.
    Grace,
    /// The licence has ended.
    Expired,
}

impl License {
    /// The first notice after `after`, and when it is due.
    #[must_use]
    pub fn next_notice(&self, plans: Plans<'_>, after: Timestamp) -> Option<(Timestamp, Notice)> {
        self.notices(plans).into_iter().find(|(at, _)| *at > after)
    }

    /// The latest notice that is due by `now`: the ones that were missed before it have nothing more to say.
    #[must_use]
    pub fn latest_notice(&self, plans: Plans<'_>, now: Timestamp) -> Option<(Timestamp, Notice)> {
        self.notices(plans).into_iter().rev().find(|(at, _)| *at <= now)
    }

    /// Every notice that the facts make due, in order. None for what is suspended, revoked or cancelled (who cancelled
    /// knows), has no end or has not started; none where a cloud says how far it is paid, since that cloud writes to its
    /// customer itself.
    #[must_use]
    pub fn notices(&self, plans: Plans<'_>) -> Vec<(Timestamp, Notice)> {
        let (Standing::Live, Paid::Through { through, .. }) = (self.standing, self.last_term().paid) else {
            return Vec::new();
        };
        if self.pending == Pending::Cancellation {
            return Vec::new();
        }
        let plan = self.last_plan(plans);
        let second = Duration::from_seconds(1);
        let reminder = |days: &u16| (through.plus_days(-i64::from(*days)).start(), Notice::Reminder { days: *days });
        let mut notices: Vec<_> = plan.reminders.iter().map(reminder).collect();
        if plan.grace() > Duration::ZERO {
            notices.push((through.end().after(second), Notice::Grace));
        }
        notices.push((through.end().after(plan.grace()).after(second), Notice::Expired));
        // The publisher's list of reminders may be in any order, and name a day twice.
        notices.sort_by_key(|(at, _)| *at);
        notices.dedup_by_key(|(at, _)| *at);
        notices
    }
}
