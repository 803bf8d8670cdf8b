//! Where the comparison of all agreements with the cloud stands: one run at a time goes on with it, from where the last
//! one left off.

use marque_core::{Cloud, Timestamp};
use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::{Store, StoreError, items, keys};

const CLOUD: Cloud = Cloud::Aws;
const HELD_UNTIL: &str = "held_until";
const DUE_AT: &str = "due_at_next";
const PLACE: &str = "place";

/// A comparison that this run goes on with, and nobody else until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Where the last run left off, in the words of whoever compares; none at the beginning.
    pub place: Option<String>,
    held_until: Timestamp,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct ComparisonItem {
    #[serde(default)]
    place: Option<String>,
    /// Unix seconds, as the others.
    #[serde(default)]
    held_until: Option<i64>,
    #[serde(default)]
    due_at_next: Option<i64>,
}

impl Store {
    /// Takes the comparison, until `until`: none when it is not due, or another run has it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn take_comparison(&self, now: Timestamp, until: Timestamp) -> Result<Option<Comparison>, StoreError> {
        let found = self.item(keys::comparison(CLOUD), true).await?;
        let found: ComparisonItem = found.map(|item| items::read(&item)).transpose()?.unwrap_or_default();
        let later = |time: Option<i64>| time.is_some_and(|time| time > now.unix());
        if later(found.due_at_next) || later(found.held_until) {
            return Ok(None);
        }
        let mut update = Expression::default();
        update.set(&[HELD_UNTIL], items::number(until.unix()));
        match found.held_until {
            Some(seen) => update.if_compares(&[HELD_UNTIL], "=", items::number(seen)),
            None => update.if_absent(&[HELD_UNTIL]),
        };
        let taken = self.update_if(&keys::comparison(CLOUD), &update).await?;
        Ok(taken.then_some(Comparison { place: found.place, held_until: until }))
    }

    /// Notes how far it has come; false when another run has taken it meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn note_comparison(&self, comparison: &Comparison, place: &str) -> Result<bool, StoreError> {
        let mut update = Expression::default();
        update.set(&[PLACE], items::text(place));
        self.update_mine(comparison, update).await
    }

    /// Leaves the rest to another run: the next one may take it at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn leave_comparison(&self, comparison: &Comparison) -> Result<bool, StoreError> {
        let mut update = Expression::default();
        update.remove(&[HELD_UNTIL]);
        self.update_mine(comparison, update).await
    }

    /// Everything was compared: the next comparison begins at `next`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn end_comparison(&self, comparison: &Comparison, next: Timestamp) -> Result<bool, StoreError> {
        let mut update = Expression::default();
        update.remove(&[HELD_UNTIL]).remove(&[PLACE]).set(&[DUE_AT], items::number(next.unix()));
        self.update_mine(comparison, update).await
    }

    async fn update_mine(&self, comparison: &Comparison, mut update: Expression) -> Result<bool, StoreError> {
        update.if_compares(&[HELD_UNTIL], "=", items::number(comparison.held_until.unix()));
        self.update_if(&keys::comparison(CLOUD), &update).await
    }
}
