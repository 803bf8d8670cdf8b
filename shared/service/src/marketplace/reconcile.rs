//! Events can be lost. So twice a day every agreement is compared with what AWS says, and what differs is mended: first
//! those that AWS lists, then those that we know, since AWS lists only what the seller itself has offered.

use std::collections::BTreeSet;
use std::time::Duration as Wait;

use marque_core::agreement::{Agreement, Chain, ExternalId, State};
use marque_core::{AgreementId, Duration, Timestamp};
use marque_store::Comparison;
use serde::{Deserialize, Serialize};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::keep::Kept;
use super::news::News;
use super::shop::Shop;
use super::truth::{Asked, learn_standing};
use crate::clock::Stopwatch;
use crate::problem::Error;

/// Two comparisons begin no sooner after each other. An automatic renewal sends no event, so that what ends within 48 hours
/// must be read again before it does: it is, four times.
const BETWEEN_COMPARISONS: Duration = Duration::hours(12);
/// Each service of AWS Marketplace answers 20 calls a second; half of that is left to those whom a person waits for.
const PACE: Wait = Wait::from_millis(100);
/// A run that dies holds the comparison so long: as long as Lambda lets it live.
const HELD: Duration = Duration::from_seconds(900);
/// So many of our own chains are listed at a time.
const CHAINS: i32 = 100;
/// So long a buyer may take to register, or a payment to come, before somebody should ask.
const CHASED_AFTER: Duration = Duration::hours(24);

/// What a run has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Agreements that were compared.
    pub agreements_compared: u32,
    /// Agreements that differed, and were mended.
    pub agreements_mended: u32,
    /// Paid, and nobody has registered for a day.
    pub agreements_unregistered: u32,
    /// Registered, and not paid for a day.
    pub agreements_unpaid: u32,
    /// Nothing is left of the comparison that was due; also when none was.
    pub agreements_finished: bool,
}

/// Where a comparison stands: kept between runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// In AWS's list, from this page on.
    Listed(Option<String>),
    /// Among our own chains, after this one.
    Known(Option<AgreementId>),
}

impl Place {
    fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Self::Listed(None))
    }
}

/// One run.
struct Run<'a> {
    shop: &'a Shop,
    counts: Reconciled,
    /// Each counts once, however often it is looked at.
    mended: BTreeSet<ExternalId>,
    pace: Interval,
}

impl Shop {
    /// Goes on with the comparison that is due, for at most so many milliseconds, and leaves the rest to the next run. Where
    /// nothing is listed in the marketplace, AWS is not asked.
    ///
    /// # Errors
    /// When the table does not answer. Whatever AWS refuses is logged, and left to the next comparison.
    pub async fn reconcile(&self, milliseconds: f64) -> Result<Reconciled, Error> {
        let stopwatch = Stopwatch::start();
        let now = self.app().clock().now();
        let mut counts = Reconciled { agreements_finished: true, ..Reconciled::default() };
        if !self.sells(now).await? {
            return Ok(counts);
        }
        let Some(held) = self.app().store().take_comparison(now, now.after(HELD)).await? else { return Ok(counts) };
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut run = Run { shop: self, counts: Reconciled::default(), mended: BTreeSet::new(), pace };
        let done = run.go_on(&held, now, || stopwatch.milliseconds() < milliseconds).await;
        counts = run.counts;
        done?;
        tracing::info!(
            compared = counts.agreements_compared,
            mended = counts.agreements_mended,
            unregistered = counts.agreements_unregistered,
            unpaid = counts.agreements_unpaid,
            finished = counts.agreements_finished,
            "agreements were compared with AWS Marketplace"
        );
        Ok(counts)
    }
}

