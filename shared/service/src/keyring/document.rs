//! The key ring as it is kept: one JSON document in Secrets Manager, SSM or a file.
//!
//! ```json
//! {"root": {"kty": "OKP", "crv": "Ed25519", "x": "…"},
//!  "key_set": "<keys+jwt, signed by the root>",
//!  "secrets": [{"kid": "…", "seed": "<base64url, 32 bytes>"}, {"kid": "…", "kms": "<key id or ARN>"}]}
//! ```

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

/// The document.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RingDocument {
    /// The root's public key, as a JWK.
    pub root: Value,
    /// The key set, signed by the root.
    pub key_set: String,
    /// The secret halves of keys of the set.
    pub secrets: Vec<Secret>,
}

/// Where one key's secret half is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Which key: its RFC 7638 thumbprint.
    pub kid: String,
    /// Here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seed: Option<SecretSeed>,
    /// In KMS, under this id or ARN (`ECC_NIST_EDWARDS25519`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kms: Option<String>,
}

/// The 32 secret bytes of an Ed25519 key. They do not print, and are wiped when dropped.
#[derive(Clone)]
pub struct SecretSeed(Zeroizing<[u8; 32]>);

impl SecretSeed {
    /// These bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to make a signing key of.
    #[must_use]
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretSeed(…)")
    }
}

impl Serialize for SecretSeed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(Base64UrlUnpadded::encode_string(&*self.0)))
    }
}

impl<'de> Deserialize<'de> for SecretSeed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let mut bytes = Zeroizing::new([0; 32]);
        // The error must not repeat the text.
        let length = Base64UrlUnpadded::decode(text.as_str(), &mut *bytes).map(<[u8]>::len);
        if length == Ok(32) {
            Ok(Self(bytes))
        } else {
            Err(serde::de::Error::custom("a seed must be 32 bytes in base64url"))
        }
    }
}

/// What is wrong with a key ring. No byte of a key is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key ring is faulty: {0}")]
pub struct RingFault(pub String);
