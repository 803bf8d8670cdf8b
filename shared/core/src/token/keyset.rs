//! Key sets: which keys may sign what, and when (JWKS, RFC 7517, with `typs`, `sign_from` and `sign_until`).

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Value, json};

use super::claims::{KeySetClaims, Typ};
use super::key::{KeyError, KeyId, PublicKey};
use super::strict;
use super::unverified::{Expected, TokenError, UnverifiedToken, Verified};
use crate::time::Timestamp;

/// One key of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    public: PublicKey,
    key_id: KeyId,
    typs: BTreeSet<Typ>,
    sign_from: Timestamp,
    sign_until: Option<Timestamp>,
}

impl ListedKey {
    /// A key that may sign tokens of these kinds, from then until then; the active key has no end.
    ///
    /// # Errors
    /// [`KeyError::Duty`] when key sets are among them: only the root signs those.
    pub fn new(public: PublicKey, typs: impl IntoIterator<Item = Typ>, sign_from: Timestamp, sign_until: Option<Timestamp>) -> Result<Self, KeyError> {
        let typs: BTreeSet<_> = typs.into_iter().collect();
        if typs.contains(&Typ::Keys) {
            return Err(KeyError::Duty);
        }
        Ok(Self { public, key_id: public.key_id(), typs, sign_from, sign_until })
    }

    /// The key.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Its name.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Whether it may sign tokens of this kind.
    #[must_use]
    pub fn may_sign(&self, typ: Typ) -> bool {
        self.typs.contains(&typ)
    }

    /// What it may sign.
    pub fn typs(&self) -> impl Iterator<Item = Typ> {
        self.typs.iter().copied()
    }

    /// From when it signs.
    #[must_use]
    pub fn sign_from(&self) -> Timestamp {
        self.sign_from
    }

    /// Until when it signs, exclusive; the active key has no end.
    #[must_use]
    pub fn sign_until(&self) -> Option<Timestamp> {
        self.sign_until
    }

    /// The same key, signing until then.
    #[must_use]
    pub fn ending(mut self, sign_until: Timestamp) -> Self {
        self.sign_until = Some(sign_until);
        self
    }

    /// Whether it signs at `now`.
    #[must_use]
    pub fn signs_at(&self, now: Timestamp) -> bool {
        self.sign_from <= now && self.sign_until.is_none_or(|until| now < until)
    }

    fn read(jwk: &Value) -> Result<Self, KeyError> {
        let public = PublicKey::from_jwk(jwk)?;
        if jwk.get("kid").is_none() {
            return Err(KeyError::Name);
        }
        let time = |name: &str| match jwk.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_str().and_then(|text| text.parse().ok()).map(Some).ok_or(KeyError::Shape),
        };
        let words = jwk.get("typs").and_then(Value::as_array).ok_or(KeyError::Shape)?;
        // A newer service may list duties that this verifier does not know: it has no use for them.
        let typs = words.iter().filter_map(|word| word.as_str().and_then(Typ::from_header));
        Self::new(public, typs, time("sign_from")?.ok_or(KeyError::Shape)?, time("sign_until")?)
    }

    fn to_jwk(&self) -> Value {
        let mut jwk = self.public.to_jwk();
        let typs: Vec<_> = self.typs().map(Typ::as_str).collect();
        jwk["use"] = json!("sig");
        jwk["typs"] = json!(typs);
        jwk["sign_from"] = json!(self.sign_from);
        jwk["sign_until"] = json!(self.sign_until);
        jwk
    }
}

/// The keys that a verifier trusts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet(Vec<ListedKey>);

impl KeySet {
    /// These keys.
    #[must_use]
    pub fn new(keys: Vec<ListedKey>) -> Self {
        Self(keys)
    }

    /// Reads a JWKS document. Who fetches one over a network that others administer should take a key set that the root
    /// signed instead, see [`verify_key_set`].
    ///
    /// # Errors
    /// [`TokenError::Malformed`] for anything but strict JSON with `keys`; [`TokenError::Key`] for a faulty key.
    pub fn from_jwks(document: &[u8]) -> Result<Self, TokenError> {
        let document = strict::parse(document).map_err(|_| TokenError::Malformed("the key set is no strict JSON"))?;
        let keys = document.get("keys").and_then(Value::as_array).ok_or(TokenError::Malformed("the key set has no `keys`"))?;
        Ok(Self(keys.iter().map(ListedKey::read).collect::<Result<_, _>>()?))
    }

    /// The set as a JWKS document.
    #[must_use]
    pub fn to_jwks(&self) -> Value {
        json!({"keys": self.0.iter().map(ListedKey::to_jwk).collect::<Vec<_>>()})
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &ListedKey> {
        self.0.iter()
    }

    /// The key of this name.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&ListedKey> {
        self.0.iter().find(|key| key.key_id.as_str() == kid)
    }

    /// The key that signs tokens of this kind at `now`: of several the one that began last.
    #[must_use]
    pub fn signing_key_for(&self, typ: Typ, now: Timestamp) -> Option<&ListedKey> {
        self.0.iter().filter(|key| key.may_sign(typ) && key.signs_at(now)).max_by_key(|key| key.sign_from)
    }
}

impl Serialize for KeySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ListedKey::to_jwk))
    }
}

impl<'de> Deserialize<'de> for KeySet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Vec::<Value>::deserialize(deserializer)?;
        keys.iter().map(ListedKey::read).collect::<Result<_, _>>().map(Self).map_err(de::Error::custom)
    }
}

/// Verifies a key set by the root that a product embeds, and refuses one older than `newest_seen`: whoever administers
/// the machine could bring back an old set on the way.
///
/// # Errors
/// [`TokenError`]; [`TokenError::OldKeySet`] for a lower `seq`.
pub fn verify_key_set(token: &str, root: &PublicKey, issuer: Option<&str>, newest_seen: Option<u64>) -> Result<Verified<KeySetClaims>, TokenError> {
    let claims = UnverifiedToken::parse(token)?.verify_by_root(root, Expected { issuer, audience: None })?;
    match newest_seen {
        Some(seen) if claims.seq < seen => Err(TokenError::OldKeySet { seq: claims.seq, seen }),
        _ => Ok(claims),
    }
}
