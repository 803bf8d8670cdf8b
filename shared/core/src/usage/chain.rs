//! What the ledger knows of agreements: a chain of them (renewals, replacements), each with its time and its rights.

use crate::id::AgreementId;
use crate::slug::Slug;
use crate::time::{Duration, Timestamp};
use crate::usage::quantity::Quantity;
use crate::usage::{Hour, Reason, StateName};
use crate::words::words;

/// A marketplace knows a subscription so long after its start at the latest. Nothing is lost by waiting for it: an agreement's
/// door shuts as long after its end.
const KNOWN_AFTER: Duration = Duration::hours(1);

/// A chain of agreements, which share one licence, one set of record ids and one remainder a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The first agreement: names the chain.
    pub id: AgreementId,
    /// The product that is used.
    pub product: Slug,
    /// Its agreements, oldest first; never empty.
    pub agreements: Vec<Metered>,
    /// What is metered of the product.
    pub dimensions: Vec<Dimension>,
    /// How long an hour is kept once it is confirmed.
    pub retention: Duration,
}

/// An agreement, as far as metering goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metered {
    /// Which agreement.
    pub id: AgreementId,
    /// What the marketplace knows it by, once its licence is there.
    pub activated: Option<Activated>,
    /// The instant of its end, once that is known.
    pub end: Option<Timestamp>,
    /// Another agreement has taken its place then, and is not known yet: that ends nothing. Usage is taken, and hours after it
    /// wait for that agreement.
    pub left: Option<Timestamp>,
    /// What was bought of its dimensions, and when it was in force.
    pub entitled: Vec<Entitled>,
}

/// What a licence of the marketplace is: from then on usage can be reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activated {
    /// From when, as well as that is known.
    pub start: Timestamp,
    /// By when for certain, by the marketplace's clock: usage with an earlier time may be refused.
    pub surely_by: Timestamp,
    /// The LicenseArn as it was given.
    pub license_arn: String,
    /// The buyer's account.
    pub account: String,
    /// The product's code at the marketplace: usage of several codes never goes into one call.
    pub product_code: String,
    /// Where its usage is reported. One region for good: two would bill twice.
    pub region: String,
}

/// A dimension that is metered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Its API name at the marketplace.
    pub name: String,
    /// Whether fractions can be reported.
    pub unit: Unit,
    /// What of it is paid already.
    pub included: Included,
}

words! {
    /// Whether a dimension's fractions can be reported.
    Unit, "must be `integral` or `decimal`" {
        /// Whole units: what is left is carried to the next hour.
        Integral = "integral",
        /// Up to six decimals.
        Decimal = "decimal",
    }
}

words! {
    /// What of a dimension a contract includes.
    Included, "must be `none` or `per_hour`" {
        /// All of it is billed.
        None = "none",
        /// So many units an hour as were bought; what exceeds them is billed.
        PerHour = "per_hour",
    }
}

/// So many units of a dimension, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitled {
    /// The dimension's API name.
    pub dimension: String,
    /// How many units.
    pub quantity: Quantity,
    /// From when.
    pub from: Timestamp,
    /// Until when, that instant not included; none while it is in force.
    pub until: Option<Timestamp>,
}

impl Chain {
    /// The agreement of this id.
    #[must_use]
    pub fn agreement(&self, id: AgreementId) -> Option<&Metered> {
        self.agreements.iter().find(|agreement| agreement.id == id)
    }

    /// The dimension of this name.
    #[must_use]
    pub fn dimension(&self, name: &str) -> Option<&Dimension> {
        self.dimensions.iter().find(|dimension| dimension.name == name)
    }

    /// Whether no agreement of the chain goes on after `now`, so that what is left of a unit is never billed.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.agreements.iter().all(|agreement| agreement.has_ended(now))
    }

    /// The agreement that goes on after `now`: the oldest, if there is more than one.
    #[must_use]
    pub fn live(&self, now: Timestamp) -> Option<&Metered> {
        self.agreements.iter().find(|agreement| !agreement.has_ended(now))
    }

    /// The agreement that is billed for an hour outside of its own agreement's time, if there is one: after its end the one
    /// that goes on; before its start itself, since between two agreements usage belongs to the later one. Before the first
    /// one's start there is none, but where it may have started already.
    pub(super) fn billed_instead(&self, of: &Metered, hour: Hour, why: Reason, now: Timestamp) -> Option<&Metered> {
        let first = self.agreements.first().is_some_and(|first| first.id == of.id);
        match why {
            Reason::AfterEnd => self.live(now),
            _ if first && of.start().is_some_and(|start| start >= hour.end()) => None,
            _ => self.agreement(of.id).filter(|agreement| !agreement.has_ended(now)),
        }
    }

    /// An entry for people: what becomes of the remainder.
    #[must_use]
    pub fn remainder_fate(&self, now: Timestamp) -> &'static str {
        if self.has_ended(now) { "WRITTEN_OFF_AT_END" } else { "CARRIED" }
    }
}

impl Metered {
    /// When its licence started, if that is known.
    #[must_use]
    pub fn start(&self) -> Option<Timestamp> {
        self.activated.as_ref().map(|activated| activated.start)
    }

    /// Whether it has ended by `now`.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.end.is_some_and(|end| end <= now)
    }

    /// Whether a marketplace that does not know its subscription by `now` never will: it has ended, and started so long ago
    /// that the marketplace has heard of it, which may take a while.
    #[must_use]
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.has_ended(now) && self.start().is_none_or(|start| start.after(KNOWN_AFTER) <= now)
    }

    /// What an hour includes of a dimension: the largest entitlement in force during it.
    #[must_use]
    pub fn included(&self, dimension: &Dimension, hour: Hour) -> Quantity {
        if dimension.included == Included::None {
            return Quantity::ZERO;
        }
        let in_force = |entitled: &&Entitled| {
            entitled.dimension == dimension.name
                && entitled.from < hour.end()
                && entitled.until.is_none_or(|until| until > hour.start())
        };
        self.entitled.iter().filter(in_force).map(|entitled| entitled.quantity).max().unwrap_or_default()
    }
}

impl StateName {
    /// Whether an hour in this state is done with.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Confirmed | Self::Expired)
    }
}
