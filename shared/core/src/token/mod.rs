//! Signed tokens: compact JWS (RFC 7515) with Ed25519 (RFC 8037), explicit `typ` (RFC 8725), and one verifier for all.
//!
//! What is parsed is [`UnverifiedToken`]; only [`UnverifiedToken::verify`] makes a [`Verified`], from the very bytes that
//! were received. The algorithm comes from the key, never from the token.
//!
//! ```
//! use marque_core::token::{Expected, KeySet, Lease, SigningKey, Typ, UnverifiedToken};
//! # use marque_core::token::ListedKey;
//! # let key = SigningKey::from_seed([7; 32]);
//! # let from = "2027-01-01T00:00:00Z".parse()?;
//! # let listed = ListedKey::new(*key.public(), [Typ::Lease, Typ::Denial], from, None)?;
//! # let jwks = KeySet::new(vec![listed]).to_jwks().to_string();
//! # let lease: Lease = serde_json::from_value(serde_json::json!({
//! #     "iss": "https://licences.example.com", "aud": "kopicloud-ad-api", "sub": "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV",
//! #     "jti": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "iat": 1800000000, "exp": 1801209600, "nonce": "0123456789abcdef",
//! #     "valid": true, "code": "VALID", "state": "active", "plan": "yearly", "kind": "subscription", "features": {},
//! #     "fingerprint": {"kind": "ad-domain", "value": "00".repeat(32)}, "instance_id": "2f1e4fc0-81fd-41da-9156-00036acd1234",
//! #     "prev": null, "paid_through": "2027-12-31T23:59:59Z", "grace_until": "2028-01-14T23:59:59Z",
//! #     "next_check": "2027-01-16T08:00:00Z"
//! # }))?;
//! # let text = key.sign(&lease);
//! let keys = KeySet::from_jwks(jwks.as_bytes())?;
//! let product = "kopicloud-ad-api".parse()?;
//! let expected = Expected { issuer: Some("https://licences.example.com"), audience: Some(&product) };
//! let lease = UnverifiedToken::parse(&text)?.verify::<Lease>(&keys, expected)?;
//! assert!(lease.runs_at("2027-01-20T00:00:00Z".parse()?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod claims;
mod key;
mod keyset;
mod lic;
mod offline;
pub mod strict;
mod unverified;

pub use claims::{Claims, Denial, KeySetClaims, Lease, LicenseFile, Licensee, Revocations, Revoked, RevokedBecause, RevokedThing, Typ};
pub use key::{KeyError, KeyId, PublicKey, SigningKey, attach_signature, signing_input};
pub use keyset::{KeySet, ListedKey, verify_key_set};
pub use lic::{LicFileError, parse_lic, render_lic};
pub use offline::{Any, Expectations, Judgement, Refused, judge};
pub use unverified::{Expected, TokenError, UnverifiedToken, Verified};
