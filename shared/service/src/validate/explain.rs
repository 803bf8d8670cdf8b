//! `POST /v1/explain`: what a code or a token is worth, and what to do.

use axum::Json;
use axum::extract::State;
use marque_core::token::{AnyVerified, Expected, LicFile, UnverifiedToken};
use marque_core::{
    Check, FingerprintValue, License, LicenseCode, LicenseId, Outcome, Purpose, Reason, Slug, Timestamp, Verdict,
    evaluate,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checking::license_of;
use crate::App;
use crate::http::{Body, Fields, FromBody, UnknownMembers};
use crate::problem::{Error, Problem};

/// What to explain.
#[derive(Debug)]
pub(crate) enum Question {
    /// A code; none when it is mistyped.
    Code(Option<LicenseCode>),
    /// A token, or a `.lic` file.
    Token(String),
}

/// The body: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Explain)]
#[expect(dead_code, reason = "the schema of what `Question` reads")]
pub(crate) struct QuestionSchema {
    /// A licence code.
    code: Option<String>,
    /// A lease, a denial, a licence token, or a whole `.lic` file.
    token: Option<String>,
}

impl FromBody for Question {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.optional("code", |text| Ok::<_, &str>(text.parse().ok()));
        let token = fields.optional("token", |text| Ok::<_, &str>(text.to_owned()));
        match (fields.has("code"), fields.has("token")) {
            (true, true) => fields.fault("token", "cannot stand beside `code`: send one of the two"),
            (false, false) => fields.fault("code", "is missing: send it, or `token`"),
            _ => code.map(Self::Code).or(token.map(Self::Token)),
        }
    }
}

/// What a code or a token is worth.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explanation {
    #[schema(value_type = String, example = "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    license_id: LicenseId,
    /// What the licence is.
    #[schema(value_type = String)]
    state: marque_core::State,
    /// Whether a server may run on it, or be activated with it.
    valid: bool,
    /// `VALID`, or the first of `reasons`.
    code: &'static str,
    #[schema(value_type = Vec<String>)]
    reasons: Vec<Reason>,
    /// A sentence.
    detail: &'static str,
    #[schema(value_type = Option<String>, required = true)]
    plan: Option<Slug>,
    #[schema(value_type = Option<String>, required = true)]
    kind: Option<marque_core::Kind>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    paid_through: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    grace_until: Option<Timestamp>,
    /// Until when the licence lets servers run, as it stands; null for ever and while it does not.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    runs_until: Option<Timestamp>,
    /// A sentence, always.
    what_to_do: &'static str,
}

/// Says of a code or a token what a check would say, and what to do. It needs possession, and tells no names.
#[utoipa::path(post, path = "/v1/explain", tag = "public", request_body = QuestionSchema, responses(
    (status = 200, body = Explanation),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
    (status = "5XX", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn explain(State(app): State<App>, body: Body<Question>) -> Result<Json<Explanation>, Error> {
    let now = app.clock().now();
    let (id, holder) = match &body.value {
        Question::Code(code) => (license_of(&app, code.as_ref().ok_or(Error::CodeMistyped)?).await?, None),
        Question::Token(text) => {
            let (id, product, domain) = named_by(&app, text, now).await?;
            (id, Some((product, domain)))
        }
    };
    let license = app.store().license(id).await?.ok_or(Error::LicenseNotFound)?;
    let plans = app.plans(&license).await?;
    let owner = owners_domain(&license);
    let check = match &holder {
        Some((product, domain)) => Check { product, domain, purpose: Purpose::Validate },
        None => Check { product: &license.product, domain: &owner.0, purpose: owner.1 },
    };
    let verdict = evaluate(&license, plans.as_ref(), check, now);
    Ok(Json(explanation(&license, &verdict)))
}

/// A token is as good as a check from where it was made for: it tells its holder no more than that check would.
async fn named_by(app: &App, text: &str, now: Timestamp) -> Result<(LicenseId, Slug, FingerprintValue), Error> {
    let text = text.trim();
    let faulty = |error: &dyn std::fmt::Display| Error::invalid("/token", error.to_string());
    let token = if text.contains("-----BEGIN") {
        LicFile::parse(text).map_err(|error| faulty(&error))?
    } else {
        UnverifiedToken::parse(text).map_err(|error| faulty(&error))?
    };
    let ring = app.keys().ring(now).await;
    let expected = Expected { issuer: Some(app.issuer()), audience: None };
    match AnyVerified::verify(&token, ring.set(), None, expected).map_err(|error| faulty(&error))? {
        AnyVerified::Lease(lease) => Ok((lease.sub, lease.aud.clone(), lease.fingerprint.value)),
        AnyVerified::Denial(denial) => Ok((denial.sub, denial.aud.clone(), denial.fingerprint.value)),
        AnyVerified::License(file) => Ok((file.sub, file.aud.clone(), file.fingerprint.value)),
        AnyVerified::Revocations(_) | AnyVerified::Keys(_) => {
            Err(Error::invalid("/token", "names no licence: send a lease, a denial or a licence file"))
        }
    }
}

/// Whoever has the code is asked about the domain that holds the licence, or about binding one.
fn owners_domain(license: &License) -> (FingerprintValue, Purpose) {
    match license.activations.keys().next() {
        Some(bound) => (*bound, Purpose::Validate),
        None => (license.bindings.last.unwrap_or(FingerprintValue([0; 32])), Purpose::Activate { trial_used: false }),
    }
}

fn explanation(license: &License, verdict: &Verdict<'_>) -> Explanation {
    let facts = verdict.facts.as_ref();
    Explanation {
        license_id: license.id,
        state: verdict.state,
        valid: verdict.is_valid(),
        code: verdict.code(),
        reasons: verdict.reasons().to_vec(),
        detail: verdict.detail(),
        plan: facts.map(|facts| facts.reference.plan.clone()),
        kind: facts.map(|facts| facts.plan.kind()),
        paid_through: facts.and_then(|facts| facts.paid_through),
        grace_until: facts.and_then(|facts| facts.grace_until),
        runs_until: facts.filter(|_| verdict.is_valid()).and_then(|facts| facts.grace_until),
        what_to_do: what_to_do(license, verdict),
    }
}

fn what_to_do(license: &License, verdict: &Verdict<'_>) -> &'static str {
    match (&verdict.outcome, verdict.state) {
        (Outcome::Refused { .. }, _) => verdict.detail(),
        (Outcome::Granted { .. }, marque_core::State::PastDue) => "Renew the licence before the grace ends.",
        (Outcome::Granted { .. }, marque_core::State::Cancelled) => {
            "Withdraw the cancellation, or renew, if you want to go on after the paid time."
        }
        (Outcome::Granted { .. }, _) if license.activations.is_empty() => "Activate a server with the code.",
        (Outcome::Granted { .. }, _) => "Nothing: the licence works.",
    }
}
