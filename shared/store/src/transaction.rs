//! Transactions: all or nothing, with the reasons of a refusal told apart.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, ReturnConsumedCapacity, TransactWriteItem, Update};
use aws_smithy_types::error::operation::BuildError;
use aws_smithy_types::timeout::TimeoutConfig;
use std::time::Duration;

use crate::expression::Expression;
use crate::items::Item;
use crate::keys::{Key, PK};
use crate::{StoreError, capacity};

/// Transactions take two rounds inside DynamoDB and may wait for others, so they get longer than a single write.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(6);

/// A transaction under construction.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    table: &'a str,
    writes: Vec<Result<TransactWriteItem, BuildError>>,
}

/// Why a transaction did nothing.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// A condition did not hold, or another transaction was at the same item: read again, judge again.
    Overtaken,
    /// The table did not answer.
    Failed(StoreError),
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(table: &'a str) -> Self {
        Self { table, writes: Vec::new() }
    }

    /// Puts an item that must not be there.
    pub(crate) fn put_new(&mut self, item: Item) -> &mut Self {
        let mut expression = Expression::default();
        expression.if_absent(&[PK]);
        self.put_if(item, &expression)
    }

    /// Puts an item under a condition.
    pub(crate) fn put_if(&mut self, item: Item, expression: &Expression) -> &mut Self {
        let put = Put::builder()
            .table_name(self.table)
            .set_item(Some(item))
            .set_condition_expression(expression.condition())
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values());
        self.writes.push(put.build().map(|put| TransactWriteItem::builder().put(put).build()));
        self
    }

    /// Updates an item under a condition.
    pub(crate) fn update(&mut self, key: &Key, expression: &Expression) -> &mut Self {
        let update = Update::builder()
            .table_name(self.table)
            .set_key(Some(key.attributes()))
            .set_update_expression(expression.update())
            .set_condition_expression(expression.condition())
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values());
        self.writes.push(update.build().map(|update| TransactWriteItem::builder().update(update).build()));
        self
    }

    /// Does all of it or nothing. The SDK names the attempt with a token, so that its own retries count once.
    pub(crate) async fn commit(self, client: &Client) -> Result<(), NotDone> {
        let writes: Result<Vec<_>, _> = self.writes.into_iter().collect();
        let writes = writes.map_err(|error| NotDone::Failed(StoreError::unavailable(error)))?;
        let timeouts = TimeoutConfig::builder().operation_timeout(OPERATION_TIMEOUT).build();
        let request = client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let request =
            request.customize().config_override(aws_sdk_dynamodb::config::Builder::new().timeout_config(timeouts));
        match request.send().await {
            Ok(answer) => {
                capacity::wrote(answer.consumed_capacity());
                Ok(())
            }
            Err(error) if is_overtaken(&error) => Err(NotDone::Overtaken),
            Err(error) => Err(NotDone::Failed(StoreError::unavailable(error))),
        }
    }
}

fn is_overtaken(error: &SdkError<TransactWriteItemsError>) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            let codes = || canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
            codes().any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
        }
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => true,
        _ => false,
    }
}

/// Waits before the next of a few tries, spread so that two who met do not meet again.
pub(crate) async fn back_off(attempt: u32, salt: u8) {
    tokio::time::sleep(Duration::from_millis(10 * u64::from(attempt) + u64::from(salt % 20))).await;
}
