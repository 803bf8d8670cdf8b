//! `POST /v1/validations`: the daily check.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use marque_core::{Check, License, LicenseCode, LicenseId, Purpose, Timestamp, TokenId, evaluate};
use marque_store::{CheckIn, KeyRule};
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{CheckAnswer, Context, answer};
use super::caller::{Caller, FingerprintSchema};
use super::checking::{check_kind, count_fork, held_lease, license_of, new_token_id, stamp};
use crate::App;
use crate::http::{Body, Fields, FromBody, UnknownMembers, signed_by};
use crate::problem::{Error, Problem};

const PATH: &str = "/v1/validations";

/// A server that wants to go on running.
#[derive(Debug)]
pub(crate) struct Validation {
    license: LicenseName,
    caller: Caller,
    lease: Option<String>,
}

/// A licence by its id, or by the code that may stand in for it.
#[derive(Debug)]
enum LicenseName {
    Id(LicenseId),
    Code(LicenseCode),
    Mistyped,
}

/// The body of a validation.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Validation)]
#[expect(dead_code, reason = "the schema of what `Validation` reads")]
pub(crate) struct ValidationSchema {
    /// The licence; `code` may stand in for it.
    #[schema(pattern = "^lic_[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    license_id: Option<String>,
    /// The licence's code, instead of `license_id`.
    code: Option<String>,
    #[schema(pattern = "^[a-z0-9-]{1,40}$")]
    product: String,
    fingerprint: FingerprintSchema,
    /// The UUID that the server made at its first start: a statistic.
    #[schema(pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    instance_id: String,
    /// Fresh for each call; the signed answer repeats it.
    #[schema(pattern = "^[A-Za-z0-9_-]{16,64}$")]
    nonce: String,
    /// The last lease.
    lease: Option<String>,
    /// A statistic.
    product_version: Option<String>,
}

impl FromBody for Validation {
    const UNKNOWN: UnknownMembers = UnknownMembers::Ignored;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.optional("license_id", str::parse).map(LicenseName::Id);
        let code = fields
            .optional("code", |text| Ok::<_, &str>(text.parse().map_or(LicenseName::Mistyped, LicenseName::Code)));
        if !fields.has("license_id") && !fields.has("code") {
            fields.fault::<()>("license_id", "is missing: send it, or `code` in its place");
        }
        let caller = Caller::read(fields);
        // Whatever a lease is, it must never stop a server: only a text can be one.
        let lease = fields.lenient("lease");
        Some(Self { license: id.or(code)?, caller: caller?, lease })
    }
}

/// The daily check: the server may go on, or learns why not. A verdict is not an error: a known licence that may not run
/// is `200` with `"valid": false`.
#[utoipa::path(
    post,
    path = PATH,
    tag = "servers",
    request_body = ValidationSchema,
    params(("Marque-Signature" = Option<String>, Header, description = "Ed25519 by the machine's key, for an activation that registered one")),
    security((), ("machine" = [])),
    responses(
        (status = 200, body = CheckAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn validate(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body<Validation>,
) -> Result<Response, Error> {
    let now = app.clock().now();
    let Validation { license, caller, lease } = &body.value;
    let id = match license {
        LicenseName::Id(id) => *id,
        LicenseName::Code(code) => license_of(&app, code).await?,
        LicenseName::Mistyped => return Err(Error::CodeMistyped),
    };
    let jti = new_token_id(now);
    let key = match signer(&app, &headers, &body.bytes, id, caller).await? {
        Signer::Known(key) => key,
        Signer::Replaced(license) => return replaced(&app, &license, caller, jti, now).await,
    };
    let checked = app.store().check_in(stamp(caller, id, jti, key, now)).await?.ok_or(Error::LicenseNotFound)?;
    let license = checked.license();
    check_kind(caller, license)?;
    check_key(&checked, key, caller)?;
    let plans = app.plans(license).await?;
    let check = Check { product: &caller.product, domain: &caller.fingerprint.value, purpose: Purpose::Validate };
    let verdict = evaluate(license, plans.as_ref(), check, now);
    let prev = held_lease(&app, lease.as_deref(), id, now).await;
    if verdict.is_valid() {
        count_fork(&app, license, caller, prev).await;
    }
    answer(&app, StatusCode::OK, &verdict, Context { caller, jti, prev, activation: None, machine: None }).await
}

/// By whom a check is signed.
enum Signer {
    Known(KeyRule),
    /// By a machine that another one of its account has replaced.
    Replaced(Box<License>),
}

/// The machine that was replaced learns so; nothing is stamped.
async fn replaced(
    app: &App,
    license: &License,
    caller: &Caller,
    jti: TokenId,
    now: Timestamp,
) -> Result<Response, Error> {
    check_kind(caller, license)?;
    let plans = app.plans(license).await?;
    let check =
        Check { product: &caller.product, domain: &caller.fingerprint.value, purpose: Purpose::ValidateReplaced };
    let verdict = evaluate(license, plans.as_ref(), check, now);
    let context = Context { caller, jti, prev: None, activation: None, machine: None };
    answer(app, StatusCode::OK, &verdict, context).await
}

/// A signed check reads the machine's key first: nothing is stamped before its signature was checked.
async fn signer(app: &App, headers: &HeaderMap, bytes: &[u8], id: LicenseId, caller: &Caller) -> Result<Signer, Error> {
    if !headers.contains_key("marque-signature") {
        return Ok(Signer::Known(KeyRule::Unsigned));
    }
    let license = app.store().license(id).await?.ok_or(Error::LicenseNotFound)?;
    let by = |key: &[u8; 32]| signed_by(headers, key, &Method::POST, PATH, bytes);
    let activation = license.activations.get(&caller.fingerprint.value);
    let Some((key, activation)) = activation.and_then(|held| held.public_key.map(|key| (key, held))) else {
        return Ok(Signer::Known(KeyRule::Unsigned));
    };
    match by(&key) {
        Err(_) if activation.replaced_keys.iter().any(|key| by(key).is_ok()) => Ok(Signer::Replaced(Box::new(license))),
        judged => judged.map(|_| Signer::Known(KeyRule::Signed(key))),
    }
}

/// Why a check without a stamp got none, if it was for the machine's key.
fn check_key(checked: &CheckIn, used: KeyRule, caller: &Caller) -> Result<(), Error> {
    let CheckIn::Refused(license) = checked else { return Ok(()) };
    let registered = license.activations.get(&caller.fingerprint.value).and_then(|activation| activation.public_key);
    match (registered, used) {
        _ if license.product != caller.product => Ok(()),
        (Some(_), KeyRule::Unsigned) => Err(Error::SignatureRequired),
        (Some(key), KeyRule::Signed(used)) if key != used => Err(Error::SignatureInvalid),
        _ => Ok(()),
    }
}
