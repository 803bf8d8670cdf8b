//! `/trials/confirm`, the page of a link, and `POST /v1/trials/confirm`, which makes the trial: once, however often it is
//! asked for.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Form, FromRequest, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use marque_core::{
    Actor, Customer, CustomerId, Event, EventId, Language, License, LicenseCode, LicenseId, Offer, PlanRef, Plans,
    Slug, Timestamp, What,
};
use marque_store::{Along, Committed, IssueLicense, StoreError, TrialAsk, TrialsHad};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pages;
use super::token::Token;
use super::trials::{limit_reached, preferred_language, trial_plan};
use crate::http::{Body, Fields, FromBody, UnknownMembers};
use crate::mail::Announcement;
use crate::problem::{Error, Problem};
use crate::{App, chance};

/// A change is judged anew so often when others change the same things.
const TRIES: usize = 4;
/// No trial was asked for by this link, or long ago.
const LAPSED: Error =
    Error::Unknown("A link is good for 24 hours, and only whole: ask for the trial again to get a new one.");

/// A link's token, as JSON has it.
#[derive(Debug)]
pub(crate) struct Shown(Token);

/// The body of a confirmation.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TrialConfirmation)]
#[expect(dead_code, reason = "the schema of what `Shown` reads")]
pub(crate) struct ShownSchema {
    /// From the link of the mail.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    token: String,
}

/// A link's token, as a query or a form has it.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Field {
    /// From the link of the mail.
    #[serde(default)]
    token: String,
}

/// The trial.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfirmedTrial)]
pub(crate) struct Confirmed {
    /// To activate the server with.
    pub(super) code: String,
    #[schema(value_type = String)]
    pub(super) license_id: LicenseId,
    #[schema(value_type = String)]
    pub(super) plan: Slug,
}

impl FromBody for Shown {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.required("token", str::parse).map(Self)
    }
}

/// The page of a link. Looking uses nothing up.
#[utoipa::path(
    get,
    path = "/trials/confirm",
    tag = "trials",
    params(Field),
    responses(
        (status = 200, body = String, content_type = "text/html", description = "A page with a button."),
        (status = "4XX", body = String, content_type = "text/html"),
        (status = "5XX", body = String, content_type = "text/html"),
    )
)]
pub(crate) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query<Field>, QueryRejection>,
) -> Response {
    let token = query.map(|Query(field)| field.token).unwrap_or_default();
    let (now, language) = (app.clock().now(), preferred_language(&headers));
    match look(&app, &token, now).await {
        Ok((ask, product)) => pages::question(&token, &product, ask.language),
        Err(error) => pages::failure(&error, &app.post().contact, language),
    }
}

async fn look(app: &App, token: &str, now: Timestamp) -> Result<(TrialAsk, String), Error> {
    let token: Token = token.parse().map_err(|_| LAPSED)?;
    let ask = asked(app, &token, now).await?;
    let product = app.store().product(&ask.product).await?.map_or_else(|| ask.product.to_string(), |found| found.name);
    Ok((ask, product))
}

/// What a link is for.
async fn asked(app: &App, token: &Token, now: Timestamp) -> Result<TrialAsk, Error> {
    app.store().trial_ask_by_token(&token.digest(), now).await?.ok_or(LAPSED)
}

