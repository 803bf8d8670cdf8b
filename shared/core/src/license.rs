//! A licence: what was sold to whom, how far it is paid, and which domains hold it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::calendar::{Day, Period};
use crate::event::Head;
use crate::fingerprint::{FingerprintKind, FingerprintValue};
use crate::id::{ActivationId, CustomerId, LicenseId, TokenId};
use crate::plan::{Offer, Plan, PlanRef, Starts, Terms};
use crate::slug::Slug;
use crate::time::{Duration, Timestamp};
use crate::words::words;

/// What a cloud's proof or agreement pays for has a grace of so long at least: the next word of the cloud may be late.
const CLOUD_GRACE: Duration = Duration::days(7);

/// A licence as it is stored: facts alone. What they mean at a given time is reckoned, see [`License::position`].
#[derive(Debug, Clone, PartialEq)]
pub struct License {
    /// Never reused.
    pub id: LicenseId,
    /// Which product it is for.
    pub product: Slug,
    /// What it is bound to.
    pub fingerprint_kind: FingerprintKind,
    /// Whose it is.
    pub customer: CustomerId,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Whether support has stopped it.
    pub standing: Standing,
    /// The term that runs, or the last one that ran.
    pub running: Term,
    /// The term that begins when the running one ends.
    pub next: Option<Term>,
    /// What is to happen when the paid time ends.
    pub pending: Pending,
    /// What it switches on beside its plan: the limits that its agreements grant.
    pub features: Map<String, Value>,
    /// The domains that hold it.
    pub activations: BTreeMap<FingerprintValue, Activation>,
    /// Which domains it was bound to, as far as the limits need to know.
    pub bindings: Bindings,
    /// The end of its history.
    pub head: Head,
    /// Counts transitions; checks leave it alone.
    pub version: u64,
}

/// Whether support has stopped a licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has not.
    Live,
    /// Stopped for a while.
    Suspended {
        /// Since when: the days lost are given back.
        since: Timestamp,
    },
    /// Ended for good.
    Revoked {
        /// When.
        at: Timestamp,
    },
}

/// A stretch of time under one revision of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The revision it was sold under.
    pub plan: PlanRef,
    /// How far it is paid.
    pub paid: Paid,
}

/// How far a term is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paid {
    /// Its clock starts at the first activation.
    NotStarted,
    /// Through a last day, which is included, counted in periods from an anchor.
    Through {
        /// Periods are counted from here.
        anchor: Day,
        /// The last paid day.
        through: Day,
    },
    /// To an instant that a cloud's proof or agreement set.
    Until(Timestamp),
    /// For ever.
    Forever,
}

impl Paid {
    /// The last paid second; none for ever and before the start.
    #[must_use]
    pub fn end(self) -> Option<Timestamp> {
        match self {
            Self::Through { through, .. } => Some(through.end()),
            Self::Until(instant) => Some(instant),
            Self::NotStarted | Self::Forever => None,
        }
    }

    /// The first `count` periods from `anchor`.
    #[must_use]
    pub fn from_anchor(anchor: Day, period: Period, count: u32) -> Self {
        Self::Through { anchor, through: anchor.plus_periods(period, count) }
    }

    /// What a licence of this plan has paid when it is made or changed on `today`; `started` tells that its clock has
    /// started before.
    #[must_use]
    pub fn first(plan: &Plan, today: Day, now: Timestamp, started: bool) -> Self {
        match plan.terms {
            Terms::Perpetual => Self::Forever,
            // Whoever states how far it is paid has started it.
            Terms::Subscription { period: None, .. } => Self::Until(now),
            _ if plan.starts() == Starts::Activation && !started => Self::NotStarted,
            Terms::Trial { length: period, .. } | Terms::Subscription { period: Some(period), .. } => {
                Self::from_anchor(today, period, 1)
            }
        }
    }
}

/// What is to happen when the paid time ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    /// The grace, then nothing.
    Nothing,
    /// It ends there, without a grace.
    Cancellation,
    /// If it is renewed, then on this plan.
    Change(Slug),
}

