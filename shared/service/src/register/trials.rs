//! `POST /v1/trials`: somebody asks for a trial, and whoever reads the mail of that address gets a link to confirm it.

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode, header};
use marque_core::customer::Language;
use marque_core::plan::Sale;
use marque_core::{AskId, Email, Kind, Letter, MailId, Offer, PersonText, Plan, Slug};
use marque_store::{Asked, Outgoing, TrialAsk, TrialsHad};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::token::Token;
use crate::http::{Body, Fields, FromBody, UnknownMembers};
use crate::mail::send;
use crate::problem::{Error, Problem};
use crate::{App, chance};

/// Who asks for what.
#[derive(Debug)]
pub(crate) struct Ask {
    product: Slug,
    email: Email,
    name: PersonText,
    company: PersonText,
}

/// The body of an asking.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Trial)]
#[expect(dead_code, reason = "the schema of what `Ask` reads")]
pub(crate) struct AskSchema {
    #[schema(pattern = "^[a-z0-9-]{1,40}$")]
    product: String,
    /// Where the link goes to.
    email: String,
    #[schema(min_length = 1, max_length = 200)]
    first_name: String,
    #[schema(min_length = 1, max_length = 200)]
    last_name: String,
    #[schema(min_length = 1, max_length = 200)]
    company: String,
}

/// Always the same: it tells nobody whether an address is known here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrialAnswer)]
pub(crate) struct AskAnswer {
    /// A sentence.
    detail: &'static str,
}

const ANSWER: AskAnswer = AskAnswer {
    detail: "A mail is on its way to this address, with what to do next. A link in it is good for 24 hours.",
};

impl FromBody for Ask {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let product = fields.required("product", str::parse);
        let email = fields.required("email", str::parse);
        let first: Option<PersonText> = fields.required("first_name", str::parse);
        let last: Option<PersonText> = fields.required("last_name", str::parse);
        let company = fields.required("company", str::parse);
        let (first, last) = (first?, last?);
        let Ok(name) = format!("{} {}", first.as_str(), last.as_str()).parse() else {
            return fields.fault("last_name", "must be at most 200 characters together with the first name");
        };
        Some(Self { product: product?, email: email?, name, company: company? })
    }
}

/// Sends a link to confirm a trial to the address, or word that the person has had as many as there are. The answer is
/// always the same.
#[utoipa::path(
    post,
    path = "/v1/trials",
    tag = "trials",
    request_body = AskSchema,
    params(("Accept-Language" = Option<String>, Header, description = "The mail is written in English or Spanish.")),
    responses(
        (status = 202, body = AskAnswer, description = "A mail is on its way."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ask(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body<Ask>,
) -> Result<(StatusCode, Json<AskAnswer>), Error> {
    let now = app.clock().now();
    let Ask { product, email, name, company } = body.value;
    if app.store().product(&product).await?.is_none() {
        return Err(Error::NotFound);
    }
    if trial_plan(&app, &product).await?.is_none() {
        return Err(Error::RuleViolated("There is no trial of this product: buy a licence, or ask the vendor."));
    }
    let ask = TrialAsk {
        id: AskId::new(now, chance::draw()),
        product,
        name,
        company,
        email,
        language: preferred_language(&headers),
        license: None,
    };
    let mail = Outgoing::first(MailId::new(now, chance::draw()), Letter::Trial(ask.id));
    let token = Token::draw();
    match app.store().ask_for_trial(&ask, &token.digest(), &mail, now).await? {
        Asked::Noted => drop(send(&app, &mail, Some(&token), now).await),
        Asked::TooManyMails => tracing::warn!(ask = %ask.id, "an address had its mails for today"),
    }
    Ok((StatusCode::ACCEPTED, Json(ANSWER)))
}

/// What somebody's browser or the publisher's store says of their language.
pub(super) fn preferred_language(headers: &HeaderMap) -> Language {
    let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Language::preferred(header.unwrap_or_default())
}

/// The plan that a trial of this product is of: the one trial that is for sale, the first by name if there are several.
pub(crate) async fn trial_plan(app: &App, product: &Slug) -> Result<Option<Offer>, Error> {
    let plans = app.store().plans(product).await?;
    Ok(plans.into_iter().find(|offer| offer.plan.kind() == Kind::Trial && offer.plan.sale == Sale::Sellable))
}

/// Whether a person has had as many trials as the plan allows.
pub(crate) fn limit_reached(plan: &Plan, had: &TrialsHad) -> bool {
    plan.trials_per_person.is_some_and(|limit| had.count >= u32::from(limit))
}
