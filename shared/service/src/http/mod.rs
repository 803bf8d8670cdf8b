//! HTTP as every function speaks it: how bodies are read, and what is around each call.

mod body;
mod contract;
mod envelope;
mod fields;
mod signature;

pub use body::{Body, FromBody, UnknownMembers};
pub use contract::published;
pub use envelope::{LogLine, envelope, envelope_with};
pub use fields::Fields;
pub(crate) use signature::{license_code, signed_by};
