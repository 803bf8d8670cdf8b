//! From text to trust: parsing refuses what RFC 8725 warns of, verifying takes everything from the key.

use std::ops::Deref;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value;

use super::claims::{Claims, KeySetClaims, Lease, LicenseFile, Typ};
use super::key::{KeyError, PublicKey};
use super::keyset::KeySet;
use super::strict;
use crate::slug::Slug;
use crate::time::Timestamp;

/// No token of ours comes near this many bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// Why a token is refused. None of its bytes are repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a compact JWS as this contract writes it.
    #[error("no token: {0}")]
    Malformed(&'static str),
    /// The algorithm is none that the keys are for.
    #[error("the token's algorithm is not EdDSA")]
    Algorithm,
    /// The header holds a member that a verifier must not follow.
    #[error("the token's header holds more than `alg`, `kid` and `typ`")]
    Header,
    /// The token is of another kind than asked for.
    #[error("the token is of another kind than asked for")]
    Type,
    /// The key is not in the set.
    #[error("the token names a key that is not in the key set: fetch the key set again")]
    UnknownKey,
    /// The key may not sign tokens of this kind.
    #[error("the token's key may not sign tokens of this kind")]
    Duty,
    /// The signature does not hold.
    #[error("the token's signature does not hold")]
    Signature,
    /// A claim is missing, of another type, or contradicts the kind.
    #[error("the token's claims are not those of its kind")]
    Claims,
    /// Issued before its key began to sign, or after it ended.
    #[error("the token was issued outside of its key's time")]
    KeyTime,
    /// Another issuer than expected.
    #[error("the token is of another issuer")]
    Issuer,
    /// Another product than expected.
    #[error("the token is for another product")]
    Audience,
    /// A key set with a lower number than one that was seen.
    #[error("the key set is older ({seq}) than one that was seen ({seen})")]
    OldKeySet {
        /// Its number.
        seq: u64,
        /// The highest seen.
        seen: u64,
    },
    /// A key of a set is faulty.
    #[error("a key of the set {0}")]
    Key(#[from] KeyError),
}

/// What a verifier expects beside the kind; none means any.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// `iss`.
    pub issuer: Option<&'a str>,
    /// `aud`.
    pub audience: Option<&'a Slug>,
}

/// A token whose shape is right and which nobody has verified.
#[derive(Debug, Clone, PartialEq)]
pub struct UnverifiedToken<'a> {
    signing_input: &'a str,
    typ: Typ,
    kid: String,
    claims: Value,
    signature: [u8; 64],
}

impl<'a> UnverifiedToken<'a> {
    /// Parses a compact JWS: three parts of canonical base64url, a header of exactly `alg`, `kid` and `typ`, a payload
    /// that is an object without duplicate members, a signature of 64 bytes.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::Algorithm`], [`TokenError::Header`], [`TokenError::Type`] for a `typ`
    /// that is none of the contract's.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::Malformed("it is too long"));
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed("it has no three parts"))?;
        let (header, payload) = signing_input.split_once('.').ok_or(TokenError::Malformed("it has no three parts"))?;
        let (typ, kid) = read_header(&object(header)?)?;
        let claims = object(payload)?;
        let mut bytes = [0; 64];
        let decoded = Base64UrlUnpadded::decode(signature, &mut bytes).map(<[u8]>::len);
        if decoded != Ok(64) {
            return Err(TokenError::Malformed("its signature is not 64 bytes in canonical base64url"));
        }
        Ok(Self { signing_input, typ, kid, claims, signature: bytes })
    }

    /// The kind that the header names. Nobody has verified it.
    #[must_use]
    pub fn typ(&self) -> Typ {
        self.typ
    }

    /// The key that the header names. Nobody has verified it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.kid
    }

    /// What it claims. Nobody has verified it.
    #[must_use]
    pub fn claims(&self) -> &Value {
        &self.claims
    }

    /// Verifies the token by a key of the set. Whether its time has run out is asked of the result.
    ///
    /// # Errors
    /// [`TokenError`], one variant a cause.
    pub fn verify<C: Claims>(&self, keys: &KeySet, expected: Expected<'_>) -> Result<Verified<C>, TokenError> {
        if self.typ != C::TYP {
            return Err(TokenError::Type);
        }
        let key = keys.get(&self.kid).ok_or(TokenError::UnknownKey)?;
        if !key.may_sign(C::TYP) {
            return Err(TokenError::Duty);
        }
        let claims = self.claims_signed_by::<C>(key.public(), expected)?;
        if key.signs_at(claims.issued_at()) { Ok(Verified(claims)) } else { Err(TokenError::KeyTime) }
    }

    /// Verifies a key set by the root.
    pub(super) fn verify_by_root(&self, root: &PublicKey, expected: Expected<'_>) -> Result<Verified<KeySetClaims>, TokenError> {
        if self.typ != Typ::Keys {
            return Err(TokenError::Type);
        }
        if self.kid != root.key_id().as_str() {
            return Err(TokenError::UnknownKey);
        }
        self.claims_signed_by(root, expected).map(Verified)
    }

    fn claims_signed_by<C: Claims>(&self, key: &PublicKey, expected: Expected<'_>) -> Result<C, TokenError> {
        key.verify(self.signing_input.as_bytes(), &self.signature).map_err(|_| TokenError::Signature)?;
        if C::contradiction(&self.claims) {
            return Err(TokenError::Claims);
        }
        let claims = C::deserialize(&self.claims).map_err(|_| TokenError::Claims)?;
        if expected.issuer.is_some_and(|issuer| issuer != claims.issuer()) {
            return Err(TokenError::Issuer);
        }
        if expected.audience.is_some_and(|audience| claims.audience().is_some_and(|aud| aud != audience)) {
            return Err(TokenError::Audience);
        }
        Ok(claims)
    }
}

/// One part as strict JSON; base64url in any but its one canonical spelling is refused.
fn object(part: &str) -> Result<Value, TokenError> {
    let bytes = Base64UrlUnpadded::decode_vec(part).map_err(|_| TokenError::Malformed("a part is not canonical base64url"))?;
    match strict::parse(&bytes) {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(TokenError::Malformed("a part is no JSON object without duplicate members")),
    }
}

fn read_header(header: &Value) -> Result<(Typ, String), TokenError> {
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if !matches!(text("alg"), Some("EdDSA" | "Ed25519")) {
        return Err(TokenError::Algorithm);
    }
    // `crit`, `jku`, `jwk`, `x5u`, `x5c` and whatever else would have the token say how it is to be verified.
    if header.as_object().is_none_or(|members| members.len() != 3) {
        return Err(TokenError::Header);
    }
    let kid = text("kid").ok_or(TokenError::Header)?;
    let typ = text("typ").ok_or(TokenError::Header)?;
    Ok((Typ::from_header(typ).ok_or(TokenError::Type)?, kid.to_owned()))
}

/// Claims that a trusted key signed. Only verifying makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<C>(C);

impl<C> Verified<C> {
    /// The claims.
    #[must_use]
    pub fn into_inner(self) -> C {
        self.0
    }
}

impl<C> Deref for Verified<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl Verified<Lease> {
    /// Whether it lets a server run at `now`.
    #[must_use]
    pub fn runs_at(&self, now: Timestamp) -> bool {
        now < self.exp
    }
}

impl Verified<LicenseFile> {
    /// Whether it lets a server run at `now`.
    #[must_use]
    pub fn runs_at(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}
