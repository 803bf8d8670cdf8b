//! Marque's one DynamoDB table: the only place that knows keys, attributes and expressions.
//!
//! Every change is one conditional write or one transaction, named for what it keeps true ([`Store::check_in`],
//! [`Store::bind`], [`Store::issue`]). Look-ups answer `Option`; failure is a [`StoreError`]; an item that cannot be
//! read is [`StoreError::Corrupt`], never a panic. The same code runs against DynamoDB and against the embedded one.

mod agreements;
mod along;
mod batch;
pub mod capacity;
mod catalog;
mod check_in;
mod codes;
mod comparison;
mod discounts;
mod due;
mod erasure;
mod error;
mod expression;
mod files;
mod idempotency;
pub mod items;
mod keys;
mod licenses;
mod lists;
mod machines;
mod notices;
mod outbox;
mod registrations;
mod revocations;
mod table;
mod transaction;
mod trials;
mod usage;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use crate::expression::Expression;

pub use agreements::{Entitled, KeepChain, LicenseChange, Parked, Told};
pub use along::Along;
pub use check_in::{CheckIn, KeyRule, Stamp};
pub use comparison::Comparison;
pub use due::{Due, DuePage, Position, Shard, Work};
pub use error::{StoreError, causes};
pub use files::IssuedFile;
pub use idempotency::{KeptAnswer, RequestKey};
pub use licenses::{Bind, Change, Committed, IssueLicense};
pub use machines::{Billed, Challenge, KeptRoots, ListedMachine, Use};
pub use notices::DueLicense;
pub use outbox::{HELD, Outgoing, Waiting};
pub use registrations::{BilledFor, Found, Named, NamedMachine};
pub use table::{INDEX_NAME, TTL_ATTRIBUTE, TableFault};
pub use trials::{Asked, MAILS_A_DAY, TOKEN_LIFE, TokenDigest, TrialAsk, TrialsHad};
pub use usage::{DueUsage, KeptHour, NewUsage, Place, Recorded, Remainder, Replay, SealHour, UsagePage, UsageWork};

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

    /// One update under a condition; false when it did not hold.
    async fn update_if(&self, key: &keys::Key, update: &Expression) -> Result<bool, StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .set_update_expression(update.update())
            .set_condition_expression(update.condition())
            .set_expression_attribute_names(update.names())
            .set_expression_attribute_values(update.values())
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match request.send().await {
            Ok(answer) => {
                capacity::wrote(&answer.consumed_capacity);
                Ok(true)
            }
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::unavailable(error)),
        }
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
