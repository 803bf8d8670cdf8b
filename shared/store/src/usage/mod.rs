//! The ledger of usage in the table: records are added once, hours are sealed and settled one conditional write at a time.
//!
//! A record goes in with the hour that it counts for, in one transaction: the mark of its id, and the addition, on the
//! condition that the hour is absent or open. What is due carries `due_shard` and `due_at`, set when an hour is made and
//! at its transitions, never by an addition, so that the index is not paid for by each record.

mod hours;
mod intake;
mod item;
mod work;

pub use hours::{Remainder, SealHour};
pub use intake::{NewUsage, Place, Recorded};
pub use item::{KeptHour, Replay};
pub use work::{DueUsage, UsagePage, UsageWork};
