//! `.lic` files, made by support: also for a site without internet, whose domain is bound first.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use marque_core::time::DAY;
use marque_core::{ActivationId, Binding, Fingerprint, FingerprintValue, License, Timestamp, What};
use marque_store::{Along, Bind, Committed, StoreError};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Call, Caller, Success, licenses};
use crate::app::LicensePlans;
use crate::history::new_event;
use crate::http::{Fields, FromBody, UnknownMembers};
use crate::mail::Announcement;
use crate::problem::{Error, Problem};
use crate::validate::{FileFor, FingerprintSchema, TRIES, check_files, download, file_domain};
use crate::{App, chance};

/// What a file is for.
#[derive(Debug)]
pub(crate) struct NewFile {
    fingerprint: Option<Fingerprint>,
}

/// The body of a file.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewFile)]
#[expect(dead_code, reason = "the schema of what `NewFile` reads")]
pub(crate) struct NewFileSchema {
    /// The domain of a site without internet: it is bound first. If absent, the domain that was bound last.
    fingerprint: Option<FingerprintSchema>,
}

impl FromBody for NewFile {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        if !fields.has("fingerprint") {
            fields.absent("fingerprint");
            return Some(Self { fingerprint: None });
        }
        let fingerprint = fields.object("fingerprint", read_fingerprint);
        Some(Self { fingerprint: Some(fingerprint?) })
    }
}

/// A fingerprint with its kind.
pub(super) fn read_fingerprint(fields: &mut Fields<'_>) -> Option<Fingerprint> {
    let kind = fields.required("kind", str::parse);
    let value = fields.required("value", str::parse);
    Some(Fingerprint { kind: kind?, value: value? })
}

/// Makes the `.lic` file of a perpetual licence, or gives it again: once per licence and domain, the same bytes.
#[utoipa::path(post, path = "/admin/v1/licenses/{id}/file", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = NewFileSchema,
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "The file."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn make(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call<NewFile>,
) -> Result<Response, Error> {
    let now = app.clock().now();
    for _ in 0..TRIES {
        let kept = call.once.answered(&app, now).await?;
        let license = licenses::of_path(&app, &id).await?;
        if let Some(kept) = kept {
            return given_again(&app, &license, &kept).await;
        }
        let plans = app.plans(&license).await?;
        check_files(&license, &plans, now)?;
        let domain = match call.body.fingerprint {
            Some(fingerprint) if !license.activations.contains_key(&fingerprint.value) => {
                match bind(&app, &license, &plans, fingerprint, &call.caller, now).await? {
                    // Either way the licence is another one now: it is read again.
                    Committed::Done | Committed::Overtaken => continue,
                }
            }
            Some(fingerprint) => fingerprint.value,
            None => file_domain(&license)?,
        };
        // The file itself is kept with the licence, so the answer only says which it is.
        let mut along = Along::default();
        let success = Success::new(StatusCode::OK, &json!({"fingerprint": domain}))?;
        call.once.keep(&mut along, &success, now)?;
        let file = FileFor { license: &license, plans: &plans, domain, by: call.caller.actor(), now };
        if let Some(file) = file.made_before(&app).await? {
            if app.store().keep(&along).await? == Committed::Done {
                return Ok(download(license.id, file).into_response());
            }
        } else if let Some(file) = file.make(&app, &along).await? {
            return Ok(download(license.id, file).into_response());
        }
    }
    Err(StoreError::Contention { item: id }.into())
}

async fn given_again(app: &App, license: &License, kept: &Success) -> Result<Response, Error> {
    let domain = kept.text("fingerprint").and_then(|text| text.parse::<FingerprintValue>().ok());
    let file = match domain {
        Some(domain) => app.store().file(license.id, &domain).await?,
        None => None,
    };
    file.map(|file| download(license.id, file).into_response()).ok_or(Error::NotFound)
}

/// Binds a domain by the rules of activation, without a server that has ever called.
pub(super) async fn bind(
    app: &App,
    license: &License,
    plans: &LicensePlans,
    fingerprint: Fingerprint,
    caller: &Caller,
    now: Timestamp,
) -> Result<Committed, Error> {
    let Fingerprint { kind, value: domain } = fingerprint;
    if kind != license.fingerprint_kind {
        let wanted = license.fingerprint_kind.as_str();
        return Err(Error::invalid("/fingerprint/kind", format!("must be `{wanted}`: the product asks for it")));
    }
    let position = license.position(plans.as_ref(), now);
    let rebind = match license.judge_binding(&domain, position.plan, now) {
        Binding::Held => return Ok(Committed::Done),
        Binding::Free => false,
        Binding::Rebind => true,
        Binding::OverLimit => {
            return Err(Error::RuleViolated(
                "Another domain holds the licence, or its rebinds of the year are used up: release a server, or issue a licence for this domain.",
            ));
        }
        Binding::TooOften => {
            let rest_of_the_day = DAY - now.unix() % DAY;
            return Err(Error::RateLimited { retry_after: u32::try_from(rest_of_the_day).unwrap_or(3600) });
        }
    };
    let activation = ActivationId::new(now, chance::draw());
    let mut after = license.clone().bind(domain, activation, None, position.plan, now);
    let what = What::Activated { activation, fingerprint: domain, rebind };
    let event = new_event(license, caller.actor(), what, now);
    after.head = event.head();
    let plans = plans.as_ref();
    let bind = Bind { before: license, after: &after, plans, domain: &domain, activation, event: &event };
    let (announcement, mut along) = (Announcement::of(&event, &after), Along::default());
    announcement.goes(&mut along, now)?;
    let committed = app.store().bind(bind, &along).await?;
    if committed == Committed::Done {
        announcement.send(app, now).await;
    }
    Ok(committed)
}
