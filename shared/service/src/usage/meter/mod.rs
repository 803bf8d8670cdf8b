//! `meter`, called by a schedule: seals hours, and reports them to the marketplace, the most urgent first.
//!
//! What is due comes from the index in the order of its deadlines. Each step is one conditional write: an attempt is
//! counted before it is made, an answer is written before its records are sent again, and what is sent is what was sealed.
//! So a run may be ended anywhere, and two at once do no harm; the lock is there for the rate alone.

mod books;
mod flush;
mod sending;

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use marque_core::usage::{EntryKey, Quantity, State};
use marque_core::{Duration, Timestamp};
use marque_store::{DueUsage, KeptHour, Position, Shard, StoreError, UsageWork};
use serde::Serialize;

use self::books::{Books, Sealed};
use self::sending::{Batch, Fared, Sender};
use crate::chance;
use crate::clock::Stopwatch;
use crate::clouds::Metering;
use crate::marketplace::Shop;
use crate::problem::Error;

/// So many entries of a shard are read at a time.
const PAGE: i32 = 250;
/// So many entries are sealed and sent before the next ones are read: 40 calls, some five seconds.
const WINDOW: usize = 1000;
/// So many hours are sealed or given up at once: enough to hide the table's latency.
const AT_ONCE: usize = 16;
/// The lock is kept for so long beyond each window; a run that died is succeeded after that.
const LOCKED: Duration = Duration::from_seconds(180);
/// What came back unprocessed or unanswered is sent again in the same run, so often.
const ROUNDS: u32 = 3;
/// Hours that are older and not settled are at risk.
const AT_RISK: Duration = Duration::hours(6);

/// What a run has done.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Counts {
    /// Hours that were sealed.
    pub sealed: u32,
    /// Hours that the marketplace has taken.
    pub confirmed: u32,
    /// Hours whose subscription it does not know yet.
    pub held: u32,
    /// Hours that need a person.
    pub quarantined: u32,
    /// Hours that it takes no more.
    pub expired: u32,
    /// Calls of the marketplace.
    pub calls: u32,
    /// Records in them.
    pub records: u32,
    /// Hours that somebody else has reported.
    pub duplicates: u32,
    /// Pieces of work that failed, and are found again by the next run.
    pub failed: u32,
    /// Seconds since the end of the oldest hour that is not settled.
    pub oldest_unsent: i64,
    /// Units of hours that are not settled after six hours, or were quarantined now.
    pub units_at_risk: f64,
    /// Units that were lost now.
    pub units_lost: f64,
    /// The marketplace takes nothing now: throttled, denied, disabled or silent.
    pub stopped: bool,
    /// Somebody else is at it.
    pub locked_out: bool,
    /// Nothing that was due at the start is left.
    pub finished: bool,
}

/// The meter of a deployment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Meter {
    shop: Shop,
    metering: Metering,
}

impl Meter {
    /// Reports the usage of a shop.
    #[must_use]
    pub fn new(shop: Shop, metering: Metering) -> Self {
        Self { shop, metering }
    }

    /// [`run`], under a name of its own.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn run(&self, milliseconds: f64) -> Result<Counts, Error> {
        let holder: String = chance::draw::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        run(&self.shop, &self.metering, &holder, milliseconds).await
    }
}

/// Does what is due for at most so many milliseconds, and leaves the rest to the next run. `holder` names the run: the same
/// name takes its own lock again.
///
/// # Errors
/// [`Error::Unavailable`] when the index cannot be read.
pub async fn run(shop: &Shop, metering: &Metering, holder: &str, milliseconds: f64) -> Result<Counts, Error> {
    let now = shop.app().clock().now();
    if !shop.app().store().lock_meter(holder, now.after(LOCKED), now).await? {
        tracing::info!("usage is being sent by another run");
        return Ok(Counts { locked_out: true, ..Counts::default() });
    }
    let mut run = Run {
        shop,
        books: Books::new(shop),
        sender: Sender::new(shop, metering),
        holder,
        stopwatch: Stopwatch::start(),
        milliseconds,
        counts: Counts::default(),
        unsettled: BTreeMap::new(),
        batches: BTreeMap::new(),
    };
    let done = run.work().await;
    let counts = run.counted();
    if let Err(error) = shop.app().store().unlock_meter(holder).await {
        tracing::warn!(%error, "the lock of meter lapses by itself");
    }
    done.map(|()| counts)
}

struct Run<'a> {
    shop: &'a Shop,
    books: Books<'a>,
    sender: Sender<'a>,
    holder: &'a str,
    stopwatch: Stopwatch,
    milliseconds: f64,
    counts: Counts,
    /// Hours that were due and are not settled, with what is reported of them.
    unsettled: BTreeMap<EntryKey, Quantity>,
    /// Hours that are to be sent, by what may go into one call.
    batches: BTreeMap<(String, String), Vec<KeptHour>>,
}

