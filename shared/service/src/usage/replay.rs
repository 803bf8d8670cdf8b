//! Sending an hour again, after a person has mended what it was quarantined for.

use axum::extract::{Path, State};
use http::StatusCode;
use marque_core::usage::{EntryKey, Hour, Quantity};
use marque_core::{AgreementId, PersonText};
use marque_store::{Along, Committed, KeptHour, Replay, StoreError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::timeline::HourAnswer;
use crate::admin::{Call, Success};
use crate::http::{Fields, FromBody, UnknownMembers};
use crate::marketplace::Shop;
use crate::problem::{Error, Problem};
use crate::validate::TRIES;

/// The body of a replay.
#[derive(Debug)]
pub(super) struct Again {
    quantity: Quantity,
    reason: PersonText,
}

impl FromBody for Again {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (quantity, reason) = (fields.required("quantity", str::parse), fields.required("reason", str::parse));
        Some(Self { quantity: quantity?, reason: reason? })
    }
}

/// What is sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = UsageAgain)]
#[expect(dead_code, reason = "the schema of what `Again` reads")]
pub(super) struct AgainSchema {
    /// The hour's quantity: whoever sends it again has looked at it.
    quantity: String,
    /// What was mended: 1 to 200 characters in one line.
    reason: String,
}

/// Sends an hour again, as it was sealed, that is quarantined or held.
#[utoipa::path(post, path = "/admin/v1/usage/{agreement}/hours/{hour}/{dimension}/replay", tag = "usage",
    params(
        ("agreement" = String, Path, description = "An agreement, `agr_…`"),
        ("hour" = String, Path, description = "The hour's first second, `2027-03-10T10:00:00Z`"),
        ("dimension" = String, Path, description = "The dimension's API name"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = AgainSchema,
    responses(
        (status = 200, body = HourAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn replay(
    State(shop): State<Shop>,
    Path((agreement, hour, dimension)): Path<(String, String, String)>,
    call: Call<Again>,
) -> Result<Success, Error> {
    let now = shop.app().clock().now();
    let agreement: AgreementId = agreement.parse().map_err(|_| Error::NotFound)?;
    let hour: Hour = hour.parse().map_err(|_| Error::NotFound)?;
    let chain = shop.metered(agreement).await?.ok_or(Error::NotFound)?;
    for _ in 0..TRIES {
        if let Some(answered) = call.once.answered(shop.app(), now).await? {
            return Ok(answered);
        }
        let key = EntryKey { chain: chain.id, agreement, hour, dimension: dimension.clone() };
        let before = find(&shop, &chain, key).await?.ok_or(Error::NotFound)?;
        let wanted = before.entry.state.sealed().map(|sealed| sealed.record.quantity);
        if wanted.is_some_and(|quantity| quantity != call.body.quantity) {
            return Err(Error::RuleViolated("The hour was sealed with another quantity: look at it again."));
        }
        let from = before.entry.state.name();
        let entry = before.entry.clone().replay(now).map_err(|refusal| Error::StateConflict {
            from: from.as_str(),
            action: "replay",
            detail: format!(
                "{}. Only an hour that is quarantined or held, and that the marketplace still takes, is sent again.",
                sentence(&refusal.to_string())
            ),
        })?;
        let agreement = chain.agreement(entry.key.agreement);
        let due =
            agreement.zip(entry.state.sealed()).map(|(agreement, sealed)| agreement.send_from(sealed.record.timestamp));
        let mut replays = before.replays.clone();
        replays.push(Replay {
            at: now,
            by: call.caller.name().to_owned(),
            reason: call.body.reason.as_str().to_owned(),
        });
        let after = KeptHour { entry, due, next_try: None, replays, forget_at: None };
        let success = Success::new(StatusCode::OK, &HourAnswer::new(&after))?;
        let mut along = Along::default();
        call.once.keep(&mut along, &success, now)?;
        if shop.app().store().change_hour(&before, &after, &along).await? == Committed::Done {
            tracing::info!(hour = %after.entry.key, by = call.caller.name(), "an hour is sent again");
            return Ok(success);
        }
    }
    Err(StoreError::Contention { item: format!("{agreement} {hour} {dimension}") }.into())
}

/// The hour of the agreement that was named, or else of another one of its chain.
async fn find(shop: &Shop, chain: &marque_core::usage::Chain, key: EntryKey) -> Result<Option<KeptHour>, Error> {
    let named = key.agreement;
    let others = chain.agreements.iter().map(|agreement| agreement.id).filter(|id| *id != named);
    for agreement in std::iter::once(named).chain(others) {
        let key = EntryKey { agreement, ..key.clone() };
        if let Some(found) = shop.app().store().usage_hour(&key).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
