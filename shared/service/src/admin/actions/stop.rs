//! Actions that stop a licence or free its domain: suspend, reinstate, revoke, release.

use axum::extract::{Path, State};
use marque_core::token::{Revoked, Subject};
use marque_core::{Kind, License, What};

use super::bodies::{Because, BecauseSchema, Reinstate, ReinstateSchema, Release, ReleaseSchema};
use super::{Made, Sells, act};
use crate::App;
use crate::admin::license::LicenseAnswer;
use crate::admin::{Call, Success};
use crate::history::note;
use crate::problem::{Error, Problem};

/// Stops a licence for a while.
#[utoipa::path(post, path = "/admin/v1/licenses/{id}/suspend", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = BecauseSchema,
    responses(
        (status = 200, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn suspend(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call<Because>,
) -> Result<Success, Error> {
    act(&app, &id, &call, Sells::Nothing, |seen| {
        let after = seen.license.clone().suspend(seen.plans(), seen.now)?;
        let reason = note(&call.body.reason);
        Ok(Some(Made::new(after, What::Suspended { reason: reason.note() }).because(reason)))
    })
    .await
}

/// Ends a suspension; the whole days that it lasted are given back, unless they are to be consumed.
#[utoipa::path(post, path = "/admin/v1/licenses/{id}/reinstate", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = ReinstateSchema,
    responses(
        (status = 200, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reinstate(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call<Reinstate>,
) -> Result<Success, Error> {
    let Reinstate { reason, consume } = &call.body;
    act(&app, &id, &call, Sells::Nothing, |seen| {
        let after = seen.license.clone().reinstate(*consume, seen.plans(), seen.now)?;
        let reason = note(reason);
        let what = What::Reinstated { reason: reason.note(), consume: *consume };
        Ok(Some(Made::new(after, what).because(reason)))
    })
    .await
}

/// Ends a licence for good. A perpetual one goes on the list of what is no longer good.
#[utoipa::path(post, path = "/admin/v1/licenses/{id}/revoke", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = BecauseSchema,
    responses(
        (status = 200, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call<Because>,
) -> Result<Success, Error> {
    act(&app, &id, &call, Sells::Nothing, |seen| {
        let after = seen.license.clone().revoke(seen.plans(), seen.now)?;
        let reason = note(&call.body.reason);
        // Files need no lease, so only the list can end them; whatever checks in is denied.
        let has_files = seen.license.position(seen.plans(), seen.now).plan.kind() == Kind::Perpetual;
        let subject = Subject::License(after.id);
        let listed = has_files.then(|| Revoked { subject, at: seen.now, reason: "revoked".to_owned() });
        Ok(Some(Made { listed, ..Made::new(after, What::Revoked { reason: reason.note() }).because(reason) }))
    })
    .await
}

/// Frees a domain, also one that a file was made for: that file goes on the list of what is no longer good.
#[utoipa::path(post, path = "/admin/v1/licenses/{id}/release", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = ReleaseSchema,
    responses(
        (status = 200, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn release(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call<Release>,
) -> Result<Success, Error> {
    let Release { activation_id, reason } = &call.body;
    act(&app, &id, &call, Sells::Nothing, |seen| {
        let activation = match activation_id {
            Some(activation) => *activation,
            None => only_activation(&seen.license)?,
        };
        let Some(released) = seen.license.clone().release(activation, true, seen.plans(), seen.now)? else {
            return Ok(None);
        };
        let reason = note(reason);
        let listed = released.file.map(|file| Revoked {
            subject: Subject::Token(file),
            at: seen.now,
            reason: "moved".to_owned(),
        });
        let what = What::Released { activation, reason: Some(reason.note()) };
        Ok(Some(Made { listed, ..Made::new(released.license, what).because(reason) }))
    })
    .await
}

/// The one activation of a licence.
fn only_activation(license: &License) -> Result<marque_core::ActivationId, Error> {
    let mut activations = license.activations.values();
    match (activations.next(), activations.next()) {
        (None, _) => Err(Error::NotActivated),
        (Some(one), None) => Ok(one.id),
        _ => Err(Error::invalid("/activation_id", "must say which: several domains are bound")),
    }
}
