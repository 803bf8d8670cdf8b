//! `GET /v1/entitlements`: what was bought, for the server that holds a lease. The snapshot answers; one that is older
//! than an hour is read anew, and when AWS does not tell, the old one is answered as stale, never a denial.

use std::time::Duration as Wait;

use axum::Json;
use axum::extract::{Query, State};
use http::HeaderMap;
use marque_core::agreement::{Agreement, Chain, Entitlement, EntitlementValue};
use marque_core::{AgreementId, Cloud, Duration, LicenseId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::keep::Kept;
use super::news::News;
use super::shop::Shop;
use super::truth::Asked;
use crate::http::bearer_lease;
use crate::problem::{Error, Problem};

/// So old a snapshot is read anew.
const FRESH: Duration = Duration::hours(1);
/// So long AWS may take to tell; the whole call has 9 s.
const PATIENCE: Wait = Wait::from_secs(5);

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
    let found = shop.app().store().entitled(id).await?.ok_or(Error::LeaseInvalid)?;
    if !found.license.activations.contains_key(&lease.fingerprint.value) {
        return Err(Error::LeaseInvalid);
    }
    let (chain, agreement) = found.paid_by.ok_or(Error::NotFound)?;
    if agreement.read_at.is_some_and(|read_at| now.since(read_at) < FRESH) {
        return Ok(Json(Entitlements::of(&agreement, false)));
    }
    // Whoever waits for AWS in vain is answered with what is known, and before the service gives up itself.
    let refreshed = timeout(PATIENCE, refreshed(&shop, chain, now)).await.unwrap_or_default();
    let stale = refreshed.is_none();
    let agreement = refreshed.as_ref().map_or(&agreement, Chain::current);
    Ok(Json(Entitlements::of(agreement, stale)))
}

/// The chain with what AWS says now; none when it does not tell.
async fn refreshed(shop: &Shop, chain: AgreementId, now: Timestamp) -> Option<Chain> {
    let failed = |error: Error| tracing::warn!(cause = error.cause(), code = error.code(), "a snapshot is not renewed");
    let chain = shop.app().store().chain(chain).await.map_err(Error::from).map_err(failed).ok()??;
    let current = chain.current();
    let mut news = News::of(current.external_id.clone(), current.facts.requested);
    if shop.ask_entitlements(&mut news, Some(&chain), now).await == Asked::Later || news.entitlements.is_none() {
        return None;
    }
    match shop.keep(&news, now).await.map_err(failed).ok()? {
        Kept::Known { chain, .. } => Some(*chain),
        Kept::Unlisted | Kept::Unknown => None,
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
