//! Agreements as the ledger of usage knows them.

use std::collections::BTreeMap;

use marque_core::agreement::{Agreement, Chain, EntitlementValue, Since};
use marque_core::listing::Effect;
use marque_core::usage::{self, Activated, Entitled, Metered, Quantity};
use marque_core::{AgreementId, LicenseId, Timestamp};

use super::shop::{Listed, Shop};
use crate::problem::Error;

/// Where usage is reported, for good: the same hour sent to two regions is billed twice.
const METERING_REGION: &str = "us-east-1";

impl Shop {
    /// The chain that an agreement is in, with what is metered of its product.
    ///
    /// # Errors
    /// When the table does not answer, or no product lists what was bought any more.
    pub async fn metered(&self, agreement: AgreementId) -> Result<Option<usage::Chain>, Error> {
        let chain = self.app().store().chain_of_agreement(agreement).await?;
        self.as_metered(chain).await
    }

    /// The chain that pays for a licence, likewise.
    ///
    /// # Errors
    /// As [`metered`](Self::metered).
    pub async fn metered_of_license(&self, license: LicenseId) -> Result<Option<usage::Chain>, Error> {
        let chain = self.app().store().chain_of_license(license).await?;
        self.as_metered(chain).await
    }

    async fn as_metered(&self, chain: Option<Chain>) -> Result<Option<usage::Chain>, Error> {
        let Some(chain) = chain else { return Ok(None) };
        let now = self.app().clock().now();
        let code = &chain.current().product_code;
        let gone = || Error::Unavailable { cause: format!("no product lists {code} in the marketplace any more") };
        let listed = self.listed(Some(code), None, now).await?.ok_or_else(gone)?;
        let agreements = chain.agreements.iter().map(|agreement| as_metered(&chain, agreement)).collect();
        let dimensions = dimensions(&listed);
        Ok(Some(usage::Chain {
            id: chain.id,
            product: chain.product.clone(),
            agreements,
            dimensions,
            retention: listed.product.usage_retention.duration(),
        }))
    }
}

fn dimensions(listed: &Listed) -> Vec<usage::Dimension> {
    let metered = listed.listing.dimensions.iter().filter_map(|dimension| match dimension.effect {
        Effect::Metered { unit, included } => {
            Some(usage::Dimension { name: dimension.name.to_string(), unit, included })
        }
        Effect::Plan | Effect::Limit => None,
    });
    metered.collect()
}

/// What the ledger needs: usage counts from when the licence was provisioned, under its whole name alone.
fn as_metered(chain: &Chain, agreement: &Agreement) -> Metered {
    let Agreement { facts, account, license_arn, .. } = agreement;
    let arn = license_arn.as_ref().filter(|arn| arn.is_whole());
    let activated = facts.provisioned.zip(arn).zip(account.as_ref()).map(|((since, arn), account)| Activated {
        start: since.at(),
        surely_by: since.surely_by(),
        license_arn: arn.to_string(),
        account: account.to_string(),
        product_code: agreement.product_code.clone(),
        region: METERING_REGION.to_owned(),
    });
    let left = left(agreement).filter(|_| !chain.knows_successor(agreement));
    Metered { id: agreement.id, activated, end: end(chain, agreement), left, entitled: entitled(agreement) }
}

/// When its usage ends: with the agreement, or where another one takes its place. That one must be known: until then what is
/// used is taken, since only a positive statement ends an agreement.
fn end(chain: &Chain, agreement: &Agreement) -> Option<Timestamp> {
    let ended = agreement.facts.ended.map(|ended| ended.since.at());
    let left = left(agreement).filter(|_| chain.knows_successor(agreement));
    [ended, left].into_iter().flatten().min()
}

/// When another one takes its place.
fn left(agreement: &Agreement) -> Option<Timestamp> {
    agreement.facts.superseded.map(|superseded| superseded.since.at())
}

/// The agreements that were known before, and whose end is known only now: their usage is to be sent at once.
pub(super) fn newly_ended<'a>(
    before: impl Iterator<Item = &'a Chain>,
    after: &Chain,
) -> impl Iterator<Item = AgreementId> {
    let ends = |chain: &'a Chain| chain.agreements.iter().map(move |agreement| (agreement.id, end(chain, agreement)));
    let known: BTreeMap<_, _> = before.flat_map(ends).collect();
    let ended = move |agreement: &&Agreement| {
        let end = end(after, agreement);
        known.get(&agreement.id).is_some_and(|before| end.is_some() && *before != end)
    };
    after.agreements.iter().filter(ended).map(|agreement| agreement.id)
}

/// Each version is in force until the next one; the first one from when the licence was provisioned.
fn entitled(agreement: &Agreement) -> Vec<Entitled> {
    let versions = agreement.versions.iter().enumerate().flat_map(|(place, version)| {
        let from = match agreement.facts.provisioned.map(Since::at) {
            Some(provisioned) if place == 0 => provisioned.min(version.from),
            _ => version.from,
        };
        let until = agreement.versions.get(place + 1).map(|next| next.from);
        version.entitlements.iter().filter_map(move |entitlement| {
            let quantity = quantity(&entitlement.value)?;
            Some(Entitled { dimension: entitlement.dimension.clone(), quantity, from, until })
        })
    });
    versions.collect()
}

/// What can be counted; words and truth values cannot.
fn quantity(value: &EntitlementValue) -> Option<Quantity> {
    match value {
        EntitlementValue::Integer(units) => u64::try_from(*units).ok().map(Quantity::units),
        EntitlementValue::Double(units) => format!("{units}").parse().ok(),
        EntitlementValue::Boolean(_) | EntitlementValue::Text(_) => None,
    }
}
