//! Google Cloud.

pub(crate) mod attestation;
pub(crate) mod keys;