/// The binding of a licence to one domain. Found by the domain's fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    /// Never reused.
    pub id: ActivationId,
    /// When the domain was bound.
    pub bound_at: Timestamp,
    /// The last check that was answered with a lease.
    pub seen: Option<Seen>,
    /// The machine's key: its checks must be signed.
    pub public_key: Option<[u8; 32]>,
    /// The keys of machines that held it before others took it over, the latest first: whoever still signs with one of
    /// them is told so.
    pub replaced_keys: Vec<[u8; 32]>,
    /// How often a caller held neither of the last two leases: more than one server, or a restored one.
    pub forks: u32,
    /// The `.lic` file that was made for this domain.
    pub file: Option<TokenId>,
}

/// What the last check left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When it was.
    pub at: Timestamp,
    /// Which server it was, a UUID: a statistic, it decides nothing.
    pub instance_id: [u8; 16],
    /// Which version of the product it reported: a statistic.
    pub product_version: Option<String>,
    /// The lease that it was given.
    pub lease: TokenId,
    /// The lease before that: a caller whose answer was lost still holds this one.
    pub previous_lease: Option<TokenId>,
}

impl Activation {
    /// A check of this activation is answered.
    pub fn check(&mut self, at: Timestamp, instance_id: [u8; 16], product_version: Option<String>, lease: TokenId) {
        let previous_lease = self.seen.as_ref().map(|seen| seen.lease);
        self.seen = Some(Seen { at, instance_id, product_version, lease, previous_lease });
    }
}

impl Seen {
    /// Whether a caller that holds this lease, or none, is another than the one that was answered last.
    #[must_use]
    pub fn is_fork(&self, held: Option<TokenId>) -> bool {
        held.is_none_or(|held| held != self.lease && Some(held) != self.previous_lease)
    }
}

/// Which domains a licence was bound to, as far as the limits need to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bindings {
    /// The domain that was bound last.
    pub last: Option<FingerprintValue>,
    /// How many domains were bound before any was a rebind; never more than the plan allows at a time.
    pub first_domains: u8,
    /// When the rebinds of the last 365 days were.
    pub rebinds: Vec<Timestamp>,
    /// The day of the last binding, and how many there were on it.
    pub today: Option<(Day, u8)>,
}

/// The plans that a licence's terms name.
#[derive(Debug, Clone, Copy)]
pub struct Plans<'a> {
    /// Of the running term.
    pub running: &'a Plan,
    /// Of the next term, if there is one.
    pub next: Option<&'a Plan>,
}

words! {
    /// What a licence is at a given time.
    State, "must be a licence's state" {
        /// Its term has not started: it starts at activation.
        Available = "available",
        /// Paid.
        Active = "active",
        /// After the paid time, inside the grace.
        PastDue = "past_due",
        /// Over.
        Expired = "expired",
        /// Stopped for a while by support.
        Suspended = "suspended",
        /// Works to the end of the paid time, then ends without a grace.
        Cancelled = "cancelled",
        /// Ended for good by support.
        Revoked = "revoked",
    }
}

/// What a licence's facts mean at a given time.
#[derive(Debug, Clone, PartialEq)]
pub struct Position<'a> {
    /// What it is.
    pub state: State,
    /// The plan's revision that counts now.
    pub reference: &'a PlanRef,
    /// Its content.
    pub plan: &'a Plan,
    /// What the product may switch on: the plan's features, and over them the licence's own.
    pub features: Cow<'a, Map<String, Value>>,
    /// The last paid second over the running and the next term; none for ever and before the start.
    pub paid_through: Option<Timestamp>,
    /// Until when it works; none likewise.
    pub grace_until: Option<Timestamp>,
}

