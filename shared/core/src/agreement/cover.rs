//! How far a chain pays for its licence.

use serde_json::{Map, Value};

use super::chain::{Agreement, Chain};
use super::facts::{How, Pricing};
use crate::license::{License, Paid, Pending, Term};
use crate::plan::Offer;
use crate::time::Timestamp;

/// How far a licence is paid by agreements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover {
    /// To this instant; [`Timestamp::MAX`] while no end is known.
    pub until: Timestamp,
    /// The plan's grace follows: for an expiry, not for a cancellation.
    pub grace: bool,
}

impl Agreement {
    /// How far this agreement alone pays; `succeeded` tells that one that takes its place has come or gone.
    fn cover(&self, succeeded: bool) -> Option<Cover> {
        // Before payment is confirmed nothing is active.
        self.facts.provisioned?;
        let mut cover = Cover { until: self.term()?, grace: true };
        if let Some((at, false)) = self.facts.suspended.map(|(at, on)| (at, !on)) {
            cover = cover.capped(at, false);
        }
        if let Some(superseded) = self.facts.superseded.filter(|_| succeeded) {
            cover = cover.capped(superseded.since.at(), true);
        }
        if let Some(ended) = self.facts.ended {
            // Whoever renews is not churning: the new agreement may be heard of a little later.
            let grace = ended.how == How::Expired || self.facts.superseded.is_some();
            cover = cover.capped(ended.since.at(), grace);
        }
        Some(cover)
    }

    /// The end of what is paid, if it goes on as it was bought. None for a contract of which nothing was read yet.
    fn term(&self) -> Option<Timestamp> {
        let expires = self.entitlements().iter().filter_map(|entitlement| entitlement.expires_at).max();
        let expires = match self.pricing {
            Some(Pricing::Subscription) => Some(Timestamp::MAX),
            Some(Pricing::Contract) => expires.or(self.term_end),
            Some(Pricing::ContractWithConsumption) => expires.or(self.term_end).or(Some(Timestamp::MAX)),
            // Nobody has told how it is paid: what was bought tells, if anything was.
            None => expires.or(Some(Timestamp::MAX)),
        };
        // The last paid day is included; the instant counts only of what AWS says has ended.
        expires.map(|expires| expires.day().end())
    }
}

impl Cover {
    fn capped(self, at: Timestamp, grace: bool) -> Self {
        if at < self.until { Self { until: at, grace } } else { self }
    }
}

impl Chain {
    /// How far its agreements pay together: as far as the one that pays farthest. Of two that pay as far, the one without a
    /// grace says: an agreement that was replaced and its successor that was cancelled may end in the same second. None
    /// before anything is paid.
    #[must_use]
    pub fn cover(&self) -> Option<Cover> {
        let covers = self.agreements.iter().map(|agreement| agreement.cover(self.has_successor(agreement)));
        covers.flatten().max_by_key(|cover| (cover.until, !cover.grace))
    }

    /// Whether an agreement that takes this one's place has come, or has come and gone: made no earlier, and not itself
    /// superseded before this one was.
    pub(super) fn has_successor(&self, agreement: &Agreement) -> bool {
        self.later_than(agreement).any(|other| other.facts.provisioned.is_some() || other.facts.ended.is_some())
    }

    /// Whether an agreement that takes this one's place is known, paid or not.
    #[must_use]
    pub fn knows_successor(&self, agreement: &Agreement) -> bool {
        self.later_than(agreement).next().is_some()
    }

    /// The agreements that may take this one's place: made no earlier, and not themselves superseded before this one was.
    fn later_than(&self, agreement: &Agreement) -> impl Iterator<Item = &Agreement> {
        let (id, requested) = (agreement.id, agreement.facts.requested);
        let superseded_at = agreement.facts.superseded.map(|superseded| superseded.since.at());
        self.agreements.iter().filter(move |other| {
            let lasts = other.facts.superseded.is_none_or(|superseded| Some(superseded.since.at()) > superseded_at);
            other.id != id && lasts && other.facts.requested >= requested
        })
    }
}

impl License {
    /// Follows its agreements: paid as far as they say, under the plan that they name, with the limits that they grant.
    /// None when it does already.
    #[must_use]
    pub fn follow(&self, cover: Cover, offer: &Offer, features: &Map<String, Value>) -> Option<Self> {
        let pending = if cover.grace { Pending::Nothing } else { Pending::Cancellation };
        let plan = if self.running.plan.plan == offer.reference.plan { &self.running.plan } else { &offer.reference };
        let running = Term { plan: plan.clone(), paid: Paid::Until(cover.until) };
        let follows = self.running == running && self.pending == pending && self.next.is_none();
        if follows && self.features == *features {
            return None;
        }
        Some(Self { running, pending, next: None, features: features.clone(), ..self.clone() }.changed())
    }
}
