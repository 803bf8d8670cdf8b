//! What a server says of itself in both of its calls.

use std::convert::Infallible;

use marque_core::{Fingerprint, Slug};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::Fields;

/// A server, as its calls describe it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) product: Slug,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) instance_id: InstanceId,
    pub(crate) nonce: Nonce,
    pub(crate) product_version: Option<String>,
}

impl Caller {
    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let product = fields.required("product", str::parse);
        let fingerprint = fields.object("fingerprint", |fields| {
            let kind = fields.required("kind", str::parse);
            let value = fields.required("value", str::parse);
            Some(Fingerprint { kind: kind?, value: value? })
        });
        let instance_id = fields.required("instance_id", InstanceId::read);
        let nonce = fields.required("nonce", Nonce::read);
        let product_version = fields.optional("product_version", |text| Ok::<_, Infallible>(statistic(text)));
        Some(Self {
            product: product?,
            fingerprint: fingerprint?,
            instance_id: instance_id?,
            nonce: nonce?,
            product_version,
        })
    }
}

/// A version is a statistic, so it is cut to fit rather than refused.
fn statistic(text: &str) -> String {
    text.chars().take(64).map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// The UUID that a server made at its first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstanceId(pub(crate) [u8; 16]);

impl InstanceId {
    fn read(text: &str) -> Result<Self, &'static str> {
        let error = "must be a UUID such as 2f1e4fc0-81fd-41da-9156-00036acd1234";
        let hyphens =
            text.len() == 36 && text.bytes().enumerate().all(|(at, b)| (b == b'-') == matches!(at, 8 | 13 | 18 | 23));
        let digits: Option<Vec<u8>> = text
            .bytes()
            .filter(|b| *b != b'-')
            .map(|b| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect();
        let bytes: Vec<u8> =
            digits.filter(|_| hyphens).ok_or(error)?.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        bytes.try_into().map(Self).map_err(|_| error)
    }
}

impl std::fmt::Display for InstanceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let hyphen = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{hyphen}{byte:02x}")?;
        }
        Ok(())
    }
}

/// What the caller wants to find again in the signed answer: 16 to 64 of `A-Za-z0-9_-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nonce(pub(crate) String);

impl Nonce {
    fn read(text: &str) -> Result<Self, &'static str> {
        let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if letters && (16..=64).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be 16 to 64 letters, digits, `_` or `-`, fresh for each call")
        }
    }
}

/// A fingerprint, as bodies and tokens carry it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Fingerprint)]
pub(crate) struct FingerprintSchema {
    /// `ad-domain` or `custom`: the product says which.
    #[schema(pattern = "^(ad-domain|custom)$")]
    kind: String,
    /// 64 hexadecimal digits.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    value: String,
}
