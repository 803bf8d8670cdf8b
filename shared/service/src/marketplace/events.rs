//! Events: each is a hint that something happened to an agreement. Its own words are kept, AWS is asked for the rest.

use marque_clouds::aws::{Notice, Said, read_event};
use marque_core::agreement::{Chain, ExternalId, Facts, Pricing, Since};
use marque_core::{Duration, Timestamp};
use marque_store::Committed;
use serde_json::Value;

use super::keep::Kept;
use super::news::News;
use super::shop::Shop;
use super::truth::{Asked, deprovisioned, stood};
use crate::problem::Error;

/// An event waits so long for its agreement.
const PARKED_FOR: Duration = Duration::days(90);

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its news are kept.
    Kept,
    /// Its news were kept before.
    Repeated,
    /// It waits until its agreement is known.
    Parked,
    /// It is of another product of the seller's.
    Dropped,
    /// It says nothing that changes anything; a person may have to look.
    Noted,
    /// Its news are kept, but AWS has not told everything yet: it must come again.
    Again,
}

impl Outcome {
    /// The outcome in a word, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Repeated => "repeated",
            Self::Parked => "parked",
            Self::Dropped => "dropped",
            Self::Noted => "noted",
            Self::Again => "again",
        }
    }
}

/// Why an event cannot be handled.
#[derive(Debug, thiserror::Error)]
pub enum EventFault {
    /// It never will be: it belongs among the dead letters, with this reason.
    #[error("{0}")]
    Refused(String),
    /// It may be, later.
    #[error("not now: {0}")]
    Failed(String),
}

impl From<Error> for EventFault {
    fn from(error: Error) -> Self {
        Self::Failed(error.cause().unwrap_or_else(|| error.code()).to_owned())
    }
}

impl Shop {
    /// Handles one event as EventBridge delivers it, and those that waited for what it tells.
    ///
    /// # Errors
    /// [`EventFault`].
    pub async fn event(&self, event: &Value) -> Result<Outcome, EventFault> {
        let now = self.app().clock().now();
        let notice = read_event(event).map_err(|fault| EventFault::Refused(fault.to_string()))?;
        if notice.seller != self.seller() {
            return Err(EventFault::Refused("the event is of another account than the seller's".to_owned()));
        }
        let (seen, known) = self.app().store().told(&notice.id, &notice.agreement).await.map_err(Error::from)?;
        let outcome = match (seen, known) {
            (true, Some(chain)) => {
                // Whoever kept its news may have died before those that waited for them were handled.
                self.settle(&said(&notice), &chain, (&notice, event), now).await?;
                Outcome::Repeated
            }
            (true, None) => Outcome::Repeated,
            (false, known) => self.notice(&notice, event, known, now).await?,
        };
        tracing::info!(event = notice.id, agreement = %notice.agreement, outcome = outcome.as_str(), "an event of AWS Marketplace");
        Ok(outcome)
    }

    async fn notice(
        &self,
        notice: &Notice,
        event: &Value,
        known: Option<Chain>,
        now: Timestamp,
    ) -> Result<Outcome, EventFault> {
        match notice.said {
            Said::Advisory => {
                tracing::warn!(agreement = %notice.agreement, event = notice.id, "AWS advises to look at an agreement");
                return Ok(Outcome::Noted);
            }
            Said::Informational => return Ok(Outcome::Noted),
            Said::Unknown => {
                tracing::warn!(agreement = %notice.agreement, event = notice.id, "an event of an unknown kind");
                return Ok(Outcome::Noted);
            }
            Said::Created | Said::Amended | Said::Ended(_) | Said::LicenseUpdated | Said::LicenseDeprovisioned => {}
        }
        let mut news = said(notice);
        let asked = self.ask(notice, &mut news, known.as_ref(), now).await;
        // While AWS has not told everything, the event is not marked: it comes again.
        news.event = (asked == Asked::Told).then(|| notice.id.clone());
        match self.keep_upon(known, &news, now).await? {
            Kept::Unlisted => Ok(Outcome::Dropped),
            Kept::Unknown => self.park(notice, event, now).await,
            Kept::Known { chain, made } => {
                if made {
                    self.replay_for(&notice.agreement, now).await?;
                }
                self.await_previous(&news, &chain, (notice, event), now).await?;
                Ok(if asked == Asked::Told { Outcome::Kept } else { Outcome::Again })
            }
        }
    }

