//! The ledger of metered usage: every unit billed once, none lost.
//!
//! A record is judged ([`Chain::judge`]) and added to an hour that is still open. An hour is an [`Entry`]:
//! `Open → Sealed → Sending → Confirmed | Held | Quarantined | Expired`. Sealing ([`Entry::seal`]) fixes what is reported
//! for good; sending never rebuilds it; each answer of the marketplace is one transition ([`Entry::answered`]). The
//! hours of a chain of agreements add up at every instant ([`Sums`]).

mod chain;
mod entry;
mod hour;
mod judge;
mod quantity;
mod retention;
mod seal;
mod sums;
pub mod variant;

pub use chain::{Activated, Chain, Dimension, Entitled, Included, Metered, Unit};
pub use entry::{
    Attempts, Entry, EntryError, EntryKey, Reason, Receipt, Record, Reply, Sealed, State, StateName, Taken,
};
pub use hour::Hour;
pub use judge::{Candidate, LATEST_AHEAD, OLDEST, Rejection, Target, Usage};
pub use quantity::{Quantity, QuantityError};
pub use retention::{Retention, RetentionError};
pub use seal::{MAX_REPORTED, SEAL_AFTER, Sealing};
pub use sums::Sums;
