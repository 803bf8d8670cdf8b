//! One purchase: what was bought, how far it has come, and what that means at a given time.

use marque_core::{Duration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::listing::{ISSUER_ACCOUNT, Pricing};

/// How long a contract runs.
const TERM: Duration = Duration::days(365);
/// How long usage is taken after the end.
const LAST_USAGE: Duration = Duration::hours(1);

/// A purchase, which is an agreement and its licence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Purchase {
    /// `agmt-…`.
    pub(crate) agreement: String,
    /// The tail of the LicenseArn: `l-…`.
    pub(crate) license: String,
    pub(crate) product_code: String,
    /// The buyer's account.
    pub(crate) account: String,
    pub(crate) offer: String,
    pub(crate) pricing: Pricing,
    pub(crate) intent: Intent,
    /// The agreement that this one renews or replaces.
    pub(crate) previous: Option<String>,
    /// The first agreement of the chain.
    pub(crate) initial: String,
    /// A channel partner made the offer.
    pub(crate) via_partner: bool,
    /// At its end the term moves on by a year, without an event.
    pub(crate) auto_renew: bool,
    pub(crate) start: Timestamp,
    /// None for agreements without an end, which AWS writes as a day of the year 9999.
    pub(crate) end: Option<Timestamp>,
    /// What was bought, each version from its time on: versions are kept for readers that lag behind.
    pub(crate) grants: Vec<Grant>,
    pub(crate) stage: Stage,
}

/// Why an agreement was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Intent {
    New,
    Renew,
    Replace,
}

impl Intent {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Renew => "RENEW",
            Self::Replace => "REPLACE",
        }
    }

    /// What becomes of the agreement that this one takes the place of.
    pub(crate) const fn ending(self) -> Ending {
        match self {
            Self::Replace => Ending::Replaced,
            Self::New | Self::Renew => Ending::Renewed,
        }
    }
}

/// How far a purchase has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Accepted; payment is not confirmed.
    Pending,
    /// Its licence is provisioned.
    Active { since: Timestamp },
    /// Over.
    Ended {
        /// When its licence was provisioned, if it ever was.
        since: Option<Timestamp>,
        at: Timestamp,
        how: Ending,
    },
}

/// How an agreement ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ending {
    Cancelled,
    Expired,
    Renewed,
    Replaced,
}

impl Ending {
    pub(crate) const fn status(self) -> &'static str {
        match self {
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
            Self::Renewed => "RENEWED",
            Self::Replaced => "REPLACED",
        }
    }
}

/// What was bought, from a time on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) from: Timestamp,
    pub(crate) entitlements: Vec<Entitled>,
}

/// So much of a dimension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entitled {
    /// The dimension.
    pub dimension: String,
    /// An integer, a decimal, a truth value or a text.
    pub value: Value,
}

/// Whether usage of a licence is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subscribed {
    Yes,
    NotYet,
    NoMore,
}

impl Purchase {
    /// How long the term of a purchase runs that begins at `start`.
    pub(crate) fn term(pricing: Pricing, start: Timestamp) -> Option<Timestamp> {
        pricing.is_entitled().then(|| start.after(TERM))
    }

    /// The ARN as ResolveCustomer and GetEntitlements give it, and as usage must name it.
    pub(crate) fn license_arn(&self) -> String {
        format!("arn:aws:license-manager::{ISSUER_ACCOUNT}:license:{}", self.license)
    }

    /// The ARN as events print it: without `arn:`, with a region.
    pub(crate) fn license_arn_in_events(&self) -> String {
        format!("aws:license-manager:us-east-1:{ISSUER_ACCOUNT}:license:{}", self.license)
    }

    /// The agreement's status as its API tells it.
    pub(crate) const fn status(&self) -> &'static str {
        match self.stage {
            Stage::Pending | Stage::Active { .. } => "ACTIVE",
            Stage::Ended { how, .. } => how.status(),
        }
    }

    /// When its licence was provisioned, if it ever was.
    pub(crate) const fn since(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Pending => None,
            Stage::Active { since } => Some(since),
            Stage::Ended { since, .. } => since,
        }
    }

    pub(crate) const fn ended_at(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Ended { at, .. } => Some(at),
            _ => None,
        }
    }

    /// Whether usage is taken at `now`, for a reader that learns of activations `lag` late.
    pub(crate) fn subscribed(&self, now: Timestamp, lag: Duration) -> Subscribed {
        let known = self.since().is_some_and(|since| since.after(lag) <= now);
        match self.ended_at() {
            Some(end) if end.after(LAST_USAGE) <= now => Subscribed::NoMore,
            _ if known => Subscribed::Yes,
            _ => Subscribed::NotYet,
        }
    }

    /// What GetEntitlements tells at `now`, for a reader that learns of changes `lag` late.
    pub(crate) fn entitlements(&self, now: Timestamp, lag: Duration) -> &[Entitled] {
        let granted = self.pricing.is_entitled()
            && self.since().is_some_and(|since| since.after(lag) <= now)
            && self.ended_at().is_none_or(|end| end.after(lag) > now);
        let seen = self.grants.iter().rev().find(|grant| grant.from.after(lag) <= now);
        match seen {
            Some(grant) if granted => &grant.entitlements,
            _ => &[],
        }
    }
}
