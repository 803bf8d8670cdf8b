//! Keeping news: read, learn, judge, write in one transaction; overtaken, again.

use marque_core::agreement::{Agreement, Chain};
use marque_core::{AgreementId, Duration, Timestamp};
use marque_store::{Along, Committed, KeepChain, StoreError, Told};

use super::license::LicensePlan;
use super::metered::newly_ended;
use super::news::News;
use super::shop::Shop;
use crate::chance;
use crate::problem::Error;
use crate::validate::TRIES;

/// EventBridge repeats an event for a day; the mark of one is kept longer.
const EVENT_REMEMBERED: Duration = Duration::days(30);

/// What became of news.
#[derive(Debug)]
pub(super) enum Kept {
    /// The chain as it is now; `made` tells that its agreement was not known before.
    Known { chain: Box<Chain>, made: bool },
    /// The product is none of ours: the seller sells others.
    Unlisted,
    /// Neither the agreement nor its product is known.
    Unknown,
}

/// One try.
enum Attempt {
    Finished(Kept),
    Overtaken,
}

impl Shop {
    /// Keeps what was learned.
    pub(super) async fn keep(&self, news: &News, now: Timestamp) -> Result<Kept, Error> {
        let known = self.app().store().chain_of_external(&news.agreement).await?;
        self.keep_upon(known, news, now).await
    }

    /// [`Shop::keep`], for whoever has just read the chain: overtaken since, it is read again.
    pub(super) async fn keep_upon(&self, known: Option<Chain>, news: &News, now: Timestamp) -> Result<Kept, Error> {
        let mut known = known;
        for _ in 0..TRIES {
            if let Attempt::Finished(kept) = self.attempt(known, news, now).await? {
                return Ok(kept);
            }
            known = self.app().store().chain_of_external(&news.agreement).await?;
        }
        Err(StoreError::Contention { item: news.agreement.to_string() }.into())
    }

    async fn attempt(&self, known: Option<Chain>, news: &News, now: Timestamp) -> Result<Attempt, Error> {
        let store = self.app().store();
        let made = known.is_none();
        let mut after = match &known {
            Some(chain) => chain.clone(),
            None => match self.begin(news, now).await? {
                Ok(chain) => chain,
                Err(unknown) => return Ok(Attempt::Finished(unknown)),
            },
        };
        news.teach(&mut after);
        let (before, absorbed, mut after) = self.link(news, known, after).await?;
        let learned = absorbed.is_some() || before.as_ref().is_none_or(|before| !after.knows_as_much_as(before));
        // A licence follows in the transaction that its chain learns by: it is looked at when that may have been undone.
        let plan = if learned || news.event.is_none() {
            LicensePlan::of(self, &mut after, now).await?
        } else {
            LicensePlan::Nothing
        };
        let told = after.external(&news.agreement).filter(|_| news.compared && learned).map(|agreement| agreement.id);
        let plan = match (plan, told.zip(after.license)) {
            (LicensePlan::Nothing, Some((agreement, id))) => LicensePlan::mended(self, agreement, id, now).await?,
            (plan, _) => plan,
        };
        let unchanged = before.as_ref() == Some(&after) && absorbed.is_none() && plan.is_nothing();
        if unchanged && news.event.is_none() {
            return Ok(Attempt::Finished(Kept::Known { chain: Box::new(after), made }));
        }
        after.version += 1;
        let joins = before.as_ref().is_none_or(|before| before.customer.is_none());
        let change = KeepChain {
            before: before.as_ref(),
            after: &after,
            absorbed: absorbed.as_ref(),
            told_by: news.event.as_deref().map(|id| Told { id, forget_at: now.after(EVENT_REMEMBERED) }),
            license: plan.change(),
            customer: news.customer.as_ref().filter(|customer| joins && after.customer == Some(customer.id)),
        };
        let mut along = Along::default();
        plan.goes(&mut along, now)?;
        for agreement in newly_ended(before.iter().chain(&absorbed), &after) {
            along.flush_usage(agreement, now);
        }
        match store.keep_chain(change, &along).await? {
            Committed::Done => {
                plan.send(self, now).await;
                Ok(Attempt::Finished(Kept::Known { chain: Box::new(after), made }))
            }
            Committed::Overtaken => match &news.event {
                // The same event, told by another: its news are kept.
                Some(event) => Ok(match store.told(event, &news.agreement).await? {
                    (true, Some(chain)) => Attempt::Finished(Kept::Known { chain: Box::new(chain), made: false }),
                    _ => Attempt::Overtaken,
                }),
                None => Ok(Attempt::Overtaken),
            },
        }
    }

    /// A new chain, if the news say of which product.
    async fn begin(&self, news: &News, now: Timestamp) -> Result<Result<Chain, Kept>, Error> {
        let (code, entity) = (news.product_code.as_deref(), news.entity.as_deref());
        if code.is_none() && entity.is_none() {
            return Ok(Err(Kept::Unknown));
        }
        let Some(listed) = self.listed(code, entity, now).await? else { return Ok(Err(Kept::Unlisted)) };
        let id = AgreementId::new(now, chance::draw());
        let code = listed.listing.claim.as_str();
        let first = Agreement::new(id, news.agreement.clone(), code, news.facts.requested);
        Ok(Ok(Chain::new(listed.product.slug, first)))
    }

    /// Joins the chain of the agreement before, if that is known: what is to be written over, what goes, and the whole.
    async fn link(
        &self,
        news: &News,
        known: Option<Chain>,
        after: Chain,
    ) -> Result<(Option<Chain>, Option<Chain>, Chain), Error> {
        let Some(previous) = news.previous.as_ref().filter(|previous| after.external(previous).is_none()) else {
            return Ok((known, None, after));
        };
        let Some(other) = self.app().store().chain_of_external(previous).await? else {
            return Ok((known, None, after));
        };
        match after.clone().join(other.clone()) {
            Ok(joined) if joined.id == other.id => Ok((Some(other), known, joined)),
            Ok(joined) => Ok((known, Some(other), joined)),
            Err(refusal) => {
                tracing::warn!(agreement = %news.agreement, %previous, %refusal, "agreements are not linked: a person must");
                Ok((known, None, after))
            }
        }
    }
}
