//! What tokens say, one type a kind, as the contract's table has it.
//!
//! Words that a newer service may add to (`state`, `kind`, `code`, reasons) stay text: a verifier in the field must
//! survive them. Unknown claims are ignored; missing and ill-typed ones are refused.

mod denial;
mod keys;
mod lease;
mod license;
mod members;
mod revocations;

pub use denial::Denial;
pub use keys::KeySetClaims;
pub use lease::Lease;
pub use license::{LicenseFile, Licensee};
pub(super) use members::Members;
pub use revocations::{Revocations, Revoked, Subject};
use serde::Serialize;

use super::error::TokenError;
use super::typ::Typ;
use crate::slug::Slug;
use crate::time::Timestamp;

/// The claims of a token that a listed key signs: of every kind but the key set, which is the root's alone.
pub trait Claims: Serialize + sealed::Read {
    /// The kind of token that carries them.
    const TYP: Typ;

    /// Who issued the token (`iss`).
    fn issuer(&self) -> &str;

    /// The product that it is for (`aud`); the list of revocations is for all of them.
    fn audience(&self) -> Option<&Slug>;

    /// When it was issued (`iat`).
    fn issued_at(&self) -> Timestamp;
}

pub(super) mod sealed {
    use super::{Members, TokenError};

    /// Claims that are read from a payload. Here alone, so that nobody else makes up kinds of tokens.
    pub trait Read: Sized {
        /// Reads the claims.
        fn read(members: &Members<'_>) -> Result<Self, TokenError>;
    }
}
