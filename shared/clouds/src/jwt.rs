//! Identity tokens of clouds: compact JWS (RFC 7515) with RS256, and no other algorithm.

use serde_json::{Map, Value};

use crate::proof::ProofError;
use crate::rsa::RsaKey;
use crate::text::{base64url, object, text};

/// Letters of a token.
const MAX_TOKEN: usize = 8 * 1024;

/// A token of the right form; its claims stay closed until a key opens them.
#[derive(Debug)]
pub(crate) struct UnverifiedJwt<'t> {
    key_id: String,
    covered: &'t str,
    claims: &'t str,
    signature: Vec<u8>,
}

impl<'t> UnverifiedJwt<'t> {
    /// Reads a token. The header is `alg`, `kid` and perhaps `typ`: no key, and no address of one, that the token brings
    /// along (RFC 8725).
    pub(crate) fn parse(token: &'t str) -> Result<Self, ProofError> {
        if token.len() > MAX_TOKEN {
            return Err(ProofError::Invalid("JWT: too long"));
        }
        let (covered, signature) = token.rsplit_once('.').ok_or(ProofError::Invalid("JWT: not three parts"))?;
        let (header, claims) = covered.split_once('.').ok_or(ProofError::Invalid("JWT: not three parts"))?;
        let header = object(&base64url(header)?)?;
        if header.keys().any(|name| !matches!(name.as_str(), "alg" | "kid" | "typ")) {
            return Err(ProofError::Invalid("JWT: other members in the header"));
        }
        if text(&header, "alg")? != "RS256" || header.get("typ").is_some_and(|typ| typ != "JWT") {
            return Err(ProofError::Invalid("JWT: another algorithm or type"));
        }
        Ok(Self { key_id: text(&header, "kid")?.to_owned(), covered, claims, signature: base64url(signature)? })
    }

    /// Which key it says signed it.
    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The claims, which `key` signed.
    pub(crate) fn verify(&self, key: &RsaKey) -> Result<Map<String, Value>, ProofError> {
        if !key.verifies_pkcs1(self.covered.as_bytes(), &self.signature) {
            return Err(ProofError::Invalid("JWT: the signature does not fit"));
        }
        self.unverified_claims()
    }

    /// The claims before anything was verified: good for looking up, and for nothing else.
    pub(crate) fn unverified_claims(&self) -> Result<Map<String, Value>, ProofError> {
        object(&base64url(self.claims)?)
    }
}
