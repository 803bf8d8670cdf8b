//! A world of its own for one history: a table, a marketplace, a clock for each of the two, and what servers have sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Method, Request, header};
use marque_core::agreement::{Agreement, Chain, ExternalId};

use marque_core::usage::{EntryKey, Hour, Quantity, Record as UsageRecord};
use marque_core::{AgreementId, Duration, Timestamp};
use marque_embedded::Embedded;
use marque_marketplace_sim::{Entitled, Fault, Marketplace, Operation, Order, Pricing, Receipt};

use marque_service::clouds::{Metering, Wiring};

use marque_service::Clock;
use marque_service::marketplace::{Outcome, Shop};
use marque_service::usage::meter;
use marque_store::{Along, KeepChain, LicenseChange, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::Broken;
use super::books::{self, Books};
use super::chaos::{both, dying};
use super::dice::Dice;
use super::other_version::OtherVersion;
use super::plan::{AGREEMENTS, DIMENSIONS, Report, Run, Step};
use super::shop::{CODE, TABLE, TOKEN, product, router, seller, shop, slug};

/// A run may take so long of real time.
const RUN: f64 = 60_000.0;
/// When histories begin: in the middle of months, and near their ends.
const BEGINNINGS: [&str; 4] =
    ["2027-03-10T09:00:00Z", "2027-03-31T17:00:00Z", "2027-02-28T21:00:00Z", "2027-12-31T22:00:00Z"];
/// The units of seats that a contract includes.
const SEATS: i64 = 2;

/// An agreement and its buyer.
#[derive(Debug, Clone)]
pub(super) struct Party {
    pub(super) chain: AgreementId,
    pub(super) agreement: AgreementId,
    pub(super) external: String,
    pub(super) license_arn: String,
    account: String,
    pub(super) start: Timestamp,
    pub(super) end: Option<Timestamp>,
}

/// What is known of a record that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// No answer came: it may be counted.
    Unknown,
    /// It is counted.
    Counted,
    /// It is not.
    Rejected,
}

/// A record that was sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) chain: AgreementId,
    pub(super) dimension: &'static str,
    pub(super) quantity: Quantity,
    pub(super) fate: Fate,
}

/// A report as it was sent.
#[derive(Debug, Clone)]
struct Mailed {
    party: usize,
    body: Value,
    ids: Vec<String>,
}

pub(super) struct World {
    dice: Dice,
    embedded: Embedded,
    aside: Store,
    pub(super) market: Marketplace,
    truth_clock: Arc<AtomicI64>,
    clock: Clock,
    skew: i64,
    shop: Shop,
    router: Router,
    metering: Metering,
    pub(super) parties: Vec<Party>,
    pub(super) sent: BTreeMap<String, Sent>,
    mailed: Vec<Mailed>,
    lagging: bool,
    /// What another version has added to.
    pub(super) added_to: OtherVersion,
    backup: Option<Embedded>,
    pub(super) restored: bool,
    /// Hours that somebody else has reported, as the marketplace knows them.
    pub(super) elsewhere: Vec<(String, String, Hour)>,
    twice: u64,
}

/// Plays a history in a world of its own.
pub(super) async fn play(seed: u64, steps: &[Step]) -> Result<(), Broken> {
    let at = |step: usize| move |what: String| Broken { step, what };
    let mut world = World::new(seed).await.map_err(at(0))?;
    let mut books = Books::default();
    for (place, step) in steps.iter().enumerate() {
        let looks = world.take(step).await.map_err(at(place))?;
        if looks {
            books.check(&world).await.map_err(at(place))?;
        }
    }
    let since = world.recover().await.map_err(at(steps.len()))?;
    books.check(&world).await.map_err(at(steps.len()))?;
    books::settled(&world, since).await.map_err(at(steps.len()))
}

