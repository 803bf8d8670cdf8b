//! An API server at a customer's site, as the contract sees it.

use base64ct::{Base64UrlUnpadded, Encoding};
use marque_core::Slug;
use marque_core::fingerprint::ad_domain;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The demo product.
const PRODUCT: &str = "kopicloud-ad-api";

/// A server in an Active Directory domain.
#[derive(Debug, Clone)]
pub struct Server {
    domain: String,
    instance: String,
    calls: u64,
}

impl Server {
    /// A server in the domain of this name.
    #[must_use]
    pub fn in_domain(domain: &str) -> Self {
        let digest = Sha256::digest(domain);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let instance = format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32]);
        Self { domain: domain.to_owned(), instance, calls: 0 }
    }

    /// The fingerprint of its domain.
    #[must_use]
    pub fn fingerprint(&self) -> Value {
        let product: Option<Slug> = PRODUCT.parse().ok();
        let value = product.map(|product| {
            ad_domain(&product, &format!("S-1-5-21-{}", self.domain), "3f2504e0-4f89-11d3-9a0c-0305e82c3301").value
        });
        json!({"kind": "ad-domain", "value": value})
    }

    /// The body of an activation.
    pub fn activation(&mut self, code: &str) -> Value {
        let mut body = self.body();
        body["code"] = json!(code);
        body
    }

    /// The body of a validation.
    pub fn validation(&mut self, license: &str, lease: Option<&str>) -> Value {
        let mut body = self.body();
        body["license_id"] = json!(license);
        body["lease"] = json!(lease);
        body
    }

    fn body(&mut self) -> Value {
        self.calls += 1;
        let nonce = format!("nonce-{:032}", self.calls);
        json!({"product": PRODUCT, "fingerprint": self.fingerprint(), "instance_id": self.instance, "nonce": nonce, "product_version": "1.2.0"})
    }
}

/// The claims of a token, unverified: other suites hold that they verify.
#[must_use]
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).and_then(|part| Base64UrlUnpadded::decode_vec(part).ok());
    payload.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or(Value::Null)
}
