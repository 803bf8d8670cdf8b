//! What the black-box suites share: programs under test, a server that talks to them, tokens read as a client reads them.
//!
//! A suite knows the wire contract and nothing of the inside: it takes an address and the demo licences, so that it runs
//! alike against `marque serve` and against a shipped function.

mod client;
mod program;
mod server;

pub use client::{Answer, Client};
pub use program::{Served, binary};
pub use server::{Server, claims};
