//! The list of what is no longer good, as one item.

use marque_core::token::Revoked;
use serde::{Deserialize, Serialize};

use super::Item;
use crate::StoreError;

/// The list: rebuilt on change, with a number that rises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationsItem {
    /// Rises with each change; 1 is the empty list.
    pub seq: u64,
    /// What is on it.
    pub revoked: Vec<Revoked>,
}

impl RevocationsItem {
    pub(crate) fn read(item: Option<&Item>) -> Result<Self, StoreError> {
        item.map_or(Ok(Self { seq: 1, revoked: Vec::new() }), super::read)
    }
}
