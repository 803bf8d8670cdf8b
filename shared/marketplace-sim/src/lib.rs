//! AWS Marketplace in the process, strict: Metering (AWS JSON 1.1), Entitlement and Agreement (Smithy RPC v2 CBOR), and
//! the purchases and EventBridge events behind them.
//!
//! The official clients are given [`Marketplace::http_client`]; a front of one's own (an HTTP server that is AWS for
//! another process) hands requests to [`Marketplace::serve`]. What AWS refuses is refused: the rules of
//! `BatchMeterUsage` are one table ([`metering_rules`]), each with where it is written. What AWS does not say is decided
//! here for the harder case, and said where it is decided.
//!
//! # Truth
//!
//! [`Marketplace::truth`] tells what will be billed: a ledger is right when it agrees. With [`Marketplace::open`]
//! everything acknowledged is kept in a journal that survives the process.
//!
//! # Time
//!
//! The marketplace reads the clock that it is given, at each call. By default it is as quick as its clock; [`Knobs`]
//! make it late, limited and denying, as AWS is.
//!
//! # Where it differs from AWS
//!
//! - Signatures are read, not verified: whose key, which region and service.
//! - One seller; only listings with concurrent agreements; no legacy identity, no SNS.
//! - A contract runs 365 days; a renewal starts at once and ends 365 days after the old one.

mod agreement;
mod buyer;
mod cbor;
mod connector;
mod entitlement;
mod events;
mod fault;
mod listing;
mod marketplace;
mod metering;
mod operation;
mod purchase;
mod reply;
mod request;
mod resolve;
mod serve;
mod truth;
mod world;

pub use buyer::{Objection, Order, Overview, Receipt};
pub use fault::{Fault, FaultError};
pub use listing::{Dimension, DimensionKind, Listing, Pricing};
pub use marketplace::{Clock, Knobs, Marketplace, Seller};
pub use metering::rules as metering_rules;
pub use operation::{Operation, OperationError};
pub use purchase::Entitled;
pub use reply::{Answer, Reply};
pub use truth::{Metered, Refused, RefusedRecord, Truth};