impl World {
    async fn new(seed: u64) -> Result<Self, String> {
        // Other draws than those that the steps were drawn from, so that a step left out moves nothing.
        let mut dice = Dice::new(seed ^ 0x5eed);
        let beginning: Timestamp =
            dice.pick(&BEGINNINGS).and_then(|text| text.parse().ok()).ok_or("a beginning is no time")?;
        let begun = beginning.unix() + i64::try_from(dice.roll(3600)).unwrap_or_default();
        let truth_clock = Arc::new(AtomicI64::new(begun));
        let told = Arc::clone(&truth_clock);
        let now = move || Timestamp::from_unix(told.load(Ordering::Relaxed)).unwrap_or(Timestamp::MAX);
        let market = Marketplace::memory(seller(), Arc::new(now.clone()), &seed.to_string());
        let (duplicate, late, lag) = (dice.chance(50), dice.chance(15), dice.roll(2400));
        let lag = if late { lag } else { 0 };
        market.set(|knobs| {
            knobs.identical_is_duplicate = duplicate;
            knobs.subscription_lag = Duration::from_seconds(u32::try_from(lag).unwrap_or_default());
        });
        let clock = Clock::still(now());
        let embedded = Embedded::memory().map_err(|error| error.to_string())?;
        let store = Store::new(embedded.client_with(RetryConfig::disabled()), TABLE);
        store.create_table().await.map_err(|error| error.to_string())?;
        store.put_product(&product()?).await.map_err(|error| error.to_string())?;
        let shop = shop(&store, &clock, &market)?;
        let mut world = Self {
            router: router(&shop),
            metering: Metering::new(&Wiring::simulated(market.http_client())),
            dice,
            aside: aside(&embedded),
            embedded,
            market,
            truth_clock,
            clock,
            skew: 0,
            shop,
            parties: Vec::new(),
            sent: BTreeMap::new(),
            mailed: Vec::new(),
            lagging: false,
            added_to: OtherVersion::default(),
            backup: None,
            restored: false,
            elsewhere: Vec::new(),
            twice: 0,
        };
        for _ in 0..AGREEMENTS {
            world.subscribe().await?;
        }
        if world.dice.chance(80) {
            world.tell().await;
        }
        Ok(world)
    }

    /// Takes a step; answers whether the books are worth a look after it.
    async fn take(&mut self, step: &Step) -> Result<bool, String> {
        match step {
            Step::Report(report) => self.report(report).await?,
            Step::Again { back } => {
                let place = self.mailed.len().checked_sub(1 + usize::try_from(*back).unwrap_or_default());
                if let Some(place) = place {
                    let mailed = self.mailed[place].clone();
                    self.mail(&mailed, None).await?;
                }
            }
            Step::Pass(minutes) => {
                self.pass(i64::try_from(*minutes).unwrap_or_default() * 60);
                return Ok(false);
            }
            Step::Clock(seconds) => {
                self.skew = *seconds;
                self.pass(0);
                return Ok(false);
            }
            Step::Run(run) => {
                self.run(run).await;
                if self.lagging {
                    self.embedded.faults().thaw_reads();
                    self.lagging = false;
                }
            }
            Step::Market(fault, times) => {
                self.market.order_fault(Operation::BatchMeterUsage, *fault, *times);
                return Ok(false);
            }
            Step::Table(fault, nth) => {
                self.embedded.faults().fail_nth(*nth, *fault);
                return Ok(false);
            }
            Step::Lag => {
                self.embedded.faults().freeze_reads().map_err(|error| error.to_string())?;
                self.lagging = true;
                return Ok(false);
            }
            Step::Elsewhere(agreement, dimension) => self.elsewhere(*agreement, *dimension).await,
            Step::Cancel(agreement) => {
                let (now, party) = (self.truth_now(), self.party(*agreement));
                if self.market.cancel(&self.parties[party].external).is_ok() {
                    self.parties[party].end = Some(now);
                }
                return Ok(false);
            }
            Step::Renew(agreement) => self.renew(*agreement).await?,
            Step::Subscribe => self.subscribe().await?,
            Step::Tell { dies: None } => self.tell().await,
            Step::Tell { dies: Some(polls) } => {
                let work = tell(&self.shop, &self.market, false);
                dying(*polls, work).await;
            }
            Step::OtherVersion => self.added_to.add(&self.embedded).await?,
            Step::Backup => {
                self.backup = Some(self.embedded.copy().map_err(|error| error.to_string())?);
                return Ok(false);
            }
            Step::Restore => self.restore()?,
        }
        Ok(true)
    }

    fn party(&self, number: u64) -> usize {
        usize::try_from(number).unwrap_or_default() % self.parties.len()
    }

    pub(super) fn truth_now(&self) -> Timestamp {
        Timestamp::from_unix(self.truth_clock.load(Ordering::Relaxed)).unwrap_or(Timestamp::MAX)
    }

    fn pass(&self, seconds: i64) {
        let now = self.truth_clock.fetch_add(seconds, Ordering::Relaxed) + seconds;
        self.clock.set(Timestamp::from_unix(now + self.skew).unwrap_or(Timestamp::MAX));
    }

    /// Whatever another version has added is still there.
    pub(super) async fn keeps_what_was_added(&self) -> Result<(), String> {
        self.added_to.check(&self.embedded).await
    }

    /// The table, read without the faults that wait for others.
    pub(super) fn aside(&self) -> &Store {
        &self.aside
    }

