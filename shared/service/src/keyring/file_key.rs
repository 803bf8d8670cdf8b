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
    /// How to reach KMS.
    pub client: aws_sdk_kms::Client,
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
        use aws_sdk_kms::primitives::Blob;
        use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
        use marque_core::token::SigningInput;

        let unavailable = |cause: String| Error::Unavailable { cause };
        let input = SigningInput::new(&self.public, claims);
        let request =
            self.client.sign().key_id(&self.id).message_type(MessageType::Raw).message(Blob::new(input.as_bytes()));
        let request = request.signing_algorithm(SigningAlgorithmSpec::Ed25519Sha512);
        let answer = request
            .send()
            .await
            .map_err(|error| unavailable(format!("KMS does not sign: {}", marque_store::causes(&error))))?;
        let signature = answer.signature.map(Blob::into_inner).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
        let signature = signature.ok_or_else(|| unavailable("KMS answered with no Ed25519 signature".to_owned()))?;
        input
            .attach(&signature)
            .map_err(|_| unavailable("KMS signed with another key than the key set lists".to_owned()))
    }
}
