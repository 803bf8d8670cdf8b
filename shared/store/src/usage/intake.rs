//! Taking records in: each once, whole or not at all, into the first of its hours that is open.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use marque_core::usage::variant::{self, Variant};
use marque_core::usage::{Hour, Quantity, StateName, Target};
use marque_core::{AgreementId, Duration, Timestamp};

use super::item::{Reader, key_of, names as n};
use crate::expression::Expression;
use crate::items::{self, Item};
use crate::keys::{self, Key, PK, SK};
use crate::transaction::{Fate, Transaction, back_off};
use crate::{Store, StoreError, TTL_ATTRIBUTE, due};

/// A record's id is known for so long, whatever hour it went to.
const REMEMBERED: Duration = Duration::days(90);
/// DynamoDB takes so many writes in a transaction; each hour of the records is one as well.
const MOST_WRITES: usize = 100;
/// And so many records, so that there is always room for some hours.
const MOST_RECORDS: usize = 90;
/// Others may add to the same hour at the same time: a transaction is tried so often.
const TRIES: u32 = 12;

/// A record that was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUsage<'a> {
    /// The id that its sender gave it: counted once a chain.
    pub id: &'a str,
    /// When it happened.
    pub at: Timestamp,
    /// What of.
    pub dimension: &'a str,
    /// How much.
    pub quantity: Quantity,
    /// Where it may go, in order. Nowhere: it is only looked up.
    pub targets: &'a [Target],
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is counted.
    Accepted(Place),
    /// It was counted before.
    Duplicate(Place),
    /// Its id was used for something else.
    Conflict,
    /// It is not known, and none of its hours is open any more.
    Closed,
}

/// Where a record is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// In this hour.
    pub hour: Hour,
    /// Whether that is another than its own.
    pub carried: bool,
}

/// The attributes of a record's mark.
mod mark {
    pub(super) const DIMENSION: &str = "dimension";
    pub(super) const QUANTITY: &str = "quantity";
    pub(super) const AT: &str = "at";
    pub(super) const HOUR: &str = "hour";
    pub(super) const CARRIED: &str = "carried";
}

/// A record on its way in: which one, and which of its hours is tried.
#[derive(Debug, Clone, Copy)]
struct Pending {
    record: usize,
    target: usize,
}

/// What one transaction adds to one hour.
#[derive(Debug)]
struct Addition<'a> {
    target: &'a Target,
    accepted: Quantity,
    carried: Quantity,
    records: u64,
}

