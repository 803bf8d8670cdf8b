//! Sealing an hour: what is reported of it is fixed for good.

use crate::time::{Duration, Timestamp};
use crate::usage::entry::{Attempts, Entry, Reason, Record, Sealed, State};
use crate::usage::hour::WINDOW;
use crate::usage::variant::{self, Variant};
use crate::usage::{Activated, Chain, Hour, Metered, Quantity, Unit};

/// An hour is sealed so long after its end.
pub const SEAL_AFTER: Duration = Duration::from_seconds(5 * 60);
/// The hour that an agreement ended in stays open so long after the end, so that servers can report what they hold.
const LAST_HOUR: Duration = Duration::from_seconds(10 * 60);
/// An hour whose licence is not there yet is looked at again after so long.
const LOOK_AGAIN: Duration = Duration::from_seconds(5 * 60);
const SECOND: Duration = Duration::from_seconds(1);

/// The most that can be reported of an hour; what exceeds it goes to the next.
pub const MAX_REPORTED: Quantity = Quantity::MAX_RECORD;

/// What becomes of an hour that was to be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealing {
    /// It was sealed before.
    Done,
    /// It is too early, or its licence is not known yet.
    NotYet {
        /// When to look again.
        due: Timestamp,
    },
    /// It is sealed.
    Sealed {
        /// The hour as it is then.
        entry: Box<Entry>,
        /// What is left for the dimension's next hour.
        remainder: Quantity,
        /// The hour that takes what one report cannot hold, and when to seal it.
        overflow: Option<(Hour, Timestamp)>,
    },
}

impl Metered {
    /// When an hour of this agreement is to be sealed.
    #[must_use]
    pub fn seal_due(&self, hour: Hour) -> Timestamp {
        match self.end {
            Some(end) if end < hour.end() => end.after(LAST_HOUR),
            // What is closed when the agreement ends is sent at once.
            Some(end) => hour.end().after(SEAL_AFTER).min(end),
            None => hour.end().after(SEAL_AFTER),
        }
    }

    /// When a report with this time is to be sent at the latest.
    #[must_use]
    pub fn send_by(&self, timestamp: Timestamp) -> Timestamp {
        let deadline = Hour::deadline(timestamp);
        self.end.map_or(deadline, |end| deadline.min(Hour::door(end)))
    }

    /// The place of a report with this time among all that are to be sent, the most urgent first: a day before it is to be
    /// sent at the latest, which is never later than its time.
    #[must_use]
    pub fn send_from(&self, timestamp: Timestamp) -> Timestamp {
        self.send_by(timestamp).before(WINDOW)
    }
}

impl Entry {
    /// Seals an open hour whose time has come: `accepted + brought = included + quantity + left`.
    ///
    /// `remainder` is what the dimension's earlier hours left.
    #[must_use]
    pub fn seal(&self, chain: &Chain, remainder: Quantity, now: Timestamp) -> Sealing {
        let State::Open = self.state else { return Sealing::Done };
        let later = Sealing::NotYet { due: now.after(LOOK_AGAIN) };
        let (Some(agreement), Some(dimension)) =
            (chain.agreement(self.key.agreement), chain.dimension(&self.key.dimension))
        else {
            return later;
        };
        let Some(activated) = agreement.activated.clone().or_else(|| self.made_up()) else { return later };
        let due = agreement.seal_due(self.key.hour);
        if now < due {
            return Sealing::NotYet { due };
        }
        let included = agreement.included(dimension, self.key.hour).min(self.taken.accepted);
        let billable = self.taken.accepted.less(included) + remainder;
        let reportable = if dimension.unit == Unit::Integral { billable.whole() } else { billable };
        let quantity = reportable.min(MAX_REPORTED);
        let left = billable.less(quantity);
        let last = agreement.end.map_or(self.key.hour.end(), |end| end.min(self.key.hour.end()));
        let timestamp = last.min(now).before(SECOND).max(self.key.hour.start()).max(activated.start);
        let starts_later = activated.start >= last;
        let sealed = Sealed {
            at: now,
            record: Record {
                license_arn: activated.license_arn,
                account: activated.account,
                product_code: activated.product_code,
                region: activated.region,
                timestamp: if variant::is(Variant::HourFloor) { self.key.hour.start() } else { timestamp },
                quantity,
            },
            brought: remainder,
            included,
            left,
        };
        let state = if starts_later {
            State::Quarantined(sealed, Attempts::default(), Reason::BeforeStart)
        } else {
            State::Sealed(sealed)
        };
        let overflow = left.whole() != Quantity::ZERO && !chain.has_ended(now);
        let next = Hour::of(now).max(self.key.hour.next());
        Sealing::Sealed {
            entry: Box::new(Self { state, version: self.version + 1, ..self.clone() }),
            remainder: if variant::is(Variant::LostRemainder) { Quantity::ZERO } else { left },
            overflow: overflow.then(|| (next, agreement.seal_due(next))),
        }
    }

    /// A licence that is not there: only a deliberately broken variant reports under one.
    fn made_up(&self) -> Option<Activated> {
        variant::is(Variant::SealBeforeStart).then(|| Activated {
            start: self.key.hour.start(),
            license_arn: "unknown".to_owned(),
            account: String::new(),
            product_code: "unknown".to_owned(),
            region: "us-east-1".to_owned(),
        })
    }
}
