//! How things are written as items, and read back: an item that the code cannot have written is corrupt, never a panic.

pub(crate) mod bytes;
mod catalog;
mod customer;
mod event;
mod license;
mod machine;
mod revocations;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use catalog::{PlanItem, ProductItem};
pub(crate) use customer::{CustomerItem, EMAIL, ERASED};
pub(crate) use event::{EventItem, NOTE_SALT, NOTE_TEXT};
pub(crate) use license::{LicenseItem, changes, names, record_check};
pub(crate) use machine::{BilledItem, ChallengeItem, MachineItem, RootsItem};
pub(crate) use revocations::RevocationsItem;
pub use revocations::{MAX_REVOKED, RevocationList};

use crate::StoreError;
use crate::keys::{Key, PK, SK};

/// An item as the SDK carries it.
pub type Item = HashMap<String, AttributeValue>;

/// Writes `content` as the item under `key`.
pub(crate) fn write<T: Serialize>(key: &Key, content: &T) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(content).map_err(StoreError::unavailable)?;
    item.extend(key.attributes());
    Ok(item)
}

/// Reads an item's content, its keys left out.
pub(crate) fn read<T: DeserializeOwned>(item: &Item) -> Result<T, StoreError> {
    let content: Item = item
        .iter()
        .filter(|(name, _)| *name != PK && *name != SK)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    serde_dynamo::from_item(content).map_err(|error| StoreError::corrupt(item, error))
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

pub(crate) fn boolean(value: bool) -> AttributeValue {
    AttributeValue::Bool(value)
}

pub(crate) fn binary(value: &[u8]) -> AttributeValue {
    AttributeValue::B(value.to_vec().into())
}
