//! DynamoDB in the process, behind the SDK's own HTTP connector.
//!
//! The official client is made by [`Embedded::client`]; its requests are signed and serialised as ever, then handed to
//! the emulator in this process instead of a socket, and answered as DynamoDB answers. Tests take [`Embedded::memory`],
//! `marque serve` takes [`Embedded::open`]. What a healthy database cannot show is asked for through [`Faults`]; what
//! was sent, and what it cost, is told by [`Calls`].
//!
//! # Order of events
//!
//! A request takes effect whole, at one instant. Before and after that instant the connector yields once to the
//! runtime, as a network would: requests of concurrent tasks interleave, and a caller that is dropped half-way may or
//! may not have had its effect. There are no sleeps; on a paused clock nothing moves.
//!
//! # Durability of a file
//!
//! Every commit is in the operating system's cache before it is acknowledged, and is flushed to the disk at the next
//! checkpoint: a killed process loses nothing acknowledged; a power cut leaves the file whole but may take the last
//! instants. That is meant for *local* runs. A file belongs to one process at a time. Client request tokens are
//! remembered in memory, so a transaction sent again after a restart is a new one.
//!
//! # Speed
//!
//! Order of magnitude, with optimisation, on two small cores, one task writing through the SDK: 15,000 writes a second
//! in memory, 10,000 in a file (hundreds to 3,000 if each commit were flushed, depending on the disk); half of that in
//! a build for tests. A copy for stale reads of a small table takes some 2 ms. `examples/throughput.rs` measures them.
//!
//! # Where the emulator differs from DynamoDB
//!
//! - A table is `ACTIVE` when `CreateTable` answers, and its `TimeToLive` `ENABLED` when `UpdateTimeToLive` answers.
//! - Nothing is throttled, no transaction conflicts and no read is stale unless [`Faults`] says so.
//! - Expired items stay until something deletes them.
//! - Items of a `Query` on an index are those of this instant: a real index follows its table.
//! - Only the operations in [`Operation`] are known; any other is an `UnknownOperationException`.

mod answer;
mod calls;
mod client;
mod connector;
mod dispatch;
mod embedded;
mod error;
mod fault;
mod faults;
mod operation;
mod request;

pub use calls::{Call, Calls, Outcome};
pub use embedded::Embedded;
pub use error::EmbeddedError;
pub use fault::Fault;
pub use faults::Faults;
pub use operation::Operation;
