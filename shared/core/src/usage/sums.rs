//! The sums of a dimension: `accepted` is all the others together, at every instant.

use crate::usage::entry::{Entry, StateName};
use crate::usage::quantity::Quantity;

/// What became of a dimension's usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Added to the ledger.
    pub accepted: Quantity,
    /// In open hours.
    pub open: Quantity,
    /// Fixed, never sent.
    pub sealed: Quantity,
    /// Sent, not settled.
    pub sending: Quantity,
    /// Waits for the subscription.
    pub held: Quantity,
    /// Taken by the marketplace.
    pub confirmed: Quantity,
    /// Waits for a person.
    pub quarantined: Quantity,
    /// Lost.
    pub expired: Quantity,
    /// Paid by the contract.
    pub included: Quantity,
    /// Left for the next hour.
    pub remainder: Quantity,
}

impl Sums {
    /// The sums over hours of one dimension, and what they left. Hours that are not kept any more count for what they
    /// left to later ones: each hour is balanced in itself, so that the sums hold however many there are.
    #[must_use]
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>, remainder: Quantity) -> Self {
        let mut sums = Self { remainder, accepted: remainder, ..Self::default() };
        let mut left = Quantity::ZERO;
        for entry in entries {
            sums.accepted += entry.taken.accepted;
            let Some(sealed) = entry.state.sealed() else {
                sums.open += entry.taken.accepted;
                continue;
            };
            sums.included += sealed.included;
            sums.accepted += sealed.brought;
            left += sealed.left;
            let of_state = match entry.state.name() {
                StateName::Open => continue,
                StateName::Sealed => &mut sums.sealed,
                StateName::Sending => &mut sums.sending,
                StateName::Held => &mut sums.held,
                StateName::Confirmed => &mut sums.confirmed,
                StateName::Quarantined => &mut sums.quarantined,
                StateName::Expired => &mut sums.expired,
            };
            *of_state += sealed.record.quantity;
        }
        sums.accepted = sums.accepted.less(left);
        sums
    }

    /// Whether `accepted` is the sum of the others.
    #[must_use]
    pub fn hold(&self) -> bool {
        let Self { accepted, open, sealed, sending, held, confirmed, quarantined, expired, included, remainder } =
            *self;
        let parts = [open, sealed, sending, held, confirmed, quarantined, expired, included, remainder];
        accepted == parts.into_iter().sum()
    }
}
