//! Identifiers: a type's prefix and a ULID in upper case, `lic_01ARZ3NDEKTSV4RRFFQ69G5FAV`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::Ulid;

use crate::time::Timestamp;

/// The random part of an identifier: 80 bits, drawn by the caller.
pub type Randomness = [u8; 10];

/// The text is no identifier of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {prefix} and a ULID in upper case")]
pub struct IdError {
    prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// What every identifier of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier, made at `now` from 80 random bits.
            #[must_use]
            pub fn new(now: Timestamp, random: Randomness) -> Self {
                Self(ulid(now, random))
            }

            /// The identifier of these 16 bytes.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Ulid::from_bytes(bytes))
            }

            /// The 16 bytes of the ULID.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = IdError { prefix: $prefix };
                let tail = text.strip_prefix($prefix).ok_or(error)?;
                let id = Ulid::from_string(tail).map_err(|_| error)?;
                // The reader of ULIDs takes lower case and more: one identifier has one spelling.
                if id.to_string() == tail { Ok(Self(id)) } else { Err(error) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
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

ids! {
    /// A licence.
    LicenseId = "lic_";
    /// The binding of a licence to one domain.
    ActivationId = "act_";
    /// A customer.
    CustomerId = "cus_";
    /// An agreement of a cloud marketplace.
    AgreementId = "agr_";
    /// An entry of a licence's history.
    EventId = "evt_";
    /// An approved discount.
    DiscountId = "dis_";
    /// A mail that is to be sent.
    MailId = "mail_";
    /// Somebody's asking for a trial.
    AskId = "ask_";
    /// A token (`jti`): a bare ULID.
    TokenId = "";
}

fn ulid(now: Timestamp, random: Randomness) -> Ulid {
    let mut wide = [0; 16];
    wide[6..].copy_from_slice(&random);
    Ulid::from_parts(now.unix().unsigned_abs() * 1000, u128::from_be_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identifier_has_one_spelling() {
        let id: LicenseId = "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        assert_eq!(id.to_string(), "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        for text in [
            "lic_01arz3ndektsv4rrffq69g5fav",
            "act_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "lic_",
            "lic_01ARZ3NDEKTSV4RRFFQ69G5FA",
            "lic_81ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert!(text.parse::<LicenseId>().is_err(), "{text}");
        }
    }

    #[test]
    fn identifiers_sort_by_their_time() {
        let at = |s| LicenseId::new(Timestamp::from_unix(s).unwrap(), [255; 10]).to_string();
        assert!(at(1_000_000_000) < at(1_000_000_001));
    }
}
