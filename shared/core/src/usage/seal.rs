//! Sealing an hour: what is reported of it is fixed for good.

use crate::time::{Duration, Timestamp};
use crate::usage::entry::{Attempts, Entry, EntryKey, Reason, Record, Sealed, State};
use crate::usage::hour::WINDOW;
use crate::usage::judge::Target;
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
    /// It is too early, its licence is not known yet, or the agreement that it is to be billed by is not.
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
        /// The hour that takes what this one cannot report.
        overflow: Option<Target>,
    },
}

impl Metered {
    /// When an hour of this agreement is to be sealed.
    #[must_use]
    pub fn seal_due(&self, hour: Hour) -> Timestamp {
        match self.closes() {
            Some(end) if end <= hour.end() => end.after(LAST_HOUR),
            // What is closed when the agreement ends is sent at once.
            Some(end) => hour.end().after(SEAL_AFTER).min(end),
            None => hour.end().after(SEAL_AFTER),
        }
    }

    /// When a report with this time is to be sent at the latest.
    #[must_use]
    pub fn send_by(&self, timestamp: Timestamp) -> Timestamp {
        let deadline = Hour::deadline(timestamp);
        self.closes().map_or(deadline, |end| deadline.min(Hour::door(end)))
    }

    /// When its hours are closed: what goes on after that is another agreement's, whether that is known yet or not.
    fn closes(&self) -> Option<Timestamp> {
        self.end.or(self.left)
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
    /// An hour that lies outside of its agreement's time, which was not known when it was opened, reports nothing where another
    /// agreement of the chain can be billed: all of it is left to an hour of that one.
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
        if agreement.left.is_some_and(|left| left <= self.key.hour.start()) {
            return later;
        }
        let due = agreement.seal_due(self.key.hour);
        if now < due {
            return Sealing::NotYet { due };
        }
        let last = agreement.closes().map_or(self.key.hour.end(), |end| end.min(self.key.hour.end()));
        let misplaced = self.misplaced(agreement, &activated, last);
        let other = misplaced.and_then(|reason| chain.billed_instead(agreement, self.key.hour, reason, now));
        let included = other.unwrap_or(agreement).included(dimension, self.key.hour).min(self.taken.accepted);
        let billable = self.taken.accepted.less(included) + remainder;
        let reportable = if dimension.unit == Unit::Integral { billable.whole() } else { billable };
        let quantity = if other.is_some() { Quantity::ZERO } else { reportable.min(MAX_REPORTED) };
        let left = billable.less(quantity);
        let timestamp = last.min(now).before(SECOND).max(self.key.hour.start()).max(activated.start);
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
        let state = match misplaced {
            None => State::Sealed(sealed),
            Some(Reason::BeforeStart) if other.is_none() => {
                State::Quarantined(sealed, Attempts::default(), Reason::BeforeStart)
            }
            Some(reason) => State::Expired(sealed, Attempts::default(), reason),
        };
        let overflow = if quantity < reportable { self.overflow(chain, agreement, now) } else { None };
        Sealing::Sealed {
            entry: Box::new(Self { state, version: self.version + 1, ..self.clone() }),
            remainder: if variant::is(Variant::LostRemainder) { Quantity::ZERO } else { left },
            overflow,
        }
    }

    /// Why the hour cannot be reported for its agreement: start or end were not known when usage was added to it. Where the
    /// start is not certain, an hour that may lie before it is not reported while a later one can be.
    fn misplaced(&self, agreement: &Metered, activated: &Activated, last: Timestamp) -> Option<Reason> {
        if agreement.end.is_some_and(|end| end <= self.key.hour.start()) {
            return Some(Reason::AfterEnd);
        }
        let start = if agreement.end.is_some() { activated.start } else { activated.surely_by };
        (start >= last).then_some(Reason::BeforeStart)
    }

    /// The hour that takes what this one cannot report.
    fn overflow(&self, chain: &Chain, agreement: &Metered, now: Timestamp) -> Option<Target> {
        let taker = if agreement.has_ended(now) { chain.live(now)? } else { agreement };
        let running = Hour::of(taker.start().map_or(now, |start| now.max(start)));
        let hour = if taker.id == agreement.id { running.max(self.key.hour.next()) } else { running };
        let key = EntryKey { agreement: taker.id, hour, ..self.key.clone() };
        Some(Target { key, carried: true, due: taker.seal_due(hour) })
    }

    /// A licence that is not there: only a deliberately broken variant reports under one.
    fn made_up(&self) -> Option<Activated> {
        variant::is(Variant::SealBeforeStart).then(|| Activated {
            start: self.key.hour.start(),
            surely_by: self.key.hour.start(),
            license_arn: "unknown".to_owned(),
            account: String::new(),
            product_code: "unknown".to_owned(),
            region: "us-east-1".to_owned(),
        })
    }
}
