//! An hour of the ledger and its transitions. Each consumes what was and makes what is; nothing goes back to `Open`, and
//! what was sealed is never changed.

use std::fmt;

use crate::id::AgreementId;
use crate::time::Timestamp;
use crate::usage::variant::{self, Variant};
use crate::usage::{Hour, Quantity};
use crate::words::words;

/// Which hour of the ledger: of one agreement and one dimension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// The chain that the agreement is of.
    pub chain: AgreementId,
    /// The agreement that is billed.
    pub agreement: AgreementId,
    /// The hour.
    pub hour: Hour,
    /// The dimension's API name.
    pub dimension: String,
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.agreement, self.hour, self.dimension)
    }
}

/// An hour of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub key: EntryKey,
    /// What was added while it was open.
    pub taken: Taken,
    /// How far it is.
    pub state: State,
    /// Counts transitions; adds leave it alone.
    pub version: u64,
}

/// What was added to an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// All of it.
    pub accepted: Quantity,
    /// Of it, what happened in another hour.
    pub carried: Quantity,
    /// How many records.
    pub records: u64,
}

/// How far an hour is, with what is true only then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Usage is added.
    Open,
    /// What is reported is fixed, and was never sent.
    Sealed(Sealed),
    /// It was sent, and the last word is not spoken.
    Sending(Sealed, Attempts),
    /// The marketplace does not know the subscription (yet): sent again.
    Held(Sealed, Attempts),
    /// The marketplace has it.
    Confirmed(Sealed, Attempts, Receipt),
    /// It needs a person.
    Quarantined(Sealed, Attempts, Reason),
    /// The marketplace takes it no more.
    Expired(Sealed, Attempts, Reason),
}

words! {
    /// A state's name.
    StateName, "must be a state of an hour" {
        /// Usage is added.
        Open = "open",
        /// Fixed, never sent.
        Sealed = "sealed",
        /// Sent, not settled.
        Sending = "sending",
        /// Waits for the subscription.
        Held = "held",
        /// Taken by the marketplace.
        Confirmed = "confirmed",
        /// Needs a person.
        Quarantined = "quarantined",
        /// Lost.
        Expired = "expired",
    }
}

/// What sealing fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// When it was sealed.
    pub at: Timestamp,
    /// What is reported, the same at each attempt.
    pub record: Record,
    /// What earlier hours had left for this one.
    pub brought: Quantity,
    /// What the contract includes.
    pub included: Quantity,
    /// What is left for a later hour.
    pub left: Quantity,
}

/// A report, beside its dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The licence that is billed.
    pub license_arn: String,
    /// The buyer's account.
    pub account: String,
    /// The product's code, for batching alone.
    pub product_code: String,
    /// Where it is sent.
    pub region: String,
    /// Its time, inside the hour and the licence.
    pub timestamp: Timestamp,
    /// How much.
    pub quantity: Quantity,
}

/// How often a report was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// Attempts so far, each counted before it is sent.
    pub count: u32,
    /// Of them, those whose outcome nobody knows: the marketplace may have taken them.
    pub unresolved: u32,
}

/// How the marketplace confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The MeteringRecordId; none when a duplicate of our own confirmed it.
    pub record_id: Option<String>,
    /// When we learnt it.
    pub at: Timestamp,
}

words! {
    /// Why an hour was not confirmed.
    Reason, "must be a reason of the ledger" {
        /// The first attempt was a duplicate: somebody else reported this hour.
        ReportedElsewhere = "REPORTED_ELSEWHERE",
        /// No active subscription.
        NotSubscribed = "CUSTOMER_NOT_SUBSCRIBED",
        /// More than a day old.
        WindowClosed = "WINDOW_CLOSED",
        /// Its month was closed.
        MonthClosed = "MONTH_CLOSED",
        /// It lies before the licence's start.
        BeforeStart = "BEFORE_START",
        /// It lies after its agreement's end, which was heard of later.
        AfterEnd = "AFTER_END",
        /// A status that is not known here.
        UnknownStatus = "UNKNOWN_STATUS",
        /// A refusal that is not known here.
        UnknownError = "UNKNOWN_ERROR",
        /// The dimension is not the listing's.
        InvalidUsageDimension = "INVALID_USAGE_DIMENSION",
        /// The licence is not this buyer's, or not active then.
        InvalidLicense = "INVALID_LICENSE",
        /// The product is not the seller's.
        InvalidProductCode = "INVALID_PRODUCT_CODE",
        /// The buyer is not known.
        InvalidCustomer = "INVALID_CUSTOMER_IDENTIFIER",
        /// The time is not taken.
        TimestampOutOfBounds = "TIMESTAMP_OUT_OF_BOUNDS",
        /// Its tags or shares are not taken.
        InvalidAllocations = "INVALID_USAGE_ALLOCATIONS",
    }
}

