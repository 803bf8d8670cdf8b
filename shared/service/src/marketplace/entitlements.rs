//! `GET /v1/entitlements`: what was bought, for the server that holds a lease. The snapshot answers; one that is older
//! than an hour is read anew, and when AWS does not tell, the old one is answered as stale, never a denial.

use axum::Json;
use axum::extract::{Query, State};
use http::HeaderMap;
use marque_core::agreement::{Agreement, Chain, Entitlement, EntitlementValue};
use marque_core::{AgreementId, Cloud, Duration, LicenseId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::keep::Kept;
use super::news::News;
use super::shop::Shop;
use super::truth::Asked;
use crate::http::bearer_lease;
use crate::problem::{Error, Problem};

/// So old a snapshot is read anew.
const FRESH: Duration = Duration::hours(1);

/// Which licence.
#[derive(Debug, Deserialize)]
pub(super) struct Asking {
    license_id: Option<String>,
}

/// What was bought.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entitlements {
    /// The agreement that counts now.
    #[schema(value_type = String, example = "agr_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    agreement_id: AgreementId,
    /// The cloud's id of it.
    external_id: String,
    #[schema(value_type = String, example = "aws")]
    cloud: Cloud,
    /// `requested`, `active`, `suspended`, `ending` or `ended`.
    state: &'static str,
    entitlements: Vec<Row>,
    /// When AWS was asked last.
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
    /// AWS could not be asked since.
    stale: bool,
}

/// So much of a dimension.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Row {
    dimension: String,
    /// With the JSON type that AWS sent.
    #[schema(value_type = Value)]
    value: Value,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    expires_at: Option<Timestamp>,
}

/// What a licence's agreement entitles to.
#[utoipa::path(
    get,
    path = "/v1/entitlements",
    tag = "servers",
    params(
        ("license_id" = String, Query, description = "The licence that the lease is of"),
        ("Authorization" = String, Header, description = "`Bearer <lease+jwt>`"),
    ),
    responses(
        (status = 200, body = Entitlements),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn entitlements(
    State(shop): State<Shop>,
    Query(asking): Query<Asking>,
    headers: HeaderMap,
) -> Result<Json<Entitlements>, Error> {
    let now = shop.app().clock().now();
    let fault = || Error::invalid("?license_id", "must be the id of a licence, lic_…");
    let id: LicenseId = asking.license_id.as_deref().and_then(|text| text.parse().ok()).ok_or_else(fault)?;
    let lease = bearer_lease(shop.app(), &headers, now).await?;
    if lease.sub != id {
        return Err(Error::LeaseInvalid);
    }
    let store = shop.app().store();
    let (license, chain) = tokio::try_join!(store.license(id), store.chain_of_license(id))?;
    let live = license.is_some_and(|license| license.activations.contains_key(&lease.fingerprint.value));
    if !live {
        return Err(Error::LeaseInvalid);
    }
    let (chain, stale) = refreshed(&shop, chain.ok_or(Error::NotFound)?, now).await;
    Ok(Json(Entitlements::of(chain.current(), stale)))
}

/// The chain with what AWS says now, if what is known is old.
async fn refreshed(shop: &Shop, chain: Chain, now: Timestamp) -> (Chain, bool) {
    let current = chain.current();
    if current.read_at.is_some_and(|read_at| now.since(read_at) < FRESH) {
        return (chain, false);
    }
    let mut news = News::of(current.external_id.clone(), current.facts.requested);
    if shop.ask_entitlements(&mut news, Some(&chain), now).await == Asked::Later || news.entitlements.is_none() {
        return (chain, true);
    }
    match shop.keep(&news, now).await {
        Ok(Kept::Known { chain, .. }) => (*chain, false),
        Ok(Kept::Unlisted | Kept::Unknown) => (chain, true),
        Err(error) => {
            tracing::warn!(cause = error.cause(), code = error.code(), "a snapshot could not be kept");
            (chain, true)
        }
    }
}

impl Entitlements {
    fn of(agreement: &Agreement, stale: bool) -> Self {
        Self {
            agreement_id: agreement.id,
            external_id: agreement.external_id.to_string(),
            cloud: Cloud::Aws,
            state: agreement.state().as_str(),
            entitlements: agreement.entitlements().iter().map(Row::of).collect(),
            as_of: agreement.read_at.unwrap_or(agreement.facts.requested),
            stale,
        }
    }
}

impl Row {
    pub(super) fn of(entitlement: &Entitlement) -> Self {
        let value = json(&entitlement.value);
        Self { dimension: entitlement.dimension.clone(), value, expires_at: entitlement.expires_at }
    }
}

/// A value with the JSON type that the cloud sent.
pub(super) fn json(value: &EntitlementValue) -> Value {
    match value {
        EntitlementValue::Boolean(value) => Value::from(*value),
        EntitlementValue::Integer(value) => Value::from(*value),
        EntitlementValue::Double(value) => Value::from(*value),
        EntitlementValue::Text(value) => Value::from(value.as_str()),
    }
}
