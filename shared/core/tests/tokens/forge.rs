//! Tokens written by hand.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use marque_core::token::{Claims, Expected, KeySet, ListedKey, PublicKey, TokenError, Typ, UnverifiedToken, Verified};
use marque_core::{Slug, Timestamp};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://licences.example.com";
/// Within the time of every key.
pub(crate) const IAT: i64 = 1_805_000_000;
/// 2027-01-01T00:00:00Z and 2027-07-01T00:00:00Z: when the lease key signs.
pub(crate) const LEASE_KEY: (i64, i64) = (1_798_761_600, 1_814_400_000);

/// Whose signature is under a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Signs leases and denials from 2027-01-01 to 2027-07-01.
    LeaseKey,
    /// Signs files and lists from 2027-01-01 on.
    FileKey,
    /// Signs key sets.
    Root,
    /// Nobody's.
    Foreign,
}

impl By {
    pub(crate) fn key(self) -> SigningKey {
        SigningKey::from_bytes(&[self as u8 + 1; 32])
    }

    pub(crate) fn public(self) -> PublicKey {
        PublicKey::from_bytes(self.key().verifying_key().to_bytes()).unwrap()
    }

    pub(crate) fn kid(self) -> String {
        self.public().key_id().to_string()
    }

    /// The header of its tokens.
    pub(crate) fn header(self, typ: Typ) -> Value {
        json!({ "alg": "EdDSA", "kid": self.kid(), "typ": typ.as_str() })
    }

    /// A token of exactly these texts, with its right signature.
    pub(crate) fn sign_text(self, header: &str, payload: &str) -> String {
        self.sign_input(&format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes())))
    }

    pub(crate) fn sign_input(self, input: &str) -> String {
        format!("{input}.{}", encode(&self.key().sign(input.as_bytes()).to_bytes()))
    }

    pub(crate) fn sign(self, typ: Typ, claims: &Value) -> String {
        self.sign_text(&self.header(typ).to_string(), &claims.to_string())
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text).unwrap()
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn unix(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds).unwrap()
}

pub(crate) fn product() -> Slug {
    "kopicloud-ad-api".parse().unwrap()
}

pub(crate) fn keys() -> KeySet {
    let (from, until) = LEASE_KEY;
    let lease = ListedKey::new(By::LeaseKey.public(), [Typ::Lease, Typ::Denial], unix(from), Some(unix(until)));
    let file = ListedKey::new(By::FileKey.public(), [Typ::License, Typ::Revocations], unix(from), None);
    KeySet::new(vec![lease.unwrap(), file.unwrap()]).unwrap()
}

/// What a client does with a text that it was given.
pub(crate) fn verify<C: Claims>(token: &str) -> Result<Verified<C>, TokenError> {
    let product = product();
    let expected = Expected { issuer: Some(ISSUER), audience: Some(&product) };
    UnverifiedToken::parse(token)?.verify(&keys(), expected)
}

pub(crate) fn by(typ: Typ) -> By {
    match typ {
        Typ::Lease | Typ::Denial => By::LeaseKey,
        Typ::License | Typ::Revocations => By::FileKey,
        Typ::Keys => By::Root,
    }
}

/// The claims of a good token of each kind, as the contract's table lists them.
pub(crate) fn claims(typ: Typ) -> Value {
    let fingerprint = json!({ "kind": "ad-domain", "value": "ab".repeat(32) });
    match typ {
        Typ::Lease => json!({
            "iss": ISSUER, "aud": "kopicloud-ad-api", "sub": "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "jti": "01BX5ZZKBKACTAV9WEVGEMMVS0", "iat": IAT, "exp": IAT + 14 * 86_400, "nonce": "0123456789abcdef",
            "valid": true, "code": "VALID", "state": "active", "plan": "yearly", "kind": "subscription",
            "features": { "seats": 5, "modules": { "audit": true } }, "fingerprint": fingerprint,
            "instance_id": "2f1e4fc0-81fd-41da-9156-00036acd1234", "prev": null,
            "paid_through": "2027-12-31T23:59:59Z", "grace_until": "2028-01-14T23:59:59Z",
            "next_check": "2027-03-14T08:00:00Z",
        }),
        Typ::Denial => json!({
            "iss": ISSUER, "aud": "kopicloud-ad-api", "sub": "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "jti": "01BX5ZZKBKACTAV9WEVGEMMVS1", "iat": IAT, "nonce": "0123456789abcdef", "valid": false,
            "code": "SUSPENDED", "reasons": ["SUSPENDED", "EXPIRED"], "state": "suspended", "plan": null, "kind": null,
            "features": null, "fingerprint": fingerprint, "instance_id": "2f1e4fc0-81fd-41da-9156-00036acd1234",
            "prev": "01BX5ZZKBKACTAV9WEVGEMMVS0", "paid_through": null, "grace_until": null,
            "next_check": "2027-03-14T08:00:00Z",
        }),
        Typ::License => json!({
            "iss": ISSUER, "aud": "kopicloud-ad-api", "sub": "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "jti": "01BX5ZZKBKACTAV9WEVGEMMVS2", "iat": IAT, "expires": null, "plan": "perpetual", "kind": "perpetual",
            "features": {}, "fingerprint": fingerprint, "licensee": { "name": "Ann Lee", "company": "Example GmbH" },
            "terms": "One server in one domain, for ever.",
        }),
        Typ::Revocations => json!({
            "iss": ISSUER, "iat": IAT, "seq": 7, "next_update": "2027-03-20T00:00:00Z",
            "revoked": [
                { "sub": "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV", "at": "2027-03-01T00:00:00Z", "reason": "revoked" },
                { "jti": "01BX5ZZKBKACTAV9WEVGEMMVS2", "at": "2027-03-01T00:00:00Z", "reason": "moved" },
            ],
        }),
        Typ::Keys => json!({
            "iss": ISSUER, "iat": IAT, "seq": 3, "keys": keys().to_jwks()["keys"],
        }),
    }
}

/// A good token of each kind.
pub(crate) fn token(typ: Typ) -> String {
    by(typ).sign(typ, &claims(typ))
}

/// The claims of a good token with one of them set.
pub(crate) fn with(typ: Typ, name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims(typ);
    claims[name] = value.into();
    claims
}
