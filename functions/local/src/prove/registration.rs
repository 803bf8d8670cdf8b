//! The request that a machine registers with.

use marque_core::Fingerprint;
use marque_service::chance;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::identity::Identity;
use super::service::{Challenge, PATH, Request};
use crate::cli::Prove;

/// A registration, before it is signed.
pub(super) struct Registration(Value);

impl Registration {
    pub(super) fn new(
        options: &Prove,
        fingerprint: &Fingerprint,
        identity: &Identity,
        challenge: &Challenge,
        proof: Value,
    ) -> Self {
        let nonce: String = chance::draw::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut body = json!({
            "challenge": challenge.text,
            "product": options.product,
            "fingerprint": fingerprint,
            "instance_id": identity.instance_id(),
            "nonce": nonce,
            "public_key": identity.public_key(),
            "proof": proof,
        });
        if let Some(code) = &options.code {
            body["code"] = json!(code.0);
        }
        if let Some(version) = &options.product_version {
            body["product_version"] = json!(version);
        }
        Self(body)
    }

    /// What the answer must repeat.
    pub(super) fn nonce(&self) -> &Value {
        &self.0["nonce"]
    }

    /// The bytes, and the machine's signature over them.
    pub(super) fn signed(&self, identity: &Identity) -> Request {
        let body = self.0.to_string();
        let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        let signature = identity.sign(format!("marque/request/v1\nPOST\n{PATH}\n{digest}").as_bytes());
        Request { body, signature }
    }
}
