//! The list of what is no longer good, as one item.

use marque_core::{LicenseId, Timestamp, TokenId};
use serde::{Deserialize, Serialize};

use super::Item;
use crate::StoreError;

/// Why an entry is on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevokedBecause {
    /// Support revoked the licence.
    Revoked,
    /// The licence moved to another domain.
    Moved,
    /// A newer file takes its place.
    Replaced,
}

/// What an entry of the list names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevokedThing {
    /// A licence with all its files.
    Sub(LicenseId),
    /// One file.
    Jti(TokenId),
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedEntry {
    /// What is no longer good.
    pub thing: RevokedThing,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: RevokedBecause,
}

/// The list: rebuilt on change, with a number that rises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationsItem {
    /// Rises with each change; 1 is the empty list.
    pub seq: u64,
    /// What is on it.
    pub revoked: Vec<RevokedEntry>,
}

impl RevocationsItem {
    pub(crate) fn read(item: Option<&Item>) -> Result<Self, StoreError> {
        item.map_or(Ok(Self { seq: 1, revoked: Vec::new() }), super::read)
    }
}
