//! Public keys and their names.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What comes before the 32 bytes of a key in a SubjectPublicKeyInfo: two sequences, the algorithm's identifier
/// 1.3.101.112, and the head of a bit string.
const SPKI_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A public key of Ed25519 that can prove something: a canonical point that is not of small order.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    point: VerifyingKey,
    id: KeyId,
}

impl PublicKey {
    /// Reads the 32 bytes of RFC 8032 section 5.1.5.
    ///
    /// # Errors
    ///
    /// When they are no point of the curve, a second spelling of one, or a point of small order, for which signatures
    /// exist that fit any message.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let point = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NotAPoint)?;
        if point.to_edwards().compress().to_bytes() != bytes {
            return Err(KeyError::NotCanonical);
        }
        if point.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self::of(point))
    }

    /// For points that are known to be good: a seed's point is canonical, and of large order since the scalar is clamped.
    pub(super) fn of(point: VerifyingKey) -> Self {
        Self { id: KeyId::of(point.as_bytes()), point }
    }

    /// Reads a JWK (RFC 7517) of an Ed25519 key (RFC 8037 section 2). Members that are not about the key are ignored.
    ///
    /// # Errors
    ///
    /// When it is another kind of key, a private one, meant for something else than signatures, or its `kid` is not its
    /// thumbprint.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let text = |name| jwk.get(name).and_then(Value::as_str).ok_or(KeyError::Member(name));
        if text("kty")? != "OKP" || text("crv")? != "Ed25519" {
            return Err(KeyError::NotEd25519);
        }
        if jwk.get("d").is_some() {
            return Err(KeyError::Private);
        }
        if jwk.get("alg").is_some_and(|alg| *alg != "EdDSA" && *alg != "Ed25519") {
            return Err(KeyError::Member("alg"));
        }
        if jwk.get("use").is_some_and(|purpose| *purpose != "sig") {
            return Err(KeyError::Member("use"));
        }
        let x = decode_32(text("x")?).ok_or(KeyError::Member("x"))?;
        let key = Self::from_bytes(x)?;
        match jwk.get("kid") {
            Some(kid) if kid.as_str().is_none_or(|kid| kid.parse() != Ok(key.id)) => Err(KeyError::Member("kid")),
            _ => Ok(key),
        }
    }

    /// Reads a SubjectPublicKeyInfo of an Ed25519 key in DER (RFC 8410 section 4): 44 bytes, in one spelling.
    ///
    /// # Errors
    ///
    /// When it is another kind of key, or one that [`Self::from_bytes`] refuses.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let bytes = der.strip_prefix(SPKI_PREFIX).and_then(|bytes| bytes.try_into().ok());
        Self::from_bytes(bytes.ok_or(KeyError::NotEd25519)?)
    }

    /// The key as a JWK, without `alg`: the algorithm follows from the key.
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        let x = Base64UrlUnpadded::encode_string(self.point.as_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.id, "use": "sig" })
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.point.to_bytes()
    }

    /// The key's name, the `kid` of its tokens.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// Checks a signature as RFC 8032 section 5.1.7 does, without the cofactor, and refuses what it leaves open: an S
    /// that is not below the group's order, an R of small order or in a second spelling.
    ///
    /// # Errors
    ///
    /// When this key did not make the signature over this message.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        self.point.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| BadSignature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

/// A key's name: the SHA-256 thumbprint of RFC 7638 over `{"crv":"Ed25519","kty":"OKP","x":"…"}`, in base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    fn of(key: &[u8; 32]) -> Self {
        let x = Base64UrlUnpadded::encode_string(key);
        Self(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)).into())
    }
}

/// The text is no thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a key's thumbprint: 43 letters of base64url")]
pub struct KeyIdError;

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        decode_32(text).map(Self).ok_or(KeyIdError)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Canonical base64url of exactly 32 bytes.
fn decode_32(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let decoded = Base64UrlUnpadded::decode(text, &mut bytes).ok()?.len();
    (decoded == bytes.len()).then_some(bytes)
}

/// Why a public key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are no point of the curve.
    #[error("is no Ed25519 key: the bytes are no point of the curve")]
    NotAPoint,
    /// A second spelling of a point.
    #[error("is no Ed25519 key: the point is not in its canonical spelling")]
    NotCanonical,
    /// A point of small order.
    #[error("is a weak key, with which anybody could sign")]
    Weak,
    /// Another kind of key.
    #[error("must be an Ed25519 key: `kty` OKP and `crv` Ed25519")]
    NotEd25519,
    /// The private part is in it.
    #[error("is a private key: take its `d` out before you show it to anybody, or make a new key")]
    Private,
    /// A member is missing or faulty.
    #[error("its `{0}` is missing or faulty")]
    Member(&'static str),
}

