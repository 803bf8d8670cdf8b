//! Everything about one customer: exported as JSON Lines, and erased.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use marque_core::event::Head;
use marque_core::{CustomerId, LicenseId, PersonText, Timestamp};
use marque_store::{Along, Committed, StoreError, TrialAsk};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::customers::{self, CustomerAnswer};
use super::discounts::DiscountAnswer;
use super::events::EventAnswer;
use super::{Call, Caller, Success, licenses};
use crate::App;
use crate::http::{Fields, FromBody, UnknownMembers};
use crate::problem::{Error, Problem};
use crate::validate::TRIES;

/// So much is read at a time.
const PAGE: i32 = 100;

/// Everything about a customer as JSON Lines: the customer, discounts, licences with their codes, histories and files, and
/// the trials that were asked for under the address in the last days, each line with its `type`.
#[utoipa::path(get, path = "/admin/v1/customers/{id}/export", tag = "customers",
    params(("id" = String, Path, description = "The customer")),
    responses(
        (status = 200, body = String, content_type = "application/x-ndjson"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn export(State(app): State<App>, Path(id): Path<String>, _: Caller) -> Result<Response, Error> {
    let customer = customers::of_path(&app, &id).await?;
    let (id, person, now) = (customer.id, customer.email.person(), app.clock().now());
    let mut lines = Lines::default();
    lines.add("customer", None, &CustomerAnswer::from(customer))?;
    for (discount, note) in app.store().discounts_of(id).await? {
        lines.add("discount", None, &DiscountAnswer::new(id, &discount, note))?;
    }
    for license in all_licenses(&app, id).await? {
        license_lines(&app, license, &mut lines).await?;
    }
    for ask in app.store().trial_asks_of(person, None, PAGE).await? {
        if let Some(ask) = app.store().trial_ask(ask, now).await? {
            let TrialAsk { product, name, company, email, license, .. } = ask;
            let asked =
                json!({"product": product, "name": name, "company": company, "email": email, "license_id": license});
            lines.add("trial", None, &asked)?;
        }
    }
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines.0).into_response())
}

async fn license_lines(app: &App, id: LicenseId, lines: &mut Lines) -> Result<(), Error> {
    let Some(license) = app.store().license(id).await? else { return Ok(()) };
    let code = app.store().code_of(&license).await?;
    lines.add("license", None, &licenses::answer(app, &license).await?.with(code.as_ref()))?;
    let mut head = Head::START;
    loop {
        let page = app.store().history(id, head, PAGE).await?;
        let Some(last) = page.last() else { break };
        head = last.head();
        for event in &page {
            lines.add("event", Some(id), &EventAnswer::new(event)?)?;
        }
    }
    for file in app.store().files_of(id).await? {
        lines.add("file", Some(id), &json!({"text": file.text}))?;
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Lines(String);

impl Lines {
    /// A line; the type of an entry of a history stands in `event`, since `type` is the line's.
    fn add(&mut self, kind: &str, of: Option<LicenseId>, content: &impl Serialize) -> Result<(), Error> {
        let unwritable = |error| Error::Unavailable { cause: format!("a line cannot be written: {error}") };
        let mut value = serde_json::to_value(content).map_err(unwritable)?;
        if let Value::Object(members) = &mut value {
            if let Some(event) = members.insert("type".to_owned(), json!(kind)) {
                members.insert("event".to_owned(), event);
            }
            if let Some(license) = of {
                members.insert("license_id".to_owned(), json!(license));
            }
        }
        self.0.push_str(&value.to_string());
        self.0.push('\n');
        Ok(())
    }
}

async fn all_licenses(app: &App, customer: CustomerId) -> Result<Vec<LicenseId>, Error> {
    let mut all: Vec<LicenseId> = Vec::new();
    loop {
        let page = app.store().licenses_of(customer, all.last().copied(), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Why a person is erased.
#[derive(Debug)]
pub(crate) struct Erase {
    reason: PersonText,
}

/// The body of an erasure.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Erasure)]
#[expect(dead_code, reason = "the schema of what `Erase` reads")]
pub(crate) struct EraseSchema {
    /// Why, 1 to 200 characters in one line. It stays: do not name the person in it.
    reason: String,
}

impl FromBody for Erase {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: fields.required("reason", str::parse)? })
    }
}

/// That a person was erased.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erased)]
pub(crate) struct ErasedAnswer {
    #[schema(value_type = String)]
    id: CustomerId,
    #[schema(value_type = String, format = DateTime)]
    erased_at: Timestamp,
}

/// Erases a person: name, company, address, and every text that was written about them. Licences, their codes and their
/// histories stay, and the chains still hold. One that stopped half way is done by the next call.
#[utoipa::path(post, path = "/admin/v1/customers/{id}/erase", tag = "customers",
    params(
        ("id" = String, Path, description = "The customer"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = EraseSchema,
    responses(
        (status = 200, body = ErasedAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn erase(State(app): State<App>, Path(id): Path<String>, call: Call<Erase>) -> Result<Success, Error> {
    let now = app.clock().now();
    for _ in 0..TRIES {
        if let Some(kept) = call.once.answered(&app, now).await? {
            return Ok(kept);
        }
        let customer = customers::of_path(&app, &id).await?;
        // The customer goes last: until then the call can be made again.
        for license in all_licenses(&app, customer.id).await? {
            app.store().erase_texts_of(license).await?;
        }
        app.store().erase_discount_notes(customer.id).await?;
        app.store().erase_trial_asks(customer.email.person()).await?;
        let success = Success::new(StatusCode::OK, &ErasedAnswer { id: customer.id, erased_at: now })?;
        let mut along = Along::default();
        call.once.keep(&mut along, &success, now)?;
        let (by, because) = (call.caller.actor(), &call.body.reason);
        if app.store().erase_customer(&customer, &by, because, now, &along).await? == Committed::Done {
            return Ok(success);
        }
    }
    Err(StoreError::Contention { item: id }.into())
}