    async fn report(&mut self, report: &Report) -> Result<(), String> {
        let party = self.party(report.agreement);
        let mut records = Vec::new();
        for record in &report.records {
            let at =
                self.clock.now().before(Duration::from_seconds(u32::try_from(record.ago * 60).unwrap_or_default()));
            let dimension = DIMENSIONS.get(record.dimension).copied().unwrap_or(DIMENSIONS[0]);
            let quantity = Quantity::from_millionths(record.millionths.into());
            let id = format!("r{}", record.number);
            records.push(json!({"id": id, "dimension": dimension, "quantity": quantity.to_string(), "at": at}));
            let sent = Sent { chain: self.parties[party].chain, dimension, quantity, fate: Fate::Unknown };
            self.sent.insert(id, sent);
        }
        let ids = report.records.iter().map(|record| format!("r{}", record.number)).collect();
        let mailed = Mailed { party, body: json!({"records": records}), ids };
        self.mailed.push(mailed.clone());
        self.mail(&mailed, report.dies).await
    }

    /// Sends a report, and learns from its answer, if one comes.
    async fn mail(&mut self, mailed: &Mailed, dies: Option<u64>) -> Result<(), String> {
        let path = format!("/admin/v1/usage/{}/records", self.parties[mailed.party].agreement);
        let call = call(&self.router, &path, &mailed.body);
        let answer = match dies {
            Some(polls) => dying(polls, call).await,
            None => Some(call.await),
        };
        let Some((200, answer)) = answer else { return Ok(()) };
        let results = answer["results"].as_array().ok_or("an answer without results")?;
        for (id, result) in mailed.ids.iter().zip(results) {
            let sent = self.sent.get_mut(id).ok_or("a record was never sent")?;
            let fate = if result["status"] == "rejected" { Fate::Rejected } else { Fate::Counted };
            match (sent.fate, fate) {
                (Fate::Counted, Fate::Rejected) => return Err(format!("{id} was counted, and is rejected: {result}")),
                (Fate::Counted, Fate::Counted) if result["status"] == "accepted" => {
                    return Err(format!("{id} is counted twice"));
                }
                _ => sent.fate = fate,
            }
        }
        Ok(())
    }

    async fn run(&mut self, run: &Run) {
        let meter = |holder| meter::run(&self.shop, &self.metering, holder, RUN);
        match run {
            // Each is a process of its own; the lock of one that died lapses.
            Run::Whole => drop(meter("whole").await),
            Run::Dies(polls) => drop(dying(*polls, meter("dies")).await),
            Run::Two(bits) => {
                let mut dice = Dice::new(*bits);
                let other = if dice.chance(50) { "one" } else { "two" };
                drop(both(&mut dice, meter("one"), meter(other)).await);
            }
        }
    }

    async fn elsewhere(&mut self, agreement: u64, dimension: usize) {
        let party = self.parties[self.party(agreement)].clone();
        let now = self.truth_now();
        let dimension = DIMENSIONS.get(dimension).copied().unwrap_or(DIMENSIONS[0]);
        let key = EntryKey {
            chain: party.chain,
            agreement: party.agreement,
            hour: Hour::of(now),
            dimension: dimension.to_owned(),
        };
        let record = UsageRecord {
            license_arn: party.license_arn.clone(),
            account: party.account.clone(),
            product_code: CODE.to_owned(),
            region: "us-east-1".to_owned(),
            timestamp: now,
            quantity: Quantity::from_millionths(7_777_777),
        };
        drop(self.metering.report("us-east-1", &[(&key, &record)]).await);
        let theirs = self.market.truth().accepted.into_iter().any(|metered| {
            metered.quantity == record.quantity.to_string()
                && metered.license_arn == party.license_arn
                && metered.dimension == dimension
                && Hour::of(metered.timestamp) == key.hour
        });
        if theirs {
            self.elsewhere.push((party.license_arn, dimension.to_owned(), key.hour));
        }
    }

    async fn subscribe(&mut self) -> Result<(), String> {
        let number = self.parties.len();
        let (pricing, entitlements) = if number.is_multiple_of(2) {
            let seats = Entitled { dimension: "seats".to_owned(), value: SEATS.into() };
            (Pricing::ContractWithConsumption, vec![seats])
        } else {
            (Pricing::Subscription, Vec::new())
        };
        let account = format!("{:012}", 100_000_000_000_u64 + number as u64);
        let order = Order { account: Some(account.clone()), ..Order::new(CODE, pricing, entitlements) };
        let bought = self.market.purchase(order).map_err(|objection| objection.to_string())?;
        let agreement = self.agreement(&bought)?;
        let chain = Chain::new(slug()?, agreement.clone());
        self.keep(None, &chain).await?;
        self.parties.push(Party {
            chain: chain.id,
            agreement: agreement.id,
            external: bought.agreement,
            license_arn: bought.license_arn,
            account,
            start: self.truth_now(),
            end: None,
        });
        Ok(())
    }

