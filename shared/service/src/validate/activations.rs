//! `POST /v1/activations`: first contact of a server, harmless to repeat; `DELETE /v1/activations/{id}`: its release.

use axum::extract::{Path, State};
use axum::response::Response;
use base64ct::{Base64UrlUnpadded, Encoding};
use http::{HeaderMap, StatusCode};
use marque_core::time::DAY;
use marque_core::token::PublicKey;
use marque_core::{
    ActivationId, Actor, Binding, Check, Kind, License, LicenseCode, LicenseId, Purpose, RegisteredMachine, Timestamp,
    What, evaluate,
};
use marque_store::{Along, Bind, Change, CheckIn, Committed, KeyRule, Stamp, StoreError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{CheckAnswer, Context, answer};
use super::caller::{Caller, FingerprintSchema};
use super::checking::{TRIES, check_kind, license_of, new_token_id, stamp};
use crate::app::LicensePlans;
use crate::history::new_event;
use crate::http::{Body, Fields, FromBody, UnknownMembers, license_code};
use crate::mail::Announcement;
use crate::problem::{Error, Problem};
use crate::{App, chance};

/// A server that shows its code.
#[derive(Debug)]
pub(crate) struct Activation {
    /// None: it is mistyped.
    code: Option<LicenseCode>,
    caller: Caller,
    public_key: Option<[u8; 32]>,
}

/// The body of an activation.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Activation)]
#[expect(dead_code, reason = "the schema of what `Activation` reads")]
pub(crate) struct ActivationSchema {
    /// The licence's code, as it was given.
    code: String,
    #[schema(pattern = "^[a-z0-9-]{1,40}$")]
    product: String,
    fingerprint: FingerprintSchema,
    /// The UUID that the server made at its first start: a statistic.
    #[schema(pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    instance_id: String,
    /// Fresh for each call; the signed answer repeats it.
    #[schema(pattern = "^[A-Za-z0-9_-]{16,64}$")]
    nonce: String,
    /// A statistic.
    product_version: Option<String>,
    /// The machine's Ed25519 key in base64url: later checks must then be signed with it.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    public_key: Option<String>,
}

impl FromBody for Activation {
    const UNKNOWN: UnknownMembers = UnknownMembers::Ignored;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        // A mistyped code is an answer of its own (422), so that the person looks at the code.
        let code = fields.required("code", |text| Ok::<_, &str>(text.parse().ok()));
        let caller = Caller::read(fields);
        let public_key = fields.optional("public_key", read_public_key);
        Some(Self { code: code?, caller: caller?, public_key })
    }
}

/// Reads a machine's key.
pub(crate) fn read_public_key(text: &str) -> Result<[u8; 32], &'static str> {
    let mut bytes = [0; 32];
    let decoded = Base64UrlUnpadded::decode(text, &mut bytes).map(<[u8]>::len);
    let strong = decoded == Ok(32) && PublicKey::from_bytes(bytes).is_ok();
    if strong { Ok(bytes) } else { Err("must be a strong Ed25519 public key: 32 bytes in base64url without padding") }
}

