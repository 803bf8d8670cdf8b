//! What a run knows of agreements, and what becomes of an hour before it is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use marque_core::usage::variant::{self, Variant};
use marque_core::usage::{Chain, Entry, EntryKey, Sealing, State};
use marque_core::{AgreementId, Duration, Timestamp};
use marque_store::{Along, Committed, KeptHour, SealHour, StoreError};

use crate::marketplace::Shop;
use crate::problem::Error;
use crate::usage::merged;

/// What is known of an agreement is read again after so long.
const KNOWN_FOR: Duration = Duration::from_seconds(60);
/// Others may change the same hour at the same time: it is judged anew so often.
const TRIES: usize = 5;
/// An hour whose licence has not come within a day is looked at less often.
const SELDOM: Duration = Duration::hours(6);
const A_DAY: Duration = Duration::hours(24);

/// The agreements of a run.
pub(super) struct Books<'a> {
    shop: &'a Shop,
    since: Timestamp,
    chains: BTreeMap<AgreementId, Option<Arc<Chain>>>,
}

impl<'a> Books<'a> {
    pub(super) fn new(shop: &'a Shop) -> Self {
        Self { shop, since: Timestamp::EPOCH, chains: BTreeMap::new() }
    }

    pub(super) fn shop(&self) -> &'a Shop {
        self.shop
    }

    /// The chain that an agreement is in.
    pub(super) async fn chain(&mut self, agreement: AgreementId, now: Timestamp) -> Result<Option<Arc<Chain>>, Error> {
        if now < self.since || now.since(self.since) >= KNOWN_FOR {
            self.chains.clear();
            self.since = now;
        }
        if let Some(known) = self.chains.get(&agreement) {
            return Ok(known.clone());
        }
        let chain = self.shop.metered(agreement).await?.map(Arc::new);
        self.chains.insert(agreement, chain.clone());
        Ok(chain)
    }

    /// The chain, read again: what is about to be judged hangs on it.
    pub(super) async fn fresh(&mut self, agreement: AgreementId, now: Timestamp) -> Result<Option<Arc<Chain>>, Error> {
        self.chains.remove(&agreement);
        self.chain(agreement, now).await
    }
}

/// An hour before it is sent.
pub(super) struct Sealed {
    pub(super) hour: KeptHour,
    /// It was sealed just now.
    pub(super) newly: bool,
}

/// Seals an hour whose time has come, and gives up one that the marketplace takes no more.
pub(super) async fn prepare(shop: &Shop, chain: &Chain, hour: KeptHour, now: Timestamp) -> Result<Sealed, Error> {
    let (mut hour, mut newly) = (hour, false);
    for _ in 0..TRIES {
        let after = match hour.entry.state {
            State::Open => match seal(shop, chain, &hour, now).await? {
                Step::Done(after) => {
                    newly = after.entry.state != State::Open;
                    *after
                }
                Step::Overtaken => read_again(shop, &hour.entry.key).await?,
                Step::Nothing => return Ok(Sealed { hour, newly }),
            },
            _ if hour.entry.is_overdue(now) => {
                let entry = hour.entry.clone().expire(now).map_err(|error| StoreError::Corrupt {
                    item: hour.entry.key.to_string(),
                    fault: error.to_string(),
                })?;
                let after = KeptHour { entry, due: None, next_try: None, ..hour.clone() };
                match shop.app().store().change_hour(&hour, &after, Along::NOTHING).await? {
                    Committed::Done => after,
                    Committed::Overtaken => read_again(shop, &hour.entry.key).await?,
                }
            }
            _ => return Ok(Sealed { hour, newly }),
        };
        hour = after;
        if hour.entry.state == State::Open && hour.due.is_none_or(|due| due > now) {
            return Ok(Sealed { hour, newly });
        }
    }
    Err(StoreError::Contention { item: hour.entry.key.to_string() }.into())
}

enum Step {
    Done(Box<KeptHour>),
    Overtaken,
    Nothing,
}

async fn seal(shop: &Shop, chain: &Chain, hour: &KeptHour, now: Timestamp) -> Result<Step, Error> {
    let store = shop.app().store();
    let key = &hour.entry.key;
    let remainder = store.usage_remainder(key.chain, &merged(chain), &key.dimension).await?;
    let committed = |after: KeptHour, committed| match committed {
        Committed::Done => Step::Done(Box::new(after)),
        Committed::Overtaken => Step::Overtaken,
    };
    match hour.entry.seal(chain, remainder.total(), now) {
        Sealing::Done => Ok(Step::Nothing),
        Sealing::NotYet { due } => {
            let old = key.hour.end().after(A_DAY) < now;
            let due = if old { due.max(now.after(SELDOM)) } else { due };
            let after = KeptHour { due: Some(due), ..hour.clone() };
            let moved = store.change_hour(hour, &after, Along::NOTHING).await?;
            Ok(committed(after, moved))
        }
        Sealing::Sealed { entry, remainder: left, overflow } => {
            let after = KeptHour { due: due(chain, &entry), entry: *entry, ..hour.clone() };
            let seal =
                SealHour { before: hour, after: &after, remainder: &remainder, left, overflow: overflow.as_ref() };
            let sealed = store.seal_hour(seal).await?;
            Ok(committed(after, sealed))
        }
    }
}

/// The place of an hour in the index: none once it is settled, or waits for a person.
pub(super) fn due(chain: &Chain, entry: &Entry) -> Option<Timestamp> {
    match &entry.state {
        State::Sealed(sealed) | State::Sending(sealed, _) | State::Held(sealed, _) => {
            let agreement = chain.agreement(entry.key.agreement);
            let timestamp = sealed.record.timestamp;
            Some(agreement.map_or(timestamp, |agreement| agreement.send_from(timestamp)))
        }
        State::Open | State::Confirmed(..) | State::Quarantined(..) | State::Expired(..) => None,
    }
}

pub(super) async fn read_again(shop: &Shop, key: &EntryKey) -> Result<KeptHour, Error> {
    let gone = || StoreError::Corrupt { item: key.to_string(), fault: "an hour was taken away".to_owned() };
    Ok(shop.app().store().usage_hour(key).await?.ok_or_else(gone)?)
}

/// What a second attempt reports: what was sealed. Only deliberately broken variants reckon it anew.
pub(super) async fn rebuilt(shop: &Shop, chain: &Chain, hour: &mut KeptHour, now: Timestamp) -> Result<(), Error> {
    if hour.entry.state.attempts().count < 2 {
        return Ok(());
    }
    if variant::is(Variant::RebuildOnRetry) {
        let key = hour.entry.key.clone();
        let remainder = shop.app().store().usage_remainder(key.chain, &[], &key.dimension).await?;
        let open = Entry::open(key, hour.entry.taken);
        if let Sealing::Sealed { entry, .. } = open.seal(chain, remainder.total(), now)
            && let (Some(sealed), Some(new)) = (sealed_mut(hour), entry.state.sealed())
        {
            sealed.record.quantity = new.record.quantity;
        }
    }
    if variant::is(Variant::TimestampRebuilt)
        && let Some(sealed) = sealed_mut(hour)
    {
        sealed.record.timestamp = now.before(Duration::from_seconds(1));
    }
    Ok(())
}

fn sealed_mut(hour: &mut KeptHour) -> Option<&mut marque_core::usage::Sealed> {
    match &mut hour.entry.state {
        State::Open => None,
        State::Sealed(sealed)
        | State::Sending(sealed, _)
        | State::Held(sealed, _)
        | State::Confirmed(sealed, ..)
        | State::Quarantined(sealed, ..)
        | State::Expired(sealed, ..) => Some(sealed),
    }
}
