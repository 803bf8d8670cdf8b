//! RSA keys that sign.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64ct::{Base64UrlUnpadded, Encoding};
use marque_clouds::NamedKey;
use serde_json::{Value, json};

use crate::asn1::{bits, null, seq};

/// An RSA key of 2048 bits.
pub struct Key(KeyPair);

/// The library refused a key or to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the RSA key cannot be made, read or used")]
pub struct KeyFault;

impl Key {
    /// A new key. Takes some tens of milliseconds.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn generate() -> Result<Self, KeyFault> {
        KeyPair::generate(KeySize::Rsa2048).map(Self).map_err(|_| KeyFault)
    }

    /// Reads PKCS#8.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyFault> {
        KeyPair::from_pkcs8(bytes).map(Self).map_err(|_| KeyFault)
    }

    /// Writes PKCS#8.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, KeyFault> {
        let document = AsDer::<Pkcs8V1Der<'_>>::as_der(&self.0);
        document.map(|der| der.as_ref().to_vec()).map_err(|_| KeyFault)
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256: what certificates, documents and tokens are signed with.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyFault> {
        self.sign_with(&RSA_PKCS1_SHA256, message)
    }

    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn sign_pss(&self, message: &[u8]) -> Result<Vec<u8>, KeyFault> {
        self.sign_with(&RSA_PSS_SHA256, message)
    }

    fn sign_with(&self, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Result<Vec<u8>, KeyFault> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(encoding, &SystemRandom::new(), message, &mut signature).map_err(|_| KeyFault)?;
        Ok(signature)
    }

    /// The public half under a name.
    #[must_use]
    pub fn public(&self, id: &str) -> NamedKey {
        NamedKey { id: id.to_owned(), key: self.0.public_key().as_ref().to_vec() }
    }

    /// SubjectPublicKeyInfo.
    #[must_use]
    pub fn info(&self) -> Vec<u8> {
        seq(&[&seq(&[crate::asn1::RSA_ENCRYPTION, &null()]), &bits(self.0.public_key().as_ref())])
    }
}

/// A key of 2048 bits as a JWK (RFC 7517).
#[must_use]
pub fn jwk(key: &NamedKey) -> Value {
    // RSAPublicKey of 2048 bits in DER: two headers, the modulus with its zero; a header, the exponent.
    let (modulus, exponent) = (key.key.get(9..265).unwrap_or_default(), key.key.get(267..).unwrap_or_default());
    json!({
        "kty": "RSA", "alg": "RS256", "use": "sig", "kid": key.id,
        "n": Base64UrlUnpadded::encode_string(modulus), "e": Base64UrlUnpadded::encode_string(exponent),
    })
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}
