//! What the cloud names things by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text cannot be a name of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {0}")]
pub struct NameError(&'static str);

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $must:literal, $fits:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let fits: fn(&str) -> bool = $fits;
                if fits(text) { Ok(Self(text.into())) } else { Err(NameError($must)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

names! {
    /// The cloud's own id of an agreement: `agmt-…`.
    ExternalId, "1 to 64 letters, digits, `_`, `/` or `-`", |text| {
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_/-".contains(&byte))
    };
    /// A buyer's account at the cloud.
    AccountId, "1 to 255 letters, digits or `-`", |text| {
        (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    /// A LicenseArn as the cloud printed it: with or without `arn:`, with or without a region.
    LicenseArn, "a LicenseArn, which ends in a licence's id", |text| {
        text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic()) && tail(text).is_some()
    };
    /// The licence's id in a LicenseArn, `l-…`, which is the same however the ARN is printed.
    LicenseKey, "1 to 64 letters, digits or `-`", |text| is_key(text);
}

impl LicenseArn {
    /// What joins its spellings.
    #[must_use]
    pub fn key(&self) -> LicenseKey {
        LicenseKey(tail(&self.0).unwrap_or_default().into())
    }

    /// Whether it is spelled as calls must name it: events leave `arn:` away.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.starts_with("arn:")
    }
}

fn tail(arn: &str) -> Option<&str> {
    let (_, tail) = arn.rsplit_once([':', '/'])?;
    is_key(tail).then_some(tail)
}

fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_license_arn_has_one_key() {
        for text in [
            "arn:aws:license-manager::294406891311:license:l-0123456789abcdef",
            "aws:license-manager:us-east-1:294406891311:license:l-0123456789abcdef",
            "arn:aws:license-manager:us-east-1:294406891311:license/l-0123456789abcdef",
        ] {
            let arn: LicenseArn = text.parse().unwrap();
            assert_eq!(arn.key().as_str(), "l-0123456789abcdef");
            assert_eq!(arn.is_whole(), text.starts_with("arn:"));
        }
        for text in ["", "l-0123", "arn:aws:license:", "arn:aws:license:l 1", "arn:aws:license:<b>"] {
            assert!(text.parse::<LicenseArn>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        assert!("agmt-1abc".parse::<ExternalId>().is_ok() && "123456789012".parse::<AccountId>().is_ok());
        for text in ["", "a b", "a#b", "ä", &"a".repeat(65)] {
            assert!(text.parse::<ExternalId>().is_err(), "{text}");
        }
    }
}