/// The signature is not the key's over the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit the message and the key")]
pub struct BadSignature;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_of_rfc_8037_a_3() {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let key = PublicKey::from_jwk(&jwk).unwrap();
        assert_eq!(key.key_id().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    /// The example of RFC 8410 section 10.1.
    #[test]
    fn a_subject_public_key_info_has_one_spelling() {
        let der = base64ct::Base64::decode_vec("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=").unwrap();
        let key = PublicKey::from_spki(&der).unwrap();
        assert_eq!(key.to_bytes()[..4], [0x19, 0xbf, 0x44, 0x09]);
        let x25519 = [&der[..8], &[0x6e], &der[9..]].concat();
        let longer = [&der[..], &[0]].concat();
        for other in [&der[..43], &x25519, &longer, &[]] {
            assert_eq!(PublicKey::from_spki(other), Err(KeyError::NotEd25519));
        }
    }

    #[test]
    fn a_jwk_is_read_back() {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "use": "sig" });
        assert_eq!(PublicKey::from_jwk(&jwk).unwrap().to_jwk(), jwk);
    }

    #[test]
    fn what_is_no_public_ed25519_key_is_refused() {
        let good = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        for (member, value, expected) in [
            ("kty", json!("RSA"), KeyError::NotEd25519),
            ("kty", json!(null), KeyError::Member("kty")),
            ("crv", json!(null), KeyError::Member("crv")),
            ("crv", json!("X25519"), KeyError::NotEd25519),
            ("d", json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"), KeyError::Private),
            ("alg", json!("HS256"), KeyError::Member("alg")),
            ("use", json!("enc"), KeyError::Member("use")),
            ("kid", json!("key-1"), KeyError::Member("kid")),
            ("kid", json!(7), KeyError::Member("kid")),
            ("x", json!(null), KeyError::Member("x")),
            ("x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="), KeyError::Member("x")),
            ("x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"), KeyError::Member("x")),
            ("x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR"), KeyError::Member("x")),
            ("x", json!("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"), KeyError::Member("x")),
            ("x", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), KeyError::Weak),
        ] {
            let mut jwk = good.clone();
            jwk[member] = value;
            assert_eq!(PublicKey::from_jwk(&jwk), Err(expected), "{jwk}");
        }
        for jwk in [json!([]), json!("x"), json!(null)] {
            assert_eq!(PublicKey::from_jwk(&jwk), Err(KeyError::Member("kty")));
        }
    }

    /// The eight points of small order with every spelling that a lax decoder takes, as listed in "Taming the many
    /// EdDSAs" (Chalkias, Garillot, Nikolaenko 2020), table 1.
    #[test]
    fn points_of_small_order_are_no_keys() {
        for (hex, expected) in [
            ("0100000000000000000000000000000000000000000000000000000000000000", KeyError::Weak),
            ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KeyError::Weak),
            ("0000000000000000000000000000000000000000000000000000000000000080", KeyError::Weak),
            ("0000000000000000000000000000000000000000000000000000000000000000", KeyError::Weak),
            ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", KeyError::Weak),
            ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", KeyError::Weak),
            ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", KeyError::Weak),
            ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", KeyError::Weak),
            ("0100000000000000000000000000000000000000000000000000000000000080", KeyError::NotCanonical),
            ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", KeyError::NotCanonical),
            ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KeyError::NotCanonical),
            ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", KeyError::NotCanonical),
            ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KeyError::NotCanonical),
            ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", KeyError::NotCanonical),
            ("0200000000000000000000000000000000000000000000000000000000000000", KeyError::NotAPoint),
        ] {
            assert_eq!(PublicKey::from_bytes(bytes(hex)), Err(expected), "{hex}");
        }
        // A second spelling of a point of large order: y = 3 + p.
        let mut second = [0xff; 32];
        (second[0], second[31]) = (0xf0, 0x7f);
        assert_eq!(PublicKey::from_bytes(second), Err(KeyError::NotCanonical));
    }

    /// Test vector 2 of the same paper: an R of small order, which RFC 8032's equation alone accepts.
    #[test]
    fn a_signature_with_an_r_of_small_order_is_none() {
        let key = bytes("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43");
        let message: [u8; 32] = bytes("aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab");
        let signature = bytes(
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa\
             8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
        );
        let lax = VerifyingKey::from_bytes(&key).unwrap();
        assert!(ed25519_dalek::Verifier::verify(&lax, &message, &Signature::from_bytes(&signature)).is_ok());
        assert_eq!(PublicKey::from_bytes(key).unwrap().verify(&message, &signature), Err(BadSignature));
    }

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        std::array::from_fn(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
    }
}
