//! Events can be lost. So every agreement is compared with what AWS says, page by page, and what differs is mended.

use std::time::Duration as Wait;

use marque_core::agreement::{ExternalId, State};
use marque_core::{Duration, Timestamp};
use serde::Serialize;

use super::keep::Kept;
use super::news::News;
use super::shop::Shop;
use super::truth::{Asked, learn_standing};
use crate::problem::Error;

/// Within AWS's 20 calls a second, half is left to those whom a person waits for.
const BETWEEN_CALLS: Wait = Wait::from_millis(100);
/// An automatic renewal sends no event: what ends so soon is read again.
const NEAR_END: Duration = Duration::hours(48);
/// So long a buyer may take to register, or a payment to come, before somebody should ask.
const CHASED_AFTER: Duration = Duration::hours(24);

/// What a run has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Agreements that were compared.
    pub compared: u32,
    /// Agreements that differed, and were mended.
    pub mended: u32,
    /// Paid, and nobody has registered for a day.
    pub unregistered: u32,
    /// Registered, and not paid for a day.
    pub unpaid: u32,
    /// Everything was compared: the next run begins at the beginning.
    pub finished: bool,
}

impl Shop {
    /// Compares agreements with AWS from `from` on, at most `pages` pages of them. The place to go on from is answered
    /// beside the counts; none when everything was compared.
    ///
    /// # Errors
    /// When the table does not answer, or AWS does not list.
    pub async fn reconcile(&self, from: Option<String>, pages: usize) -> Result<(Reconciled, Option<String>), Error> {
        let (mut counts, mut from) = (Reconciled::default(), from);
        for _ in 0..pages {
            let page = self.fulfilment().search(from.as_deref()).await;
            let page = page.map_err(|failure| Error::Unavailable { cause: failure.to_string() })?;
            for described in page.agreements {
                let now = self.app().clock().now();
                let mut news = News::of(described.agreement.clone(), described.accepted.unwrap_or(now));
                learn_standing(&mut news, described, now);
                self.compare(news, &mut counts, now).await?;
            }
            from = page.next;
            if from.is_none() {
                counts.finished = true;
                break;
            }
            tokio::time::sleep(BETWEEN_CALLS).await;
        }
        tracing::info!(
            compared = counts.compared,
            mended = counts.mended,
            unregistered = counts.unregistered,
            unpaid = counts.unpaid,
            "agreements were compared with AWS Marketplace"
        );
        Ok((counts, from))
    }

    async fn compare(&self, mut news: News, counts: &mut Reconciled, now: Timestamp) -> Result<(), Error> {
        let before = self.app().store().chain_of_external(&news.agreement).await?;
        let known = before.as_ref().and_then(|chain| chain.external(&news.agreement));
        let unread = known.is_none_or(|agreement| agreement.read_at.is_none() || agreement.pricing.is_none());
        let near_end = known.is_some_and(|agreement| {
            let ends = agreement.entitlements().iter().filter_map(|entitlement| entitlement.expires_at).min();
            !matches!(agreement.state(), State::Ended { .. }) && ends.is_some_and(|end| end <= now.after(NEAR_END))
        });
        if unread || near_end {
            tokio::time::sleep(BETWEEN_CALLS).await;
            let asked = self.ask_pricing(&mut news, before.as_ref()).await;
            if asked.and(self.ask_entitlements(&mut news, before.as_ref(), now).await) == Asked::Later {
                tracing::info!(agreement = %news.agreement, "AWS has not told everything of an agreement: the next run asks again");
            }
        }
        let Kept::Known { chain, .. } = self.keep(&news, now).await? else { return Ok(()) };
        counts.compared += 1;
        if before.as_ref().is_none_or(|before| before.version != chain.version) {
            counts.mended += 1;
            tracing::warn!(agreement = %news.agreement, "an agreement differed from what AWS says, and was mended");
        }
        if let Err(fault) = self.replay_for(&news.agreement, now).await {
            tracing::warn!(agreement = %news.agreement, %fault, "events that waited could not be handled");
        }
        if let Some(agreement) = chain.external(&news.agreement) {
            let old = |since: Timestamp| now.since(since) >= CHASED_AFTER;
            match (agreement.state(), chain.customer) {
                (State::Active { since }, None) if old(since) => {
                    chase(&news.agreement, &mut counts.unregistered, "paid and not registered")
                }
                (State::Requested { since }, Some(_)) if old(since) => {
                    chase(&news.agreement, &mut counts.unpaid, "registered and not paid")
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Somebody should ask the buyer.
fn chase(agreement: &ExternalId, count: &mut u32, why: &'static str) {
    *count += 1;
    tracing::warn!(%agreement, why, "somebody should ask this buyer");
}
