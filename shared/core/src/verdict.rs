//! Whether a server may run: facts in, a verdict with every reason out.

use crate::binding::Binding;
use crate::fingerprint::FingerprintValue;
use crate::id::LicenseId;
use crate::license::{License, Plans, Position, Standing, State};
use crate::plan::Kind;
use crate::slug::Slug;
use crate::time::{DAY, Duration, Timestamp};
use crate::words::words;

words! {
    /// Why a server may not run, in the order in which the first one is named.
    Reason, "must be a reason of refusal" {
        /// Support has ended the licence.
        Revoked = "REVOKED",
        /// Support has stopped the licence for a while.
        Suspended = "SUSPENDED",
        /// Another machine of the account has taken the licence over.
        MachineReplaced = "MACHINE_REPLACED",
        /// The licence is for another product.
        ProductMismatch = "PRODUCT_MISMATCH",
        /// No more domains can be bound.
        ActivationLimit = "ACTIVATION_LIMIT",
        /// The licence is bound to another domain.
        FingerprintMismatch = "FINGERPRINT_MISMATCH",
        /// The licence is bound to no domain.
        NotActivated = "NOT_ACTIVATED",
        /// The domain had a trial of this product before.
        TrialUsed = "TRIAL_USED",
        /// The paid time and its grace are over.
        Expired = "EXPIRED",
    }
}

impl Reason {
    /// A sentence for the administrator that names the cure.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Revoked => "The licence was revoked. Ask the vendor's support for the reason, or buy a new licence.",
            Self::Suspended => "The licence is suspended. Ask the vendor's support what is needed to reinstate it.",
            Self::MachineReplaced => {
                "Another machine of your account has taken this licence over. Register this machine again to take it back."
            }
            Self::ProductMismatch => "The licence is for another product. Use the code that came with this product.",
            Self::ActivationLimit => {
                "The licence is bound to another domain, or has moved as often as its plan allows in a year. Release the other server, ask support, or buy a licence for this domain."
            }
            Self::FingerprintMismatch => {
                "The licence is bound to another domain. Activate this server with its code, or buy a licence for this domain."
            }
            Self::NotActivated => "The licence is bound to no domain. Activate this server with its code.",
            Self::TrialUsed => {
                "This domain has had a trial of this product. Buy a licence to go on, or ask support to extend the trial."
            }
            Self::Expired => {
                "The licence has ended. Renew it, or buy a new one; the server works again at its next check."
            }
        }
    }
}

/// What a caller asks.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// The product that the caller is.
    pub product: &'a Slug,
    /// The domain that it is in.
    pub domain: &'a FingerprintValue,
    /// What the call is for.
    pub purpose: Purpose,
}

/// What a check is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To bind the domain, or to confirm that it is bound.
    Activate {
        /// Another licence's trial of this product has run in the domain.
        trial_used: bool,
    },
    /// To go on running.
    Validate,
    /// The same, by a machine that another one of its account has replaced.
    ValidateReplaced,
}

/// The answer: whether the server may run, every reason against it, and what may be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<'a> {
    /// Which licence was judged.
    pub license_id: LicenseId,
    /// When.
    pub now: Timestamp,
    /// What the licence is.
    pub state: State,
    /// Whether it may run.
    pub outcome: Outcome,
    /// Plan and dates; none when the caller is not the one that the licence is for.
    pub facts: Option<Position<'a>>,
    /// When to check again.
    pub next_check: Timestamp,
}

/// Whether a server may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It may, without contact, until then.
    Granted {
        /// The end of the lease; never after the grace.
        until: Timestamp,
    },
    /// It may not.
    Refused {
        /// The reason that is named first.
        first: Reason,
        /// All of them, in order.
        reasons: Vec<Reason>,
    },
}

impl Verdict<'_> {
    /// Whether the server may run.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        matches!(self.outcome, Outcome::Granted { .. })
    }

    /// The stable code: `VALID`, or the first reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.outcome {
            Outcome::Granted { .. } => "VALID",
            Outcome::Refused { first, .. } => first.as_str(),
        }
    }

    /// Every reason against it, in order.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match &self.outcome {
            Outcome::Granted { .. } => &[],
            Outcome::Refused { reasons, .. } => reasons,
        }
    }

    /// A sentence for the administrator.
    #[must_use]
    pub const fn detail(&self) -> &'static str {
        match (&self.outcome, self.state) {
            (Outcome::Refused { first: Reason::NotActivated, .. }, State::Expired) => {
                "The licence has ended and is bound to no domain. Renew it, then activate this server with its code."
            }
            (Outcome::Refused { first, .. }, _) => first.detail(),
            (Outcome::Granted { .. }, State::PastDue) => {
                "The paid time is over and the grace is running. Renew the licence to keep the server working."
            }
            (Outcome::Granted { .. }, State::Cancelled) => {
                "The licence is cancelled and works to the end of the paid time."
            }
            (Outcome::Granted { .. }, _) => "The licence is valid.",
        }
    }
}

