//! Sending batches: the rate, the attempts, the answers, and the halves of a batch that was refused for one of its records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration as Wait;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use marque_clouds::aws::{MOST_RECORDS, Told};
use marque_core::usage::variant::{self, Variant};
use marque_core::usage::{Chain, Entry, EntryKey, Hour, Reason, Record, Reply, State, Target};
use marque_core::{Duration, Timestamp};
use marque_store::{Along, Committed, KeptHour, NewUsage, StoreError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::books::{self, Books};
use crate::clouds::Metering;
use crate::marketplace::Shop;
use crate::problem::Error;

/// The most records of a call.
pub(super) const MOST: usize = MOST_RECORDS;
/// Eight calls a second: two of AWS's ten are left to others of the account.
const BETWEEN_CALLS: Wait = Wait::from_millis(125);
/// So many calls wait for their answers at once: at a second each, the rate is kept.
const IN_FLIGHT: usize = 8;
/// After so many calls in a row that were not answered the run is ended.
const SILENT: u32 = 3;
/// Others may change the same hour at the same time: an answer is written so often.
const TRIES: usize = 6;
/// A subscription that the marketplace does not know yet is asked for again after a minute, then two, four, … at most so
/// many doublings.
const DOUBLINGS: u32 = 5;

/// Hours of one product and region.
pub(super) struct Batch {
    pub(super) region: String,
    pub(super) hours: Vec<KeptHour>,
}

/// How a batch has fared.
#[derive(Default)]
pub(super) struct Fared {
    pub(super) calls: u32,
    pub(super) records: u32,
    pub(super) duplicates: u32,
    /// Hours as they are now.
    pub(super) settled: Vec<KeptHour>,
    /// What is to be sent again.
    pub(super) again: Vec<Batch>,
    pub(super) errors: Vec<Error>,
}

/// Sends at the rate that the marketplace takes.
pub(super) struct Sender<'a> {
    shop: &'a Shop,
    metering: &'a Metering,
    next: Mutex<Option<Instant>>,
    silent: AtomicU32,
    stopped: AtomicBool,
}

impl<'a> Sender<'a> {
    pub(super) fn new(shop: &'a Shop, metering: &'a Metering) -> Self {
        Self { shop, metering, next: Mutex::new(None), silent: AtomicU32::new(0), stopped: AtomicBool::new(false) }
    }

    /// The marketplace takes nothing now.
    pub(super) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Waits before what was not taken is sent again.
    pub(super) async fn back_off(&self, round: u32) {
        tokio::time::sleep(Wait::from_secs(1 << round)).await;
    }

    /// Sends batches, several at once.
    pub(super) async fn send(&self, batches: Vec<Batch>, books: &mut Books<'_>) -> Vec<Fared> {
        let now = self.shop.app().clock().now();
        let mut known = Vec::new();
        let mut fared = Vec::new();
        for batch in batches {
            let mut chains = Vec::new();
            let mut hours = Vec::new();
            for hour in batch.hours {
                match books.chain(hour.entry.key.agreement, now).await {
                    Ok(Some(chain)) => {
                        chains.push(chain);
                        hours.push(hour);
                    }
                    Ok(None) => {}
                    Err(error) => fared.push(Fared { errors: vec![error], ..Fared::default() }),
                }
            }
            known.push((Batch { region: batch.region, hours }, chains));
        }
        let mut sent = stream::iter(known).map(|(batch, chains)| self.whole(batch, chains)).buffer_unordered(IN_FLIGHT);
        while let Some(done) = sent.next().await {
            fared.push(done);
        }
        fared
    }

