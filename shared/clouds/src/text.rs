//! Reading what clouds write: base64 and JSON with one reading only.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use marque_core::token::strict;
use serde_json::{Map, Value};

use crate::proof::{MAX_MEMBER, ProofError};

/// Base64 (RFC 4648, section 4) with line breaks.
pub(crate) fn base64(text: &str) -> Result<Vec<u8>, ProofError> {
    if text.len() > MAX_MEMBER {
        return Err(ProofError::Invalid("base64: too long"));
    }
    let letters: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    Base64::decode_vec(&letters).map_err(|_| ProofError::Invalid("base64: faulty"))
}

/// Base64url without padding.
pub(crate) fn base64url(text: &str) -> Result<Vec<u8>, ProofError> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| ProofError::Invalid("base64url: faulty"))
}

/// One JSON object, no member of it twice at any depth.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, ProofError> {
    match strict::parse(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(ProofError::Invalid("JSON: not one object with one reading")),
    }
}

/// A member that must be a text.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, ProofError> {
    object.get(name).and_then(Value::as_str).ok_or(ProofError::Invalid("JSON: a text is missing"))
}

/// A member that is made of such letters only, and not too many of them: ids go into keys and logs.
pub(crate) fn id(object: &Map<String, Value>, name: &str) -> Result<String, ProofError> {
    checked_id(text(object, name)?)
}

/// See [`id`].
pub(crate) fn checked_id(text: &str) -> Result<String, ProofError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.is_empty() || text.len() > 255 || !text.bytes().all(plain) {
        return Err(ProofError::Invalid("an id with other letters than ids have"));
    }
    Ok(text.to_owned())
}