impl Run<'_> {
    async fn work(&mut self) -> Result<(), Error> {
        let mut index = Index::new(self.shop, self.now());
        loop {
            let window = index.next(WINDOW).await?;
            if window.is_empty() {
                break;
            }
            let hours = self.load(window).await;
            let ready = self.prepare(hours).await;
            self.collect(ready);
            let full = self.take_batches(true);
            self.send(full).await;
            if self.is_over() || !self.keep_lock().await? {
                return Ok(());
            }
        }
        let rest = self.take_batches(false);
        self.send(rest).await;
        self.counts.finished = !self.is_over();
        Ok(())
    }

    /// The hours behind entries of the index, read strongly. Agreements that have ended add theirs.
    async fn load(&mut self, window: Vec<Result<DueUsage, StoreError>>) -> BTreeMap<EntryKey, KeptHour> {
        let now = self.now();
        let mut keys = Vec::new();
        let mut found = BTreeMap::new();
        for entry in window {
            let due = match entry {
                Ok(due) => due,
                Err(error) => {
                    self.fail(&error.into());
                    continue;
                }
            };
            match due.work {
                UsageWork::Hour { agreement, hour, dimension } => match self.books.chain(agreement, now).await {
                    Ok(Some(chain)) => keys.push(EntryKey { chain: chain.id, agreement, hour, dimension }),
                    Ok(None) => {
                        self.fail(&Error::Unavailable { cause: format!("{agreement} has usage and is not there") })
                    }
                    Err(error) => self.fail(&error),
                },
                UsageWork::Flush(agreement) => match flush::flush(&mut self.books, agreement, due.at, now).await {
                    Ok(hours) => found.extend(hours.into_iter().map(|hour| (hour.entry.key.clone(), hour))),
                    Err(error) => self.fail(&error),
                },
            }
        }
        match self.shop.app().store().usage_hours(&keys).await {
            Ok(hours) => {
                for hour in hours {
                    match hour {
                        Ok(hour) => drop(found.insert(hour.entry.key.clone(), hour)),
                        Err(error) => self.fail(&error.into()),
                    }
                }
            }
            Err(error) => self.fail(&error.into()),
        }
        found
    }

    /// Seals what is to be sealed, and gives up what is too late. What is left can be sent. Hours of one dimension follow
    /// one another, each taking over what the one before it has left.
    async fn prepare(&mut self, hours: BTreeMap<EntryKey, KeptHour>) -> Vec<KeptHour> {
        let now = self.now();
        let mut rows: BTreeMap<(_, String), Vec<KeptHour>> = BTreeMap::new();
        for (key, hour) in hours {
            // What the index has not forgotten yet.
            if hour.due.is_some_and(|due| due <= now) {
                self.unsettled.insert(key.clone(), reported(&hour));
                rows.entry((key.chain, key.dimension)).or_default().push(hour);
            }
        }
        let mut known = Vec::new();
        for (row, hours) in rows {
            match self.books.chain(hours[0].entry.key.agreement, now).await {
                Ok(Some(chain)) => known.push((chain, hours)),
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(chain = %row.0, dimension = row.1, "hours wait for their product");
                    self.fail(&error);
                }
            }
        }
        let shop = self.shop;
        let mut rows = stream::iter(known)
            .map(|(chain, mut hours)| async move {
                hours.sort_by_key(|kept| kept.entry.key.hour);
                let mut prepared = Vec::new();
                for hour in hours {
                    prepared.push(books::prepare(shop, &chain, hour, now).await);
                }
                prepared
            })
            .buffer_unordered(AT_ONCE);
        let (mut outcomes, mut ready) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next().await {
            outcomes.extend(row);
        }
        drop(rows);
        for outcome in outcomes {
            match outcome {
                Ok(Sealed { hour, newly }) => {
                    if newly {
                        self.counts.sealed += 1;
                    }
                    if is_to_be_sent(&hour, now) {
                        ready.push(hour);
                    } else {
                        self.settle(&hour);
                    }
                }
                Err(error) => self.fail(&error),
            }
        }
        ready
    }

    fn collect(&mut self, ready: Vec<KeptHour>) {
        for hour in ready {
            let Some(sealed) = hour.entry.state.sealed() else { continue };
            let (product, region) = (sealed.record.product_code.clone(), sealed.record.region.clone());
            self.batches.entry((product, region)).or_default().push(hour);
        }
    }

    /// Batches that are full, or all that there are; the most urgent first.
    fn take_batches(&mut self, full: bool) -> Vec<Batch> {
        let mut taken = Vec::new();
        for ((_, region), hours) in &mut self.batches {
            hours.sort_by_key(|hour| (hour.due, hour.entry.key.clone()));
            while hours.len() >= sending::MOST || (!full && !hours.is_empty()) {
                let rest = hours.split_off(hours.len().min(sending::MOST));
                taken.push(Batch { region: region.clone(), hours: std::mem::replace(hours, rest) });
            }
        }
        taken.sort_by_key(|batch| batch.hours.first().map(|hour| hour.due));
        taken
    }

    /// Sends batches; what was not taken goes again, a few times.
    async fn send(&mut self, batches: Vec<Batch>) {
        let mut batches = batches;
        for round in 0..=ROUNDS {
            if batches.is_empty() || self.is_over() {
                return;
            }
            let mut again = Vec::new();
            for fared in self.sender.send(batches, &mut self.books).await {
                self.count(fared, &mut again);
            }
            batches = again;
            if round < ROUNDS && !batches.is_empty() {
                self.sender.back_off(round).await;
            }
        }
    }

    fn count(&mut self, fared: Fared, again: &mut Vec<Batch>) {
        self.counts.calls += fared.calls;
        self.counts.records += fared.records;
        self.counts.duplicates += fared.duplicates;
        for error in fared.errors {
            self.fail(&error);
        }
        for hour in &fared.settled {
            self.settle(hour);
        }
        again.extend(fared.again);
    }

    /// Notes where an hour has come to.
    fn settle(&mut self, hour: &KeptHour) {
        let key = &hour.entry.key;
        let units = units(reported(hour));
        match &hour.entry.state {
            State::Confirmed(..) => self.counts.confirmed += 1,
            State::Held(..) => {
                self.counts.held += 1;
                return;
            }
            State::Quarantined(_, _, reason) => {
                self.counts.quarantined += 1;
                self.counts.units_at_risk += units;
                tracing::error!(hour = %key, %reason, units, "an hour of usage needs a person: see docs/metering.md");
            }
            // Nothing of it is lost: another agreement is billed for it.
            State::Expired(..) if reported(hour).is_zero() => {}
            State::Expired(_, _, reason) => {
                self.counts.expired += 1;
                self.counts.units_lost += units;
                tracing::error!(hour = %key, %reason, units, "usage is lost: the marketplace takes this hour no more");
            }
            State::Open | State::Sealed(_) | State::Sending(..) => return,
        }
        self.unsettled.remove(key);
    }

    fn fail(&mut self, error: &Error) {
        tracing::warn!(code = error.code(), cause = error.cause(), "a piece of metering failed");
        self.counts.failed += 1;
    }

    fn is_over(&self) -> bool {
        self.sender.has_stopped() || self.stopwatch.milliseconds() >= self.milliseconds
    }

    /// False when somebody else has it, who sends on.
    async fn keep_lock(&self) -> Result<bool, Error> {
        let now = self.now();
        Ok(self.shop.app().store().lock_meter(self.holder, now.after(LOCKED), now).await?)
    }

    fn now(&self) -> Timestamp {
        self.shop.app().clock().now()
    }

    fn counted(&self) -> Counts {
        let now = self.now();
        let mut counts = Counts { stopped: self.sender.has_stopped(), ..self.counts };
        for (key, quantity) in &self.unsettled {
            let age = now.since(key.hour.end());
            counts.oldest_unsent = counts.oldest_unsent.max(age.seconds());
            if age >= AT_RISK {
                counts.units_at_risk += units(*quantity);
            }
        }
        counts
    }
}

