//! What is known of an agreement. Facts only grow: two that disagree are settled by a rule that knows no order.

use serde::{Deserialize, Serialize};

use super::since::Since;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// How an agreement is paid.
    Pricing, "must be `contract`, `subscription` or `contract-with-consumption`" {
        /// Up front, for a term.
        Contract = "contract",
        /// By usage alone.
        Subscription = "subscription",
        /// Up front, and what exceeds it by usage.
        ContractWithConsumption = "contract-with-consumption",
    }
}

words! {
    /// How an agreement ended. Only a positive statement of the cloud ends one.
    How, "must be a way in which agreements end" {
        /// Its licence was taken back; nobody has said why.
        Deprovisioned = "deprovisioned",
        /// Its time was over.
        Expired = "expired",
        /// Buyer or seller cancelled it, or payment failed.
        Cancelled = "cancelled",
        /// The cloud or the seller ended it before its time.
        Terminated = "terminated",
    }
}

words! {
    /// What took an agreement's place.
    Succession, "must be `renewed` or `replaced`" {
        /// The same again, for another term.
        Renewed = "renewed",
        /// Another offer.
        Replaced = "replaced",
    }
}

/// What the cloud has said of an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When it was made, as far as we know: the earliest that was said.
    pub requested: Timestamp,
    /// Since when its licence is provisioned, which is when it is paid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provisioned: Option<Since>,
    /// Another agreement takes its place. That alone ends nothing: the other may not be here yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub superseded: Option<Superseded>,
    /// It is over, and stays over: a buyer who comes back makes a new agreement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended: Option<Ended>,
    /// Whether the cloud has stopped it for a while, and since when that is so: the latest that was said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suspended: Option<(Timestamp, bool)>,
}

/// Another agreement takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superseded {
    /// Since when.
    pub since: Since,
    /// How.
    pub how: Succession,
}

/// An agreement is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Since when.
    pub since: Since,
    /// How: the word that says most, in the order of [`How`].
    pub how: How,
}

/// What an agreement is, with what is true only then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Made; payment is not confirmed.
    Requested {
        /// Since when.
        since: Timestamp,
    },
    /// Paid, its licence provisioned.
    Active {
        /// Since when.
        since: Timestamp,
    },
    /// Stopped for a while by the cloud.
    Suspended {
        /// Since when.
        since: Timestamp,
    },
    /// Another agreement is taking its place; it works on until that one does.
    Ending {
        /// Since when.
        at: Timestamp,
        /// How.
        how: Succession,
    },
    /// Over.
    Ended {
        /// Since when.
        at: Timestamp,
        /// How.
        how: How,
    },
}

impl State {
    /// The state's name, as the wire has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested { .. } => "requested",
            Self::Active { .. } => "active",
            Self::Suspended { .. } => "suspended",
            Self::Ending { .. } => "ending",
            Self::Ended { .. } => "ended",
        }
    }
}

impl Facts {
    /// Made at `requested`, nothing else known.
    #[must_use]
    pub const fn new(requested: Timestamp) -> Self {
        Self { requested, provisioned: None, superseded: None, ended: None, suspended: None }
    }

    /// What they mean.
    #[must_use]
    pub fn state(&self) -> State {
        match (self.ended, self.superseded, self.suspended, self.provisioned) {
            (Some(Ended { since, how }), ..) => State::Ended { at: since.at(), how },
            (None, Some(Superseded { since, how }), ..) => State::Ending { at: since.at(), how },
            (None, None, Some((since, true)), _) => State::Suspended { since },
            (None, None, _, Some(since)) => State::Active { since: since.at() },
            (None, None, _, None) => State::Requested { since: self.requested },
        }
    }

    /// These facts and those. The order of the two makes no difference, nor does saying one twice.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            requested: self.requested.min(other.requested),
            provisioned: either(self.provisioned, other.provisioned, Since::and),
            superseded: either(self.superseded, other.superseded, |one, other| Superseded {
                since: one.since.and(other.since),
                how: one.how.max(other.how),
            }),
            ended: either(self.ended, other.ended, |one, other| Ended {
                since: one.since.and(other.since),
                how: one.how.max(other.how),
            }),
            suspended: either(self.suspended, other.suspended, Ord::max),
        }
    }
}

fn either<T>(one: Option<T>, other: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(both(one, other)),
        (one, other) => one.or(other),
    }
}

/// So much of a dimension, as the cloud said it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entitlement {
    /// The dimension's API name.
    pub dimension: String,
    /// How much.
    pub value: EntitlementValue,
    /// Until when at least: with automatic renewal it goes on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
}

/// A value with the type that the cloud sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntitlementValue {
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A decimal.
    Double(f64),
    /// A word, such as `Enabled`.
    Text(String),
}

/// What was bought, as one read told it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What was bought.
    pub entitlements: Vec<Entitlement>,
    /// From when that was so: the start of the first read that told it.
    pub from: Timestamp,
}
