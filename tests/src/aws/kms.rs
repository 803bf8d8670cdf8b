//! KMS: `Sign` with keys of the kind `ECC_NIST_EDWARDS25519`, as strict as the real one.

use std::collections::HashMap;
use std::sync::Mutex;

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Refusal, lock};

/// The most that may be signed raw.
const MAX_MESSAGE: usize = 4096;

/// The keys, and what they signed.
#[derive(Default)]
pub struct Kms {
    keys: Mutex<HashMap<String, SigningKey>>,
    signed: Mutex<Vec<Signed>>,
}

/// A call of `Sign` that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The key's id.
    pub key_id: String,
    /// The message.
    pub message: Vec<u8>,
}

impl Kms {
    /// Makes a key, or puts another one in its place, and answers its public half.
    pub fn put_key(&self, id: &str, seed: [u8; 32]) -> [u8; 32] {
        let key = SigningKey::from_bytes(&seed);
        let public = key.verifying_key().to_bytes();
        lock(&self.keys).insert(id.to_owned(), key);
        public
    }

    /// What was signed, in order.
    #[must_use]
    pub fn signed(&self) -> Vec<Signed> {
        lock(&self.signed).clone()
    }

    pub(super) fn sign(&self, request: &Value) -> Result<Value, Refusal> {
        let member = |name: &str| request[name].as_str().unwrap_or_default();
        let known = ["KeyId", "Message", "MessageType", "SigningAlgorithm"];
        if let Some(name) =
            request.as_object().into_iter().flatten().map(|(name, _)| name).find(|name| !known.contains(&name.as_str()))
        {
            return Err(Refusal::malformed(format!("member {name} is not expected")));
        }
        let key_id = member("KeyId");
        let keys = lock(&self.keys);
        let key = keys.get(key_id).ok_or_else(|| {
            Refusal::new(StatusCode::BAD_REQUEST, "NotFoundException", format!("Key '{key_id}' does not exist"))
        })?;
        let algorithm = member("SigningAlgorithm");
        if algorithm != "ED25519_SHA_512" {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "InvalidKeyUsageException",
                format!("Algorithm {algorithm} is incompatible with key spec ECC_NIST_EDWARDS25519"),
            ));
        }
        // Without a type the real one takes RAW; we say what we mean.
        if member("MessageType") != "RAW" {
            return Err(Refusal::malformed("ED25519_SHA_512 requires MessageType RAW"));
        }
        let message = Base64::decode_vec(member("Message")).unwrap_or_default();
        if message.is_empty() || message.len() > MAX_MESSAGE {
            return Err(Refusal::malformed(format!(
                "Message must have 1 to {MAX_MESSAGE} bytes, not {}",
                message.len()
            )));
        }
        let signature = Base64::encode_string(&key.sign(&message).to_bytes());
        lock(&self.signed).push(Signed { key_id: key_id.to_owned(), message });
        Ok(json!({"KeyId": key_id, "Signature": signature, "SigningAlgorithm": algorithm}))
    }
}

impl std::fmt::Debug for Kms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kms").field("signed", &self.signed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ed25519_over_the_message_itself_is_signed() {
        let kms = Kms::default();
        kms.put_key("key", [7; 32]);
        let good = json!({"KeyId": "key", "Message": Base64::encode_string(&[1; MAX_MESSAGE]), "MessageType": "RAW", "SigningAlgorithm": "ED25519_SHA_512"});
        assert!(kms.sign(&good).is_ok());
        for (member, value) in [
            ("KeyId", "another".to_owned()),
            ("SigningAlgorithm", "ED25519_PH_SHA_512".to_owned()),
            ("SigningAlgorithm", "ECDSA_SHA_256".to_owned()),
            ("MessageType", "DIGEST".to_owned()),
            ("MessageType", String::new()),
            ("Message", Base64::encode_string(&[1; MAX_MESSAGE + 1])),
            ("Message", String::new()),
            ("DryRun", "true".to_owned()),
        ] {
            let mut wrong = good.clone();
            wrong[member] = json!(value);
            assert!(kms.sign(&wrong).is_err(), "{member} {value:.40}");
        }
        assert_eq!(kms.signed().len(), 1);
    }
}