    /// Sends a batch, and halves of it as long as one of its records makes the marketplace refuse the rest.
    async fn whole(&self, batch: Batch, chains: Vec<Arc<Chain>>) -> Fared {
        let mut fared = Fared::default();
        let mut parts: Vec<Vec<(KeptHour, Arc<Chain>)>> = vec![batch.hours.into_iter().zip(chains).collect()];
        // Each part is smaller than the one that it comes from, so there are at most twice as many as records.
        while let Some(part) = parts.pop() {
            if part.is_empty() || self.has_stopped() {
                continue;
            }
            let counted = self.count_attempts(part, &mut fared).await;
            if counted.is_empty() {
                continue;
            }
            let told = self.call(&batch.region, &counted, &mut fared).await;
            let refused = matches!(told, Told::Refused(..)) && counted.len() > 1;
            let replies = replies(&told, counted.len());
            let answered = counted.into_iter().zip(replies);
            let written = join_all(answered.map(|((hour, chain), reply)| async move {
                let now = self.shop.app().clock().now();
                let written = write_answer(self.shop, &chain, hour, &reply, now).await;
                (written, chain, reply)
            }));
            let mut open = Vec::new();
            for (written, chain, reply) in written.await {
                match written {
                    Ok(hour) => {
                        let elsewhere = matches!(hour.entry.state, State::Quarantined(_, _, Reason::ReportedElsewhere));
                        fared.duplicates += u32::from(reply == Reply::Duplicate && elsewhere);
                        if matches!(hour.entry.state, State::Sending(..)) {
                            open.push((hour, chain));
                        } else {
                            fared.settled.push(hour);
                        }
                    }
                    Err(error) => fared.errors.push(error),
                }
            }
            if refused {
                let other = open.split_off(open.len() / 2);
                parts.extend([other, open]);
            } else if !open.is_empty() {
                let hours = open.into_iter().map(|(hour, _)| hour).collect();
                fared.again.push(Batch { region: batch.region.clone(), hours });
            }
        }
        fared
    }

    /// Counts an attempt of each hour; what others have moved on meanwhile is left to them.
    async fn count_attempts(
        &self,
        part: Vec<(KeptHour, Arc<Chain>)>,
        fared: &mut Fared,
    ) -> Vec<(KeptHour, Arc<Chain>)> {
        let now = self.shop.app().clock().now();
        let attempts = join_all(part.into_iter().map(|(hour, chain)| async move {
            let counted = count_attempt(self.shop, &chain, hour, now).await;
            (counted, chain)
        }));
        let mut counted = Vec::new();
        for (attempt, chain) in attempts.await {
            match attempt {
                Ok(Some(hour)) => counted.push((hour, chain)),
                Ok(None) => {}
                Err(error) => fared.errors.push(error),
            }
        }
        counted
    }

    async fn call(&self, region: &str, hours: &[(KeptHour, Arc<Chain>)], fared: &mut Fared) -> Told {
        let records: Vec<(&EntryKey, &Record)> =
            hours.iter().filter_map(|(hour, _)| Some((&hour.entry.key, &hour.entry.state.sealed()?.record))).collect();
        self.pace().await;
        fared.calls += 1;
        fared.records += u32::try_from(records.len()).unwrap_or(u32::MAX);
        let told = self.metering.report(region, &records).await;
        match &told {
            Told::Each(_) | Told::Refused(..) => self.silent.store(0, Ordering::Relaxed),
            Told::Stop(why) => {
                tracing::error!(why, "the marketplace takes no usage now: the next run tries again");
                self.stopped.store(true, Ordering::Relaxed);
            }
            Told::Nothing(why) => {
                tracing::warn!(why, records = records.len(), "a report was not answered: it is sent again as it is");
                if self.silent.fetch_add(1, Ordering::Relaxed) + 1 >= SILENT {
                    self.stopped.store(true, Ordering::Relaxed);
                }
            }
        }
        if let Told::Refused(reason, code) = &told {
            tracing::warn!(%reason, code, records = records.len(), "a report is refused for one of its records");
        }
        told
    }

    /// Waits for the next turn.
    async fn pace(&self) {
        let mut next = self.next.lock().await;
        if let Some(turn) = *next {
            tokio::time::sleep_until(turn).await;
        }
        *next = Some(Instant::now() + BETWEEN_CALLS);
    }
}

/// What a call tells of each of its records.
fn replies(told: &Told, records: usize) -> Vec<Reply> {
    match told {
        Told::Each(replies) => replies.clone(),
        Told::Refused(reason, _) if records == 1 => vec![Reply::Refused(*reason)],
        Told::Refused(..) | Told::Stop(_) => vec![Reply::NotTaken; records],
        Told::Nothing(_) => vec![Reply::Nothing; records],
    }
}

