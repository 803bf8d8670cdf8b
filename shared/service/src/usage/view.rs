//! `GET /admin/v1/usage/{agreement}`: the sums of each dimension, and its hours.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Path, State};
use marque_core::agreement::Chain;
use marque_core::usage::{self, Hour, Included, Quantity, Sums, Unit};
use marque_core::{AgreementId, Duration, Slug, Timestamp};
use marque_store::KeptHour;
use serde::Serialize;
use utoipa::ToSchema;

use super::timeline::HourAnswer;
use crate::admin::Parameters;
use crate::marketplace::Shop;
use crate::problem::{Error, Problem};

/// Hours are shown for so long, unless it is asked for others.
const SHOWN: Duration = Duration::days(35);
/// The most hours of an answer: a function may answer 6 MB.
const MOST_HOURS: usize = 5000;
/// Hours are read again, so often, when one was sealed meanwhile.
const TRIES: usize = 3;

/// The usage of a chain of agreements.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(super) struct UsageAnswer {
    /// The agreement that the chain is named by.
    #[schema(value_type = String)]
    chain: AgreementId,
    /// Its agreements, oldest first.
    #[schema(value_type = Vec<String>)]
    agreements: Vec<AgreementId>,
    #[schema(value_type = String)]
    product: Slug,
    /// The hours that are shown begin here.
    #[schema(format = DateTime)]
    from: String,
    /// And end before this.
    #[schema(format = DateTime)]
    to: String,
    /// Older hours that there was no room for.
    hours_left_out: usize,
    dimensions: Vec<DimensionAnswer>,
}

/// The usage of a dimension.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageDimension)]
struct DimensionAnswer {
    dimension: String,
    /// `integral` or `decimal`; null when the product meters it no more.
    #[schema(value_type = Option<String>, required = true)]
    unit: Option<Unit>,
    /// `none` or `per_hour`.
    #[schema(value_type = Option<String>, required = true)]
    included: Option<Included>,
    /// Of all the hours that are kept. `accepted` is the sum of the others, at every instant.
    sums: SumsAnswer,
    /// `CARRIED` to the next hour, or `WRITTEN_OFF_AT_END`.
    remainder_is: &'static str,
    /// Oldest first.
    hours: Vec<HourAnswer>,
}

/// What became of a dimension's usage, in exact decimals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageSums)]
struct SumsAnswer {
    accepted: String,
    open: String,
    sealed: String,
    sending: String,
    held: String,
    confirmed: String,
    quarantined: String,
    expired: String,
    included: String,
    remainder: String,
}

impl SumsAnswer {
    fn new(sums: &Sums) -> Self {
        let text = |quantity: Quantity| quantity.to_string();
        Self {
            accepted: text(sums.accepted),
            open: text(sums.open),
            sealed: text(sums.sealed),
            sending: text(sums.sending),
            held: text(sums.held),
            confirmed: text(sums.confirmed),
            quarantined: text(sums.quarantined),
            expired: text(sums.expired),
            included: text(sums.included),
            remainder: text(sums.remainder),
        }
    }
}

