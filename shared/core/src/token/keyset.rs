//! Which keys sign what, and when.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::key::{KeyError, KeyId, PublicKey};
use super::strict::{self, StrictJsonError};
use super::typ::Typ;
use crate::time::Timestamp;

/// The most bytes that a key set may have.
const MAX_SIZE: usize = 64 * 1024;

/// A public key, the kinds of tokens that it may sign, and the times of issue at which it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    public: PublicKey,
    typs: BTreeSet<Typ>,
    sign_from: Timestamp,
    sign_until: Option<Timestamp>,
}

impl ListedKey {
    /// A key that signs `typs` from `sign_from` on, and before `sign_until` when there is one.
    ///
    /// # Errors
    ///
    /// When `typs` has [`Typ::Keys`]: key sets are the root's.
    pub fn new(
        public: PublicKey,
        typs: impl IntoIterator<Item = Typ>,
        sign_from: Timestamp,
        sign_until: Option<Timestamp>,
    ) -> Result<Self, KeySetError> {
        let typs = BTreeSet::from_iter(typs);
        if typs.contains(&Typ::Keys) {
            return Err(KeySetError::SignsKeySets);
        }
        Ok(Self { public, typs, sign_from, sign_until })
    }

    /// The key.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key's name.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.public.key_id()
    }

    /// What it may sign.
    #[must_use]
    pub fn typs(&self) -> &BTreeSet<Typ> {
        &self.typs
    }

    /// The first second at which it may sign.
    #[must_use]
    pub fn sign_from(&self) -> Timestamp {
        self.sign_from
    }

    /// The first second at which it may sign no more; none while that is not known.
    #[must_use]
    pub fn sign_until(&self) -> Option<Timestamp> {
        self.sign_until
    }

    /// The same key, which may sign no more from `sign_until` on.
    #[must_use]
    pub fn ending(self, sign_until: Timestamp) -> Self {
        Self { sign_until: Some(sign_until), ..self }
    }

    pub(super) fn has_begun(&self, at: Timestamp) -> bool {
        self.sign_from <= at
    }

    pub(super) fn has_ended(&self, at: Timestamp) -> bool {
        self.sign_until.is_some_and(|end| end <= at)
    }

    fn from_jwk(jwk: &Value) -> Result<Self, KeySetError> {
        let public = PublicKey::from_jwk(jwk)?;
        if jwk.get("kid").is_none() {
            return Err(KeyError::Member("kid").into());
        }
        let typs: Vec<&str> = member(jwk, "typs")?;
        let typs = typs.into_iter().filter_map(|typ| typ.parse().ok());
        let sign_until = if jwk.get("sign_until").is_some() { member(jwk, "sign_until")? } else { None };
        Self::new(public, typs, member(jwk, "sign_from")?, sign_until)
    }

    fn to_jwk(&self) -> Value {
        let mut jwk = self.public.to_jwk();
        jwk["typs"] = json!(self.typs);
        jwk["sign_from"] = json!(self.sign_from);
        jwk["sign_until"] = json!(self.sign_until);
        jwk
    }
}

fn member<'a, T: serde::Deserialize<'a>>(jwk: &'a Value, name: &'static str) -> Result<T, KeyError> {
    jwk.get(name).and_then(|value| T::deserialize(value).ok()).ok_or(KeyError::Member(name))
}

/// The keys that tokens are verified with, none of them twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet(Vec<ListedKey>);

impl KeySet {
    /// The keys as a set.
    ///
    /// # Errors
    ///
    /// When a key is there twice.
    pub fn new(keys: Vec<ListedKey>) -> Result<Self, KeySetError> {
        let names: BTreeSet<_> = keys.iter().map(ListedKey::key_id).collect();
        if names.len() == keys.len() { Ok(Self(keys)) } else { Err(KeySetError::KeyTwice) }
    }

    /// Reads a JWKS (RFC 7517 section 5) with `typs`, `sign_from` and `sign_until` beside each key. As section 5 wants it,
    /// keys of a kind not known here are skipped, and unknown members ignored, so a newer service can list more.
    ///
    /// A JWKS proves nothing by itself: take it from a place that you trust, or take a `keys+jwt` with
    /// [`UnverifiedToken::verify_key_set`](super::UnverifiedToken::verify_key_set).
    ///
    /// # Errors
    ///
    /// When it is no JWKS, or when any Ed25519 key in it is faulty.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > MAX_SIZE {
            return Err(KeySetError::TooLarge);
        }
        let document = strict::parse(bytes)?;
        let keys = document.get("keys").and_then(Value::as_array).ok_or(KeySetError::NoKeys)?;
        Self::from_jwks(keys)
    }

    pub(super) fn from_jwks(keys: &[Value]) -> Result<Self, KeySetError> {
        let read = keys.iter().map(ListedKey::from_jwk);
        let known = read.filter(|key| *key != Err(KeySetError::Key(KeyError::NotEd25519)));
        Self::new(known.collect::<Result<_, _>>()?)
    }

    /// The keys as the JWKS that [`KeySet::parse`] reads.
    #[must_use]
    pub fn to_jwks(&self) -> Value {
        let keys: Vec<_> = self.0.iter().map(ListedKey::to_jwk).collect();
        json!({ "keys": keys })
    }

    /// Every key.
    #[must_use]
    pub fn keys(&self) -> &[ListedKey] {
        &self.0
    }

    /// The key of that name.
    #[must_use]
    pub fn get(&self, id: KeyId) -> Option<&ListedKey> {
        self.0.iter().find(|key| key.key_id() == id)
    }

    /// The key to sign tokens of a kind with at `now`: of those that may, the one that began last.
    #[must_use]
    pub fn signing_key_for(&self, typ: Typ, now: Timestamp) -> Option<&ListedKey> {
        let may = |key: &&ListedKey| key.typs.contains(&typ) && key.has_begun(now) && !key.has_ended(now);
        self.0.iter().filter(may).max_by_key(|key| (key.sign_from, key.key_id()))
    }
}

/// Why a key set was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Over the limit of 64 KiB.
    #[error("the key set is too large")]
    TooLarge,
    /// Not strict JSON.
    #[error("the key set {0}")]
    Json(#[from] StrictJsonError),
    /// Not an object with an array `keys`.
    #[error("a key set must be a JSON object with an array `keys`")]
    NoKeys,
    /// One of its keys is faulty.
    #[error("a key in the key set is faulty: {0}")]
    Key(#[from] KeyError),
    /// A key is there twice.
    #[error("a key is in the key set twice")]
    KeyTwice,
    /// A listed key that may sign key sets.
    #[error("a key in the key set is listed for keys+jwt, which only the root signs")]
    SignsKeySets,
}