/// Counts an attempt before it is made; none when the hour is not to be sent any more, or somebody else is at it.
async fn count_attempt(shop: &Shop, chain: &Chain, hour: KeptHour, now: Timestamp) -> Result<Option<KeptHour>, Error> {
    let Ok(entry) = hour.entry.clone().attempt() else { return Ok(None) };
    let mut after = KeptHour { entry, next_try: None, ..hour.clone() };
    books::rebuilt(shop, chain, &mut after, now).await?;
    if variant::is(Variant::AttemptAfterSend) {
        return Ok(Some(hour));
    }
    if variant::is(Variant::MarkBeforeSend) {
        after.entry = after.entry.answered(&Reply::Success(String::new()), false, now);
        after.due = None;
    }
    let committed = shop.app().store().change_hour(&hour, &after, Along::NOTHING).await?;
    Ok((committed == Committed::Done).then_some(after))
}

/// Writes what an answer makes of an hour. Whatever others have done to it meanwhile, the answer is true.
async fn write_answer(
    shop: &Shop,
    chain: &Chain,
    hour: KeptHour,
    reply: &Reply,
    now: Timestamp,
) -> Result<KeptHour, Error> {
    let mut before = hour;
    for _ in 0..TRIES {
        let agreement = chain.agreement(before.entry.key.agreement);
        let gone = agreement.is_some_and(|agreement| agreement.is_gone(now));
        let entry = answered(shop, chain, before.entry.clone(), reply, gone, now).await?;
        if entry == before.entry {
            return Ok(before);
        }
        let next_try = matches!(entry.state, State::Held(..)).then(|| now.after(hold(&entry)));
        let forget_at = matches!(entry.state, State::Confirmed(..)).then(|| now.after(chain.retention));
        let after = KeptHour { due: books::due(chain, &entry), entry, next_try, forget_at, ..before.clone() };
        if shop.app().store().change_hour(&before, &after, Along::NOTHING).await? == Committed::Done {
            return Ok(after);
        }
        before = books::read_again(shop, &before.entry.key).await?;
    }
    Err(StoreError::Contention { item: before.entry.key.to_string() }.into())
}

/// What an answer makes of an hour: as the rules say, unless they are broken on purpose.
async fn answered(
    shop: &Shop,
    chain: &Chain,
    entry: Entry,
    reply: &Reply,
    gone: bool,
    now: Timestamp,
) -> Result<Entry, Error> {
    let entry = if variant::is(Variant::AttemptAfterSend) { entry.clone().attempt().unwrap_or(entry) } else { entry };
    if variant::is(Variant::IgnoreUnprocessed) && *reply == Reply::NotTaken {
        return Ok(entry.answered(&Reply::Success(String::new()), gone, now));
    }
    if variant::is(Variant::DropOnTimeout) && *reply == Reply::Nothing {
        return Ok(entry.answered(&Reply::Refused(Reason::UnknownError), gone, now));
    }
    if variant::is(Variant::CarryOnDuplicate) && *reply == Reply::Duplicate {
        carry(shop, chain, &entry, now).await?;
        return Ok(entry.answered(&Reply::Success(String::new()), gone, now));
    }
    Ok(entry.answered(reply, gone, now))
}

/// Only a deliberately broken variant adds what was a duplicate to the running hour.
async fn carry(shop: &Shop, chain: &Chain, entry: &Entry, now: Timestamp) -> Result<(), Error> {
    let Some(sealed) = entry.state.sealed() else { return Ok(()) };
    let key = EntryKey { hour: Hour::of(now), ..entry.key.clone() };
    let due = key.hour.end().after(Duration::from_seconds(300));
    let (id, dimension) = (format!("carry {}", entry.key.hour), key.dimension.clone());
    let targets = [Target { key, carried: true, due }];
    let usage =
        NewUsage { id: &id, at: now, dimension: &dimension, quantity: sealed.record.quantity, targets: &targets };
    shop.app().store().record_usage(chain.id, &[], &[usage], now).await?;
    Ok(())
}

/// How long an hour waits whose subscription is not known: longer with each attempt.
fn hold(entry: &Entry) -> Duration {
    let doublings = entry.state.attempts().count.saturating_sub(1).min(DOUBLINGS);
    Duration::from_seconds(60 << doublings)
}
