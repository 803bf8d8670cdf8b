//! Licences: issued and found.

use std::fmt;
use std::str::FromStr;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use marque_core::agreement::{self, Agreement};
use marque_core::customer::PersonDigest;
use marque_core::event::What;
use marque_core::plan::Percent;
use marque_core::{
    CustomerId, DiscountId, Email, License, LicenseCode, LicenseId, Offer, PlanRef, Plans, Product, Slug, Timestamp,
};
use marque_store::{Along, Committed, IssueLicense, StoreError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::license::LicenseAnswer;
use super::page::{Page, PageParameters, Parameters, Window};
use super::{Call, Caller, Success, discounts};
use crate::history::new_event;
use crate::http::{Fields, FromBody, UnknownMembers};
use crate::mail::Announcement;
use crate::problem::{Error, Problem};
use crate::validate::TRIES;
use crate::{App, chance};

/// A licence to be issued.
#[derive(Debug)]
pub(crate) struct NewLicense {
    product: Slug,
    plan: Slug,
    customer: CustomerId,
    discount: Option<DiscountId>,
    starts_at: Option<Timestamp>,
}

/// The body of a licence.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewLicense)]
#[expect(dead_code, reason = "the schema of what `NewLicense` reads")]
pub(crate) struct NewLicenseSchema {
    #[schema(pattern = "^[a-z0-9-]{1,40}$")]
    product: String,
    /// One that is sellable.
    #[schema(pattern = "^[a-z0-9-]{1,40}$")]
    plan: String,
    customer_id: String,
    /// A discount of this customer's.
    discount_id: Option<String>,
    /// When its first period began, not in the future; now if absent.
    #[schema(format = DateTime)]
    starts_at: Option<String>,
}

impl FromBody for NewLicense {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let product = fields.required("product", str::parse);
        let plan = fields.required("plan", str::parse);
        let customer = fields.required("customer_id", str::parse);
        let discount = fields.optional("discount_id", str::parse);
        let starts_at = fields.optional("starts_at", str::parse);
        Some(Self { product: product?, plan: plan?, customer: customer?, discount, starts_at })
    }
}

