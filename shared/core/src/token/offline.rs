//! What a token is worth to who holds it, without asking anybody: for `marque verify` and for programs that embed this.

use super::claims::{Denial, Lease, LicenseFile, Revocations, RevokedBecause, RevokedThing, Typ};
use super::keyset::KeySet;
use super::unverified::{Expected, TokenError, UnverifiedToken, Verified};
use crate::fingerprint::FingerprintValue;
use crate::id::{LicenseId, TokenId};
use crate::time::Timestamp;

/// A verified token of any kind that a key of a set may sign.
#[derive(Debug, Clone, PartialEq)]
pub enum Any {
    /// The right to run for a while.
    Lease(Box<Verified<Lease>>),
    /// A refusal.
    Denial(Box<Verified<Denial>>),
    /// A perpetual licence.
    License(Box<Verified<LicenseFile>>),
    /// What is no longer good.
    Revocations(Verified<Revocations>),
}

impl Any {
    /// Verifies a token as what its header says it is.
    ///
    /// # Errors
    /// [`TokenError`]; a key set is [`TokenError::Type`]: only the root vouches for one.
    pub fn verify(token: &UnverifiedToken<'_>, keys: &KeySet, expected: Expected<'_>) -> Result<Self, TokenError> {
        Ok(match token.typ() {
            Typ::Lease => Self::Lease(Box::new(token.verify(keys, expected)?)),
            Typ::Denial => Self::Denial(Box::new(token.verify(keys, expected)?)),
            Typ::License => Self::License(Box::new(token.verify(keys, expected)?)),
            Typ::Revocations => Self::Revocations(token.verify(keys, expected)?),
            Typ::Keys => return Err(TokenError::Type),
        })
    }

    /// Which licence it is about.
    #[must_use]
    pub fn license(&self) -> Option<LicenseId> {
        match self {
            Self::Lease(lease) => Some(lease.sub),
            Self::Denial(denial) => Some(denial.sub),
            Self::License(file) => Some(file.sub),
            Self::Revocations(_) => None,
        }
    }
}

/// What a holder judges a token by; none means that it is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expectations<'a> {
    /// The holder's own domain.
    pub domain: Option<&'a FingerprintValue>,
    /// A verified list of what is no longer good.
    pub revocations: Option<&'a Verified<Revocations>>,
}

/// What a token is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is good: a server may run, or a list may be used.
    Good,
    /// It is not.
    Refused(Refused),
}

/// Why a genuine token is worth nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its time has run out.
    #[error("it ran until {0}")]
    RunOut(Timestamp),
    /// It is a refusal.
    #[error("it is a refusal: {0}")]
    Denied(String),
    /// It is for another domain.
    #[error("it is for another domain")]
    OtherDomain,
    /// The list names it.
    #[error("it is no longer good since {at}: {}", match .because { RevokedBecause::Revoked => "revoked", RevokedBecause::Moved => "moved to another domain", RevokedBecause::Replaced => "replaced by a newer file" })]
    Listed {
        /// Since when.
        at: Timestamp,
        /// Why.
        because: RevokedBecause,
    },
    /// The list is another issuer's, so it says nothing about this token.
    #[error("the list of revocations is of another issuer")]
    ForeignList,
}

/// Judges a verified token at `now`. A list whose `next_update` is past still counts: what it names stays revoked, and a
/// site without internet must not stop because it cannot fetch a newer one.
#[must_use]
pub fn judge(token: &Any, expectations: Expectations<'_>, now: Timestamp) -> Judgement {
    let refused = match token {
        Any::Lease(lease) => other_domain(&lease.fingerprint.value, expectations)
            .or_else(|| listed(&lease.iss, lease.sub, None, expectations))
            .or_else(|| (!lease.runs_at(now)).then_some(Refused::RunOut(lease.exp))),
        Any::License(file) => other_domain(&file.fingerprint.value, expectations)
            .or_else(|| listed(&file.iss, file.sub, Some(file.jti), expectations))
            .or_else(|| file.expires.filter(|_| !file.runs_at(now)).map(Refused::RunOut)),
        Any::Denial(denial) => Some(Refused::Denied(printable(&denial.code))),
        Any::Revocations(_) => None,
    };
    refused.map_or(Judgement::Good, Judgement::Refused)
}

fn other_domain(domain: &FingerprintValue, expectations: Expectations<'_>) -> Option<Refused> {
    expectations.domain.filter(|expected| *expected != domain).map(|_| Refused::OtherDomain)
}

fn listed(issuer: &str, license: LicenseId, file: Option<TokenId>, expectations: Expectations<'_>) -> Option<Refused> {
    let list = expectations.revocations?;
    if list.iss != issuer {
        return Some(Refused::ForeignList);
    }
    let entry = list.revoked.iter().find(|entry| match entry.thing {
        RevokedThing::Sub(sub) => sub == license,
        RevokedThing::Jti(jti) => Some(jti) == file,
    })?;
    Some(Refused::Listed { at: entry.at, because: entry.reason })
}

/// A newer service may use codes that are not known here; they are still only words.
fn printable(code: &str) -> String {
    code.chars().take(40).filter(|letter| letter.is_ascii_uppercase() || *letter == '_').collect()
}

