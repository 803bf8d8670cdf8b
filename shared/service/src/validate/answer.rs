//! A verdict as the wire carries it, signed.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use marque_core::token::{Denial, Lease};
use marque_core::{ActivationId, Cloud, Outcome, RegisteredMachine, Timestamp, TokenId, Verdict};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::caller::Caller;
use crate::App;
use crate::http::LogLine;
use crate::problem::Error;

/// The answer to an activation and to a validation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckAnswer {
    /// Whether the server may run.
    valid: bool,
    /// `VALID`, or the first of `reasons`.
    code: &'static str,
    /// What the licence is: read this first.
    #[schema(value_type = String)]
    state: marque_core::State,
    /// Every reason of a refusal, in order.
    #[schema(value_type = Vec<String>)]
    reasons: Vec<marque_core::Reason>,
    /// A sentence for the administrator.
    detail: &'static str,
    #[schema(value_type = String, example = "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    license_id: marque_core::LicenseId,
    /// Null when the caller is not the one that the licence is for, like the members down to `grace_until`.
    #[schema(value_type = Option<String>, required = true)]
    plan: Option<marque_core::Slug>,
    /// `trial`, `subscription` or `perpetual`.
    #[schema(value_type = Option<String>, required = true)]
    kind: Option<marque_core::Kind>,
    /// What the plan switches on.
    #[schema(value_type = Option<Object>, required = true)]
    features: Option<Map<String, Value>>,
    /// The last paid second; null for perpetual licences and before the start.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    paid_through: Option<Timestamp>,
    /// Until when it works.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    grace_until: Option<Timestamp>,
    /// When to check again.
    #[schema(value_type = String, format = DateTime)]
    next_check: Timestamp,
    /// The service's time.
    #[schema(value_type = String, format = DateTime)]
    server_time: Timestamp,
    /// The caller's own.
    nonce: String,
    /// A `lease+jwt` when valid.
    #[schema(required = true)]
    lease: Option<String>,
    /// A `denial+jwt` when not.
    #[schema(required = true)]
    denial: Option<String>,
    /// The binding; only in the answer to an activation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "act_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    activation_id: Option<ActivationId>,
    /// Of a machine that registers: `byol` or `billed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    mode: Option<marque_core::Mode>,
    /// Of a machine that registers: listing and freshness are proven, or the publisher has confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<bool>,
    /// The machine that registers, as its cloud knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<MachineAnswer>,
}

/// A machine, as its cloud knows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Machine)]
pub(crate) struct MachineAnswer {
    #[schema(value_type = String)]
    cloud: Cloud,
    account: String,
    instance: String,
    /// Null when the proof does not say.
    #[schema(required = true)]
    region: Option<String>,
    /// The listing that it was started from; null when only the machine is proven.
    #[schema(required = true)]
    product_claim: Option<String>,
}

impl From<&RegisteredMachine> for MachineAnswer {
    fn from(machine: &RegisteredMachine) -> Self {
        Self {
            cloud: machine.cloud,
            account: machine.account.clone(),
            instance: machine.instance.clone(),
            region: machine.region.clone(),
            product_claim: machine.claim.clone(),
        }
    }
}

/// What an answer needs beside the verdict.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) caller: &'a Caller,
    /// The id of the token that is about to be made.
    pub(crate) jti: TokenId,
    /// The lease that the caller holds.
    pub(crate) prev: Option<TokenId>,
    pub(crate) activation: Option<ActivationId>,
    /// The machine that registers.
    pub(crate) machine: Option<&'a RegisteredMachine>,
}

/// Signs a verdict and writes it down.
pub(crate) async fn answer(
    app: &App,
    status: StatusCode,
    verdict: &Verdict<'_>,
    context: Context<'_>,
) -> Result<Response, Error> {
    let Context { caller, activation, machine, .. } = context;
    let ring = app.keys().ring(verdict.now).await;
    let key = ring.lease_key(verdict.now)?;
    let facts = verdict.facts.as_ref();
    let (lease, denial) = match verdict.outcome {
        Outcome::Granted { until } => (lease(app, verdict, context, until).map(|claims| key.sign(&claims)), None),
        Outcome::Refused { .. } => (None, Some(key.sign(&denial(app, verdict, context)))),
    };
    let body = CheckAnswer {
        valid: verdict.is_valid(),
        code: verdict.code(),
        state: verdict.state,
        reasons: verdict.reasons().to_vec(),
        detail: verdict.detail(),
        license_id: verdict.license_id,
        plan: facts.map(|facts| facts.reference.plan.clone()),
        kind: facts.map(|facts| facts.plan.kind()),
        features: facts.map(|facts| facts.features.clone().into_owned()),
        paid_through: facts.and_then(|facts| facts.paid_through),
        grace_until: facts.and_then(|facts| facts.grace_until),
        next_check: verdict.next_check,
        server_time: verdict.now,
        nonce: caller.nonce.0.clone(),
        lease,
        denial,
        activation_id: activation,
        mode: machine.map(|machine| machine.mode),
        confirmed: machine.map(|machine| machine.confirmed),
        machine: machine.map(MachineAnswer::from),
    };
    let mut response = (status, Json(body)).into_response();
    response.extensions_mut().insert(LogLine { license: Some(verdict.license_id), verdict: Some(verdict.code()) });
    Ok(response)
}

fn lease(app: &App, verdict: &Verdict<'_>, context: Context<'_>, until: Timestamp) -> Option<Lease> {
    let Context { caller, jti, prev, .. } = context;
    let facts = verdict.facts.as_ref()?;
    Some(Lease {
        iss: app.issuer().to_owned(),
        aud: caller.product.clone(),
        sub: verdict.license_id,
        jti,
        iat: verdict.now,
        exp: until,
        nonce: caller.nonce.0.clone(),
        state: verdict.state.to_string(),
        plan: facts.reference.plan.clone(),
        kind: facts.plan.kind().to_string(),
        features: facts.features.clone().into_owned(),
        fingerprint: caller.fingerprint,
        instance_id: caller.instance_id.to_string(),
        prev,
        paid_through: facts.paid_through,
        grace_until: facts.grace_until,
        next_check: verdict.next_check,
    })
}

fn denial(app: &App, verdict: &Verdict<'_>, context: Context<'_>) -> Denial {
    let Context { caller, jti, prev, .. } = context;
    let facts = verdict.facts.as_ref();
    Denial {
        iss: app.issuer().to_owned(),
        aud: caller.product.clone(),
        sub: verdict.license_id,
        jti,
        iat: verdict.now,
        nonce: caller.nonce.0.clone(),
        code: verdict.code().to_owned(),
        reasons: verdict.reasons().iter().map(ToString::to_string).collect(),
        state: verdict.state.to_string(),
        plan: facts.map(|facts| facts.reference.plan.clone()),
        kind: facts.map(|facts| facts.plan.kind().to_string()),
        features: facts.map(|facts| facts.features.clone().into_owned()),
        fingerprint: caller.fingerprint,
        instance_id: caller.instance_id.to_string(),
        prev,
        paid_through: facts.and_then(|facts| facts.paid_through),
        grace_until: facts.and_then(|facts| facts.grace_until),
        next_check: verdict.next_check,
    }
}
