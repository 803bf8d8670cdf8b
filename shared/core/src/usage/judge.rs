//! Judging a record of usage: where it may go, or why it may not.

use crate::time::{Duration, Timestamp};
use crate::usage::entry::EntryKey;
use crate::usage::{Chain, Hour, Metered, Quantity};
use crate::words::words;

/// A clock may be so far ahead of ours.
pub const LATEST_AHEAD: Duration = Duration::from_seconds(5 * 60);
/// Usage may be so old.
pub const OLDEST: Duration = Duration::days(35);
/// An hour that the marketplace soon closes is not opened any more: its usage is carried to the running one.
const TIME_TO_SEND: Duration = Duration::hours(1);
/// After an agreement's end, its hours are opened only while there is so much time left to the door.
const TIME_TO_FLUSH: Duration = Duration::from_seconds(10 * 60);

/// A record of usage as it was sent in: well typed, and nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// What of.
    pub dimension: String,
    /// How much, as text: only the contract's own form is taken.
    pub quantity: String,
    /// When.
    pub at: Timestamp,
}

/// A record that may be added, and to what: the first of the hours that is absent or open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// How much.
    pub quantity: Quantity,
    /// Its own hour first, then the running one, then the next; never empty.
    pub targets: Vec<Target>,
}

/// An hour that a record may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Which.
    pub key: EntryKey,
    /// Whether it is another than the record's own.
    pub carried: bool,
    /// When the hour is to be sealed.
    pub due: Timestamp,
}

words! {
    /// Why a record is not taken. Others of the same request are.
    Rejection, "must be a code of rejection" {
        /// The quantity is none of the contract's.
        QuantityInvalid = "QUANTITY_INVALID",
        /// The product meters nothing of this name.
        DimensionUnknown = "DIMENSION_UNKNOWN",
        /// The id was used for other content.
        IdConflict = "ID_CONFLICT",
        /// More than five minutes ahead.
        InFuture = "IN_FUTURE",
        /// More than 35 days ago.
        TooOld = "TOO_OLD",
        /// Before the first agreement started.
        BeforeStart = "BEFORE_START",
        /// After the last agreement ended, or too late for its last hour.
        AfterEnd = "AFTER_END",
    }
}

impl Chain {
    /// Judges a record: the hours that it may go to, in order.
    ///
    /// # Errors
    /// The first [`Rejection`] that applies.
    pub fn judge(&self, usage: &Usage, now: Timestamp) -> Result<Candidate, Rejection> {
        let quantity = usage.quantity.parse().map_err(|_| Rejection::QuantityInvalid)?;
        self.dimension(&usage.dimension).ok_or(Rejection::DimensionUnknown)?;
        if usage.at > now.after(LATEST_AHEAD) {
            return Err(Rejection::InFuture);
        }
        if usage.at < now.before(OLDEST) {
            return Err(Rejection::TooOld);
        }
        if self.agreements.first().and_then(Metered::start).is_some_and(|start| usage.at < start) {
            return Err(Rejection::BeforeStart);
        }
        let targets = self.targets(usage, now);
        if targets.is_empty() { Err(Rejection::AfterEnd) } else { Ok(Candidate { quantity, targets }) }
    }

    fn targets(&self, usage: &Usage, now: Timestamp) -> Vec<Target> {
        let own = Hour::of(usage.at);
        let Some(home) = self.agreements.iter().find(|agreement| !agreement.has_ended(usage.at)) else {
            return Vec::new();
        };
        let mut hours = Vec::new();
        // Between two agreements of a chain, usage belongs to the later one, from its start on.
        let first = Hour::of(home.start().map_or(usage.at, |start| usage.at.max(start)));
        if home.takes_late(first, now) {
            hours.push((home, first));
        }
        if let Some(live) = self.live(now) {
            let running = Hour::of(live.start().map_or(now, |start| now.max(start)));
            hours.extend([(live, running), (live, running.next())]);
        } else if let Some((last, end)) = self.agreements.last().and_then(|last| Some((last, last.end?))) {
            let running = Hour::of(end.before(Duration::from_seconds(1)));
            if now < last.seal_due(running) {
                hours.push((last, running));
            }
        }
        let mut targets: Vec<Target> = Vec::new();
        for (agreement, hour) in hours {
            let key = EntryKey { chain: self.id, agreement: agreement.id, hour, dimension: usage.dimension.clone() };
            // An hour after the agreement's end cannot be reported.
            let within = agreement.end.is_none_or(|end| hour.start() < end);
            if within && targets.iter().all(|target| target.key != key) {
                targets.push(Target { key, carried: hour != own, due: agreement.seal_due(hour) });
            }
        }
        targets
    }
}

impl Metered {
    /// Whether an hour may still be opened for usage that comes late.
    fn takes_late(&self, hour: Hour, now: Timestamp) -> bool {
        let last = self.end.map_or(hour.end(), |end| end.min(hour.end())).before(Duration::from_seconds(1));
        let in_time = now.after(TIME_TO_SEND) < Hour::deadline(last);
        let before_door = self.end.is_none_or(|end| now.after(TIME_TO_FLUSH) < Hour::door(end));
        in_time && before_door
    }
}
