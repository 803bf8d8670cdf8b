//! Signed tokens: compact JWS (RFC 7515) with Ed25519 (RFC 8037), explicit `typ` (RFC 8725), and one verifier for all.

mod any;
mod claims;
mod error;
mod jws;
mod key;
mod keyset;
mod lic;
mod offline;
mod signing;
pub mod strict;
mod text;
mod typ;
mod verified;

pub use any::AnyVerified;
pub use claims::{Claims, Denial, KeySetClaims, Lease, LicenseFile, Licensee, Revocations, Revoked, Subject};
pub use error::{Part, TokenError};
pub use jws::{Expected, UnverifiedToken};
pub use key::{BadSignature, KeyError, KeyId, KeyIdError, PublicKey};
pub use keyset::{KeySet, KeySetError, ListedKey};
pub use lic::LicFile;
pub use offline::{Judgement, Refused, Site, Warning};
pub use signing::{RootKey, SigningInput, SigningKey};
pub use typ::Typ;
pub use verified::Verified;
