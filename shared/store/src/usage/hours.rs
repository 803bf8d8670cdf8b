//! Hours of the ledger: read, sealed, and moved from state to state.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use marque_core::AgreementId;
use marque_core::usage::{EntryKey, Hour, Quantity, Target};

use super::intake::opening;
use super::item::{KeptHour, Reader, key_of};
use crate::expression::Expression;
use crate::items;
use crate::keys::{self, Key, PK, SK};
use crate::transaction::Transaction;
use crate::{Along, Committed, Store, StoreError, capacity};

/// The attribute of what is left.
const LEFT: &str = "left";

/// What a dimension's hours have left for later ones, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remainder {
    dimension: String,
    /// First the chain's own, then what was left under agreements that were joined to it later.
    parts: Vec<(AgreementId, Quantity)>,
}

impl Remainder {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Quantity {
        self.parts.iter().map(|(_, left)| *left).sum()
    }
}

/// An hour that is sealed.
#[derive(Debug, Clone, Copy)]
pub struct SealHour<'a> {
    /// As it was read.
    pub before: &'a KeptHour,
    /// As it will be.
    pub after: &'a KeptHour,
    /// What earlier hours had left, as it was read.
    pub remainder: &'a Remainder,
    /// What is left then.
    pub left: Quantity,
    /// The hour that takes what one report cannot hold: it is made, if it is not there.
    pub overflow: Option<&'a Target>,
}

impl Store {
    /// An hour, read strongly.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn usage_hour(&self, key: &EntryKey) -> Result<Option<KeptHour>, StoreError> {
        let item = self.item(key_of(key), true).await?;
        item.map(|item| KeptHour::read(key.clone(), &item)).transpose()
    }

    /// Hours by their keys, read strongly, in no order; those that are not there are left out, and one that cannot be
    /// read hides no other.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn usage_hours(&self, wanted: &[EntryKey]) -> Result<Vec<Result<KeptHour, StoreError>>, StoreError> {
        let by_key: HashMap<(String, String), &EntryKey> = wanted
            .iter()
            .map(|key| {
                let Key { pk, sk } = key_of(key);
                ((pk, sk), key)
            })
            .collect();
        let keys: Vec<_> = wanted.iter().map(key_of).collect();
        let mut found = Vec::new();
        for item in self.items(&keys).await? {
            let Key { pk, sk } = Key::of(&item)?;
            let Some(key) = by_key.get(&(pk, sk)) else { continue };
            found.push(KeptHour::read((*key).clone(), &item));
        }
        Ok(found)
    }

    /// An agreement's hours from `from` on, to before `until` if there is one, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn usage_hours_between(
        &self,
        chain: AgreementId,
        agreement: AgreementId,
        from: Hour,
        until: Option<Hour>,
    ) -> Result<Vec<KeptHour>, StoreError> {
        let first = keys::usage_hours_from(agreement, from);
        // `$` is the letter after `#`, so that it is after every hour.
        let last = until.map_or_else(|| "HOUR$".to_owned(), |until| keys::usage_hours_from(agreement, until).sk);
        let (mut hours, mut position) = (Vec::new(), None);
        loop {
            let request = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :last")
                .expression_attribute_names("#pk", PK)
                .expression_attribute_names("#sk", SK)
                .expression_attribute_values(":pk", items::text(&first.pk))
                .expression_attribute_values(":first", items::text(&first.sk))
                .expression_attribute_values(":last", items::text(&last))
                .set_exclusive_start_key(position)
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = request.send().await.map_err(StoreError::unavailable)?;
            capacity::read(answer.consumed_capacity.as_ref());
            for item in answer.items.unwrap_or_default() {
                hours.push(KeptHour::of_item(chain, agreement, &item)?);
            }
            position = answer.last_evaluated_key;
            if position.is_none() {
                return Ok(hours);
            }
        }
    }

    /// What a dimension's hours have left, in a chain and in what was joined to it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn usage_remainder(
        &self,
        chain: AgreementId,
        merged: &[AgreementId],
        dimension: &str,
    ) -> Result<Remainder, StoreError> {
        let mut parts = Vec::new();
        for holder in std::iter::once(&chain).chain(merged) {
            let item = self.item(keys::usage_remainder(*holder, dimension), true).await?;
            let left = item.map(|item| Reader(&item).quantity(LEFT)).transpose()?.unwrap_or_default();
            if *holder == chain || !left.is_zero() {
                parts.push((*holder, left));
            }
        }
        Ok(Remainder { dimension: dimension.to_owned(), parts })
    }

    /// Seals an hour, on the condition that it is open and nothing was added since it was read: what is left moves on in
    /// the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn seal_hour(&self, seal: SealHour<'_>) -> Result<Committed, StoreError> {
        let SealHour { before, after, remainder, left, overflow } = seal;
        let key = key_of(&before.entry.key);
        let update = before.becomes(after)?;
        let mut moved: Vec<(Key, Expression)> = Vec::new();
        for (place, (holder, was)) in remainder.parts.iter().enumerate() {
            let will_be = if place == 0 { left } else { Quantity::ZERO };
            if *was == will_be {
                continue;
            }
            let mut change = Expression::default();
            let seen = items::number(was.millionths());
            if was.is_zero() {
                change.if_absent_or_compares(&[LEFT], "=", seen);
            } else {
                change.if_compares(&[LEFT], "=", seen);
            }
            change.set(&[LEFT], items::number(will_be.millionths()));
            moved.push((keys::usage_remainder(*holder, &remainder.dimension), change));
        }
        if let Some(target) = overflow {
            moved.push((key_of(&target.key), opening(target)));
        }
        if moved.is_empty() {
            let sealed = self.update_usage(&key, &update).await?;
            return Ok(if sealed { Committed::Done } else { Committed::Overtaken });
        }
        let mut transaction = Transaction::new(&self.table);
        transaction.update(key, update);
        for (key, change) in moved {
            transaction.update(key, change);
        }
        let [.., salt] = before.entry.key.agreement.to_bytes();
        self.finish(transaction, salt).await
    }

    /// Moves an hour on, with what goes along, on the condition that nobody has since it was read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn change_hour(
        &self,
        before: &KeptHour,
        after: &KeptHour,
        along: &Along,
    ) -> Result<Committed, StoreError> {
        let key = key_of(&before.entry.key);
        let update = before.becomes(after)?;
        if along.writes.is_empty() {
            let changed = self.update_usage(&key, &update).await?;
            return Ok(if changed { Committed::Done } else { Committed::Overtaken });
        }
        let mut transaction = Transaction::new(&self.table);
        transaction.update(key, update).along(along);
        let [.., salt] = before.entry.key.agreement.to_bytes();
        self.finish(transaction, salt).await
    }

    /// One update under a condition; false when it did not hold, or somebody else was at the item.
    pub(super) async fn update_usage(&self, key: &Key, update: &Expression) -> Result<bool, StoreError> {
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
        let overtaken = |error: &UpdateItemError| {
            error.is_conditional_check_failed_exception() || error.is_transaction_conflict_exception()
        };
        match request.send().await {
            Ok(answer) => {
                capacity::wrote(&answer.consumed_capacity);
                Ok(true)
            }
            Err(error) if error.as_service_error().is_some_and(overtaken) => Ok(false),
            Err(error) => Err(StoreError::unavailable(error)),
        }
    }
}
