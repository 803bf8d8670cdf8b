//! What a licence is bound to: a digest that names a domain without telling its name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::slug::Slug;

/// Which kind of fingerprint a product asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FingerprintKind {
    /// An Active Directory domain, see [`ad_domain`].
    AdDomain,
    /// Whatever 32 bytes the product chooses.
    Custom,
}

impl FingerprintKind {
    /// The kind as the wire writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AdDomain => "ad-domain",
            Self::Custom => "custom",
        }
    }
}

impl FromStr for FingerprintKind {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        match text {
            "ad-domain" => Ok(Self::AdDomain),
            "custom" => Ok(Self::Custom),
            _ => Err(FingerprintError::Kind),
        }
    }
}

/// Why a fingerprint cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// The kind is none of the known.
    #[error("must be `ad-domain` or `custom`")]
    Kind,
    /// The value is not 32 bytes in hexadecimal.
    #[error("must be 64 hexadecimal digits (32 bytes)")]
    Value,
}

/// The 32 bytes of a fingerprint. Written as 64 lower-case hexadecimal digits, read in either case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FingerprintValue(pub [u8; 32]);

impl FromStr for FingerprintValue {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let mut value = [0; 32];
        hex(text, &mut value).ok_or(FingerprintError::Value)?;
        Ok(Self(value))
    }
}

fn hex(text: &str, out: &mut [u8; 32]) -> Option<()> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    for (slot, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        let digit = |b: u8| char::from(b).to_digit(16);
        *slot = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(())
}

impl fmt::Display for FingerprintValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FingerprintValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for FingerprintValue {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FingerprintValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A fingerprint with its kind, as requests and tokens carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// What the value stands for.
    pub kind: FingerprintKind,
    /// The 32 bytes.
    pub value: FingerprintValue,
}

/// The fingerprint of an Active Directory domain for a product: SHA-256 over
/// `marque/ad-domain/v1\n<product>\n<sid>\n<guid>`, where `sid` is the domain head's `objectSid` (`S-1-…`) and `guid`
/// its `objectGUID` as .NET's `Guid.ToString("D")`, both put into lower case. No name of the network leaves it.
#[must_use]
pub fn ad_domain(product: &Slug, sid: &str, guid: &str) -> Fingerprint {
    let text = format!("marque/ad-domain/v1\n{product}\n{}\n{}", sid.to_ascii_lowercase(), guid.to_ascii_lowercase());
    Fingerprint { kind: FingerprintKind::AdDomain, value: FingerprintValue(Sha256::digest(text).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_vector() {
        let product = "kopicloud-ad-api".parse().unwrap();
        let seen =
            ad_domain(&product, "S-1-5-21-1004336348-1177238915-682003330", "3F2504E0-4F89-11D3-9A0C-0305E82C3301");
        assert_eq!(seen.value.to_string(), "c3809b0a863f8988ef7f8ef205b6f17a97ab08c934a09c7d98c9380097865ae9");
    }

    #[test]
    fn either_case_is_read_and_lower_case_is_written() {
        let upper = "AB".repeat(32);
        assert_eq!(upper.parse::<FingerprintValue>().unwrap().to_string(), upper.to_lowercase());
        for text in ["", "ab", &"g0".repeat(32), &"ab".repeat(33), &"é".repeat(32)] {
            assert_eq!(text.parse::<FingerprintValue>(), Err(FingerprintError::Value));
        }
    }
}
