//! The ring in use, and when it is read again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use marque_core::Timestamp;
use marque_core::token::{KeyId, KeySet, KeySetClaims, ListedKey, PublicKey, SigningKey, Typ};

use super::document::{RingDocument, RingFault, Secret};
use super::file_key::FileKey;
use crate::problem::Error;

/// The ring is read again after so many seconds.
const REREAD_AFTER: i64 = 3600;

/// A verified key ring.
#[derive(Debug)]
pub struct KeyRing {
    root: KeyId,
    issuer: String,
    token: String,
    seq: u64,
    set: KeySet,
    jwks: String,
    lease_keys: HashMap<KeyId, SigningKey>,
    file_keys: HashMap<KeyId, FileKey>,
}

impl KeyRing {
    /// Reads a ring: the set must be signed by the root, each secret must belong to a key of the set, and there must be
    /// a key for each duty at `now`.
    ///
    /// # Errors
    /// [`RingFault`], without a byte of a key.
    pub fn read(document: &RingDocument, source: &RingSource, now: Timestamp) -> Result<Self, RingFault> {
        let fault = |text: String| RingFault(text);
        let root = PublicKey::from_jwk(&document.root).map_err(|error| fault(format!("the root: {error}")))?;
        let KeySetClaims { iss: issuer, seq, keys: set, .. } = document.verified(&root)?;
        let jwks = set.to_jwks().to_string();
        let mut ring = Self {
            root: root.key_id(),
            issuer,
            token: document.key_set.clone(),
            seq,
            set,
            jwks,
            lease_keys: HashMap::new(),
            file_keys: HashMap::new(),
        };
        for (at, secret) in document.secrets.iter().enumerate() {
            // The kid of a faulty document may be anything, a seed in the wrong place too: it is not repeated.
            ring.add(secret, source).map_err(|text| fault(format!("number {} of the secrets: {text}", at + 1)))?;
        }
        for typ in [Typ::Lease, Typ::License] {
            ring.active(typ, now).map_err(|_| fault(format!("no key with a secret signs {} now", typ.as_str())))?;
        }
        Ok(ring)
    }

    /// The issuer that the key set is of.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The key set as the root signed it.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The number of the key set.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The key set, verified.
    #[must_use]
    pub fn set(&self) -> &KeySet {
        &self.set
    }

    /// The key set as a JWKS document.
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// The key that signs leases and denials at `now`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when every lease key has run out.
    pub fn lease_key(&self, now: Timestamp) -> Result<&SigningKey, Error> {
        let kid = self.active(Typ::Lease, now)?;
        self.lease_keys.get(&kid).ok_or_else(|| no_key(Typ::Lease))
    }

    /// The key that signs files and lists at `now`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when every file key has run out.
    pub fn file_key(&self, now: Timestamp) -> Result<&FileKey, Error> {
        let kid = self.active(Typ::License, now)?;
        self.file_keys.get(&kid).ok_or_else(|| no_key(Typ::License))
    }

    /// The key that signs lists at `now`: one that signs nothing else, or the file key.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is neither.
    pub fn list_key(&self, now: Timestamp) -> Result<&FileKey, Error> {
        let alone = |key: &&ListedKey| key.typs().iter().eq([&Typ::Revocations]);
        let signs = |key: &&ListedKey| key.sign_from() <= now && key.sign_until().is_none_or(|until| now < until);
        let listed = self.set.keys().iter().filter(alone).filter(signs).max_by_key(|key| key.sign_from());
        match listed.and_then(|key| self.file_keys.get(&key.key_id())) {
            Some(key) => Ok(key),
            None => self.file_key(now),
        }
    }

    /// When the last of the listed keys that sign this kind of token ends; none when one signs without an end.
    #[must_use]
    pub fn runs_out(&self, typ: Typ, now: Timestamp) -> Option<Timestamp> {
        let mut at = now;
        while let Some(key) = self.set.signing_key_for(typ, at) {
            at = key.sign_until()?;
        }
        Some(at)
    }

    fn active(&self, typ: Typ, now: Timestamp) -> Result<KeyId, Error> {
        let listed = self.set.signing_key_for(typ, now).ok_or_else(|| no_key(typ))?;
        let kid = listed.key_id();
        let known =
            if typ == Typ::Lease { self.lease_keys.contains_key(&kid) } else { self.file_keys.contains_key(&kid) };
        if known { Ok(kid) } else { Err(no_key(typ)) }
    }

    fn add(&mut self, secret: &Secret, source: &RingSource) -> Result<(), String> {
        let listed = secret.kid.parse().ok().and_then(|kid| self.set.get(kid)).ok_or("the key set does not list it")?;
        let (kid, public, signs_leases) =
            (listed.key_id(), listed.public().clone(), listed.typs().contains(&Typ::Lease));
        match (&secret.seed, &secret.kms) {
            (Some(seed), None) => {
                let key = SigningKey::from_seed(*seed.reveal());
                if key.key_id() != kid {
                    return Err("its seed makes another key".to_owned());
                }
                if signs_leases {
                    self.lease_keys.insert(kid, key);
                } else {
                    self.file_keys.insert(kid, FileKey::Local(Box::new(key)));
                }
                Ok(())
            }
            (None, Some(_)) if signs_leases => {
                Err("a lease key cannot be in KMS: a check must not cost a network trip".to_owned())
            }
            (None, Some(id)) => {
                self.file_keys.insert(kid, source.kms_key(id, public)?);
                Ok(())
            }
            _ => Err("it needs either a seed or a KMS key".to_owned()),
        }
    }
}

