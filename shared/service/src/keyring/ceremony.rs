//! Making and rotating key rings: done where the root's secret half is, which is never in a deployed function.

use base64ct::{Base64UrlUnpadded, Encoding};
use marque_core::token::{
    KeySet, KeySetClaims, KeySetError, ListedKey, PublicKey, RootKey, SigningKey, Typ, UnverifiedToken,
};
use marque_core::{Duration, Timestamp};
use serde::{Deserialize, Serialize};

use super::document::{RingDocument, RingFault, Secret, SecretSeed};

/// A new key is listed so long before it signs, so that every verifier has heard of it.
pub const LISTED_BEFORE: Duration = Duration::hours(48);
/// The old key goes on for so long after, for services that have not read the ring again.
pub const OVERLAP: Duration = Duration::hours(24);

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Leases and denials.
    Lease,
    /// Files, and lists where no key has them as its own duty.
    File,
    /// Lists alone: KMS signs at most 4096 bytes, which is a list of some thirty entries.
    List,
}

impl Duty {
    /// The kinds of token that keys of this duty sign.
    #[must_use]
    pub const fn typs(self) -> &'static [Typ] {
        match self {
            Self::Lease => &[Typ::Lease, Typ::Denial],
            Self::File => &[Typ::License, Typ::Revocations],
            Self::List => &[Typ::Revocations],
        }
    }

    /// Whether a listed key has this duty, and no other.
    #[must_use]
    pub fn is_of(self, key: &ListedKey) -> bool {
        self.typs().len() == key.typs().len() && self.typs().iter().all(|typ| key.typs().contains(typ))
    }
}

/// A key to be put into a ring.
#[derive(Debug, Clone)]
pub enum NewKey {
    /// With this seed, in the ring.
    Seed([u8; 32]),
    /// In KMS, under this id, with this public half.
    Kms {
        /// Key id or ARN.
        id: String,
        /// What KMS says its public key is.
        public: Box<PublicKey>,
    },
}

impl NewKey {
    fn listed(&self, duty: Duty, from: Timestamp) -> Result<(ListedKey, Secret), KeySetError> {
        let public = match self {
            Self::Seed(seed) => SigningKey::from_seed(*seed).public().clone(),
            Self::Kms { public, .. } => PublicKey::clone(public),
        };
        let kid = public.key_id().to_string();
        let secret = match self {
            Self::Seed(seed) => Secret { kid, seed: Some(SecretSeed::new(*seed)), kms: None },
            Self::Kms { id, .. } => Secret { kid, seed: None, kms: Some(id.clone()) },
        };
        Ok((ListedKey::new(public, duty.typs().iter().copied(), from, None)?, secret))
    }
}

impl RingDocument {
    /// A first ring: a key for each duty, signing from `from`.
    ///
    /// # Errors
    /// [`RingFault`] for a key that may not be listed.
    pub fn first(
        root: &RootKey,
        issuer: &str,
        lease: &NewKey,
        file: &NewKey,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<Self, RingFault> {
        let fault = |error: KeySetError| RingFault(error.to_string());
        let (lease, lease_secret) = lease.listed(Duty::Lease, from).map_err(fault)?;
        let (file, file_secret) = file.listed(Duty::File, from).map_err(fault)?;
        let claims = KeySetClaims {
            iss: issuer.to_owned(),
            iat: now,
            seq: 1,
            keys: KeySet::new(vec![lease, file]).map_err(fault)?,
        };
        Ok(Self { root: root.public().to_jwk(), key_set: root.sign(&claims), secrets: vec![lease_secret, file_secret] })
    }

    /// Rotates the key of a duty: the new one is listed now, signs 48 hours later, and the old one ends 24 hours after
    /// that. Lease keys that ended longer than `longest_lease` ago are taken off; file keys stay for ever.
    ///
    /// # Errors
    /// [`RingFault`] when the ring is not of this root, or a rotation of this duty is under way.
    pub fn rotate(
        &self,
        root: &RootKey,
        duty: Duty,
        key: &NewKey,
        longest_lease: Duration,
        now: Timestamp,
    ) -> Result<Self, RingFault> {
        let old = self.verified(root.public())?;
        let starts = now.after(LISTED_BEFORE);
        if old.keys.keys().iter().any(|key| duty.is_of(key) && key.sign_from() > now) {
            return Err(RingFault("the next key of this duty is listed already: wait until it signs".to_owned()));
        }
        let (listed, secret) = key.listed(duty, starts).map_err(|error| RingFault(error.to_string()))?;
        let end = |key: ListedKey| {
            if duty.is_of(&key) && key.sign_until().is_none() { key.ending(starts.after(OVERLAP)) } else { key }
        };
        let gone = |key: &ListedKey| {
            key.typs().contains(&Typ::Lease) && key.sign_until().is_some_and(|until| until.after(longest_lease) < now)
        };
        let mut keys: Vec<_> = old.keys.keys().iter().filter(|key| !gone(key)).cloned().map(end).collect();
        keys.push(listed);
        let mut secrets: Vec<_> = self
            .secrets
            .iter()
            .filter(|secret| keys.iter().any(|key| key.key_id().to_string() == secret.kid))
            .cloned()
            .collect();
        secrets.push(secret);
        let claims = KeySetClaims {
            iss: old.iss.clone(),
            iat: now,
            seq: old.seq + 1,
            keys: KeySet::new(keys).map_err(|error| RingFault(error.to_string()))?,
        };
        Ok(Self { root: root.public().to_jwk(), key_set: root.sign(&claims), secrets })
    }

    /// The ring's key set, verified by a root that the caller trusts.
    ///
    /// # Errors
    /// [`RingFault`].
    pub fn verified(&self, root: &PublicKey) -> Result<KeySetClaims, RingFault> {
        let verified = UnverifiedToken::parse(&self.key_set).and_then(|token| token.verify_key_set(root, None, None));
        Ok(verified.map_err(|error| RingFault(format!("the key set: {error}")))?.into_claims())
    }
}

/// The root as it is kept off line: a private JWK (RFC 8037). It does not print.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RootDocument {
    kty: String,
    crv: String,
    x: String,
    d: SecretSeed,
}

impl RootDocument {
    /// The root of this seed.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        let x = Base64UrlUnpadded::encode_string(&RootKey::from_seed(seed).public().to_bytes());
        Self { kty: "OKP".to_owned(), crv: "Ed25519".to_owned(), x, d: SecretSeed::new(seed) }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> RootKey {
        RootKey::from_seed(*self.d.reveal())
    }
}