/// Binds the caller's domain to the licence of its code, or confirms that it is bound: harmless to repeat.
#[utoipa::path(
    post,
    path = "/v1/activations",
    tag = "servers",
    request_body = ActivationSchema,
    responses(
        (status = 200, body = CheckAnswer, description = "The domain was bound already, or the verdict is a refusal."),
        (status = 201, body = CheckAnswer, description = "This call bound the domain."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn activate(State(app): State<App>, body: Body<Activation>) -> Result<Response, Error> {
    let now = app.clock().now();
    let request = &body.value;
    let code = request.code.as_ref().ok_or(Error::CodeMistyped)?;
    let id = license_of(&app, code).await?;
    for _ in 0..TRIES {
        let license = app.store().license(id).await?.ok_or(Error::LicenseNotFound)?;
        check_kind(&request.caller, &license)?;
        let plans = app.plans(&license).await?;
        let Activation { caller, public_key, .. } = request;
        // The code outweighs a machine's key: this call's key takes its place, or none does.
        let key = KeyRule::Replace(*public_key);
        let asked = ToBind { caller, key, along: Along::NOTHING, machine: None };
        if let Some(response) = bind_or_confirm(&app, asked, &license, &plans, now).await? {
            return Ok(response);
        }
    }
    Err(StoreError::Contention { item: id.to_string() }.into())
}

/// A server that shows the code, or comes back with its key, and what is changed along with the binding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToBind<'a> {
    pub(crate) caller: &'a Caller,
    /// What becomes of the key that its checks must be signed with. Whoever replaces none binds nothing either.
    pub(crate) key: KeyRule,
    pub(crate) along: &'a Along,
    /// The machine that registers, if it is one of a cloud.
    pub(crate) machine: Option<&'a RegisteredMachine>,
}

/// One try: `None` when somebody else changed the same things meanwhile.
pub(crate) async fn bind_or_confirm(
    app: &App,
    asked: ToBind<'_>,
    license: &License,
    plans: &LicensePlans,
    now: Timestamp,
) -> Result<Option<Response>, Error> {
    let ToBind { caller, key, along, machine } = asked;
    let domain = &caller.fingerprint.value;
    let position = license.position(plans.as_ref(), now);
    let binding = license.judge_binding(domain, position.plan, now);
    let trial_used = position.plan.kind() == Kind::Trial
        && binding != Binding::Held
        && app.store().trial_in(&license.product, domain).await?.is_some_and(|other| other != license.id);
    let check = Check { product: &caller.product, domain, purpose: Purpose::Activate { trial_used } };
    let verdict = evaluate(license, plans.as_ref(), check, now);
    let jti = new_token_id(now);
    if !verdict.is_valid() {
        let context = Context { caller, jti, prev: None, activation: None, machine };
        return answer(app, StatusCode::OK, &verdict, context).await.map(Some);
    }
    if let Some(held) = license.activations.get(domain) {
        if !stamped(app, stamp(caller, license.id, jti, key, now), along).await? {
            return Ok(None);
        }
        let context = Context { caller, jti, prev: None, activation: Some(held.id), machine };
        return answer(app, StatusCode::OK, &verdict, context).await.map(Some);
    }
    if binding == Binding::TooOften {
        let rest_of_the_day = DAY - now.unix() % DAY;
        return Err(Error::RateLimited { retry_after: u32::try_from(rest_of_the_day).unwrap_or(3600) });
    }
    let KeyRule::Replace(public_key) = key else { return Err(Error::ByolCodeRequired) };
    let activation = ActivationId::new(now, chance::draw());
    let mut after = license.clone().bind(*domain, activation, public_key, position.plan, now);
    if let Some(bound) = after.activations.get_mut(domain) {
        bound.check(now, caller.instance_id.0, caller.product_version.clone(), jti);
    }
    let what = What::Activated { activation, fingerprint: *domain, rebind: binding == Binding::Rebind };
    let event = new_event(license, Actor::Holder, what, now);
    after.head = event.head();
    let bind = Bind { before: license, after: &after, plans: plans.as_ref(), domain, activation, event: &event };
    let (announcement, mut along) = (Announcement::of(&event, &after), along.clone());
    announcement.goes(&mut along, now)?;
    if app.store().bind(bind, &along).await? == Committed::Overtaken {
        return Ok(None);
    }
    announcement.send(app, now).await;
    let verdict = evaluate(&after, plans.as_ref(), check, now);
    let context = Context { caller, jti, prev: None, activation: Some(activation), machine };
    answer(app, StatusCode::CREATED, &verdict, context).await.map(Some)
}

/// Stamps the activation, and what goes along with that or not at all; `false` when somebody else was faster.
async fn stamped(app: &App, stamp: Stamp<'_>, along: &Along) -> Result<bool, Error> {
    if along.is_empty() {
        return Ok(matches!(app.store().check_in(stamp).await?, Some(CheckIn::Stamped(_))));
    }
    let mut along = along.clone();
    along.check_in(&stamp);
    Ok(app.store().keep(&along).await? == Committed::Done)
}

/// Releases a server: its domain is free again. Harmless to repeat.
#[utoipa::path(
    delete,
    path = "/v1/activations/{activation_id}",
    tag = "servers",
    params(
        ("activation_id" = String, Path, description = "What the activation answered"),
        ("Authorization" = String, Header, description = "`License <code>`"),
    ),
    security(("code" = [])),
    responses(
        (status = 204, description = "The domain is free, or was already."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn release(
    State(app): State<App>,
    Path(activation): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Error> {
    let now = app.clock().now();
    let code = license_code(&headers)?;
    let activation: ActivationId = activation.parse().map_err(|_| Error::NotFound)?;
    let id = owned_by(&app, activation, &code).await?;
    for _ in 0..TRIES {
        let license = app.store().license(id).await?.ok_or(Error::NotFound)?;
        let plans = app.plans(&license).await?;
        let Some(released) = license.clone().release(activation, false, plans.as_ref(), now)? else {
            return Ok(StatusCode::NO_CONTENT);
        };
        let mut after = released.license;
        let event = new_event(&license, Actor::Holder, What::Released { activation, reason: None }, now);
        after.head = event.head();
        let (plans_before, plans_after) = (plans.as_ref(), plans.as_ref());
        let change = Change { before: &license, after: &after, plans_before, plans_after, event: &event };
        if app.store().transition(change, Along::NOTHING).await? == Committed::Done {
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(StoreError::Contention { item: id.to_string() }.into())
}

/// The licence of an activation, if the code is that licence's; to any other code the activation is not there.
async fn owned_by(app: &App, activation: ActivationId, code: &LicenseCode) -> Result<LicenseId, Error> {
    let (by_code, by_activation) = tokio::join!(async { app.store().license_by_code(&code.digest()).await }, async {
        app.store().license_of_activation(activation).await
    });
    match (by_code?, by_activation?) {
        (Some(mine), Some(its)) if mine == its => Ok(mine),
        _ => Err(Error::NotFound),
    }
}
