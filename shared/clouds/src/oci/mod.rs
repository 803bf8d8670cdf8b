//! Oracle Cloud Infrastructure.

pub(crate) mod attestation;
pub(crate) mod regions;
pub(crate) mod roots;
