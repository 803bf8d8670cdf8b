//! HTTP as every function speaks it: how bodies are read, and what is around each call.

mod body;
mod contract;
mod envelope;
mod fields;
#[cfg(feature = "marketplace")]
mod lease;
mod security;
mod signature;
mod signer;

pub(crate) use body::MAX_BODY;
#[cfg(feature = "marketplace")]
pub(crate) use body::receive;
pub use body::{Body, FromBody, UnknownMembers};
pub use contract::published;
pub(crate) use envelope::ShownFailure;
pub use envelope::{LogLine, envelope, envelope_with};
pub use fields::Fields;
#[cfg(feature = "marketplace")]
pub(crate) use lease::bearer_lease;
pub(crate) use security::{Credentials, for_the_publisher};
pub(crate) use signature::{license_code, signed_by};
pub use signer::Signer;
