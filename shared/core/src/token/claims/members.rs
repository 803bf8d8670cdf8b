//! Reading and writing the members of a payload.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::time::Timestamp;
use crate::token::error::TokenError;

/// The members of a payload. Each one asked for must be there; `null` is a value like any other.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a>(pub(in crate::token) &'a Map<String, Value>);

impl Members<'_> {
    pub(in crate::token) fn read<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, TokenError> {
        T::deserialize(self.get(name)?).map_err(|_| TokenError::IllTypedClaim(name))
    }

    pub(super) fn date(&self, name: &'static str) -> Result<Timestamp, TokenError> {
        self.read(name).map(|NumericDate(time)| time)
    }

    /// A claim with the same value in every token of the kind.
    pub(super) fn constant(&self, name: &'static str, value: impl Into<Value>) -> Result<(), TokenError> {
        if *self.get(name)? == value.into() { Ok(()) } else { Err(TokenError::IllTypedClaim(name)) }
    }

    /// A claim that no token of the kind has.
    pub(super) fn none(&self, name: &'static str) -> Result<(), TokenError> {
        if self.0.contains_key(name) { Err(TokenError::UnexpectedClaim(name)) } else { Ok(()) }
    }

    fn get(&self, name: &'static str) -> Result<&Value, TokenError> {
        self.0.get(name).ok_or(TokenError::MissingClaim(name))
    }
}

/// Writes claims in the order given, each under its own name: `write!(serializer, iss, valid: true)`.
macro_rules! write_members {
    ($serializer:expr, $($name:ident: $value:expr),* $(,)?) => {{
        let mut members = serde::Serializer::serialize_map($serializer, None)?;
        $(serde::ser::SerializeMap::serialize_entry(&mut members, stringify!($name), &$value)?;)*
        serde::ser::SerializeMap::end(members)
    }};
}
pub(super) use write_members;

/// Seconds since 1970 as a whole number (NumericDate, RFC 7519 section 2): how `iat` and `exp` are written.
pub(super) struct NumericDate(pub(super) Timestamp);

impl Serialize for NumericDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.unix())
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = i64::deserialize(deserializer)?;
        Timestamp::from_unix(seconds).map(Self).ok_or_else(|| D::Error::custom("must lie between 1970 and 9999"))
    }
}
