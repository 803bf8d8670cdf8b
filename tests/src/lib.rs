//! What the black-box suites share: programs under test, a server that talks to them, tokens read as a client reads them.
//!
//! A suite knows the wire contract and nothing of the inside: it takes an address and the demo licences, so that it runs
//! alike against `marque serve` and against a shipped function.

pub mod aws;
mod background;
mod between;
mod client;
pub mod deployment;
mod function;
pub mod gateway;
mod in_memory;
mod program;
pub mod runtime_api;
pub mod seller;
mod server;
pub mod sigv4;
pub mod simulation;
pub mod timed;

pub use background::runtime;
pub use between::{Between, Fate};
pub use client::{Answer, Client};
pub use deployment::{Deployment, PRINCIPAL, Publisher, Shipped};
pub use function::Function;
pub use in_memory::InMemory;
pub use program::{Served, binary, deployed, function};
pub use runtime_api::Outcome;
pub use server::{Server, claims};
