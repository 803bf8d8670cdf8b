//! Marque's one DynamoDB table: the only place that knows keys, attributes and expressions.
//!
//! Every change is one conditional write or one transaction, named for what it keeps true ([`Store::check_in`],
//! [`Store::bind`], [`Store::issue`]). Look-ups answer `Option`; failure is a [`StoreError`]; an item that cannot be
//! read is [`StoreError::Corrupt`], never a panic. The same code runs against DynamoDB and against the embedded one.

mod agreements;
mod along;
pub mod capacity;
mod catalog;
mod check_in;
mod discounts;
mod erasure;
mod error;
mod expression;
mod files;
mod idempotency;
pub mod items;
mod keys;
mod licenses;
mod lists;
mod revocations;
mod table;
mod transaction;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

pub use agreements::{KeepChain, LicenseChange, Parked, Told};
pub use along::Along;
pub use check_in::{CheckIn, KeyRule, Stamp};
pub use error::{StoreError, causes};
pub use files::IssuedFile;
pub use idempotency::{KeptAnswer, RequestKey};
pub use licenses::{Bind, Change, Committed, IssueLicense};
pub use table::{INDEX_NAME, TTL_ATTRIBUTE, TableFault};

/// The table, and a client for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// The table of this name, through this client. Nothing is called yet.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// One read of an item that need not exist: tells that the table answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.item(keys::health(), false).await.map(drop)
    }

    async fn item(&self, key: keys::Key, consistent: bool) -> Result<Option<items::Item>, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .consistent_read(consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.send().await.map_err(StoreError::unavailable)?;
        capacity::read(answer.consumed_capacity.as_ref());
        Ok(answer.item)
    }
}