/// What the reasons are judged by.
struct Facts<'a> {
    license: &'a License,
    check: Check<'a>,
    binding: Binding,
    state: State,
    kind: Kind,
}

type Holds = fn(&Facts<'_>) -> bool;

/// Every reason and when it holds, in the order of the contract.
const REASONS: [(Reason, Holds); 9] = [
    (Reason::Revoked, |facts| facts.state == State::Revoked),
    (Reason::Suspended, |facts| facts.state == State::Suspended),
    (Reason::MachineReplaced, |facts| facts.check.purpose == Purpose::ValidateReplaced),
    (Reason::ProductMismatch, |facts| facts.license.product != *facts.check.product),
    (Reason::ActivationLimit, |facts| facts.activates() && facts.binding == Binding::OverLimit),
    (Reason::FingerprintMismatch, |facts| facts.is_unbound() && !facts.license.activations.is_empty()),
    (Reason::NotActivated, |facts| facts.is_unbound() && facts.license.activations.is_empty()),
    (Reason::TrialUsed, |facts| {
        facts.kind == Kind::Trial
            && facts.check.purpose == Purpose::Activate { trial_used: true }
            && facts.binding != Binding::Held
    }),
    (Reason::Expired, |facts| facts.state == State::Expired),
];

impl Facts<'_> {
    fn activates(&self) -> bool {
        matches!(self.check.purpose, Purpose::Activate { .. })
    }

    fn is_unbound(&self) -> bool {
        self.check.purpose == Purpose::Validate && self.binding != Binding::Held
    }
}

/// Judges a check at `now`. Pure: no job has to run, no clock is read, nothing is changed.
#[must_use]
pub fn evaluate<'a>(license: &'a License, plans: Plans<'a>, check: Check<'_>, now: Timestamp) -> Verdict<'a> {
    let position = license.position(plans, now);
    let binding = license.judge_binding(check.domain, position.plan, now);
    let facts = Facts { license, check, binding, state: position.state, kind: position.plan.kind() };
    let mut reasons: Vec<Reason> =
        REASONS.iter().filter(|(_, holds)| holds(&facts)).map(|(reason, _)| *reason).collect();
    if let Some(stranger) = reasons.iter().position(|reason| is_strangers(*reason)) {
        // A caller of another product or domain learns that, and nothing more about the licence.
        reasons.truncate(stranger + 1);
    }
    let told = reasons.last().is_none_or(|reason| !is_strangers(*reason));
    let (outcome, next_check) = match reasons.first() {
        Some(&first) => {
            let since = refused_since(license, &position, &reasons);
            (Outcome::Refused { first, reasons }, next_check_after_denial(since, now))
        }
        None => {
            let until = position.grace_until.unwrap_or(Timestamp::MAX).min(now.after(position.plan.lease));
            (Outcome::Granted { until }, next_check(license.id, until, now))
        }
    };
    Verdict { license_id: license.id, now, state: position.state, outcome, facts: told.then_some(position), next_check }
}

const fn is_strangers(reason: Reason) -> bool {
    matches!(reason, Reason::ProductMismatch | Reason::FingerprintMismatch)
}

/// A slot 12 to 36 hours ahead that is the licence's own second of the day, so that a fleet spreads itself; not later
/// than half of the lease's remaining life, and at least an hour ahead.
fn next_check(id: LicenseId, lease_until: Timestamp, now: Timestamp) -> Timestamp {
    let slot = i64::from(u32::from_be_bytes(slot_bytes(id))) % DAY;
    let earliest = now.after(Duration::hours(12));
    let wait = (slot - earliest.unix()).rem_euclid(DAY);
    let half_life = now.unix() + (lease_until.unix() - now.unix()) / 2;
    let at = (earliest.unix() + wait).min(half_life).max(now.unix() + 3600);
    Timestamp::from_unix(at).unwrap_or(Timestamp::MAX)
}

/// The last four bytes of a ULID are random, which is what a spread needs; the first ones are its time.
fn slot_bytes(id: LicenseId) -> [u8; 4] {
    let [.., a, b, c, d] = id.to_bytes();
    [a, b, c, d]
}

/// An hour during the first seven days of a refusal, since somebody is mending it; then a day.
fn next_check_after_denial(since: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let fresh = since.is_none_or(|since| now.since(since) < Duration::days(7));
    now.after(if fresh { Duration::hours(1) } else { Duration::days(1) })
}

/// Since when it is known to be refused, told by the reasons that are named: a stranger could read the end of a licence
/// off its next check.
fn refused_since(license: &License, position: &Position<'_>, reasons: &[Reason]) -> Option<Timestamp> {
    match license.standing {
        Standing::Revoked { at } => Some(at),
        Standing::Suspended { since } => Some(since),
        Standing::Live if reasons.contains(&Reason::Expired) => position.grace_until,
        Standing::Live => None,
    }
}
