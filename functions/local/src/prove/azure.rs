//! Azure: the attested document with the binding as its nonce.
//! <https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service>
//!
//! The service caches: a document with an earlier nonce may come back, so that is looked for here and asked for again. It
//! takes five requests a second.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use http::Method;
use marque_core::ProofBinding;
use serde_json::{Value, json};

use super::failure::Failure;
use super::metadata::Metadata;

const HEADERS: &[(&str, &str)] = &[("metadata", "true")];
/// The newest first; hosts of some regions know the older one only.
const VERSIONS: [&str; 2] = ["2025-04-07", "2021-02-01"];
/// Times that a document is asked for until it has the nonce.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn machine_id(metadata: &Metadata) -> Result<String, Failure> {
    // The oldest version that answers a single value as text is enough.
    metadata.get(&format!("/metadata/instance/compute/vmId?api-version={}&format=text", VERSIONS[1]), HEADERS)
}

pub(super) fn proof(metadata: &Metadata, binding: &ProofBinding) -> Result<Value, Failure> {
    for attempt in 0..TRIES {
        if attempt > 0 {
            std::thread::sleep(PAUSE * attempt);
        }
        let document = document(metadata, binding)?;
        if holds(&document, binding) {
            return Ok(json!({ "attested_document": document }));
        }
    }
    Err(Failure::later("Azure's metadata service goes on giving a document that it had made for another challenge"))
}

fn document(metadata: &Metadata, binding: &ProofBinding) -> Result<String, Failure> {
    let mut told = None;
    for version in VERSIONS {
        let path = format!("/metadata/attested/document?api-version={version}&nonce={binding}");
        let answer = metadata.call(Method::GET, &path, HEADERS)?;
        let known = answer.status != 400;
        told = Some(answer);
        if known {
            break;
        }
    }
    let text = told.ok_or_else(|| metadata.stranger())?.good(metadata)?;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    match (answer["encoding"].as_str(), answer["signature"].as_str()) {
        (Some("pkcs7"), Some(document)) => Ok(document.to_owned()),
        _ => Err(metadata.stranger()),
    }
}

/// Whether the document has this nonce. It is in DER, so its content stands in it as it is; whether it is signed is the
/// service's to judge.
fn holds(document: &str, binding: &ProofBinding) -> bool {
    let nonce = binding.as_str().as_bytes();
    let letters: String = document.split_ascii_whitespace().collect();
    Base64::decode_vec(&letters).is_ok_and(|bytes| bytes.windows(nonce.len()).any(|window| window == nonce))
}