/// What one attempt learnt of one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Taken, under this id.
    Success(String),
    /// The hour was reported before.
    Duplicate,
    /// No active subscription.
    NotSubscribed,
    /// Surely not taken, and not for its own sake: unprocessed, throttled, denied.
    NotTaken,
    /// Surely not taken, for its own sake.
    Refused(Reason),
    /// A status that is not known here.
    UnknownStatus,
    /// No answer: it may have been taken.
    Nothing,
}

/// A transition that the hour's state forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an hour that is {from} cannot be {action}")]
pub struct EntryError {
    /// The state it is in.
    pub from: StateName,
    /// What was asked for.
    pub action: &'static str,
}

impl State {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> StateName {
        match self {
            Self::Open => StateName::Open,
            Self::Sealed(..) => StateName::Sealed,
            Self::Sending(..) => StateName::Sending,
            Self::Held(..) => StateName::Held,
            Self::Confirmed(..) => StateName::Confirmed,
            Self::Quarantined(..) => StateName::Quarantined,
            Self::Expired(..) => StateName::Expired,
        }
    }

    /// What sealing fixed, once it was.
    #[must_use]
    pub const fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::Open => None,
            Self::Sealed(sealed)
            | Self::Sending(sealed, _)
            | Self::Held(sealed, _)
            | Self::Confirmed(sealed, ..)
            | Self::Quarantined(sealed, ..)
            | Self::Expired(sealed, ..) => Some(sealed),
        }
    }

    /// How often it was sent.
    #[must_use]
    pub const fn attempts(&self) -> Attempts {
        match self {
            Self::Open | Self::Sealed(_) => Attempts { count: 0, unresolved: 0 },
            Self::Sending(_, attempts)
            | Self::Held(_, attempts)
            | Self::Confirmed(_, attempts, _)
            | Self::Quarantined(_, attempts, _)
            | Self::Expired(_, attempts, _) => *attempts,
        }
    }

    /// Why it was not confirmed, if it was not.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Held(..) => Some(Reason::NotSubscribed),
            Self::Quarantined(_, _, reason) | Self::Expired(_, _, reason) => Some(*reason),
            _ => None,
        }
    }
}

impl Attempts {
    const fn one_more(self) -> Self {
        Self { count: self.count.saturating_add(1), unresolved: self.unresolved.saturating_add(1) }
    }

    /// The last attempt's outcome is known.
    const fn resolved(self) -> Self {
        Self { unresolved: self.unresolved.saturating_sub(1), ..self }
    }
}

impl Entry {
    /// An hour that nothing was added to.
    #[must_use]
    pub const fn open(key: EntryKey, taken: Taken) -> Self {
        Self { key, taken, state: State::Open, version: 0 }
    }

    /// Counts an attempt, before it is sent: until its answer is written, its outcome is unknown.
    ///
    /// # Errors
    /// When there is nothing to send.
    pub fn attempt(self) -> Result<Self, EntryError> {
        let from = self.state.name();
        let (sealed, attempts) = match self.state {
            State::Sealed(sealed) => (sealed, Attempts::default()),
            State::Sending(sealed, attempts) | State::Held(sealed, attempts) => (sealed, attempts),
            _ => return Err(EntryError { from, action: "sent" }),
        };
        Ok(Self { state: State::Sending(sealed, attempts.one_more()), version: self.version + 1, ..self })
    }

