//! Agreements of a cloud's marketplace: what the cloud has said of each, what that means, and the licence that a chain
//! of them pays for.
//!
//! The cloud tells of an agreement by messages that come late, twice, in any order or never, and by answers to reads.
//! So an [`Agreement`] keeps [`Facts`], each of which only ever grows in one direction: whatever order they come in, the
//! same facts are known in the end. What they mean, its [`State`], is reckoned from them, and so is how far the licence
//! is paid ([`Chain::cover`]).
//!
//! Renewals and replacements are agreements of their own, under new ids. Together they are a [`Chain`], which has one
//! customer and one licence; it is paid while any of its agreements is. Two purchases of one account are two chains.

mod chain;
mod cover;
mod facts;
mod names;
mod since;

pub use chain::{Agreement, Chain, LinkNote, LinkRefusal};
pub use cover::Cover;
pub use facts::{Ended, Entitlement, EntitlementValue, Facts, How, Pricing, Snapshot, State, Succession, Superseded};
pub use names::{AccountId, ExternalId, LicenseArn, LicenseKey, NameError};
pub use since::Since;