/// What a chain's usage came to, and its hours.
#[utoipa::path(get, path = "/admin/v1/usage/{agreement}", tag = "usage",
    params(
        ("agreement" = String, Path, description = "An agreement, `agr_…`"),
        ("from" = Option<String>, Query, description = "Show hours from this time on; 35 days ago if absent"),
        ("to" = Option<String>, Query, description = "Show hours before this time"),
    ),
    responses(
        (status = 200, body = UsageAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(shop): State<Shop>,
    Path(agreement): Path<String>,
    mut given: Parameters,
) -> Result<Json<UsageAnswer>, Error> {
    let now = shop.app().clock().now();
    let from: Option<Timestamp> = given.optional("from");
    let to: Option<Timestamp> = given.optional("to");
    given.end()?;
    let agreement: AgreementId = agreement.parse().map_err(|_| Error::NotFound)?;
    let chain = shop.app().store().chain_of_agreement(agreement).await?.ok_or(Error::NotFound)?;
    let from = Hour::of(from.unwrap_or_else(|| now.before(SHOWN)));
    let to = to.map_or_else(|| Hour::of(now).next().next(), Hour::of);
    // What was reported is shown also when the product is listed no more.
    let metered = shop.metered(agreement).await.unwrap_or_else(|error| {
        tracing::warn!(%agreement, cause = error.cause(), "the usage of a product that is listed no more is shown");
        None
    });
    Ledger::read(&shop, &chain).await.map(|ledger| Json(ledger.answer(&chain, metered.as_ref(), from, to, now)))
}

/// All hours of a chain that are kept, and what they have left.
struct Ledger {
    hours: Vec<KeptHour>,
    remainders: BTreeMap<String, Quantity>,
}

impl Ledger {
    /// Reads the hours between two equal reads of what they have left: then no hour was sealed meanwhile, and the sums are
    /// those of one instant. When hours are sealed all the time, the sums still hold, for the hours that were seen.
    async fn read(shop: &Shop, chain: &Chain) -> Result<Self, Error> {
        let store = shop.app().store();
        let names: Vec<AgreementId> = chain.agreements.iter().map(|agreement| agreement.id).collect();
        let merged: Vec<AgreementId> = names.iter().copied().filter(|id| *id != chain.id).collect();
        let mut dimensions = BTreeSet::new();
        let mut tries = 0;
        loop {
            tries += 1;
            let mut before = BTreeMap::new();
            for dimension in &dimensions {
                before.insert(
                    String::clone(dimension),
                    store.usage_remainder(chain.id, &merged, dimension).await?.total(),
                );
            }
            let mut hours = Vec::new();
            for agreement in &names {
                hours.extend(store.usage_hours_between(chain.id, *agreement, Hour::of(Timestamp::EPOCH), None).await?);
            }
            dimensions.extend(hours.iter().map(|hour| hour.entry.key.dimension.clone()));
            let mut after = BTreeMap::new();
            for dimension in &dimensions {
                after.insert(dimension.clone(), store.usage_remainder(chain.id, &merged, dimension).await?.total());
            }
            let nothing_left = after.values().all(|left| left.is_zero());
            if before == after || (before.is_empty() && nothing_left) || tries == TRIES {
                hours.sort_by_key(|kept| kept.entry.key.hour);
                return Ok(Self { hours, remainders: after });
            }
        }
    }

    fn answer(
        &self,
        chain: &Chain,
        metered: Option<&usage::Chain>,
        from: Hour,
        to: Hour,
        now: Timestamp,
    ) -> UsageAnswer {
        let shown = |hour: &&KeptHour| (from..to).contains(&hour.entry.key.hour);
        let shown: Vec<&KeptHour> = self.hours.iter().filter(shown).collect();
        let hours_left_out = shown.len().saturating_sub(MOST_HOURS);
        let shown = &shown[hours_left_out..];
        let listed =
            metered.into_iter().flat_map(|metered| &metered.dimensions).map(|dimension| dimension.name.clone());
        let names: BTreeSet<String> = self.remainders.keys().cloned().chain(listed).collect();
        let dimensions = names.into_iter().map(|name| {
            let of_it = |hour: &&KeptHour| hour.entry.key.dimension == name;
            let remainder = self.remainders.get(&name).copied().unwrap_or_default();
            let sums = Sums::of(self.hours.iter().filter(of_it).map(|hour| &hour.entry), remainder);
            let dimension = metered.and_then(|metered| metered.dimension(&name));
            DimensionAnswer {
                unit: dimension.map(|dimension| dimension.unit),
                included: dimension.map(|dimension| dimension.included),
                sums: SumsAnswer::new(&sums),
                remainder_is: metered.map_or("CARRIED", |metered| metered.remainder_fate(now)),
                hours: shown.iter().copied().filter(of_it).map(HourAnswer::new).collect(),
                dimension: name,
            }
        });
        UsageAnswer {
            chain: chain.id,
            agreements: chain.agreements.iter().map(|agreement| agreement.id).collect(),
            product: chain.product.clone(),
            from: from.to_string(),
            to: to.to_string(),
            hours_left_out,
            dimensions: dimensions.collect(),
        }
    }
}
