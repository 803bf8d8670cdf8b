//! What is to be done about the ledger: hours to seal and to send, agreements that have ended, and who does it.

use marque_core::usage::Hour;
use marque_core::{AgreementId, Duration, Timestamp};

use crate::due::{Position, Shard};
use crate::expression::Expression;
use crate::items::{self, Item};
use crate::keys::{self, Key};
use crate::{Along, Store, StoreError, TTL_ATTRIBUTE, due};

const HOLDER: &str = "holder";
const UNTIL: &str = "until";
/// Nobody holds the lock for longer: one that is held to a time farther off was taken by a clock that was wrong.
const LONGEST_HELD: Duration = Duration::hours(1);

/// What is due of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageWork {
    /// An hour is to be sealed or sent.
    Hour {
        /// Of which agreement.
        agreement: AgreementId,
        /// Which hour.
        hour: Hour,
        /// The dimension's API name.
        dimension: String,
    },
    /// An agreement has ended: its hours are to be sent at once.
    Flush(AgreementId),
}

/// An entry of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueUsage {
    /// What is due.
    pub work: UsageWork,
    /// Since when, as far as the index knows.
    pub at: Timestamp,
}

/// Some entries of a shard, the most urgent first.
#[derive(Debug)]
pub struct UsagePage {
    /// The entries; one that cannot be read is an error of its own and hides no other.
    pub entries: Vec<Result<DueUsage, StoreError>>,
    /// Where the next page begins, if there is one.
    pub next: Option<Position>,
}

impl Along {
    /// An agreement has ended: its hours are due at once.
    pub fn flush_usage(&mut self, agreement: AgreementId, now: Timestamp) {
        let key = keys::usage_flush(agreement);
        let mut item: Item = key.attributes();
        due::mark_in(&mut item, Shard::of_agreement(agreement), now);
        // Told twice it is the same.
        self.put_if(item, Expression::default());
    }
}

impl Store {
    /// What is due of the ledger by `until` in a shard: a page of at most `limit` entries from `position`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn due_usage(
        &self,
        shard: Shard,
        until: Timestamp,
        position: Option<Position>,
        limit: i32,
    ) -> Result<UsagePage, StoreError> {
        let (items, next) = self.due_items(shard, until, position, limit).await?;
        Ok(UsagePage { entries: items.iter().map(entry).collect(), next })
    }

    /// Moves the flush of an agreement to another time, or ends it, on the condition that it is still due as it was seen.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn move_flush(
        &self,
        agreement: AgreementId,
        seen: Timestamp,
        next: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let mut moved = Expression::default();
        due::if_still(&mut moved, seen);
        due::move_in(&mut moved, Shard::of_agreement(agreement), next);
        if next.is_none() {
            // Nothing more is to be done: time to live takes it away.
            moved.set(&[TTL_ATTRIBUTE], items::number(seen.unix()));
        }
        self.update_usage(&keys::usage_flush(agreement), &moved).await
    }

    /// Takes or keeps the lock of whoever sends usage, until a time. False when somebody else has it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn lock_meter(&self, holder: &str, until: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        let mut free = Expression::default();
        free.if_free(
            &[HOLDER],
            items::text(holder),
            &[UNTIL],
            items::number(now.unix()),
            items::number(now.after(LONGEST_HELD).unix()),
        );
        free.set(&[HOLDER], items::text(holder)).set(&[UNTIL], items::number(until.unix()));
        self.update_usage(&keys::meter_lock(), &free).await
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn unlock_meter(&self, holder: &str) -> Result<(), StoreError> {
        let mut mine = Expression::default();
        mine.if_compares(&[HOLDER], "=", items::text(holder)).set(&[UNTIL], items::number(0));
        // Somebody else's meanwhile is as good.
        self.update_usage(&keys::meter_lock(), &mine).await.map(drop)
    }
}

fn entry(item: &Item) -> Result<DueUsage, StoreError> {
    let key = Key::of(item)?;
    let corrupt = || StoreError::corrupt(item, "it is due, and nobody knows what for");
    let (agreement, hour) = keys::usage_work(&key).ok_or_else(corrupt)?;
    let work = match hour {
        Some((hour, dimension)) => UsageWork::Hour { agreement, hour, dimension: dimension.to_owned() },
        None => UsageWork::Flush(agreement),
    };
    Ok(DueUsage { work, at: due::of(item)?.ok_or_else(corrupt)? })
}
