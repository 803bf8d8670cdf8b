//! Microsoft Azure.

pub(crate) mod attestation;
pub(crate) mod issuers;
