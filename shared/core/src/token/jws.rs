//! Reading tokens: compact JWS (RFC 7515 section 7.1), with the refusals of RFC 8725.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value};

use super::claims::sealed::Read;
use super::claims::{Claims, KeySetClaims, Members};
use super::error::{Part, TokenError};
use super::key::PublicKey;
use super::keyset::{KeySet, ListedKey};
use super::strict;
use super::typ::Typ;
use super::verified::Verified;
use crate::slug::Slug;
use crate::time::Timestamp;

/// The most bytes that a token may have.
pub const MAX_TOKEN: usize = 64 * 1024;
/// The most bytes that a list of revocations may have: it grows for ever, so that 64 KiB would end it at some 400 entries.
pub const MAX_LIST: usize = 4 * 1024 * 1024;

/// A token that is well formed, and so far nothing more: anybody can have written it.
#[derive(Clone, PartialEq)]
pub struct UnverifiedToken {
    text: Box<str>,
    /// Where the last dot is: what stands before it is signed.
    signed: usize,
    typ: Typ,
    kid: Box<str>,
    claims: Map<String, Value>,
    signature: [u8; 64],
}

/// What a verifier expects of a token's claims. What it has no expectation of is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// The issuer.
    pub issuer: Option<&'a str>,
    /// The product. The list of revocations is for all of them, so there it is not looked at.
    pub audience: Option<&'a Slug>,
}

impl UnverifiedToken {
    /// Reads a token in its compact form, with nothing around it.
    ///
    /// # Errors
    ///
    /// When it is not exactly what the contract says a token is, whoever may have signed it.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        if text.len() > MAX_LIST {
            return Err(TokenError::TooLarge);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::NotThreeParts)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::NotThreeParts)?;
        if payload.contains('.') {
            return Err(TokenError::NotThreeParts);
        }
        let (typ, kid) = read_header(header)?;
        if text.len() > max_len(typ) {
            return Err(TokenError::TooLarge);
        }
        let signature = decode(Part::Signature, signature)?;
        Ok(Self {
            text: text.into(),
            signed: signed.len(),
            typ,
            kid,
            claims: decode_object(Part::Payload, payload)?,
            signature: signature.try_into().map_err(|_| TokenError::Encoding(Part::Signature))?,
        })
    }

    /// The token as it was read.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The kind of token that it says to be.
    #[must_use]
    pub fn unverified_typ(&self) -> Typ {
        self.typ
    }

    /// The key that it says to be signed by.
    #[must_use]
    pub fn unverified_kid(&self) -> &str {
        &self.kid
    }

    /// What it says.
    #[must_use]
    pub fn unverified_claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Proves the token: it is of the kind wanted, a listed key made it that may sign this kind and could at that time,
    /// and its claims are complete and as expected. Whether it has expired is another question, see [`Verified`].
    ///
    /// # Errors
    ///
    /// The first thing that is not so. What the claims say is looked at after the signature alone.
    pub fn verify<C: Claims>(&self, keys: &KeySet, expected: Expected<'_>) -> Result<Verified<C>, TokenError> {
        self.must_be(C::TYP)?;
        let key = self.kid.parse().ok().and_then(|kid| keys.get(kid)).ok_or(TokenError::UnknownKey)?;
        if !key.typs().contains(&C::TYP) {
            return Err(TokenError::NotItsDuty(C::TYP));
        }
        let claims: C = self.prove(key.public())?;
        check_time(key, claims.issued_at())?;
        check_issuer(expected, claims.issuer())?;
        match (expected.audience, claims.audience()) {
            (Some(wanted), Some(found)) if wanted != found => Err(TokenError::Audience),
            _ => Ok(Verified::new(claims, key.key_id())),
        }
    }

    /// Proves a key set by the root key. With `at_least`, the `seq` of the key set at hand, it also refuses an older one:
    /// else a thief of a key could bring back the set that lists it.
    ///
    /// # Errors
    ///
    /// The first thing that is not so.
    pub fn verify_key_set(
        &self,
        root: &PublicKey,
        issuer: Option<&str>,
        at_least: Option<u64>,
    ) -> Result<Verified<KeySetClaims>, TokenError> {
        self.must_be(Typ::Keys)?;
        if self.kid.parse() != Ok(root.key_id()) {
            return Err(TokenError::UnknownKey);
        }
        let claims: KeySetClaims = self.prove(root)?;
        check_issuer(Expected { issuer, audience: None }, &claims.iss)?;
        match at_least {
            Some(at_hand) if claims.seq < at_hand => Err(TokenError::OldKeySet { found: claims.seq, at_hand }),
            _ => Ok(Verified::new(claims, root.key_id())),
        }
    }

    pub(super) fn must_be(&self, expected: Typ) -> Result<(), TokenError> {
        if self.typ == expected { Ok(()) } else { Err(TokenError::WrongTyp { expected, found: self.typ }) }
    }

    /// Checks the signature over the very bytes received, then reads the claims.
    fn prove<C: Read>(&self, key: &PublicKey) -> Result<C, TokenError> {
        let signed = &self.text.as_bytes()[..self.signed];
        key.verify(signed, &self.signature).map_err(|_| TokenError::Signature)?;
        C::read(&Members(&self.claims))
    }
}

// A lease is a credential: it does not belong into logs.
impl fmt::Debug for UnverifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedToken({})", self.typ)
    }
}

fn check_time(key: &ListedKey, issued: Timestamp) -> Result<(), TokenError> {
    if !key.has_begun(issued) {
        return Err(TokenError::BeforeItsKey);
    }
    if key.has_ended(issued) { Err(TokenError::AfterItsKey) } else { Ok(()) }
}

fn check_issuer(expected: Expected<'_>, found: &str) -> Result<(), TokenError> {
    if expected.issuer.is_none_or(|wanted| wanted == found) { Ok(()) } else { Err(TokenError::Issuer) }
}

fn max_len(typ: Typ) -> usize {
    match typ {
        Typ::Revocations => MAX_LIST,
        Typ::Lease | Typ::Denial | Typ::License | Typ::Keys => MAX_TOKEN,
    }
}

/// The header is exactly `alg`, `kid` and `typ`. So there is no `crit`, and no key (`jwk`, `x5c`) or address of one
/// (`jku`, `x5u`) that the token brings along.
fn read_header(encoded: &str) -> Result<(Typ, Box<str>), TokenError> {
    let header = decode_object(Part::Header, encoded)?;
    let member = |name| header.get(name).and_then(Value::as_str).ok_or(TokenError::HeaderMember(name));
    let (alg, kid, typ) = (member("alg")?, member("kid")?, member("typ")?);
    if header.len() != 3 {
        return Err(TokenError::HeaderExtra);
    }
    // The key says which algorithm it is for; a token may agree, no more (RFC 8725 section 3.1).
    if !matches!(alg, "EdDSA" | "Ed25519") {
        return Err(TokenError::Algorithm);
    }
    Ok((typ.parse().map_err(|_| TokenError::UnknownTyp)?, kid.into()))
}

fn decode_object(part: Part, encoded: &str) -> Result<Map<String, Value>, TokenError> {
    match strict::parse(&decode(part, encoded)?) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(TokenError::NotAnObject(part)),
        Err(error) => Err(TokenError::json(part, &error)),
    }
}

fn decode(part: Part, encoded: &str) -> Result<Vec<u8>, TokenError> {
    Base64UrlUnpadded::decode_vec(encoded).map_err(|_| TokenError::Encoding(part))
}