    /// The old agreement ends, and its chain goes on with a new one.
    async fn renew(&mut self, number: u64) -> Result<(), String> {
        let old = self.party(number);
        let before = self.aside().chain(self.parties[old].chain).await.map_err(|error| error.to_string())?;
        let before = match before {
            Some(before) => before,
            // The backup is older than the purchase.
            None if self.restored => return Ok(()),
            None => return Err("a chain is gone".to_owned()),
        };
        let Ok(bought) = self.market.renew(&self.parties[old].external, None) else { return Ok(()) };
        let now = self.truth_now();
        let agreement = self.agreement(&bought)?;
        let mut after = before.clone();
        after.agreements.push(agreement.clone());
        after.version += 1;
        self.keep(Some(&before), &after).await?;
        self.parties[old].end = Some(now);
        self.parties.push(Party {
            agreement: agreement.id,
            external: bought.agreement,
            license_arn: bought.license_arn,
            start: now,
            end: None,
            ..self.parties[old].clone()
        });
        Ok(())
    }

    /// The agreement of a buyer who has landed: its licence's whole name is known, and not yet whether it is paid.
    fn agreement(&mut self, bought: &Receipt) -> Result<Agreement, String> {
        let now = self.truth_now();
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.dice.bits().to_be_bytes());
        random[8] = u8::try_from(self.parties.len()).unwrap_or_default();
        random[9] = u8::try_from(self.dice.roll(256)).unwrap_or_default();
        let external: ExternalId = bought.agreement.parse().map_err(|_| "no id of an agreement")?;
        let mut agreement = Agreement::new(AgreementId::new(now, random), external, CODE, now);
        agreement.learn_license(bought.license_arn.parse().map_err(|_| "no name of a licence")?);
        Ok(agreement)
    }

    async fn keep(&self, before: Option<&Chain>, after: &Chain) -> Result<(), String> {
        let change =
            KeepChain { before, after, absorbed: None, told_by: None, license: LicenseChange::Nothing, customer: None };
        let kept = self.aside().keep_chain(change, Along::NOTHING).await;
        kept.map(drop).map_err(|error| error.to_string())
    }

    async fn tell(&mut self) {
        self.twice += 1;
        tell(&self.shop, &self.market, self.twice.is_multiple_of(3)).await;
    }

    fn restore(&mut self) -> Result<(), String> {
        let Some(backup) = &self.backup else { return Ok(()) };
        // The backup stays as it is.
        self.embedded = backup.copy().map_err(|error| error.to_string())?;
        self.aside = aside(&self.embedded);
        let store = Store::new(self.embedded.client_with(RetryConfig::disabled()), TABLE);
        self.shop = shop(&store, &self.clock, &self.market)?;
        self.router = router(&self.shop);
        self.restored = true;
        self.added_to = OtherVersion::default();
        // What servers had sent until then they have been answered for, and do not send again.
        self.mailed.clear();
        Ok(())
    }

    /// Everything is well again: time passes, runs end, servers send what they have no answer for. Answers since when.
    async fn recover(&mut self) -> Result<Timestamp, String> {
        self.embedded.faults().clear();
        self.market.order_fault(Operation::BatchMeterUsage, Fault::Timeout, 0);
        self.skew = 0;
        self.pass(0);
        let since = self.truth_now();
        self.tell().await;
        for mailed in self.mailed.clone() {
            if mailed.ids.iter().any(|id| self.sent.get(id).is_some_and(|sent| sent.fate == Fate::Unknown)) {
                self.mail(&mailed, None).await?;
            }
        }
        for round in 0..60_i64 {
            self.run(&Run::Whole).await;
            if books::are_settled(self).await? {
                break;
            }
            self.pass(if round < 14 { 300 } else { 1800 });
            self.tell().await;
        }
        Ok(since)
    }
}

fn aside(embedded: &Embedded) -> Store {
    Store::new(embedded.aside().client(), TABLE)
}

/// Tells what the marketplace has to tell.
async fn tell(shop: &Shop, market: &Marketplace, twice: bool) {
    for event in market.waiting_events().unwrap_or_default() {
        let told = shop.event(&event).await;
        if !matches!(told, Ok(Outcome::Again) | Err(_)) {
            let _gone = market.delivered(event["id"].as_str().unwrap_or_default());
        }
        if twice {
            drop(shop.event(&event).await);
        }
    }
}

async fn call(router: &Router, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()));
    let Ok(request) = request else { return (0, Value::Null) };
    let Ok(response) = router.clone().oneshot(request).await;
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}