impl License {
    /// A licence as it is issued: under `offer`, with its clock started at `starts_at` if the plan starts at issue.
    #[must_use]
    pub fn issue(
        id: LicenseId,
        product: Slug,
        kind: FingerprintKind,
        customer: CustomerId,
        offer: &Offer,
        starts_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            product,
            fingerprint_kind: kind,
            customer,
            issued_at: now,
            standing: Standing::Live,
            running: Term {
                plan: offer.reference.clone(),
                paid: Paid::first(&offer.plan, starts_at.day(), starts_at, false),
            },
            next: None,
            pending: Pending::Nothing,
            features: Map::new(),
            activations: BTreeMap::new(),
            bindings: Bindings::default(),
            head: Head::START,
            version: 0,
        }
    }

    /// The facts reckoned at `now`. No job has to run for this to be right: the next term takes over by itself.
    #[must_use]
    pub fn position<'a>(&'a self, plans: Plans<'a>, now: Timestamp) -> Position<'a> {
        let (current, plan) = match (&self.next, plans.next) {
            (Some(next), Some(plan)) if self.running.paid.end().is_some_and(|end| end < now) => (next, plan),
            _ => (&self.running, plans.running),
        };
        let paid_through = self.last_term().paid.end();
        let grace_until = self.grace_until(plans);
        Position {
            state: self.state(paid_through, grace_until, now),
            reference: &current.plan,
            plan,
            features: self.features_over(plan),
            paid_through,
            grace_until,
        }
    }

    /// Until when checks are answered with a lease, as far as the facts go: [`Timestamp::EPOCH`] when they are not at
    /// all. The check-in stamps only while this lies ahead; a test holds it and [`crate::evaluate`] together.
    #[must_use]
    pub fn runs_until(&self, plans: Plans<'_>) -> Timestamp {
        match (self.standing, self.last_term().paid) {
            (Standing::Live, Paid::Forever) => Timestamp::MAX,
            (Standing::Live, _) => self.grace_until(plans).unwrap_or(Timestamp::EPOCH),
            _ => Timestamp::EPOCH,
        }
    }

    /// The term that ends last.
    #[must_use]
    pub fn last_term(&self) -> &Term {
        self.next.as_ref().unwrap_or(&self.running)
    }

    /// The activation with this identifier, and the domain it binds.
    #[must_use]
    pub fn activation(&self, id: ActivationId) -> Option<(&FingerprintValue, &Activation)> {
        self.activations.iter().find(|(_, activation)| activation.id == id)
    }

    fn features_over<'a>(&self, plan: &'a Plan) -> Cow<'a, Map<String, Value>> {
        if self.features.is_empty() {
            return Cow::Borrowed(&plan.features);
        }
        let own = self.features.iter().map(|(name, value)| (name.clone(), value.clone()));
        Cow::Owned(plan.features.clone().into_iter().chain(own).collect())
    }

    fn grace_until(&self, plans: Plans<'_>) -> Option<Timestamp> {
        let end = self.last_term().paid.end()?;
        let grace = self.last_plan(plans).grace();
        Some(match (&self.pending, self.last_term().paid) {
            (Pending::Cancellation, _) => end,
            (_, Paid::Until(_)) => end.after(grace.max(CLOUD_GRACE)),
            _ => end.after(grace),
        })
    }

    /// The plan of the term that ends last.
    pub(crate) fn last_plan<'a>(&self, plans: Plans<'a>) -> &'a Plan {
        plans.next.filter(|_| self.next.is_some()).unwrap_or(plans.running)
    }

    fn state(&self, paid_through: Option<Timestamp>, grace_until: Option<Timestamp>, now: Timestamp) -> State {
        match (self.standing, self.running.paid, paid_through) {
            (Standing::Revoked { .. }, ..) => State::Revoked,
            (Standing::Suspended { .. }, ..) => State::Suspended,
            (Standing::Live, Paid::NotStarted, _) => State::Available,
            (Standing::Live, _, Some(end)) if end < now => {
                if grace_until.is_some_and(|grace| now <= grace) {
                    State::PastDue
                } else {
                    State::Expired
                }
            }
            (Standing::Live, ..) if self.pending == Pending::Cancellation => State::Cancelled,
            (Standing::Live, ..) => State::Active,
        }
    }
}
