//! Asking AWS how an agreement stands. What it does not tell, for whatever reason, leaves what is known.

use marque_clouds::aws::{Described, Failure, Provision, Standing};
use marque_core::Timestamp;
use marque_core::agreement::{Chain, Ended, Facts, How, LicenseArn, Pricing, Since, Superseded};

use super::news::News;
use super::shop::Shop;

/// Whether AWS has told everything it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Asked {
    /// It has, or never will.
    Told,
    /// It may, later.
    Later,
}

impl Asked {
    pub(super) fn and(self, other: Self) -> Self {
        if self == Self::Later { self } else { other }
    }

    fn of(failure: &Failure, what: &'static str) -> Self {
        tracing::warn!(%failure, what, "AWS Marketplace did not tell");
        if matches!(failure, Failure::Temporary(_)) { Self::Later } else { Self::Told }
    }
}

impl Shop {
    /// Everything that AWS tells of an agreement: how it is paid, what was bought, and how it stands. Of two services, each
    /// with a rate of its own, so both at once.
    pub(super) async fn ask_everything(&self, news: &mut News, known: Option<&Chain>, now: Timestamp) -> Asked {
        let mut standing = News::of(news.agreement.clone(), news.facts.requested);
        let (bought, stands) = tokio::join!(
            async {
                let asked = self.ask_pricing(news, known).await.and(self.ask_entitlements(news, known, now).await);
                asked.and(self.ask_provision(news, known, now).await)
            },
            self.ask_standing(&mut standing, now)
        );
        news.account = news.account.take().or(standing.account);
        news.entity = news.entity.take().or(standing.entity);
        news.previous = news.previous.take().or(standing.previous);
        news.license_arn = news.license_arn.take().or(standing.license_arn);
        news.term_end = standing.term_end.or(news.term_end);
        news.facts = news.facts.and(&standing.facts);
        bought.and(stands)
    }

    /// How the agreement stands, by the Agreement API.
    pub(super) async fn ask_standing(&self, news: &mut News, now: Timestamp) -> Asked {
        match self.fulfilment().describe(&news.agreement).await {
            Ok(described) => {
                learn_standing(news, described, now);
                Asked::Told
            }
            Err(failure) => Asked::of(&failure, "DescribeAgreement"),
        }
    }

    /// How the agreement is paid, unless that is known.
    pub(super) async fn ask_pricing(&self, news: &mut News, known: Option<&Chain>) -> Asked {
        let agreement = known.and_then(|chain| chain.external(&news.agreement));
        if let Some(pricing) = agreement.and_then(|agreement| agreement.pricing).or(news.pricing) {
            news.pricing = Some(pricing);
            return Asked::Told;
        }
        match self.fulfilment().pricing(&news.agreement).await {
            Ok(pricing) => {
                news.pricing = pricing;
                Asked::Told
            }
            Err(failure) => Asked::of(&failure, "GetAgreementTerms"),
        }
    }

    /// Whether a subscription is paid, and the whole name of its licence, which usage is reported under: of contracts, what
    /// was bought tells both.
    pub(super) async fn ask_provision(&self, news: &mut News, known: Option<&Chain>, now: Timestamp) -> Asked {
        let agreement = known.and_then(|chain| chain.external(&news.agreement));
        let facts = agreement.map_or(&news.facts, |agreement| &agreement.facts);
        let arns = [news.license_arn.as_ref(), agreement.and_then(|agreement| agreement.license_arn.as_ref())];
        let is_known = facts.provisioned.is_some() && arns.into_iter().flatten().any(LicenseArn::is_whole);
        if news.pricing != Some(Pricing::Subscription) || facts.ended.is_some() || is_known {
            return Asked::Told;
        }
        match self.fulfilment().provision(&news.agreement).await {
            Ok(Provision::Provisioned(arn)) => {
                news.license_arn = arn.or_else(|| news.license_arn.take());
                let provisioned = Some(Since::Found(now));
                news.facts = news.facts.and(&Facts { provisioned, ..Facts::new(news.facts.requested) });
                Asked::Told
            }
            Ok(Provision::Awaited) => Asked::Told,
            Err(failure) => Asked::of(&failure, "GetAgreementEntitlements"),
        }
    }

    /// What was bought. A contract that is paid and has nothing yet is asked again: events come before entitlements.
    pub(super) async fn ask_entitlements(&self, news: &mut News, known: Option<&Chain>, now: Timestamp) -> Asked {
        let agreement = known.and_then(|chain| chain.external(&news.agreement));
        let code = agreement.map(|agreement| agreement.product_code.clone()).or_else(|| news.product_code.clone());
        let account = agreement.and_then(|agreement| agreement.account.clone()).or_else(|| news.account.clone());
        let arn = agreement.and_then(|agreement| agreement.license_arn.clone()).or_else(|| news.license_arn.clone());
        let (Some(code), Some(account), Some(arn)) = (code, account, arn) else { return Asked::Told };
        match self.fulfilment().entitlements(&code, &account, &arn.key()).await {
            Ok((entitlements, whole)) => {
                let awaited = entitlements.is_empty() && news.pricing == Some(Pricing::Contract);
                news.license_arn = whole.or_else(|| news.license_arn.take());
                news.entitlements = Some((entitlements, now));
                if awaited { Asked::Later } else { Asked::Told }
            }
            Err(failure) => Asked::of(&failure, "GetEntitlements"),
        }
    }
}

/// Takes what the Agreement API says. `now` is when the read began.
pub(super) fn learn_standing(news: &mut News, described: Described, now: Timestamp) {
    let Described { standing, account, entity, initial, accepted, term_end, license_arn, .. } = described;
    news.account = news.account.take().or(account);
    news.entity = news.entity.take().or(entity);
    news.previous = news.previous.take().or(initial);
    news.term_end = term_end.or(news.term_end);
    let provisioned = license_arn.is_some().then_some(Since::Found(now));
    news.license_arn = news.license_arn.take().or(license_arn);
    let facts = Facts { provisioned, ..Facts::new(accepted.unwrap_or(news.facts.requested)) };
    let over = term_end.filter(|end| *end <= now).map_or(Since::Found(now), Since::Said);
    news.facts = news.facts.and(&stood(facts, standing, over));
}

/// The facts with what a status says, `at` the latest.
pub(super) fn stood(mut facts: Facts, standing: Standing, since: Since) -> Facts {
    match standing {
        Standing::Active | Standing::Unclear => {}
        Standing::Superseded(how) => facts.superseded = Some(Superseded { since, how }),
        Standing::Ended(how) => facts.ended = Some(Ended { since, how }),
    }
    facts
}

/// The facts of a licence that was taken back.
pub(super) fn deprovisioned(mut facts: Facts, at: Timestamp) -> Facts {
    facts.ended = Some(Ended { since: Since::Said(at), how: How::Deprovisioned });
    facts
}