    /// Two calls at most, for what this kind of event makes worth asking.
    async fn ask(&self, notice: &Notice, news: &mut News, known: Option<&Chain>, now: Timestamp) -> Asked {
        match notice.said {
            Said::Created => self.ask_standing(news, now).await.and(self.ask_pricing(news, known).await),
            Said::Amended => self.ask_standing(news, now).await.and(self.ask_entitlements(news, known, now).await),
            Said::LicenseUpdated => {
                let asked = self.ask_pricing(news, known).await;
                asked.and(match news.pricing {
                    Some(Pricing::Subscription) => self.ask_provision(news, known, now).await,
                    _ => self.ask_entitlements(news, known, now).await,
                })
            }
            _ => self.ask_standing(news, now).await,
        }
    }

    async fn park(&self, notice: &Notice, event: &Value, now: Timestamp) -> Result<Outcome, EventFault> {
        let until = now.after(PARKED_FOR);
        let parked = self.app().store().park(&notice.agreement, &notice.id, &event.to_string(), until).await;
        match parked.map_err(Error::from)? {
            Committed::Done => Ok(Outcome::Parked),
            Committed::Overtaken => Err(EventFault::Failed("its agreement has become known meanwhile".to_owned())),
        }
    }

    /// What is left to do once news are kept.
    async fn settle(
        &self,
        news: &News,
        chain: &Chain,
        told: (&Notice, &Value),
        now: Timestamp,
    ) -> Result<(), EventFault> {
        self.replay_for(&news.agreement, now).await?;
        self.await_previous(news, chain, told, now).await
    }

    /// What names an agreement before it that is not known waits for that one, to be linked.
    async fn await_previous(
        &self,
        news: &News,
        chain: &Chain,
        (notice, event): (&Notice, &Value),
        now: Timestamp,
    ) -> Result<(), EventFault> {
        let Some(previous) = news.previous.as_ref().filter(|previous| chain.external(previous).is_none()) else {
            return Ok(());
        };
        let until = now.after(PARKED_FOR);
        let parked = self.app().store().park(previous, &notice.id, &event.to_string(), until).await;
        match parked.map_err(Error::from)? {
            Committed::Done => Ok(()),
            // It has become known: linked now, or refused by who may not be linked.
            Committed::Overtaken => Ok(self.keep(news, now).await.map(drop)?),
        }
    }

    /// Handles the events that wait for this agreement. Each is let go once its news are kept.
    pub(super) async fn replay_for(&self, agreement: &ExternalId, now: Timestamp) -> Result<(), EventFault> {
        let store = self.app().store();
        for parked in store.parked(agreement).await.map_err(Error::from)? {
            let event: Value = serde_json::from_str(&parked.event).unwrap_or_default();
            match read_event(&event) {
                Ok(notice) => {
                    let mut news = said(&notice);
                    let known = store.chain_of_external(&notice.agreement).await.map_err(Error::from)?;
                    let asked = self.ask(&notice, &mut news, known.as_ref(), now).await;
                    self.keep(&news, now).await?;
                    if asked == Asked::Later {
                        continue;
                    }
                }
                Err(fault) => tracing::error!(%agreement, %fault, "a parked event cannot be read"),
            }
            store.unpark(agreement, &parked).await.map_err(Error::from)?;
        }
        Ok(())
    }
}

/// What the event itself says.
fn said(notice: &Notice) -> News {
    let facts = Facts::new(notice.at);
    let facts = match notice.said {
        Said::LicenseUpdated => Facts { provisioned: Some(Since::Said(notice.at)), ..facts },
        Said::LicenseDeprovisioned => deprovisioned(facts, notice.at),
        Said::Ended(standing) => stood(facts, standing, Since::Said(notice.at)),
        _ => facts,
    };
    News {
        product_code: notice.product_code.clone(),
        entity: notice.entity.clone(),
        account: notice.acceptor.clone(),
        license_arn: notice.license_arn.clone(),
        previous: notice.previous.clone(),
        term_end: notice.term_end,
        facts,
        ..News::of(notice.agreement.clone(), notice.at)
    }
}
