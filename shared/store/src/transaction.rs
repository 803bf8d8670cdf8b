//! Transactions: all or nothing, with the reasons of a refusal told apart.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure as FailedItem, TransactWriteItem, Update,
};
use aws_smithy_types::error::operation::BuildError;
use aws_smithy_types::timeout::TimeoutConfig;
use std::time::Duration;

use crate::expression::Expression;
use crate::items::Item;
use crate::keys::{Key, PK};
use crate::{Along, Store, StoreError, capacity};

/// Transactions take two rounds inside DynamoDB and may wait for others, so they get longer than a single write.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(6);

/// One write of a transaction, each under its condition.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Put(Item, Expression),
    Update(Key, Expression),
    Delete(Key, Expression),
    /// Changes nothing, but for this everything else is changed only under the condition.
    Check(Key, Expression),
}

impl Write {
    /// Puts an item that must not be there.
    pub(crate) fn put_new(item: Item) -> Self {
        let mut absent = Expression::default();
        absent.if_absent(&[PK]);
        Self::Put(item, absent)
    }

    /// `failed` says whether DynamoDB is to tell the item that a put's condition failed on.
    fn build(&self, table: &str, failed: Option<&FailedItem>) -> Result<TransactWriteItem, BuildError> {
        let write = TransactWriteItem::builder();
        Ok(match self {
            Self::Put(item, expression) => {
                let put = Put::builder()
                    .table_name(table)
                    .set_item(Some(item.clone()))
                    .set_return_values_on_condition_check_failure(failed.cloned())
                    .set_condition_expression(expression.condition())
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values());
                write.put(put.build()?)
            }
            Self::Update(key, expression) => {
                let update = Update::builder()
                    .table_name(table)
                    .set_key(Some(key.attributes()))
                    .set_update_expression(expression.update())
                    .set_condition_expression(expression.condition())
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values());
                write.update(update.build()?)
            }
            Self::Delete(key, expression) => {
                let delete = Delete::builder()
                    .table_name(table)
                    .set_key(Some(key.attributes()))
                    .set_condition_expression(expression.condition())
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values());
                write.delete(delete.build()?)
            }
            Self::Check(key, expression) => {
                let check = ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key.attributes()))
                    .set_condition_expression(expression.condition())
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values());
                write.condition_check(check.build()?)
            }
        }
        .build())
    }
}

/// A transaction under construction.
#[derive(Debug, Clone)]
pub(crate) struct Transaction<'a> {
    table: &'a str,
    writes: Vec<Write>,
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

    /// Puts an item, whatever is there.
    pub(crate) fn put(&mut self, item: Item) -> &mut Self {
        self.put_if(item, Expression::default())
    }

    /// Puts an item that must not be there.
    pub(crate) fn put_new(&mut self, item: Item) -> &mut Self {
        self.writes.push(Write::put_new(item));
        self
    }

    /// Puts an item under a condition.
    pub(crate) fn put_if(&mut self, item: Item, condition: Expression) -> &mut Self {
        self.writes.push(Write::Put(item, condition));
        self
    }

    /// Updates an item under a condition.
    pub(crate) fn update(&mut self, key: Key, expression: Expression) -> &mut Self {
        self.writes.push(Write::Update(key, expression));
        self
    }

    /// Deletes an item under a condition.
    pub(crate) fn delete(&mut self, key: Key, condition: Expression) -> &mut Self {
        self.writes.push(Write::Delete(key, condition));
        self
    }

    /// Only if an item has an attribute.
    pub(crate) fn check_has(&mut self, key: Key, attribute: &str) -> &mut Self {
        let mut has = Expression::default();
        has.if_exists(&[attribute]);
        self.writes.push(Write::Check(key, has));
        self
    }

    /// Only if an item is not there.
    pub(crate) fn check_absent(&mut self, key: Key) -> &mut Self {
        let mut absent = Expression::default();
        absent.if_absent(&[PK]);
        self.writes.push(Write::Check(key, absent));
        self
    }

    /// Adds what goes along.
    pub(crate) fn along(&mut self, along: &Along) -> &mut Self {
        self.writes.extend(along.writes.iter().cloned());
        self
    }

    /// Does all of it or nothing. The SDK names the attempt with a token, so that its own retries count once.
    pub(crate) async fn commit(self, client: &Client) -> Result<(), NotDone> {
        match self.send(client, None).await? {
            Ok(()) => Ok(()),
            Err(error) if is_overtaken(&error) => Err(NotDone::Overtaken),
            Err(error) => Err(NotDone::Failed(StoreError::unavailable(error))),
        }
    }

    /// The same, which tells what became of each write when nothing was done.
    pub(crate) async fn commit_telling(self, client: &Client) -> Result<Result<(), Vec<Fate>>, StoreError> {
        let writes = self.writes.len();
        let sent = self.send(client, Some(FailedItem::AllOld)).await;
        let error = match sent {
            Ok(Ok(())) => return Ok(Ok(())),
            Ok(Err(error)) => error,
            Err(NotDone::Failed(error)) => return Err(error),
            Err(NotDone::Overtaken) => return Ok(Err(vec![Fate::Conflict; writes])),
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) if is_overtaken(&error) => {
                Ok(Err(canceled.cancellation_reasons().iter().map(Fate::of).collect()))
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => Ok(Err(vec![Fate::Conflict; writes])),
            _ => Err(StoreError::unavailable(error)),
        }
    }

    async fn send(
        &self,
        client: &Client,
        failed: Option<FailedItem>,
    ) -> Result<Result<(), SdkError<TransactWriteItemsError>>, NotDone> {
        let writes: Result<Vec<_>, _> =
            self.writes.iter().map(|write| write.build(self.table, failed.as_ref())).collect();
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
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }
}

/// What became of one write of a transaction that did nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fate {
    /// Nothing was wrong with it.
    Sound,
    /// Its condition did not hold; a put is told the item that is there.
    Failed(Option<Item>),
    /// Another write was at the same item, or the whole of it was.
    Conflict,
}

impl Fate {
    fn of(reason: &CancellationReason) -> Self {
        match reason.code() {
            None | Some("None") => Self::Sound,
            Some("ConditionalCheckFailed") => Self::Failed(reason.item().cloned()),
            Some(_) => Self::Conflict,
        }
    }
}

impl Store {
    /// Commits a transaction that has no condition: whoever is in its way is waited for.
    pub(crate) async fn commit_again(&self, transaction: Transaction<'_>) -> Result<(), StoreError> {
        for attempt in 1..=TRIES {
            match transaction.clone().commit(&self.client).await {
                Ok(()) => return Ok(()),
                Err(NotDone::Overtaken) => back_off(attempt, 0).await,
                Err(NotDone::Failed(error)) => return Err(error),
            }
        }
        Err(StoreError::Contention { item: self.table.clone() })
    }
}

/// A transaction without a condition is tried so often.
const TRIES: u32 = 4;

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
