//! Agreements as the publisher sees them: listed, shown, and linked by hand where the cloud has not said what belongs
//! together.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use marque_core::agreement::{Agreement, Chain, ExternalId, LinkNote, State as Stands};
use marque_core::{AgreementId, CustomerId, LicenseId, PersonText, Standing, Timestamp};
use marque_store::{Along, Committed, KeepChain, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entitlements::Row;
use super::license::LicensePlan;
use super::shop::Shop;
use crate::admin::{Call, Page, Parameters, Success, Window};
use crate::http::{Fields, FromBody, UnknownMembers};
use crate::problem::{Error, Problem};
use crate::validate::TRIES;

/// A chain of agreements, with the one that counts first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agreements)]
pub(super) struct ChainAnswer {
    /// The chain, named by the agreement that it began with.
    #[schema(value_type = String)]
    chain: AgreementId,
    /// The agreement that counts.
    #[schema(value_type = String)]
    id: AgreementId,
    /// The cloud's id of it.
    external_id: String,
    /// Its state.
    state: &'static str,
    product: String,
    #[schema(value_type = Option<String>, required = true)]
    customer_id: Option<CustomerId>,
    #[schema(value_type = Option<String>, required = true)]
    license_id: Option<LicenseId>,
    /// How far its agreements pay for the licence; null before anything is paid, and while no end is known.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    paid_through: Option<Timestamp>,
    /// The agreement that counts, then the others.
    agreements: Vec<AgreementAnswer>,
}

/// One agreement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agreement)]
pub(super) struct AgreementAnswer {
    #[schema(value_type = String)]
    id: AgreementId,
    external_id: String,
    /// As the cloud gave it.
    license_arn: Option<String>,
    /// What it is found by, however the cloud spells it: `l-…`.
    license_key: Option<String>,
    product_code: String,
    account: Option<String>,
    /// `contract`, `subscription` or `contract-with-consumption`; null until it was read.
    pricing: Option<&'static str>,
    /// `requested`, `active`, `suspended`, `ending` or `ended`.
    state: &'static str,
    /// Since when it is so.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// How it ended, or what took its place.
    reason: Option<&'static str>,
    entitlements: Vec<Row>,
    #[schema(value_type = Option<String>, format = DateTime)]
    as_of: Option<Timestamp>,
}

impl ChainAnswer {
    fn new(chain: &Chain) -> Self {
        let current = chain.current();
        let mut agreements: Vec<&Agreement> = chain.agreements.iter().rev().collect();
        agreements.sort_by_key(|agreement| agreement.id != current.id);
        Self {
            chain: chain.id,
            id: current.id,
            external_id: current.external_id.to_string(),
            state: current.state().as_str(),
            product: chain.product.to_string(),
            customer_id: chain.customer,
            license_id: chain.license,
            paid_through: chain.cover().map(|cover| cover.until).filter(|until| *until < Timestamp::MAX),
            agreements: agreements.into_iter().map(AgreementAnswer::new).collect(),
        }
    }
}

impl AgreementAnswer {
    fn new(agreement: &Agreement) -> Self {
        let state = agreement.state();
        let (since, reason) = match state {
            Stands::Requested { since } | Stands::Active { since } | Stands::Suspended { since } => (since, None),
            Stands::Ending { at, how } => (at, Some(how.as_str())),
            Stands::Ended { at, how } => (at, Some(how.as_str())),
        };
        Self {
            id: agreement.id,
            external_id: agreement.external_id.to_string(),
            license_arn: agreement.license_arn.as_ref().map(ToString::to_string),
            license_key: agreement.license_arn.as_ref().map(|arn| arn.key().to_string()),
            product_code: agreement.product_code.clone(),
            account: agreement.account.as_ref().map(ToString::to_string),
            pricing: agreement.pricing.map(|pricing| pricing.as_str()),
            state: state.as_str(),
            since,
            reason,
            entitlements: agreement.entitlements().iter().map(Row::of).collect(),
            as_of: agreement.read_at,
        }
    }
}

/// The chains of agreements, in the order in which they were made; or the one that a cloud's id or a licence names.
#[utoipa::path(get, path = "/admin/v1/agreements", tag = "agreements",
    params(
        ("external_id" = Option<String>, Query, description = "The cloud's id of an agreement"),
        ("license_id" = Option<String>, Query, description = "A licence that agreements pay for"),
        ("limit" = Option<u8>, Query, description = "1 to 100"),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before"),
    ),
    responses(
        (status = 200, body = Page<ChainAnswer>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(State(shop): State<Shop>, mut given: Parameters) -> Result<Json<Page<ChainAnswer>>, Error> {
    let store = shop.app().store();
    let external: Option<ExternalId> = given.optional("external_id");
    let license: Option<LicenseId> = given.optional("license_id");
    let window: Window<AgreementId> = given.window("agreements")?;
    let one = match (&external, license) {
        (Some(id), _) => Some(store.chain_of_external(id).await?),
        (None, Some(id)) => Some(store.chain_of_license(id).await?),
        (None, None) => None,
    };
    if let Some(found) = one {
        let wanted = found.filter(|chain| license.is_none_or(|id| chain.license == Some(id)));
        return Ok(Json(Page::new(wanted.iter().map(ChainAnswer::new).collect(), None)));
    }
    let mut ids = store.chains_after(window.after, window.to_read()).await?;
    let next = window.cut(&mut ids, |id| *id);
    let mut items = Vec::new();
    for id in ids {
        // One that was joined to another meanwhile is listed there.
        items.extend(store.chain(id).await?.as_ref().map(ChainAnswer::new));
    }
    Ok(Json(Page::new(items, next)))
}

/// The chain that an agreement is in.
#[utoipa::path(get, path = "/admin/v1/agreements/{id}", tag = "agreements",
    params(("id" = String, Path, description = "An agreement, `agr_…`")),
    responses(
        (status = 200, body = ChainAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(State(shop): State<Shop>, Path(id): Path<String>) -> Result<Json<ChainAnswer>, Error> {
    Ok(Json(ChainAnswer::new(&chain_of_path(&shop, &id).await?)))
}

/// What is to be linked.
#[derive(Debug)]
pub(super) struct Link {
    to: AgreementId,
    reason: PersonText,
}

/// The body of a link.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Link)]
#[expect(dead_code, reason = "the schema of what `Link` reads")]
pub(super) struct LinkSchema {
    /// An agreement of the other chain.
    to: String,
    /// Why they belong together: 1 to 200 characters in one line.
    reason: String,
}

impl FromBody for Link {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (to, reason) = (fields.required("to", str::parse), fields.required("reason", str::parse));
        Some(Self { to: to?, reason: reason? })
    }
}

/// Joins two chains: one customer, one licence. For the renewal that the cloud has not named as one.
#[utoipa::path(post, path = "/admin/v1/agreements/{id}/link", tag = "agreements",
    params(
        ("id" = String, Path, description = "An agreement, `agr_…`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = LinkSchema,
    responses(
        (status = 200, body = ChainAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn link(State(shop): State<Shop>, Path(id): Path<String>, call: Call<Link>) -> Result<Success, Error> {
    let now = shop.app().clock().now();
    for _ in 0..TRIES {
        if let Some(answered) = call.once.answered(shop.app(), now).await? {
            return Ok(answered);
        }
        let one = chain_of_path(&shop, &id).await?;
        let other = shop.app().store().chain_of_agreement(call.body.to).await?;
        let other = other.ok_or(Error::RuleViolated("There is no agreement `to`: compare its id."))?;
        if one.id == other.id {
            return Success::new(StatusCode::OK, &ChainAnswer::new(&one));
        }
        let from = one.current().state().as_str();
        let conflict = |detail: String| Error::StateConflict { from, action: "link", detail };
        let revoked = revoked(&shop, &one, &other).await?;
        let joined = one.clone().without(revoked).join(other.clone().without(revoked));
        let mut joined = joined.map_err(|refusal| conflict(format!("{refusal}.")))?;
        let (stays, goes) = if joined.id == one.id { (one, other) } else { (other, one) };
        let note = LinkNote { at: now, by: call.caller.name().to_owned(), reason: call.body.reason.clone() };
        for agreement in joined.agreements.iter_mut().filter(|agreement| goes.agreement(agreement.id).is_some()) {
            agreement.linked = Some(note.clone());
        }
        let plan = LicensePlan::of(&shop, &mut joined, now).await?;
        joined.version = stays.version + 1;
        let success = Success::new(StatusCode::OK, &ChainAnswer::new(&joined))?;
        let mut along = Along::default();
        call.once.keep(&mut along, &success, now)?;
        plan.goes(&mut along, now)?;
        let change = KeepChain {
            before: Some(&stays),
            after: &joined,
            absorbed: Some(&goes),
            told_by: None,
            license: plan.change(),
            customer: None,
        };
        if shop.app().store().keep_chain(change, &along).await? == Committed::Done {
            plan.send(&shop, now).await;
            return Ok(success);
        }
    }
    Err(StoreError::Contention { item: id }.into())
}

/// Of two chains that have both given a licence, the one that is revoked: it stands in nobody's way.
async fn revoked(shop: &Shop, one: &Chain, other: &Chain) -> Result<Option<LicenseId>, Error> {
    let Some((first, second)) = one.license.zip(other.license) else { return Ok(None) };
    for id in [first, second] {
        let license = shop.app().store().license(id).await?;
        if license.is_some_and(|license| matches!(license.standing, Standing::Revoked { .. })) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

async fn chain_of_path(shop: &Shop, id: &str) -> Result<Chain, Error> {
    let id: AgreementId = id.parse().map_err(|_| Error::NotFound)?;
    shop.app().store().chain_of_agreement(id).await?.ok_or(Error::NotFound)
}