    /// Whether the marketplace takes it no more.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Sealed(_) | State::Sending(..) | State::Held(..))
            && self.state.sealed().is_some_and(|sealed| now >= Hour::deadline(sealed.record.timestamp))
    }

    /// Gives up an hour that the marketplace takes no more.
    ///
    /// # Errors
    /// When it is not overdue.
    pub fn expire(self, now: Timestamp) -> Result<Self, EntryError> {
        let refusal = EntryError { from: self.state.name(), action: "expired" };
        if !self.is_overdue(now) {
            return Err(refusal);
        }
        let attempts = self.state.attempts();
        let Some(sealed) = self.state.sealed().cloned() else { return Err(refusal) };
        let time = sealed.record.timestamp;
        let month = Hour::deadline(time) == Hour::month_close(time);
        let reason = if month { Reason::MonthClosed } else { Reason::WindowClosed };
        Ok(Self { state: State::Expired(sealed, attempts, reason), version: self.version + 1, ..self })
    }

    /// What an answer makes of the hour; `gone` says whether its agreement [is](crate::usage::Metered::is_gone). Answers may come late and twice:
    /// what they say of an hour that is settled already changes nothing, but for a success, which is always true.
    #[must_use]
    pub fn answered(self, reply: &Reply, gone: bool, now: Timestamp) -> Self {
        let Some(sealed) = self.state.sealed().cloned() else { return self };
        let attempts = self.state.attempts();
        let receipt = |record_id| Receipt { record_id, at: now };
        let state = match (&self.state, reply) {
            (State::Confirmed(_, _, Receipt { record_id: Some(_), .. }), _) => return self,
            (_, Reply::Success(id)) => {
                State::Confirmed(sealed, Attempts { unresolved: 0, ..attempts }, receipt(Some(id.clone())))
            }
            (State::Sending(..) | State::Held(..), reply) => settle(sealed, attempts, reply, gone, receipt(None), now),
            _ => return self,
        };
        if state == self.state { self } else { Self { state, version: self.version + 1, ..self } }
    }

    /// Sends a quarantined or held hour again, as it was sealed, after a person mended the cause.
    ///
    /// # Errors
    /// When the hour is in another state, or the marketplace takes it no more.
    pub fn replay(self, now: Timestamp) -> Result<Self, EntryError> {
        let refusal = EntryError { from: self.state.name(), action: "replayed" };
        let (sealed, attempts) = match self.state {
            State::Quarantined(sealed, attempts, _) | State::Held(sealed, attempts) => (sealed, attempts),
            _ => return Err(refusal),
        };
        if now >= Hour::deadline(sealed.record.timestamp) {
            return Err(refusal);
        }
        Ok(Self { state: State::Sending(sealed, attempts), version: self.version + 1, ..self })
    }
}

/// What an answer makes of a report on its way.
fn settle(sealed: Sealed, attempts: Attempts, reply: &Reply, gone: bool, receipt: Receipt, now: Timestamp) -> State {
    let resolved = attempts.resolved();
    match reply {
        // Ours, if an earlier attempt may have been taken; else somebody else reported the hour, and what they reported
        // stays: whether the difference is owed is for a person to say.
        Reply::Duplicate if attempts.unresolved > 1 || variant::is(Variant::BenignDuplicates) => {
            State::Confirmed(sealed, Attempts { unresolved: 0, ..attempts }, receipt)
        }
        Reply::Duplicate => State::Quarantined(sealed, resolved, Reason::ReportedElsewhere),
        Reply::NotSubscribed if gone => State::Expired(sealed, resolved, Reason::NotSubscribed),
        Reply::NotSubscribed => State::Held(sealed, resolved),
        Reply::Refused(Reason::TimestampOutOfBounds) if now >= Hour::deadline(sealed.record.timestamp) => {
            State::Expired(sealed, resolved, Reason::WindowClosed)
        }
        Reply::Refused(reason) => State::Quarantined(sealed, resolved, *reason),
        Reply::UnknownStatus => State::Quarantined(sealed, attempts, Reason::UnknownStatus),
        Reply::NotTaken => State::Sending(sealed, resolved),
        Reply::Nothing | Reply::Success(_) => State::Sending(sealed, attempts),
    }
}