fn no_key(typ: Typ) -> Error {
    Error::Unavailable { cause: format!("no key signs {typ} now: rotate the keys") }
}

/// Where the ring comes from, and what its keys in KMS are reached by.
#[derive(Debug, Clone)]
pub enum RingSource {
    /// Given once: tests, and `marque serve` in memory.
    Given,
    /// A file of this machine.
    File(PathBuf),
    /// AWS.
    #[cfg(feature = "aws")]
    Aws(crate::aws::AwsKeys),
}

impl RingSource {
    fn kms_key(&self, id: &str, public: PublicKey) -> Result<FileKey, String> {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws(aws) => {
                Ok(FileKey::Kms(Box::new(super::KmsKey { service: aws.kms.clone(), id: id.to_owned(), public })))
            }
            _ => Err(format!("KMS cannot be reached from here (key {id} of {})", public.key_id())),
        }
    }

    /// Reads the document; `None` where it never changes.
    async fn fetch(&self) -> Result<Option<RingDocument>, RingFault> {
        let text = match self {
            Self::Given => return Ok(None),
            Self::File(path) => {
                std::fs::read_to_string(path).map_err(|error| RingFault(format!("{}: {error}", path.display())))?
            }
            #[cfg(feature = "aws")]
            Self::Aws(aws) => aws.fetch().await?,
        };
        let text = zeroize::Zeroizing::new(text);
        // serde's message could repeat a piece of the document, so only the place is told.
        let document = serde_json::from_str(&text)
            .map_err(|error| RingFault(format!("no key ring at line {} column {}", error.line(), error.column())))?;
        Ok(Some(document))
    }
}

/// The ring in use. It is read again hourly; when that fails the old one stays.
#[derive(Debug)]
pub struct Keys {
    ring: RwLock<Arc<KeyRing>>,
    source: RingSource,
    read_at: AtomicI64,
}

impl Keys {
    /// A ring that is given and never read again.
    ///
    /// # Errors
    /// [`RingFault`].
    pub fn given(document: &RingDocument, now: Timestamp) -> Result<Self, RingFault> {
        Ok(Self::new(KeyRing::read(document, &RingSource::Given, now)?, RingSource::Given, now))
    }

    /// Reads the ring from its source.
    ///
    /// # Errors
    /// [`RingFault`].
    pub async fn load(source: RingSource, now: Timestamp) -> Result<Self, RingFault> {
        let document =
            source.fetch().await?.ok_or_else(|| RingFault("there is no source to read it from".to_owned()))?;
        Ok(Self::new(KeyRing::read(&document, &source, now)?, source, now))
    }

    /// The same keys, if they are this issuer's: products would refuse every token otherwise.
    ///
    /// # Errors
    /// [`RingFault`] for a ring of another issuer.
    pub fn of_issuer(self, issuer: &str) -> Result<Self, RingFault> {
        let same = self.ring.read().unwrap_or_else(PoisonError::into_inner).issuer() == issuer;
        let fault = || RingFault("it is of another issuer than MARQUE_ISSUER says: compare the two".to_owned());
        if same { Ok(self) } else { Err(fault()) }
    }

    fn new(ring: KeyRing, source: RingSource, now: Timestamp) -> Self {
        Self { ring: RwLock::new(Arc::new(ring)), source, read_at: AtomicI64::new(now.unix()) }
    }

    /// The ring, read again when an hour has passed.
    pub async fn ring(&self, now: Timestamp) -> Arc<KeyRing> {
        let read_at = self.read_at.load(Ordering::Relaxed);
        let stale = (now.unix() - read_at).abs() >= REREAD_AFTER;
        // Whoever moves the mark reads; the others go on with what they have.
        if stale && self.read_at.compare_exchange(read_at, now.unix(), Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.reread(now).await;
        }
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn reread(&self, now: Timestamp) {
        let fresh = match self.source.fetch().await {
            Ok(None) => return,
            Ok(Some(document)) => KeyRing::read(&document, &self.source, now),
            Err(fault) => Err(fault),
        };
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        match fresh {
            // Products embed the root: what another one vouches for, they would refuse.
            Ok(fresh) if fresh.root != ring.root => tracing::error!("a key ring of another root was refused"),
            Ok(fresh) if fresh.issuer() != ring.issuer() => tracing::error!("a key ring of another issuer was refused"),
            Ok(fresh) if fresh.seq() >= ring.seq() => *ring = Arc::new(fresh),
            Ok(fresh) => tracing::error!(seq = fresh.seq(), kept = ring.seq(), "an older key ring was refused"),
            Err(fault) => tracing::error!(%fault, "the key ring could not be read again"),
        }
    }
}