/// Issues a licence: its code is in the answer.
#[utoipa::path(post, path = "/admin/v1/licenses", tag = "licences",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters")),
    request_body = NewLicenseSchema,
    responses(
        (status = 201, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn issue(State(app): State<App>, call: Call<NewLicense>) -> Result<Success, Error> {
    let now = app.clock().now();
    let NewLicense { product, plan, customer, discount, starts_at } = &call.body;
    for _ in 0..TRIES {
        if let Some(kept) = call.once.answered(&app, now).await? {
            return Ok(kept);
        }
        let (product, offer) = offered(&app, product, plan).await?;
        if app.store().customer(*customer).await?.is_none() {
            return Err(Error::Unknown("There is no such customer: compare its id with the one that was answered."));
        }
        let starts_at = offer.sell(*starts_at, now)?;
        let discount = discounts::of_customer(&app, *customer, *discount).await?;
        let percent = discount.map(|discount| discount.on(&offer.plan, now)).transpose()?.map_or(0, Percent::get);
        let id = LicenseId::new(now, chance::draw());
        let mut license = License::issue(id, product.slug, product.fingerprint_kind, *customer, &offer, starts_at, now);
        let PlanRef { plan, revision } = offer.reference.clone();
        let what = What::Issued { customer: *customer, plan, revision, percent };
        let event = new_event(&license, call.caller.actor(), what, now);
        license.head = event.head();
        let code = LicenseCode::generate(chance::draw());
        let plans = Plans { running: &offer.plan, next: None };
        let answer = LicenseAnswer::new(&license, plans, now).with(Some(&code));
        let success = Success::new(StatusCode::CREATED, &answer)?.with_code_of(id);
        let mut along = Along::default();
        call.once.keep(&mut along, &success, now)?;
        let announcement = Announcement::of(&event, &license);
        announcement.goes(&mut along, now)?;
        let issue = IssueLicense { license: &license, plans, code: &code, event: &event };
        if app.store().issue(issue, &along).await? == Committed::Done {
            announcement.send(&app, now).await;
            return Ok(success);
        }
    }
    Err(StoreError::Contention { item: "a new licence".to_owned() }.into())
}

/// A product and the newest revision of a plan of it.
pub(super) async fn offered(app: &App, product: &Slug, plan: &Slug) -> Result<(Product, Offer), Error> {
    let found = app.store().product(product).await?;
    let found = found.ok_or(Error::Unknown("There is no such product: compare its name with /admin/v1/products."))?;
    let offer = app.store().plan(product, plan).await?;
    Ok((found, offer.ok_or(Error::Unknown("The product has no such plan: compare its name."))?))
}

/// A licence, with its code.
#[utoipa::path(get, path = "/admin/v1/licenses/{id}", tag = "licences",
    params(("id" = String, Path, description = "The licence")),
    responses(
        (status = 200, body = LicenseAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    _: Caller,
) -> Result<Json<LicenseAnswer>, Error> {
    let license = of_path(&app, &id).await?;
    let answer = answer(&app, &license).await?;
    let code = app.store().code_of(&license).await?;
    Ok(Json(answer.with(code.as_ref())))
}

/// The licences of a customer, of a month or of a person's address, oldest first.
#[utoipa::path(get, path = "/admin/v1/licenses", tag = "licences",
    params(
        ("customer_id" = Option<String>, Query, description = "Whose; one of the three must be given"),
        ("month" = Option<String>, Query, description = "The month of issue, such as 2027-03"),
        ("email" = Option<String>, Query, description = "Whose, whatever the address's case and plus-tag"),
        PageParameters,
    ),
    responses(
        (status = 200, body = Page<LicenseAnswer>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    mut parameters: Parameters,
) -> Result<Json<Page<LicenseAnswer>>, Error> {
    let customer = parameters.optional::<CustomerId>("customer_id");
    let month = parameters.optional::<Month>("month");
    let email = parameters.optional::<Email>("email");
    let (found, next) = match (customer, month, email) {
        (Some(customer), None, None) => {
            let window: Window<LicenseId> = parameters.window(&format!("licences of {customer}"))?;
            let mut found = app.store().licenses_of(customer, window.after, window.to_read()).await?;
            let next = window.cut(&mut found, |id| *id);
            (found, next)
        }
        (None, Some(Month(month)), None) => {
            let window: Window<LicenseId> = parameters.window(&format!("licences of {month}"))?;
            let mut found = app.store().licenses_of_month(&month, window.after, window.to_read()).await?;
            let next = window.cut(&mut found, |id| *id);
            (found, next)
        }
        (None, None, Some(email)) => {
            let person = email.person();
            let window: Window<Owned> = parameters.window(&format!("licences of {person:?}"))?;
            let mut found = licenses_of_person(&app, &person, &window).await?;
            let next = window.cut(&mut found, |owned| *owned);
            (found.into_iter().map(|owned| owned.license).collect(), next)
        }
        _ => {
            parameters.fault::<()>("customer_id", "one of `customer_id`, `month` and `email` must be given");
            return Err(parameters.end().err().unwrap_or(Error::NotFound));
        }
    };
    let mut items = Vec::new();
    for id in found {
        if let Some(license) = app.store().license(id).await? {
            items.push(answer(&app, &license).await?);
        }
    }
    Ok(Json(Page::new(items, next)))
}

/// A person may be several customers: their licences, customer by customer.
async fn licenses_of_person(app: &App, person: &PersonDigest, window: &Window<Owned>) -> Result<Vec<Owned>, Error> {
    /// Nobody is more customers than this.
    const CUSTOMERS: i32 = 100;
    let wanted = usize::try_from(window.to_read()).unwrap_or_default();
    let mut found = Vec::new();
    for customer in app.store().customers_by_person(person, None, CUSTOMERS).await? {
        let after = match window.after {
            Some(after) if customer < after.customer => continue,
            Some(after) if customer == after.customer => Some(after.license),
            _ => None,
        };
        let left = i32::try_from(wanted - found.len()).unwrap_or_default();
        let licenses = app.store().licenses_of(customer, after, left).await?;
        found.extend(licenses.into_iter().map(|license| Owned { customer, license }));
        if found.len() >= wanted {
            break;
        }
    }
    Ok(found)
}

/// A licence and whose it is: a place in the list of a person's licences.
#[derive(Debug, Clone, Copy)]
struct Owned {
    customer: CustomerId,
    license: LicenseId,
}

impl fmt::Display for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.customer, self.license)
    }
}

impl FromStr for Owned {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (customer, license) = text.split_once('/').ok_or(())?;
        Ok(Self { customer: customer.parse().map_err(|_| ())?, license: license.parse().map_err(|_| ())? })
    }
}

/// A month, as look-ups write it.
#[derive(Debug)]
struct Month(String);

impl FromStr for Month {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let first: Result<marque_core::Day, _> = format!("{text}-01").parse();
        first.map(|day| Self(day.month())).map_err(|_| "must be a month such as 2027-03")
    }
}

/// The licence that a path names.
pub(super) async fn of_path(app: &App, id: &str) -> Result<License, Error> {
    let id: LicenseId = id.parse().map_err(|_| Error::LicenseNotFound)?;
    app.store().license(id).await?.ok_or(Error::LicenseNotFound)
}

/// As [`of_path`], and whether a cloud's agreement pays for it that is not over: its own words are law then.
pub(super) async fn followed(app: &App, id: &str) -> Result<(License, bool), Error> {
    let id: LicenseId = id.parse().map_err(|_| Error::LicenseNotFound)?;
    let found = app.store().entitled(id).await?.ok_or(Error::LicenseNotFound)?;
    let goes_on = |(_, agreement): (_, Agreement)| !matches!(agreement.state(), agreement::State::Ended { .. });
    Ok((found.license, found.paid_by.is_some_and(goes_on)))
}

/// A licence as it is now, without its code.
pub(super) async fn answer(app: &App, license: &License) -> Result<LicenseAnswer, Error> {
    let plans = app.plans(license).await?;
    Ok(LicenseAnswer::new(license, plans.as_ref(), app.clock().now()))
}
