//! How far a chain pays for its licence.

use super::chain::{Agreement, Chain};
use super::facts::{How, Pricing};
use crate::license::{License, Paid, Pending, Term};
use crate::plan::Offer;
use crate::time::Timestamp;

/// How far a licence is paid by agreements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cover {
    /// To this instant; [`Timestamp::MAX`] while no end is known.
    pub until: Timestamp,
    /// The plan's grace follows: for an expiry, not for a cancellation.
    pub grace: bool,
}

impl Agreement {
    /// How far this agreement alone pays; `succeeded` tells that one after it in the chain has come or gone.
    fn cover(&self, succeeded: bool) -> Option<Cover> {
        // Before payment is confirmed nothing is active.
        self.facts.provisioned?;
        let mut cover = Cover { until: self.term()?, grace: true };
        if let Some((at, false)) = self.facts.suspended.map(|(at, on)| (at, !on)) {
            cover = cover.capped(at, false);
        }
        if let Some(superseded) = self.facts.superseded.filter(|_| succeeded) {
            cover = cover.capped(superseded.at, true);
        }
        if let Some(ended) = self.facts.ended {
            // Whoever renews is not churning: the new agreement may be heard of a little later.
            let grace = ended.how == How::Expired || self.facts.superseded.is_some();
            cover = cover.capped(ended.at, grace);
        }
        Some(cover)
    }

    /// The end of what is paid, if it goes on as it was bought. None for a contract of which nothing was read yet.
    fn term(&self) -> Option<Timestamp> {
        let expires = self.entitlements().iter().filter_map(|entitlement| entitlement.expires_at).max();
        match self.pricing {
            Some(Pricing::Subscription) => Some(Timestamp::MAX),
            Some(Pricing::Contract) => expires.or(self.term_end),
            Some(Pricing::ContractWithConsumption) => expires.or(self.term_end).or(Some(Timestamp::MAX)),
            // Nobody has told how it is paid: what was bought tells, if anything was.
            None => expires.or(Some(Timestamp::MAX)),
        }
    }
}

impl Cover {
    fn capped(self, at: Timestamp, grace: bool) -> Self {
        if at < self.until { Self { until: at, grace } } else { self }
    }
}

impl Chain {
    /// How far its agreements pay together: as far as the one that pays farthest. None before anything is paid.
    #[must_use]
    pub fn cover(&self) -> Option<Cover> {
        let covers = self.agreements.iter().enumerate().map(|(place, agreement)| {
            let later = &self.agreements[place + 1..];
            let here = |agreement: &Agreement| agreement.facts.provisioned.is_some() || agreement.facts.ended.is_some();
            agreement.cover(later.iter().any(here))
        });
        covers.flatten().max()
    }
}

impl License {
    /// Follows its agreements: paid as far as they say, under the plan that they name. None when it does already.
    #[must_use]
    pub fn follow(&self, cover: Cover, offer: &Offer) -> Option<Self> {
        let pending = if cover.grace { Pending::Nothing } else { Pending::Cancellation };
        let plan = if self.running.plan.plan == offer.reference.plan { &self.running.plan } else { &offer.reference };
        let running = Term { plan: plan.clone(), paid: Paid::Until(cover.until) };
        if self.running == running && self.pending == pending && self.next.is_none() {
            return None;
        }
        Some(Self { running, pending, next: None, ..self.clone() }.changed())
    }
}
