//! Amazon Web Services.

pub(crate) mod attestation;
