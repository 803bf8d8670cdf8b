//! Clouds, simulated: for `marque serve` and for tests.
//!
//! What is signed here is signed by keys that only their owner trusts, through
//! [`TrustData::with_anchors`](marque_clouds::TrustData::with_anchors). No deployed function links this crate.

pub mod asn1;
mod certificate;
mod key;
pub mod proofs;

pub use certificate::{Template, info, name};
pub use key::{Key, KeyFault, jwk};
