//! Machines of clouds: what support compares with the clouds' usage reports, confirms or shuts out.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use marque_core::listing::Mode;
use marque_core::machine::Held;
use marque_core::{Cloud, License, LicenseId, RegisteredMachine, Slug, Standing, Timestamp, What};
use marque_store::{Along, Change, Committed, ListedMachine, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use super::actions::{Because, BecauseSchema};
use super::page::{Page, PageParameters, Parameters};
use super::{Call, Caller, Success};
use crate::App;
use crate::history::{new_event, note};
use crate::problem::{Error, Problem};
use crate::validate::TRIES;

/// A machine as it registered last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegisteredMachine)]
pub(crate) struct MachineAnswer {
    #[schema(value_type = String)]
    cloud: Cloud,
    account: String,
    instance: String,
    #[schema(required = true)]
    region: Option<String>,
    /// The listing that it was started from; null when only the machine is proven.
    #[schema(required = true)]
    product_claim: Option<String>,
    #[schema(value_type = String)]
    mode: Mode,
    #[schema(value_type = String)]
    product: Slug,
    #[schema(value_type = String)]
    license_id: LicenseId,
    /// Every licence that it has, of this product and others: what `confirm` and `revoke` are about.
    #[schema(value_type = Vec<String>)]
    licenses: BTreeSet<LicenseId>,
    /// Listing and freshness are proven, or somebody has confirmed it.
    confirmed: bool,
    /// It is shut out.
    revoked: bool,
    #[schema(value_type = String, format = DateTime)]
    registered_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    proven_at: Timestamp,
    /// The latest start that a proof told (AWS).
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    started_at: Option<Timestamp>,
}

impl From<RegisteredMachine> for MachineAnswer {
    fn from(machine: RegisteredMachine) -> Self {
        Self {
            licenses: machine.licenses(),
            cloud: machine.cloud,
            account: machine.account,
            instance: machine.instance,
            region: machine.region,
            product_claim: machine.claim,
            mode: machine.mode,
            product: machine.product,
            license_id: machine.license,
            confirmed: machine.confirmed,
            revoked: machine.revoked,
            registered_at: machine.registered_at,
            proven_at: machine.proven_at,
            started_at: machine.started_at,
        }
    }
}

/// The machines of a cloud, by account; those of one account, or those that are confirmed or not, if it is asked for. What
/// is not asked for makes a page shorter.
#[utoipa::path(get, path = "/admin/v1/machines", tag = "machines",
    params(
        ("cloud" = String, Query, description = "`aws`, `azure`, `gcp` or `oci`"),
        ("account" = Option<String>, Query, description = "The account, subscription, project number or tenancy"),
        ("confirmed" = Option<bool>, Query, description = "Only those that are, or are not"),
        PageParameters,
    ),
    responses(
        (status = 200, body = Page<MachineAnswer>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    mut parameters: Parameters,
) -> Result<Json<Page<MachineAnswer>>, Error> {
    let cloud: Option<Cloud> = parameters.optional("cloud");
    let account: Option<String> = parameters.optional("account");
    let confirmed: Option<bool> = parameters.optional("confirmed");
    if cloud.is_none() {
        parameters.fault::<()>("cloud", "must be one of aws, azure, gcp, oci");
    }
    let name = format!("machines {cloud:?} {account:?} {confirmed:?}");
    let window = parameters.window::<ListedMachine>(&name)?;
    let cloud = cloud.ok_or(Error::NotFound)?;
    let mut found = app.store().machines(cloud, account.as_deref(), window.after.as_ref(), window.to_read()).await?;
    let next = window.cut(&mut found, Clone::clone);
    let mut items = Vec::new();
    for listed in found {
        let machine = app.store().machine(cloud, &listed.instance).await?;
        // Whoever has moved to another account is listed there.
        let machine = machine.filter(|machine| machine.account == listed.account);
        let wanted = machine.filter(|machine| confirmed.is_none_or(|confirmed| machine.confirmed == confirmed));
        items.extend(wanted.map(MachineAnswer::from));
    }
    Ok(Json(Page::new(items, next)))
}

/// Confirms a machine, or shuts it out: then it cannot register any more, and a licence that its cloud bills is revoked with
/// it.
#[utoipa::path(post, path = "/admin/v1/machines/{cloud}/{instance}/{action}", tag = "machines",
    params(
        ("cloud" = String, Path, description = "The cloud"),
        ("instance" = String, Path, description = "The machine"),
        ("action" = String, Path, description = "`confirm`, since the cloud's usage report names it, or `revoke`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = BecauseSchema,
    responses(
        (status = 200, body = MachineAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn act(
    State(app): State<App>,
    Path((cloud, instance, action)): Path<(String, String, String)>,
    call: Call<Because>,
) -> Result<Success, Error> {
    let action = match action.as_str() {
        "confirm" => Action::Confirm,
        "revoke" => Action::Revoke,
        _ => return Err(Error::NotFound),
    };
    change(&app, (&cloud, &instance), &call, action).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Confirm,
    Revoke,
}

/// The machine and the histories of its licences, all or nothing.
async fn change(app: &App, path: (&str, &str), call: &Call<Because>, action: Action) -> Result<Success, Error> {
    let cloud: Cloud = path.0.parse().map_err(|_| Error::NotFound)?;
    let now = app.clock().now();
    for _ in 0..TRIES {
        if let Some(kept) = call.once.answered(app, now).await? {
            return Ok(kept);
        }
        let machine = app.store().machine(cloud, path.1).await?.ok_or(Error::NotFound)?;
        if action == Action::Confirm && machine.revoked {
            let detail = "It was shut out, and its licence with it, for good: the customer needs another machine.";
            return Err(Error::StateConflict { from: "revoked", action: "confirm", detail: detail.to_owned() });
        }
        let mut record = RegisteredMachine { version: machine.version + 1, ..machine.clone() };
        let mut along = Along::default();
        match action {
            Action::Confirm => record = record.compared(),
            Action::Revoke => {
                record.revoked = true;
                record.holds.clear();
            }
        }
        along.machine(&record, Some(&machine))?;
        for id in machine.licenses() {
            let license = app.store().license(id).await?.ok_or(Error::LicenseNotFound)?;
            let plans = app.plans(&license).await?;
            let reason = note(&call.body.reason);
            let (mut after, what) = match (action, billed_to(app, &machine, &license).await?) {
                (Action::Confirm, _) => {
                    (license.clone().noted(), What::MachineConfirmed { cloud, reason: reason.note() })
                }
                (Action::Revoke, Some((product, held))) => {
                    // The account's next machine in this domain starts anew.
                    along.not_billed(&machine, product, &held);
                    (license.clone().revoke(plans.as_ref(), now)?, What::Revoked { reason: reason.note() })
                }
                (Action::Revoke, None) => {
                    (license.clone().noted(), What::MachineShutOut { cloud, reason: reason.note() })
                }
            };
            let event = new_event(&license, call.caller.actor(), what, now).beside(Some(reason));
            after.head = event.head();
            let (plans_before, plans_after) = (plans.as_ref(), plans.as_ref());
            along.transition(Change { before: &license, after: &after, plans_before, plans_after, event: &event })?;
        }
        let answer = MachineAnswer { licenses: machine.licenses(), ..record.into() };
        let success = Success::new(StatusCode::OK, &answer)?;
        call.once.keep(&mut along, &success, now)?;
        if app.store().keep(&along).await? == Committed::Done {
            return Ok(success);
        }
    }
    Err(StoreError::Contention { item: "a machine".to_owned() }.into())
}

/// The product and domain in which its cloud bills the machine for the licence, if it does: what another has taken over
/// goes on, and what support has revoked stays so.
async fn billed_to<'m>(
    app: &App,
    machine: &'m RegisteredMachine,
    license: &License,
) -> Result<Option<(&'m Slug, Held)>, Error> {
    let Some((product, held)) = machine.holds.iter().find(|(_, held)| held.license == license.id) else {
        return Ok(None);
    };
    if matches!(license.standing, Standing::Revoked { .. }) {
        return Ok(None);
    }
    let billed = app.store().billed(machine.cloud, &machine.account, product, &held.domain).await?;
    let still = billed.is_some_and(|billed| billed.instance == machine.instance && billed.license == held.license);
    Ok(still.then_some((product, *held)))
}
