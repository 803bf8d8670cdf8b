//! What may be sold, and from when on it runs.

use crate::plan::{Offer, Sale, Starts, Terms};
use crate::time::Timestamp;
use crate::transition::Refusal;

impl Offer {
    /// When the clock of a licence that is sold under this offer starts: now, or at a time in the past that the caller
    /// gives. A licence whose clock starts at activation has none to give.
    ///
    /// # Errors
    /// [`Refusal::Rule`] when the plan is not for sale, a cloud states how far it is paid, or the time cannot be.
    pub fn sell(&self, starts_at: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Refusal> {
        if self.plan.sale != Sale::Sellable {
            return Err(Refusal::Rule("the plan is not for sale: choose one that is"));
        }
        if matches!(self.plan.terms, Terms::Subscription { period: None, .. }) {
            return Err(Refusal::Rule("a cloud states how far the plan is paid: buy it there"));
        }
        match starts_at {
            None => Ok(now),
            Some(start) if start > now => Err(Refusal::Rule("a licence does not start in the future: issue it then")),
            Some(_) if self.plan.starts() == Starts::Activation => {
                Err(Refusal::Rule("the plan starts at activation: leave `starts_at` out"))
            }
            Some(start) => Ok(start),
        }
    }
}
