//! Work that is due: what the sparse index holds, spread over shards so that no partition of it is hot.
//!
//! An item is in the index as long as it carries `due_shard` and `due_at`. Both are set at changes and by the sweep, never
//! by the stamp of a check, which would pay for the index at each one. The index lags behind the table, so whatever is
//! found in it is read again, strongly, and moved on under the condition that it is still due then.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use marque_core::{AgreementId, LicenseId, MailId, Timestamp};

use crate::expression::Expression;
use crate::items::{self, Item};
use crate::table::{INDEX_NAME, INDEX_PK, INDEX_SK};
use crate::{Store, StoreError, capacity, keys};

/// DynamoDB takes a thousand writes a second to a partition; a sweep is far from sixteen thousand.
const SHARDS: u8 = 16;
/// The marketplace takes 250 records of usage a second, so that even one would do.
const USAGE_SHARDS: u8 = 4;

/// A partition of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Whose work it is: `s` the sweep's, `u` that of the ledger of usage.
    of: char,
    number: u8,
}

impl Shard {
    /// All of the sweep's.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(|number| Self { of: 's', number })
    }

    /// All of the ledger's.
    pub fn of_usage() -> impl Iterator<Item = Self> {
        (0..USAGE_SHARDS).map(|number| Self { of: 'u', number })
    }

    /// The last byte of a ULID is random, which is what a spread needs.
    fn of([.., last]: [u8; 16]) -> Self {
        Self { of: 's', number: last % SHARDS }
    }

    /// Where the usage of an agreement is.
    pub(crate) fn of_agreement(agreement: AgreementId) -> Self {
        let [.., last] = agreement.to_bytes();
        Self { of: 'u', number: last % USAGE_SHARDS }
    }

    fn key(self) -> String {
        format!("{}{:x}", self.of, self.number)
    }
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A notice about a licence.
    License(LicenseId),
    /// A mail that was not sent yet.
    Mail(MailId),
}

/// An entry of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// What is due.
    pub work: Work,
    /// Since when, as far as the index knows.
    pub at: Timestamp,
}

/// Some entries of a shard, the longest due first.
#[derive(Debug)]
pub struct DuePage {
    /// The entries; one that cannot be read is an error of its own and hides no other.
    pub entries: Vec<Result<Due, StoreError>>,
    /// Where the next page begins, if there is one.
    pub next: Option<Position>,
}

/// Where a page of the index begins.
#[derive(Debug, Clone)]
pub struct Position(HashMap<String, AttributeValue>);

impl Store {
    /// What is due by `until` in a shard: a page of at most `limit` entries from `position`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn due(
        &self,
        shard: Shard,
        until: Timestamp,
        position: Option<Position>,
        limit: i32,
    ) -> Result<DuePage, StoreError> {
        let (items, next) = self.due_items(shard, until, position, limit).await?;
        Ok(DuePage { entries: items.iter().map(entry).collect(), next })
    }

    /// The entries as they are in the index: keys alone.
    pub(crate) async fn due_items(
        &self,
        shard: Shard,
        until: Timestamp,
        position: Option<Position>,
        limit: i32,
    ) -> Result<(Vec<Item>, Option<Position>), StoreError> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(INDEX_NAME)
            .key_condition_expression("#shard = :shard AND #at <= :until")
            .expression_attribute_names("#shard", INDEX_PK)
            .expression_attribute_names("#at", INDEX_SK)
            .expression_attribute_values(":shard", items::text(shard.key()))
            .expression_attribute_values(":until", at(until))
            .set_exclusive_start_key(position.map(|Position(key)| key))
            .return_consumed_capacity(aws_sdk_dynamodb::types::ReturnConsumedCapacity::Total)
            .limit(limit);
        let answer = request.send().await.map_err(StoreError::unavailable)?;
        capacity::read(answer.consumed_capacity.as_ref());
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key.map(Position)))
    }
}

/// Puts an item into the index.
pub(crate) fn mark(item: &mut Item, of: [u8; 16], due: Option<Timestamp>) {
    if let Some(due) = due {
        mark_in(item, Shard::of(of), due);
    }
}

/// Puts an item into a shard of the index.
pub(crate) fn mark_in(item: &mut Item, shard: Shard, due: Timestamp) {
    item.insert(INDEX_PK.to_owned(), items::text(shard.key()));
    item.insert(INDEX_SK.to_owned(), at(due));
}

/// Puts an item into a shard of the index, unless it is in the index already.
pub(crate) fn mark_once(expression: &mut Expression, shard: Shard, due: Timestamp) {
    expression.set_once(&[INDEX_PK], items::text(shard.key())).set_once(&[INDEX_SK], at(due));
}

/// Moves an item in the index, or takes it out.
pub(crate) fn move_to(expression: &mut Expression, of: [u8; 16], due: Option<Timestamp>) {
    move_in(expression, Shard::of(of), due);
}

/// Moves an item in a shard of the index, or takes it out.
pub(crate) fn move_in(expression: &mut Expression, shard: Shard, due: Option<Timestamp>) {
    match due {
        Some(due) => {
            expression.set(&[INDEX_PK], items::text(shard.key())).set(&[INDEX_SK], at(due));
        }
        None => {
            expression.remove(&[INDEX_PK]).remove(&[INDEX_SK]);
        }
    }
}

/// Only if the item is still due then.
pub(crate) fn if_still(expression: &mut Expression, seen: Timestamp) {
    expression.if_compares(&[INDEX_SK], "=", at(seen));
}

/// Since when an item is due, if it is.
pub(crate) fn of(item: &Item) -> Result<Option<Timestamp>, StoreError> {
    let Some(value) = item.get(INDEX_SK) else { return Ok(None) };
    let seconds = value.as_s().ok().and_then(|text| text.parse().ok());
    seconds
        .and_then(Timestamp::from_unix)
        .map(Some)
        .ok_or_else(|| StoreError::corrupt(item, "it is due at no time that there is"))
}

/// Twelve digits of seconds: the order of the texts is that of the times, to the year 9999.
fn at(due: Timestamp) -> AttributeValue {
    items::text(format!("{:012}", due.unix()))
}

fn entry(item: &Item) -> Result<Due, StoreError> {
    let corrupt = || StoreError::corrupt(item, "it is due, and nobody knows what for");
    let pk = item.get(keys::PK).and_then(|pk| pk.as_s().ok()).ok_or_else(corrupt)?;
    let work = match pk.split_once('#') {
        Some(("LICENSE", id)) => Work::License(id.parse().map_err(|_| corrupt())?),
        Some(("MAIL", id)) => Work::Mail(id.parse().map_err(|_| corrupt())?),
        _ => return Err(corrupt()),
    };
    Ok(Due { work, at: of(item)?.ok_or_else(corrupt)? })
}
