//! `GET /v1/licenses/{id}/file`: the `.lic` of a perpetual licence.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use marque_core::token::{LicFile, LicenseFile, Licensee};
use marque_core::{
    Actor, Fingerprint, FingerprintValue, Kind, License, LicenseId, State as LicenseState, Timestamp, TokenId, What,
};
use marque_store::{Along, Change, Committed, IssuedFile, StoreError};

use super::checking::{TRIES, new_token_id};
use crate::App;
use crate::app::LicensePlans;
use crate::history::new_event;
use crate::http::license_code;
use crate::problem::{Error, Problem};

/// The `.lic` file of a perpetual licence, once it is bound. Asking again gives the same bytes.
#[utoipa::path(
    get,
    path = "/v1/licenses/{license_id}/file",
    tag = "servers",
    params(
        ("license_id" = String, Path, description = "The licence"),
        ("Authorization" = String, Header, description = "`License <code>`"),
    ),
    security(("code" = [])),
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "The file."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn license_file(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let now = app.clock().now();
    let code = license_code(&headers)?;
    let id: LicenseId = id.parse().map_err(|_| Error::NotFound)?;
    if app.store().license_by_code(&code.digest()).await? != Some(id) {
        return Err(Error::NotFound);
    }
    for _ in 0..TRIES {
        let license = app.store().license(id).await?.ok_or(Error::NotFound)?;
        let plans = app.plans(&license).await?;
        check_files(&license, &plans, now)?;
        let domain = file_domain(&license)?;
        let file = FileFor { license: &license, plans: &plans, domain, by: Actor::Holder, now };
        if let Some(file) = file.made_before(&app).await? {
            return Ok(download(id, file));
        }
        if let Some(file) = file.make(&app, Along::NOTHING).await? {
            return Ok(download(id, file));
        }
    }
    Err(StoreError::Contention { item: id.to_string() }.into())
}

/// Only perpetual licences that nobody has stopped get files.
pub(crate) fn check_files(license: &License, plans: &LicensePlans, now: Timestamp) -> Result<(), Error> {
    let position = license.position(plans.as_ref(), now);
    if position.plan.kind() != Kind::Perpetual {
        return Err(Error::NotPerpetual);
    }
    if let state @ (LicenseState::Revoked | LicenseState::Suspended) = position.state {
        let detail = "A licence that support has stopped gets no file: ask the vendor's support.".to_owned();
        return Err(Error::StateConflict { from: state.as_str(), action: "file", detail });
    }
    Ok(())
}

/// The domain that a file is for: the one that was bound last, or the only one.
pub(crate) fn file_domain(license: &License) -> Result<FingerprintValue, Error> {
    let last = license.bindings.last.filter(|domain| license.activations.contains_key(domain));
    last.or_else(|| license.activations.keys().next().copied()).ok_or(Error::NotActivated)
}

/// A file for a domain that holds the licence.
#[derive(Debug)]
pub(crate) struct FileFor<'a> {
    pub(crate) license: &'a License,
    pub(crate) plans: &'a LicensePlans,
    pub(crate) domain: FingerprintValue,
    pub(crate) by: Actor,
    pub(crate) now: Timestamp,
}

impl FileFor<'_> {
    /// The file that was made for this activation. One of an earlier activation of the domain is on the list of what is
    /// no longer good.
    pub(crate) async fn made_before(&self, app: &App) -> Result<Option<IssuedFile>, Error> {
        match self.license.activations.get(&self.domain).and_then(|bound| bound.file) {
            Some(_) => Ok(app.store().file(self.license.id, &self.domain).await?),
            None => Ok(None),
        }
    }

    /// Makes the file and keeps it; `None` when somebody else changed the licence meanwhile.
    pub(crate) async fn make(self, app: &App, along: &Along) -> Result<Option<IssuedFile>, Error> {
        let Self { license, plans, domain, by, now } = self;
        let mut after = license.clone();
        let Some(bound) = after.activations.get_mut(&domain) else { return Ok(None) };
        // A file whose text was erased is made again under its id, so that the list still finds it.
        let jti = bound.file.unwrap_or_else(|| new_token_id(now));
        bound.file = Some(jti);
        let event = new_event(license, by, What::FileIssued { activation: bound.id, jti }, now);
        after.head = event.head();
        after.version += 1;
        let claims = claims(app, license, plans, domain, jti, now).await?;
        let ring = app.keys().ring(now).await;
        let token = ring.file_key(now)?.sign(&claims).await?;
        let file = IssuedFile { text: LicFile::render(&claims, &token) };
        let (plans_before, plans_after) = (plans.as_ref(), plans.as_ref());
        let change = Change { before: license, after: &after, plans_before, plans_after, event: &event };
        let kept = app.store().keep_file(change, &domain, &file, along).await?;
        Ok((kept == Committed::Done).then_some(file))
    }
}

async fn claims(
    app: &App,
    license: &License,
    plans: &LicensePlans,
    domain: FingerprintValue,
    jti: TokenId,
    now: Timestamp,
) -> Result<LicenseFile, Error> {
    let customer = app.store().customer(license.customer).await?;
    let licensee = customer.map_or_else(
        || Licensee { name: String::new(), company: String::new() },
        |customer| Licensee { name: customer.name.as_str().to_owned(), company: customer.company.as_str().to_owned() },
    );
    let position = license.position(plans.as_ref(), now);
    Ok(LicenseFile {
        iss: app.issuer().to_owned(),
        aud: license.product.clone(),
        sub: license.id,
        jti,
        iat: now,
        expires: None,
        plan: position.reference.plan.clone(),
        kind: position.plan.kind().to_string(),
        features: position.features.clone().into_owned(),
        fingerprint: Fingerprint { kind: license.fingerprint_kind, value: domain },
        licensee,
        terms: format!("{}: for ever, for every version of the product, on one domain.", position.plan.name),
    })
}

/// The file as an attachment.
pub(crate) fn download(id: LicenseId, file: IssuedFile) -> Response {
    let disposition = format!("attachment; filename=\"{id}.lic\"");
    (
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, disposition)],
        file.text,
    )
        .into_response()
}