impl Run<'_> {
    async fn go_on(&mut self, held: &Comparison, begun: Timestamp, in_time: impl Fn() -> bool) -> Result<(), Error> {
        let store = self.shop.app().store();
        let mut place = Place::read(held.place.as_deref());
        while in_time() {
            let next = match place {
                Place::Listed(from) => Some(self.listed(from).await?),
                Place::Known(after) => self.known(after).await?,
            };
            let Some(next) = next else {
                self.counts.agreements_finished = store.end_comparison(held, begun.after(BETWEEN_COMPARISONS)).await?;
                return Ok(());
            };
            // Twice is as good as once, so that only the time of what was done since is lost when this run dies.
            if !store.note_comparison(held, &serde_json::to_string(&next).unwrap_or_default()).await? {
                return Ok(());
            }
            place = next;
        }
        store.leave_comparison(held).await?;
        Ok(())
    }

    /// A page of AWS's list: what is not known is learned, what stands otherwise is mended.
    async fn listed(&mut self, from: Option<String>) -> Result<Place, Error> {
        self.pace.tick().await;
        let page = match self.shop.fulfilment().search(from.as_deref()).await {
            Ok(page) => page,
            Err(failure) => {
                // Sellers may be denied this call, and a place in the list may be forgotten: our own are compared all the
                // same, and the next comparison begins at the beginning.
                tracing::warn!(%failure, "AWS Marketplace does not list the seller's agreements");
                return Ok(Place::Known(None));
            }
        };
        for described in page.agreements {
            let now = self.shop.app().clock().now();
            let before = self.shop.app().store().chain_of_external(&described.agreement).await?;
            let mut news = News::of(described.agreement.clone(), described.accepted.unwrap_or(now));
            learn_standing(&mut news, described, now);
            if before.is_none() {
                self.pace.tick().await;
                let asked = self.shop.ask_pricing(&mut news, None).await;
                let asked = asked.and(self.shop.ask_entitlements(&mut news, None, now).await);
                left_open(&news, asked);
            }
            self.mend(before, &news, now).await?;
        }
        Ok(page.next.map_or(Place::Known(None), |next| Place::Listed(Some(next))))
    }

    /// Some of our own chains: how each agreement stands, and what was bought. None when there are no more.
    async fn known(&mut self, after: Option<AgreementId>) -> Result<Option<Place>, Error> {
        let store = self.shop.app().store();
        let ids = store.chains_after(after, CHAINS).await?;
        for id in &ids {
            let Some(chain) = store.chain(*id).await? else { continue };
            for agreement in &chain.agreements {
                if !matches!(agreement.state(), State::Ended { .. }) {
                    self.compare(&chain, agreement).await?;
                }
                self.replay(&agreement.external_id).await;
            }
        }
        Ok(ids.last().map(|last| Place::Known(Some(*last))))
    }

    async fn compare(&mut self, chain: &Chain, agreement: &Agreement) -> Result<(), Error> {
        self.pace.tick().await;
        let now = self.shop.app().clock().now();
        let mut news = News::of(agreement.external_id.clone(), agreement.facts.requested);
        let asked = self.shop.ask_everything(&mut news, Some(chain), now).await;
        left_open(&news, asked);
        self.counts.agreements_compared += 1;
        self.mend(Some(chain.clone()), &news, now).await?;
        self.chase(chain, agreement, now);
        Ok(())
    }

    /// Keeps what differs, and says so. What is as it was costs no write.
    async fn mend(&mut self, before: Option<Chain>, news: &News, now: Timestamp) -> Result<(), Error> {
        if let Some(before) = &before {
            let mut after = before.clone();
            news.teach(&mut after);
            let linked = news.previous.as_ref().is_none_or(|previous| before.external(previous).is_some());
            let licensed = before.license.is_some() || before.customer.is_none() || before.cover().is_none();
            if linked && licensed && after.knows_as_much_as(before) {
                return Ok(());
            }
        }
        let news = &News { compared: true, ..news.clone() };
        let Kept::Known { chain, .. } = self.shop.keep(news, now).await? else { return Ok(()) };
        if before.as_ref().is_none_or(|before| !chain.knows_as_much_as(before)) {
            self.counts.agreements_mended += u32::from(self.mended.insert(news.agreement.clone()));
            let state = |chain: &Chain| chain.external(&news.agreement).map(|agreement| agreement.state().as_str());
            tracing::warn!(
                agreement = %news.agreement,
                license = chain.license.map(|id| id.to_string()),
                was = before.as_ref().and_then(state),
                is = state(&chain),
                reread = news.entitlements.is_some(),
                "an agreement differed from what AWS says, and was mended"
            );
        }
        Ok(())
    }

    /// Handles the events that wait for the agreement: whoever made it known may have died before that.
    async fn replay(&self, agreement: &ExternalId) {
        let now = self.shop.app().clock().now();
        if let Err(fault) = self.shop.replay_for(agreement, now).await {
            tracing::warn!(%agreement, %fault, "events that waited could not be handled");
        }
    }

    /// Somebody should ask the buyer.
    fn chase(&mut self, chain: &Chain, agreement: &Agreement, now: Timestamp) {
        let old = |since: Timestamp| now.since(since) >= CHASED_AFTER;
        let why = match (agreement.state(), chain.customer) {
            (State::Active { since }, None) if old(since) => {
                self.counts.agreements_unregistered += 1;
                "paid and not registered"
            }
            (State::Requested { since }, Some(_)) if old(since) => {
                self.counts.agreements_unpaid += 1;
                "registered and not paid"
            }
            _ => return,
        };
        tracing::warn!(agreement = %agreement.external_id, why, "somebody should ask this buyer");
    }
}

fn left_open(news: &News, asked: Asked) {
    if asked == Asked::Later {
        tracing::info!(agreement = %news.agreement, "AWS has not told everything of an agreement: the next comparison asks again");
    }
}
