//! What signs files and lists: a seed in memory, or KMS.

use marque_core::token::{Claims, KeyId, SigningKey};

use crate::problem::Error;

/// A file key.
#[derive(Debug)]
pub enum FileKey {
    /// Its seed is in the ring.
    Local(Box<SigningKey>),
    /// It is in KMS, and only there.
    #[cfg(feature = "aws")]
    Kms(Box<KmsKey>),
}

/// A key of KMS, of the kind `ECC_NIST_EDWARDS25519`.
#[cfg(feature = "aws")]
#[derive(Debug, Clone)]
pub struct KmsKey {
    /// KMS.
    pub service: crate::aws::SignedService,
    /// The key's id or ARN.
    pub id: String,
    /// The key's public half, from the key set: what KMS signs is checked against it.
    pub public: marque_core::token::PublicKey,
}

impl FileKey {
    /// Which key it is.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        match self {
            Self::Local(key) => key.key_id(),
            #[cfg(feature = "aws")]
            Self::Kms(key) => key.public.key_id(),
        }
    }

    /// Signs claims.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when KMS does not sign, or signs with another key than the set lists.
    pub async fn sign<C: Claims>(&self, claims: &C) -> Result<String, Error> {
        match self {
            Self::Local(key) => Ok(key.sign(claims)),
            #[cfg(feature = "aws")]
            Self::Kms(key) => key.sign(claims).await,
        }
    }
}

#[cfg(feature = "aws")]
impl KmsKey {
    /// `ED25519_SHA_512` over the raw message: what RFC 8032 calls Ed25519 (the pre-hashed kind would not verify).
    async fn sign<C: Claims>(&self, claims: &C) -> Result<String, Error> {
        use base64ct::{Base64, Encoding};
        use marque_core::token::SigningInput;

        /// `Sign`, what we need of its answer.
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Signed {
            signature: String,
        }

        let unavailable = |cause: String| Error::Unavailable { cause };
        let input = SigningInput::new(&self.public, claims);
        let request = serde_json::json!({
            "KeyId": self.id,
            "Message": Base64::encode_string(input.as_bytes()),
            "MessageType": "RAW",
            "SigningAlgorithm": "ED25519_SHA_512",
        });
        let answer: Result<Signed, _> = self.service.ask("TrentService.Sign", &request).await;
        let Signed { signature } = answer.map_err(|error| unavailable(format!("KMS does not sign: {error}")))?;
        let mut bytes = [0; 64];
        match Base64::decode(&signature, &mut bytes) {
            Ok(decoded) if decoded.len() == 64 => {}
            _ => return Err(unavailable("KMS answered with no Ed25519 signature".to_owned())),
        }
        input.attach(&bytes).map_err(|_| unavailable("KMS signed with another key than the key set lists".to_owned()))
    }
}