/// What is reported of an hour; of one that is open, what was added so far.
fn reported(hour: &KeptHour) -> Quantity {
    hour.entry.state.sealed().map_or(hour.entry.taken.accepted, |sealed| sealed.record.quantity)
}

/// For metrics, which are no books.
#[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
fn units(quantity: Quantity) -> f64 {
    quantity.millionths() as f64 / 1e6
}

fn is_to_be_sent(hour: &KeptHour, now: Timestamp) -> bool {
    matches!(hour.entry.state, State::Sealed(_) | State::Sending(..) | State::Held(..))
        && hour.next_try.is_none_or(|next| next <= now)
}

/// The shards of the index, merged: the most urgent first.
struct Index<'a> {
    shop: &'a Shop,
    until: Timestamp,
    shards: Vec<Pages>,
}

struct Pages {
    shard: Shard,
    /// The most urgent last.
    read: Vec<Result<DueUsage, StoreError>>,
    next: Option<Position>,
    ended: bool,
}

impl<'a> Index<'a> {
    fn new(shop: &'a Shop, until: Timestamp) -> Self {
        let pages = |shard| Pages { shard, read: Vec::new(), next: None, ended: false };
        Self { shop, until, shards: Shard::of_usage().map(pages).collect() }
    }

    /// The next entries, at most so many.
    async fn next(&mut self, most: usize) -> Result<Vec<Result<DueUsage, StoreError>>, Error> {
        let mut entries = Vec::new();
        while entries.len() < most {
            for pages in &mut self.shards {
                while pages.read.is_empty() && !pages.ended {
                    let page =
                        self.shop.app().store().due_usage(pages.shard, self.until, pages.next.take(), PAGE).await?;
                    (pages.read, pages.next) = (page.entries, page.next);
                    pages.read.reverse();
                    pages.ended = pages.next.is_none();
                }
            }
            // What cannot be read comes first, so that it is told and out of the way.
            let at = |pages: &&mut Pages| match pages.read.last() {
                Some(Ok(due)) => (1, due.at),
                Some(Err(_)) => (0, Timestamp::EPOCH),
                None => (2, Timestamp::MAX),
            };
            let Some(most_urgent) = self.shards.iter_mut().min_by_key(at) else { break };
            match most_urgent.read.pop() {
                Some(entry) => entries.push(entry),
                None => break,
            }
        }
        Ok(entries)
    }
}
