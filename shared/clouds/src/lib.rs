//! The clouds: who a machine is, which account it runs in and which marketplace product it was started from, proven by
//! what its cloud signed.
//!
//! [`Proof`] is what a stranger sends; only [`Verifier::verify`] makes a [`Machine`] of it, against [`TrustData`] and
//! `now`. There is a folder for each cloud with the same file names in each; the module of each proof tells its cloud's
//! quirks.
//!
//! [`aws`] also asks AWS Marketplace about agreements, behind the feature `marketplace`.
//!
//! Bounds, whatever is sent: 16 KiB of CMS, values nested 16 deep, chains of four certificates, RSA keys of 2048 to 4096
//! bits with exponent 3 or 65537, five signatures checked, one place fetched. No address that a stranger names is opened:
//! what may be fetched are a few places over https, without redirects.

pub mod aws;
mod azure;
mod cms;
mod fetch;
mod gcp;
mod jwt;
mod oci;
mod oid;
mod proof;
mod rsa;
mod text;
mod trust;
mod verifier;
mod x509;

pub use fetch::Fetcher;
pub use oci::roots::RegionRoots;
pub use proof::{
    Claimed, Expected, Freshness, MAX_CMS, MAX_MEMBER, Machine, OciProof, Proof, ProofError, SignedRequest,
};
pub use trust::{Anchors, Expiry, NamedKey, TrustData, TrustFault};
pub use verifier::{Verified, Verifier};
pub use x509::CertificateFault;
