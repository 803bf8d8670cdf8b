//! Binding a licence to a domain, and the limits of it.

use crate::fingerprint::FingerprintValue;
use crate::id::ActivationId;
use crate::license::{Activation, Bindings, License, Paid};
use crate::plan::{Plan, Terms};
use crate::time::{Duration, Timestamp};

/// A licence's rebinds are counted over so long.
const REBIND_WINDOW: Duration = Duration::days(365);
/// At most so many bindings a licence and day: a rule against scripts that run wild.
const BINDINGS_A_DAY: u8 = 20;

/// What a binding would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// The domain holds the licence already.
    Held,
    /// A first domain, or the last bound one again.
    Free,
    /// Another domain than the last bound: the plan allows so many a year.
    Rebind,
    /// The plan's limit of domains is bound, or the year's rebinds are used up.
    OverLimit,
    /// Too many bindings today: try again tomorrow.
    TooOften,
}

impl License {
    /// What binding `domain` would be at `now`, before anything is changed.
    #[must_use]
    pub fn judge_binding(&self, domain: &FingerprintValue, plan: &Plan, now: Timestamp) -> Binding {
        if self.activations.contains_key(domain) {
            return Binding::Held;
        }
        if self.activations.len() >= usize::from(plan.activations.get()) {
            return Binding::OverLimit;
        }
        let rebind = self.bindings.is_rebind(domain, plan);
        if rebind && self.bindings.rebinds_in_a_year(now) >= usize::from(plan.rebinds_per_year) {
            return Binding::OverLimit;
        }
        match self.bindings.today {
            Some((day, count)) if day == now.day() && count >= BINDINGS_A_DAY => Binding::TooOften,
            _ if rebind => Binding::Rebind,
            _ => Binding::Free,
        }
    }

    /// Binds `domain`, which [`License::judge_binding`] has found free to bind, and starts a clock that starts at the
    /// first activation.
    #[must_use]
    pub fn bind(
        mut self,
        domain: FingerprintValue,
        id: ActivationId,
        public_key: Option<[u8; 32]>,
        plan: &Plan,
        now: Timestamp,
    ) -> Self {
        self.bindings.record(domain, plan, now);
        if self.running.paid == Paid::NotStarted
            && let Terms::Trial { length, .. } | Terms::Subscription { period: Some(length), .. } = plan.terms
        {
            self.running.paid = Paid::from_anchor(now.day(), length, 1);
        }
        let activation =
            Activation { id, bound_at: now, seen: None, public_key, replaced_keys: Vec::new(), forks: 0, file: None };
        self.activations.insert(domain, activation);
        self.changed()
    }
}

impl Bindings {
    /// How many rebinds there were in the 365 days before `now`.
    #[must_use]
    pub fn rebinds_in_a_year(&self, now: Timestamp) -> usize {
        self.rebinds.iter().filter(|at| now.since(**at) < REBIND_WINDOW).count()
    }

    /// Filling a plan's first seats is no rebind, nor is the last bound domain again.
    pub(crate) fn is_rebind(&self, domain: &FingerprintValue, plan: &Plan) -> bool {
        self.last.as_ref() != Some(domain) && self.first_domains >= plan.activations.get()
    }

    /// Counts a rebind at `now`.
    pub(crate) fn count_rebind(&mut self, now: Timestamp) {
        self.rebinds.retain(|at| now.since(*at) < REBIND_WINDOW);
        self.rebinds.push(now);
    }

    fn record(&mut self, domain: FingerprintValue, plan: &Plan, now: Timestamp) {
        if self.is_rebind(&domain, plan) {
            self.count_rebind(now);
        } else if self.last != Some(domain) {
            self.first_domains = self.first_domains.saturating_add(1);
        }
        self.last = Some(domain);
        let before = self.today.filter(|(day, _)| *day == now.day()).map_or(0, |(_, count)| count);
        self.today = Some((now.day(), before.saturating_add(1)));
    }
}
