//! Tokens of any kind, for programs that are given one and do not know which.

use super::claims::{Denial, KeySetClaims, Lease, LicenseFile, Revocations};
use super::error::TokenError;
use super::jws::{Expected, UnverifiedToken};
use super::key::PublicKey;
use super::keyset::KeySet;
use super::typ::Typ;
use super::verified::Verified;

/// A proven token of some kind.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyVerified {
    /// The right to run for a while.
    Lease(Verified<Lease>),
    /// A refusal.
    Denial(Verified<Denial>),
    /// A perpetual licence as a file.
    License(Verified<LicenseFile>),
    /// The list of what is no longer good.
    Revocations(Verified<Revocations>),
    /// The key set.
    Keys(Verified<KeySetClaims>),
}

impl AnyVerified {
    /// Proves a token as the kind that its header says it is. Only a key set needs the root, and it needs nothing else.
    ///
    /// # Errors
    ///
    /// See [`UnverifiedToken::verify`] and [`UnverifiedToken::verify_key_set`].
    pub fn verify(
        token: &UnverifiedToken,
        keys: &KeySet,
        root: Option<&PublicKey>,
        expected: Expected<'_>,
    ) -> Result<Self, TokenError> {
        Ok(match token.unverified_typ() {
            Typ::Lease => Self::Lease(token.verify(keys, expected)?),
            Typ::Denial => Self::Denial(token.verify(keys, expected)?),
            Typ::License => Self::License(token.verify(keys, expected)?),
            Typ::Revocations => Self::Revocations(token.verify(keys, expected)?),
            Typ::Keys => Self::Keys(token.verify_key_set(root.ok_or(TokenError::NoRoot)?, expected.issuer, None)?),
        })
    }

    /// Which kind it is.
    #[must_use]
    pub fn typ(&self) -> Typ {
        match self {
            Self::Lease(_) => Typ::Lease,
            Self::Denial(_) => Typ::Denial,
            Self::License(_) => Typ::License,
            Self::Revocations(_) => Typ::Revocations,
            Self::Keys(_) => Typ::Keys,
        }
    }
}
