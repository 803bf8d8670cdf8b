//! Proofs in JSON.

use std::collections::BTreeMap;

use marque_clouds::{OciProof, Proof};
use serde_json::{Value, json};

/// A proof as the body of a registration carries it.
#[must_use]
pub fn written(proof: Proof) -> Value {
    let cloud = proof.cloud();
    match proof {
        Proof::Aws { identity_document_rsa2048 } => {
            json!({ "cloud": cloud, "identity_document_rsa2048": identity_document_rsa2048 })
        }
        Proof::Azure { attested_document } => json!({ "cloud": cloud, "attested_document": attested_document }),
        Proof::Gcp { identity_token } => json!({ "cloud": cloud, "identity_token": identity_token }),
        Proof::Oci(OciProof {
            instance_certificate,
            intermediates,
            binding_signature,
            roots_request,
            marketplace_token,
        }) => {
            let headers: BTreeMap<_, _> = roots_request.headers.into_iter().collect();
            let mut proof = json!({
                "cloud": cloud,
                "instance_certificate": instance_certificate,
                "intermediates": intermediates,
                "binding_signature": binding_signature,
                "roots_request": { "url": roots_request.url, "headers": headers },
            });
            if let Some(token) = marketplace_token {
                proof["marketplace_token"] = token.into();
            }
            proof
        }
    }
}