/// Makes the trial that was asked for and answers its code; repeated, the same code. A form is answered by a page.
#[utoipa::path(
    post,
    path = "/v1/trials/confirm",
    tag = "trials",
    request_body(content((ShownSchema = "application/json"), (ShownSchema = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, body = Confirmed, description = "The trial was made before."),
        (status = 201, body = Confirmed, description = "This call made the trial."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn confirm(State(app): State<App>, request: Request) -> Result<Response, Error> {
    let now = app.clock().now();
    if !is_form(request.headers()) {
        let Shown(token) = Body::from_request(request, &()).await?.value;
        return make(&app, &token, now).await.map(|(status, made)| (status, Json(made)).into_response());
    }
    let mut language = preferred_language(request.headers());
    let made = press(&app, request, &mut language, now).await;
    Ok(match made {
        Ok((status, made)) => pages::made(status, &made, language),
        Err(error) => pages::failure(&error, &app.post().contact, language),
    })
}

/// The button was pressed. Its page is in the language of the one before, whatever the browser prefers.
async fn press(
    app: &App,
    request: Request,
    language: &mut Language,
    now: Timestamp,
) -> Result<(StatusCode, Confirmed), Error> {
    let form = Form::<Field>::from_request(request, &()).await;
    let token: Token = form.ok().and_then(|Form(field)| field.token.parse().ok()).ok_or(LAPSED)?;
    *language = asked(app, &token, now).await?.language;
    make(app, &token, now).await
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn make(app: &App, token: &Token, now: Timestamp) -> Result<(StatusCode, Confirmed), Error> {
    for _ in 0..TRIES {
        let ask = asked(app, token, now).await?;
        if let Some(license) = ask.license {
            return Ok((StatusCode::OK, made_before(app, license).await?));
        }
        let offer = trial_plan(app, &ask.product).await?;
        let offer = offer.ok_or(Error::RuleViolated("There is no trial of this product any more: buy a licence."))?;
        let had = app.store().trials_had(ask.email.person(), &ask.product).await?;
        if limit_reached(&offer.plan, &had) {
            return Err(Error::RuleViolated(
                "This person has had as many trials of this product as there are: ask the vendor's support.",
            ));
        }
        if let Some(made) = issue(app, &ask, &offer, &had, now).await? {
            return Ok((StatusCode::CREATED, made));
        }
    }
    Err(StoreError::Contention { item: "a trial".to_owned() }.into())
}

async fn made_before(app: &App, id: LicenseId) -> Result<Confirmed, Error> {
    let license = app.store().license(id).await?.ok_or(Error::LicenseNotFound)?;
    let code = app.store().code_of(&license).await?.ok_or(Error::LicenseNotFound)?;
    Ok(Confirmed { code: code.reveal(), license_id: id, plan: license.running.plan.plan })
}

/// One try: `None` when somebody else confirmed the same link, or another of the same person's, meanwhile.
async fn issue(
    app: &App,
    ask: &TrialAsk,
    offer: &Offer,
    had: &TrialsHad,
    now: Timestamp,
) -> Result<Option<Confirmed>, Error> {
    let product = app.store().product(&ask.product).await?.ok_or(Error::NotFound)?;
    let mut along = Along::default();
    let customer = match had.customer {
        // Whoever was erased comes back as somebody new.
        Some(known) if app.store().customer(known).await?.is_some() => known,
        _ => {
            let customer = new_customer(ask, now);
            along.add_customer(&customer)?;
            customer.id
        }
    };
    let id = LicenseId::new(now, chance::draw());
    let mut license = License::issue(id, product.slug, product.fingerprint_kind, customer, offer, now, now);
    let PlanRef { plan, revision } = offer.reference.clone();
    let what = What::Issued { customer, plan: plan.clone(), revision, percent: 0 };
    let event = Event::after(license.head, EventId::new(now, chance::draw()), id, now, Actor::Holder, what);
    license.head = event.head();
    let code = LicenseCode::generate(chance::draw());
    let announcement = Announcement::of(&event, &license);
    announcement.goes(&mut along, now)?;
    along.trial(ask, had, id, customer);
    let plans = Plans { running: &offer.plan, next: None };
    let issue = IssueLicense { license: &license, plans, code: &code, event: &event };
    if app.store().issue(issue, &along).await? == Committed::Overtaken {
        return Ok(None);
    }
    announcement.send(app, now).await;
    Ok(Some(Confirmed { code: code.reveal(), license_id: id, plan }))
}

fn new_customer(ask: &TrialAsk, now: Timestamp) -> Customer {
    Customer {
        id: CustomerId::new(now, chance::draw()),
        name: ask.name.clone(),
        company: ask.company.clone(),
        email: ask.email.clone(),
        language: ask.language,
    }
}
