//! The keys of the table, all of them.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | licence with its activations | `LICENSE#<id>` | `LICENSE` |
//! | its code, for its owner | `LICENSE#<id>` | `CODE` |
//! | an entry of its history | `LICENSE#<id>` | `EVENT#<seq, 10 digits>` |
//! | its `.lic` file for a domain | `LICENSE#<id>` | `FILE#<fingerprint>` |
//! | which licence a code is | `CODE#<sha256>` | `CODE` |
//! | which licence an activation is of | `ACTIVATION#<id>` | `ACTIVATION` |
//! | product | `PRODUCT#<product>` | `PRODUCT` |
//! | plan, newest revision | `PRODUCT#<product>` | `PLAN#<plan>` |
//! | plan, each revision | `PRODUCT#<product>` | `PLAN#<plan>#REV#<n>` |
//! | customer | `CUSTOMER#<id>` | `CUSTOMER` |
//! | licences of a customer | `CUSTOMER#<id>` | `LICENSE#<id>` |
//! | licences of a month | `MONTH#<yyyy-mm>` | `LICENSE#<id>` |
//! | one trial a product and domain | `TRIAL#<product>#<fingerprint>` | `TRIAL` |
//! | the list of what is no longer good | `REVOCATIONS` | `LIST` |
//!
//! Digests and fingerprints are written in base64url without padding. Nothing is ever scanned: what is looked up by
//! something else than its key has an item of its own, written in the transaction that makes the thing.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64ct::{Base64UrlUnpadded, Encoding};
use marque_core::code::CodeDigest;
use marque_core::{ActivationId, CustomerId, FingerprintValue, LicenseId, PlanRef, Slug};

/// The partition key's attribute.
pub(crate) const PK: &str = "pk";
/// The sort key's attribute.
pub(crate) const SK: &str = "sk";

/// The key of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// The key as DynamoDB takes it.
    pub(crate) fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk.clone())),
            (SK.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}

pub(crate) fn license(id: LicenseId) -> Key {
    Key::new(format!("LICENSE#{id}"), "LICENSE")
}

pub(crate) fn license_code(id: LicenseId) -> Key {
    Key::new(format!("LICENSE#{id}"), "CODE")
}

/// Ten digits keep the entries of a history in order as text.
pub(crate) fn event(id: LicenseId, seq: u64) -> Key {
    Key::new(format!("LICENSE#{id}"), format!("{EVENT_PREFIX}{seq:010}"))
}

pub(crate) const EVENT_PREFIX: &str = "EVENT#";

pub(crate) fn file(id: LicenseId, domain: &FingerprintValue) -> Key {
    Key::new(format!("LICENSE#{id}"), format!("FILE#{}", fingerprint(domain)))
}

pub(crate) fn code(digest: &CodeDigest) -> Key {
    Key::new(format!("CODE#{}", Base64UrlUnpadded::encode_string(digest)), "CODE")
}

pub(crate) fn activation(id: ActivationId) -> Key {
    Key::new(format!("ACTIVATION#{id}"), "ACTIVATION")
}

pub(crate) fn product(product: &Slug) -> Key {
    Key::new(format!("PRODUCT#{product}"), "PRODUCT")
}

pub(crate) fn plan(product: &Slug, plan: &Slug) -> Key {
    Key::new(format!("PRODUCT#{product}"), format!("PLAN#{plan}"))
}

pub(crate) fn plan_revision(product: &Slug, reference: &PlanRef) -> Key {
    Key::new(format!("PRODUCT#{product}"), format!("PLAN#{}#REV#{}", reference.plan, reference.revision))
}

pub(crate) fn customer(id: CustomerId) -> Key {
    Key::new(format!("CUSTOMER#{id}"), "CUSTOMER")
}

pub(crate) fn customer_license(customer: CustomerId, id: LicenseId) -> Key {
    Key::new(format!("CUSTOMER#{customer}"), format!("LICENSE#{id}"))
}

pub(crate) fn month_license(month: &str, id: LicenseId) -> Key {
    Key::new(format!("MONTH#{month}"), format!("LICENSE#{id}"))
}

pub(crate) fn trial(product: &Slug, domain: &FingerprintValue) -> Key {
    Key::new(format!("TRIAL#{product}#{}", fingerprint(domain)), "TRIAL")
}

pub(crate) fn revocations() -> Key {
    Key::new("REVOCATIONS", "LIST")
}

pub(crate) fn health() -> Key {
    Key::new("HEALTH", "HEALTH")
}

/// A fingerprint as a key of the licence's map of activations, and in keys.
pub(crate) fn fingerprint(domain: &FingerprintValue) -> String {
    Base64UrlUnpadded::encode_string(&domain.0)
}
