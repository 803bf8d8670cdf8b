//! `keys+jwt`.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::members::{NumericDate, write_members};
use super::{Members, sealed};
use crate::time::Timestamp;
use crate::token::error::TokenError;
use crate::token::keyset::KeySet;

/// The key set, which the root signs.
#[derive(Debug, Clone, PartialEq)]
pub struct KeySetClaims {
    /// Who issued it.
    pub iss: String,
    /// When it was issued.
    pub iat: Timestamp,
    /// Grows with every key set.
    pub seq: u64,
    /// The keys.
    pub keys: KeySet,
}

impl Serialize for KeySetClaims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_members!(
            serializer,
            iss: self.iss,
            iat: NumericDate(self.iat),
            seq: self.seq,
            keys: self.keys.to_jwks()["keys"],
        )
    }
}

impl sealed::Read for KeySetClaims {
    fn read(members: &Members<'_>) -> Result<Self, TokenError> {
        Ok(Self {
            iss: members.read("iss")?,
            iat: members.date("iat")?,
            seq: members.read("seq")?,
            keys: KeySet::from_jwks(&members.read::<Vec<Value>>("keys")?)?,
        })
    }
}
