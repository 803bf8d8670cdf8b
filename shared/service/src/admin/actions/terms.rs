//! Actions on what is paid: renew, change the plan, take back, cancel, extend.

use axum::extract::{Path, State};
use marque_core::{PlanRef, What};

use super::bodies::{
    Cancel, CancelSchema, ChangePlan, ChangePlanSchema, Extend, ExtendSchema, Nothing, NothingSchema, Renew,
    RenewSchema,
};
use super::{Made, Sells, act};
use crate::App;
use crate::admin::license::LicenseAnswer;
use crate::admin::{Call, Success};
use crate::history::note;
use crate::problem::{Error, Problem};

/// Pays for more periods, on the plan that is pending if there is one; takes back a cancellation.
#[utoipa::path(post, path = "/admin/v1/licenses/{id}/renew", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = RenewSchema,
    responses(
        (status = 200, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn renew(State(app): State<App>, Path(id): Path<String>, call: Call<Renew>) -> Result<Success, Error> {
    let Renew { n, discount_id } = &call.body;
    act(&app, &id, &call, Sells::More(*discount_id), |seen| {
        let (offer, percent) = seen.sale()?;
        let after = seen.sold_here()?.renew(*n, offer, seen.plans(), seen.now)?;
        let PlanRef { plan, revision } = offer.reference.clone();
        let through = after.last_term().paid.end().unwrap_or(seen.now).day();
        Ok(Some(Made::new(after, What::Renewed { periods: *n, plan, revision, through, percent })))
    })
    .await
}

/// Changes to another plan: upward at once, with the unused days kept; downward when the term ends and is renewed.
#[utoipa::path(post, path = "/admin/v1/licenses/{id}/change-plan", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = ChangePlanSchema,
    responses(
        (status = 200, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change_plan(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call<ChangePlan>,
) -> Result<Success, Error> {
    let ChangePlan { plan, discount_id } = &call.body;
    act(&app, &id, &call, Sells::Plan(plan, *discount_id), |seen| {
        let (offer, percent) = seen.sale()?;
        let after = seen.sold_here()?.change_plan(offer, seen.plans(), seen.now)?;
        let scheduled = after.running == seen.license.running;
        if scheduled && discount_id.is_some() {
            return Err(Error::RuleViolated(
                "A change at the end of the term is paid at its renewal: give the discount there.",
            ));
        }
        let PlanRef { plan, revision } = offer.reference.clone();
        let what =
            if scheduled { What::ChangeScheduled { plan } } else { What::PlanChanged { plan, revision, percent } };
        Ok(Some(Made::new(after, what)))
    })
    .await
}

/// Takes back a cancellation or change that has not taken effect.
#[utoipa::path(post, path = "/admin/v1/licenses/{id}/withdraw-change", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = NothingSchema,
    responses(
        (status = 200, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn withdraw_change(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call<Nothing>,
) -> Result<Success, Error> {
    act(&app, &id, &call, Sells::Nothing, |seen| {
        let after = seen.sold_here()?.withdraw_change(seen.plans(), seen.now)?;
        Ok(Some(Made::new(after, What::ChangeWithdrawn)))
    })
    .await
}

/// Lets the licence end with the paid time, without a grace.
#[utoipa::path(post, path = "/admin/v1/licenses/{id}/cancel", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = CancelSchema,
    responses(
        (status = 200, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call<Cancel>,
) -> Result<Success, Error> {
    act(&app, &id, &call, Sells::Nothing, |seen| {
        let after = seen.sold_here()?.cancel(seen.plans(), seen.now)?;
        let reason = call.body.reason.as_ref().map(note);
        let what = What::Cancelled { reason: reason.as_ref().map(|reason| reason.note()) };
        Ok(Some(Made { note: reason, ..Made::new(after, what) }))
    })
    .await
}

/// Lengthens a trial, from the later of its end and today.
#[utoipa::path(post, path = "/admin/v1/licenses/{id}/extend", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = ExtendSchema,
    responses(
        (status = 200, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn extend(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call<Extend>,
) -> Result<Success, Error> {
    let Extend { days, reason } = &call.body;
    act(&app, &id, &call, Sells::Nothing, |seen| {
        let after = seen.sold_here()?.extend(*days, seen.plans(), seen.now)?;
        let reason = note(reason);
        Ok(Some(Made::new(after, What::Extended { days: *days, reason: reason.note() }).because(reason)))
    })
    .await
}
