//! Products and plans: what the publisher sells, as plain data.

use std::fmt;

use serde_json::{Map, Value};

use crate::calendar::Period;
use crate::fingerprint::FingerprintKind;
use crate::listing::Listing;
use crate::slug::Slug;
use crate::time::Duration;
use crate::usage::Retention;
use crate::words::words;

/// What the publisher sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The name in paths, tokens and fingerprints.
    pub slug: Slug,
    /// The name for people.
    pub name: String,
    /// What its licences are bound to.
    pub fingerprint_kind: FingerprintKind,
    /// Where the clouds list it.
    pub marketplace: Vec<Listing>,
    /// How long hours of usage are kept once they are confirmed.
    pub usage_retention: Retention,
}

/// One revision of a plan. Revisions are never overwritten: a licence keeps the one it was sold under.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The name for people.
    pub name: String,
    /// The kind of licence, with what only that kind has.
    pub terms: Terms,
    /// How long a lease lets a server run without contact.
    pub lease: Duration,
    /// How many domains one licence may be bound to at a time.
    pub activations: Activations,
    /// How often in 365 days a licence may move to another domain.
    pub rebinds_per_year: u8,
    /// Whether it can be bought.
    pub sale: Sale,
    /// What the product may switch on; Marque only carries it.
    pub features: Map<String, Value>,
    /// How many licences of this plan one person may ask for.
    pub trials_per_person: Option<u16>,
    /// The highest discount that support may approve.
    pub discount_max: Percent,
    /// How many days before the end to write to the customer, most first.
    pub reminders: Vec<u16>,
}

/// What a plan's kind means for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terms {
    /// Free for a while, once a person and once a domain.
    Trial {
        /// How long it lasts.
        length: Period,
        /// When its clock starts.
        starts: Starts,
        /// How long it works on after its end.
        grace: Duration,
    },
    /// Paid period by period.
    Subscription {
        /// How long one period lasts; none where a cloud says how far it is paid.
        period: Option<Period>,
        /// When its clock starts.
        starts: Starts,
        /// How long it works on after the paid period; at least [`MIN_GRACE`].
        grace: Duration,
    },
    /// Paid once, for ever.
    Perpetual,
}

/// The least grace of a subscription: a card that fails on a Friday must not stop a domain on Saturday.
pub const MIN_GRACE: Duration = Duration::days(3);

impl Plan {
    /// The kind of licence.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self.terms {
            Terms::Trial { .. } => Kind::Trial,
            Terms::Subscription { .. } => Kind::Subscription,
            Terms::Perpetual => Kind::Perpetual,
        }
    }

    /// The length of one paid period; none for perpetual plans and where a cloud says how far it is paid.
    #[must_use]
    pub const fn period(&self) -> Option<Period> {
        match self.terms {
            Terms::Trial { length, .. } => Some(length),
            Terms::Subscription { period, .. } => period,
            Terms::Perpetual => None,
        }
    }

    /// How long a licence works on after its paid time.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        match self.terms {
            Terms::Trial { grace, .. } | Terms::Subscription { grace, .. } => grace,
            Terms::Perpetual => Duration::ZERO,
        }
    }

    /// When the clock of a licence starts.
    #[must_use]
    pub const fn starts(&self) -> Starts {
        match self.terms {
            Terms::Trial { starts, .. } | Terms::Subscription { starts, .. } => starts,
            Terms::Perpetual => Starts::Issue,
        }
    }

    /// Where the plan stands among the others: a change to a higher or equal one is at once, to a lower one at the end.
    #[must_use]
    pub fn rank(&self) -> u32 {
        match self.terms {
            Terms::Trial { .. } => 0,
            Terms::Subscription { period, .. } => 1 + period.map_or(0, Period::about_days),
            Terms::Perpetual => u32::MAX,
        }
    }
}

words! {
    /// The kind of a licence.
    Kind, "must be `trial`, `subscription` or `perpetual`" {
        /// Free for a while.
        Trial = "trial",
        /// Paid period by period.
        Subscription = "subscription",
        /// Paid once, for ever.
        Perpetual = "perpetual",
    }
}

words! {
    /// When the clock of a licence starts.
    Starts, "must be `issue` or `activation`" {
        /// The moment it is issued.
        Issue = "issue",
        /// Its first activation, once.
        Activation = "activation",
    }
}

words! {
    /// Whether a plan can be bought.
    Sale, "must be `sellable`, `legacy` or `hidden`" {
        /// New sales and changes to it.
        Sellable = "sellable",
        /// Renews what was sold; no new sales.
        Legacy = "legacy",
        /// As legacy, and not shown to customers; registrations and agreements may use it.
        Hidden = "hidden",
    }
}

/// How many domains a licence may be bound to at a time: 1 to 8, since they live inside the licence's item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activations(u8);

impl Activations {
    /// One domain, one licence.
    pub const ONE: Self = Self(1);

    /// So many; `None` outside of 1 to 8.
    #[must_use]
    pub fn new(count: u64) -> Option<Self> {
        u8::try_from(count).ok().filter(|count| (1..=8).contains(count)).map(Self)
    }

    /// How many.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// A discount in whole percent, 0 to 50: no plan may allow more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Percent(u8);

impl Percent {
    /// So much; `None` above 50.
    #[must_use]
    pub fn new(percent: u64) -> Option<Self> {
        u8::try_from(percent).ok().filter(|percent| *percent <= 50).map(Self)
    }

    /// Whole percent.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// A plan as a licence names it: with its revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanRef {
    /// The plan.
    pub plan: Slug,
    /// Its revision, from 1.
    pub revision: u32,
}

impl fmt::Display for PlanRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.plan, self.revision)
    }
}

/// A plan's revision with its content: what a licence is issued, renewed or changed to.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// Which one.
    pub reference: PlanRef,
    /// What it says.
    pub plan: Plan,
}