impl Store {
    /// Counts records, each once. `merged` are the other agreements of the chain: records may have come in under their
    /// names before they were joined to it.
    ///
    /// Two write units for a record and two for each hour that a transaction touches; half a unit more the first time
    /// that there is such an hour, for the index.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Contention`], [`StoreError::Corrupt`]. Some may be counted then: sent
    /// again, they are duplicates.
    pub async fn record_usage(
        &self,
        chain: AgreementId,
        merged: &[AgreementId],
        records: &[NewUsage<'_>],
        now: Timestamp,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut results: Vec<Option<Recorded>> = vec![None; records.len()];
        loop {
            let firsts = unsettled(records, &results);
            if firsts.is_empty() {
                return Ok(results.into_iter().flatten().collect());
            }
            self.count(chain, merged, records, firsts.values().copied(), now, &mut results).await?;
            // The same id again in one request is judged by the first one that is counted.
            for (record, usage) in records.iter().enumerate() {
                let first = firsts.get(usage.id).copied().filter(|_| results[record].is_none());
                if let Some(first) = first
                    && let Some(Recorded::Accepted(place) | Recorded::Duplicate(place)) = results[first]
                {
                    let again = same(usage, &records[first]);
                    results[record] = Some(if again { Recorded::Duplicate(place) } else { Recorded::Conflict });
                }
            }
        }
    }

    /// Counts some of the records, no two of which have the same id.
    async fn count(
        &self,
        chain: AgreementId,
        merged: &[AgreementId],
        records: &[NewUsage<'_>],
        firsts: impl Iterator<Item = usize>,
        now: Timestamp,
        results: &mut [Option<Recorded>],
    ) -> Result<(), StoreError> {
        let mut pending: Vec<Pending> = firsts.map(|record| Pending { record, target: 0 }).collect();
        pending.sort_by_key(|pending| pending.record);
        self.look_up(chain, merged, records, now, &mut pending, results).await?;
        let mut conflicts = 0;
        while !pending.is_empty() {
            let (chunk, additions) = chunk(records, &pending);
            let transaction = self.adding(chain, records, &chunk, &additions, now)?;
            match transaction.commit_telling(&self.client).await? {
                Ok(()) => {
                    for Pending { record, target } in &chunk {
                        results[*record] = Some(Recorded::Accepted(place(&records[*record].targets[*target])));
                    }
                }
                Err(fates) => {
                    conflicts += self.learn(chain, records, &chunk, &additions, &fates, &mut pending, results).await?;
                    if conflicts > TRIES {
                        return Err(StoreError::Contention { item: format!("the usage of {chain}") });
                    }
                    if conflicts > 0 {
                        let [.., salt] = chain.to_bytes();
                        back_off(conflicts, salt.wrapping_mul(u8::try_from(conflicts).unwrap_or(u8::MAX))).await;
                    }
                }
            }
            pending.retain(|pending| results[pending.record].is_none());
        }
        Ok(())
    }

    /// Finds what is known already of records that may go nowhere any more, and of all of them what was counted under the
    /// names of agreements that were joined to the chain later, which hardly ever is anything.
    async fn look_up(
        &self,
        chain: AgreementId,
        merged: &[AgreementId],
        records: &[NewUsage<'_>],
        now: Timestamp,
        pending: &mut Vec<Pending>,
        results: &mut [Option<Recorded>],
    ) -> Result<(), StoreError> {
        let mut holders = Vec::new();
        for agreement in merged {
            if !self.page(&keys::usage_record(*agreement, ""), None, 1).await?.is_empty() {
                holders.push(*agreement);
            }
        }
        for Pending { record, .. } in pending.iter() {
            let usage = &records[*record];
            let here = usage.targets.is_empty().then_some(chain);
            for holder in here.into_iter().chain(holders.iter().copied()) {
                let found = self.item(keys::usage_record(holder, usage.id), true).await?;
                if let Some(found) = found.filter(|item| !has_lapsed(item, now)) {
                    results[*record] = Some(known(usage, &found)?);
                }
            }
            if usage.targets.is_empty() && results[*record].is_none() {
                results[*record] = Some(Recorded::Closed);
            }
        }
        pending.retain(|pending| results[pending.record].is_none());
        Ok(())
    }

    fn adding(
        &self,
        chain: AgreementId,
        records: &[NewUsage<'_>],
        chunk: &[Pending],
        additions: &[Addition<'_>],
        now: Timestamp,
    ) -> Result<Transaction<'_>, StoreError> {
        let mut transaction = Transaction::new(&self.table);
        for Pending { record, target } in chunk {
            let usage = &records[*record];
            let mut free = Expression::default();
            // Time to live deletes late.
            free.if_absent_or_compares(&[TTL_ATTRIBUTE], "<=", items::number(now.unix()));
            let target = &usage.targets[*target];
            transaction.put_if(mark_of(&key_of_record(chain, usage.id, target), usage, target, now), free);
        }
        for addition in additions {
            transaction.update(key_of(&addition.target.key), addition.update());
        }
        Ok(transaction)
    }

    /// Learns from a transaction that did nothing; answers 1 when others were at the same items.
    #[expect(clippy::too_many_arguments, reason = "what a transaction was made from, and what is learned from it")]
    async fn learn(
        &self,
        chain: AgreementId,
        records: &[NewUsage<'_>],
        chunk: &[Pending],
        additions: &[Addition<'_>],
        fates: &[Fate],
        pending: &mut [Pending],
        results: &mut [Option<Recorded>],
    ) -> Result<u32, StoreError> {
        let mut conflict = !fates.iter().any(|fate| matches!(fate, Fate::Failed(_)));
        let (of_records, of_hours) = fates.split_at_checked(chunk.len()).unwrap_or((fates, &[]));
        for (Pending { record, target }, fate) in chunk.iter().zip(of_records) {
            let usage = &records[*record];
            let Fate::Failed(told) = fate else { continue };
            let found = match told {
                Some(item) if !item.is_empty() => Some(item.clone()),
                _ => {
                    let key = key_of_record(chain, usage.id, &usage.targets[*target]);
                    self.item(key, true).await?
                }
            };
            match found {
                Some(found) => results[*record] = Some(known(usage, &found)?),
                // Gone meanwhile: it is tried again.
                None => conflict = true,
            }
        }
        let closed: BTreeSet<_> = additions
            .iter()
            .zip(of_hours)
            .filter(|(_, fate)| matches!(fate, Fate::Failed(_)))
            .map(|(addition, _)| &addition.target.key)
            .collect();
        for Pending { record, target } in pending {
            if results[*record].is_some() {
                continue;
            }
            let targets = &records[*record].targets;
            while targets.get(*target).is_some_and(|target| closed.contains(&target.key)) {
                *target += 1;
            }
            if *target >= targets.len() {
                results[*record] = Some(Recorded::Closed);
            }
        }
        Ok(u32::from(conflict))
    }
}

/// The first records that fit into a transaction, and what they add to which hours.
fn chunk<'a>(records: &'a [NewUsage<'_>], pending: &[Pending]) -> (Vec<Pending>, Vec<Addition<'a>>) {
    let mut chunk = Vec::new();
    let mut hours: BTreeMap<_, Addition<'a>> = BTreeMap::new();
    for next in pending {
        let usage = &records[next.record];
        let target = &usage.targets[next.target];
        let hour = usize::from(!hours.contains_key(&target.key));
        if chunk.len() == MOST_RECORDS || chunk.len() + 1 + hours.len() + hour > MOST_WRITES {
            break;
        }
        chunk.push(*next);
        let none = Addition { target, accepted: Quantity::ZERO, carried: Quantity::ZERO, records: 0 };
        let addition = hours.entry(&target.key).or_insert(none);
        addition.accepted += usage.quantity;
        addition.records += 1;
        if target.carried {
            addition.carried += usage.quantity;
        }
    }
    (chunk, hours.into_values().collect())
}

impl Addition<'_> {
    fn update(&self) -> Expression {
        let mut update = Expression::default();
        if !variant::is(Variant::AddWithoutCondition) {
            update.if_absent_or_compares(&[n::STATE], "=", items::text(StateName::Open));
        }
        update
            .set_once(&[n::STATE], items::text(StateName::Open))
            .set_once(&[n::VERSION], items::number(0))
            .increase(&[n::ACCEPTED], items::number(self.accepted.millionths()))
            .increase(&[n::CARRIED], items::number(self.carried.millionths()))
            .increase(&[n::RECORDS], items::number(self.records));
        due::mark_once(&mut update, due::Shard::of_agreement(self.target.key.agreement), self.target.due);
        update
    }
}

/// Nothing is added to an hour: it is only made, if it is not there.
pub(super) fn opening(target: &Target) -> Expression {
    Addition { target, accepted: Quantity::ZERO, carried: Quantity::ZERO, records: 0 }.update()
}

fn key_of_record(chain: AgreementId, id: &str, target: &Target) -> Key {
    if variant::is(Variant::GuardKeyedByHour) {
        return keys::usage_record(chain, &format!("{id}#{}", target.key.hour));
    }
    keys::usage_record(chain, id)
}

fn mark_of(key: &Key, usage: &NewUsage<'_>, target: &Target, now: Timestamp) -> Item {
    let attributes = [
        (PK, items::text(&key.pk)),
        (SK, items::text(&key.sk)),
        (mark::DIMENSION, items::text(usage.dimension)),
        (mark::QUANTITY, items::number(usage.quantity.millionths())),
        (mark::AT, items::number(usage.at.unix())),
        (mark::HOUR, items::text(target.key.hour)),
        (mark::CARRIED, items::number(u8::from(target.carried))),
        (TTL_ATTRIBUTE, items::number(now.after(REMEMBERED).unix())),
    ];
    attributes.map(|(name, value)| (name.to_owned(), value)).into()
}

fn place(target: &Target) -> Place {
    Place { hour: target.key.hour, carried: target.carried }
}

/// What a mark that is there says of a record of the same id.
fn known(usage: &NewUsage<'_>, item: &Item) -> Result<Recorded, StoreError> {
    let reader = Reader(item);
    let same = reader.text(mark::DIMENSION)? == usage.dimension
        && reader.quantity(mark::QUANTITY)? == usage.quantity
        && reader.time(mark::AT)? == usage.at;
    let place = Place { hour: reader.hour(mark::HOUR)?, carried: reader.number::<u8>(mark::CARRIED)? == 1 };
    Ok(if same { Recorded::Duplicate(place) } else { Recorded::Conflict })
}

/// The first record of each id that is not settled.
fn unsettled<'a>(records: &[NewUsage<'a>], results: &[Option<Recorded>]) -> HashMap<&'a str, usize> {
    let mut firsts = HashMap::new();
    for (record, usage) in records.iter().enumerate().filter(|(record, _)| results[*record].is_none()) {
        firsts.entry(usage.id).or_insert(record);
    }
    firsts
}

fn same(one: &NewUsage<'_>, other: &NewUsage<'_>) -> bool {
    one.dimension == other.dimension && one.quantity == other.quantity && one.at == other.at
}

fn has_lapsed(item: &Item, now: Timestamp) -> bool {
    Reader(item).time(TTL_ATTRIBUTE).is_ok_and(|until| until <= now)
}
