//! The two credentials of a licence's holder: its code, and the machine's key.

use base64ct::{Base64UrlUnpadded, Encoding};
use http::{HeaderMap, Method, header};
use marque_core::LicenseCode;
use marque_core::token::PublicKey;
use sha2::{Digest, Sha256};

use crate::problem::Error;

/// The code of `Authorization: License <code>`.
pub(crate) fn license_code(headers: &HeaderMap) -> Result<LicenseCode, Error> {
    let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(Error::Unauthorized)?;
    let (scheme, code) = text.trim().split_once(' ').ok_or(Error::Unauthorized)?;
    if !scheme.eq_ignore_ascii_case("license") {
        return Err(Error::Unauthorized);
    }
    code.parse().map_err(|_| Error::CodeMistyped)
}

/// Checks `Marque-Signature`: Ed25519 by `key` over
/// `marque/request/v1\n<METHOD>\n<path>\n<hex SHA-256 of the body's bytes>`. No header at all is `Ok(false)`.
pub(crate) fn signed_by(
    headers: &HeaderMap,
    key: &[u8; 32],
    method: &Method,
    path: &str,
    body: &[u8],
) -> Result<bool, Error> {
    let Some(header) = headers.get("marque-signature") else { return Ok(false) };
    let mut signature = [0; 64];
    let decoded = Base64UrlUnpadded::decode(header.as_bytes(), &mut signature).map_err(|_| Error::SignatureInvalid)?;
    if decoded.len() != 64 {
        return Err(Error::SignatureInvalid);
    }
    let digest: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let message = format!("marque/request/v1\n{method}\n{path}\n{digest}");
    let key = PublicKey::from_bytes(*key).map_err(|_| Error::SignatureInvalid)?;
    key.verify(message.as_bytes(), &signature).map(|()| true).map_err(|_| Error::SignatureInvalid)
}
