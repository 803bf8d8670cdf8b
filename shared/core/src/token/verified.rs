//! Claims that are proven.

use std::ops::Deref;

use super::claims::{Denial, Lease, LicenseFile};
use super::key::KeyId;
use crate::fingerprint::Fingerprint;
use crate::time::Timestamp;

/// Claims that a key signed which may sign them. Only [`UnverifiedToken`](super::UnverifiedToken) makes one.
///
/// That they are proven does not say that they still hold: for that see [`Verified::runs_at`] and
/// [`AnyVerified::judge`](super::AnyVerified::judge).
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<C> {
    claims: C,
    kid: KeyId,
}

impl<C> Verified<C> {
    pub(super) fn new(claims: C, kid: KeyId) -> Self {
        Self { claims, kid }
    }

    /// The key that signed them.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.kid
    }

    /// The claims alone, for when it is plain where they come from.
    #[must_use]
    pub fn into_claims(self) -> C {
        self.claims
    }
}

impl<C> Deref for Verified<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.claims
    }
}

impl Verified<Lease> {
    /// Whether the lease lets a server run at `now`: before `exp`, which is the first second that it does not cover
    /// (RFC 7519 section 4.1.4).
    #[must_use]
    pub fn runs_at(&self, now: Timestamp) -> bool {
        now < self.exp
    }

    /// Whether this answers the caller's own question: its nonce, about its domain.
    #[must_use]
    pub fn answers(&self, nonce: &str, fingerprint: &Fingerprint) -> bool {
        self.nonce == nonce && self.fingerprint == *fingerprint
    }
}

impl Verified<Denial> {
    /// Whether this answers the caller's own question: its nonce, about its domain. Any other denial says nothing.
    #[must_use]
    pub fn answers(&self, nonce: &str, fingerprint: &Fingerprint) -> bool {
        self.nonce == nonce && self.fingerprint == *fingerprint
    }
}

impl Verified<LicenseFile> {
    /// Whether the file lets a server run at `now`: for ever, or before the time in `expires`.
    #[must_use]
    pub fn runs_at(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| now < end)
    }
}
