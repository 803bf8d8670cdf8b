//! Customers: the people and companies that licences belong to.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use marque_core::{Customer, CustomerId, Email, Language, PersonText};
use marque_store::{Along, Committed, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::page::{Page, PageParameters, Parameters, Window};
use super::{Call, Caller, Success};
use crate::http::{Body, Fields, FromBody, UnknownMembers};
use crate::problem::{Error, Problem};
use crate::validate::TRIES;
use crate::{App, chance};

/// A customer to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewCustomer {
    pub(crate) name: PersonText,
    pub(crate) company: PersonText,
    pub(crate) email: Email,
    pub(crate) language: Language,
}

/// The body of a customer.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewCustomer)]
#[expect(dead_code, reason = "the schema of what `NewCustomer` reads")]
pub(crate) struct CustomerSchema {
    /// The person to write to: 1 to 200 characters in one line.
    name: String,
    /// Their company, likewise.
    company: String,
    /// Where to write.
    #[schema(format = Email)]
    email: String,
    /// In which language to write: `en` (if absent) or `es`.
    #[schema(pattern = "^(en|es)$")]
    language: Option<String>,
}

/// What to change of a customer.
#[derive(Debug)]
pub(crate) struct Changes {
    name: Option<PersonText>,
    company: Option<PersonText>,
    email: Option<Email>,
    language: Option<Language>,
}

/// The body of a change: what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CustomerChanges)]
#[expect(dead_code, reason = "the schema of what `Changes` reads")]
pub(crate) struct ChangesSchema {
    name: Option<String>,
    company: Option<String>,
    #[schema(format = Email)]
    email: Option<String>,
    #[schema(pattern = "^(en|es)$")]
    language: Option<String>,
}

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Customer)]
pub(crate) struct CustomerAnswer {
    #[schema(value_type = String)]
    id: CustomerId,
    #[schema(value_type = String)]
    name: PersonText,
    #[schema(value_type = String)]
    company: PersonText,
    #[schema(value_type = String)]
    email: Email,
    #[schema(value_type = String)]
    language: Language,
}

impl From<Customer> for CustomerAnswer {
    fn from(customer: Customer) -> Self {
        let Customer { id, name, company, email, language } = customer;
        Self { id, name, company, email, language }
    }
}

impl FromBody for NewCustomer {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", str::parse);
        let company = fields.required("company", str::parse);
        let email = fields.required("email", str::parse);
        let language = fields.optional("language", str::parse).unwrap_or(Language::English);
        Some(Self { name: name?, company: company?, email: email?, language })
    }
}

impl FromBody for Changes {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.optional("name", str::parse);
        let company = fields.optional("company", str::parse);
        let email = fields.optional("email", str::parse);
        let language = fields.optional("language", str::parse);
        if !["name", "company", "email", "language"].iter().any(|member| fields.has(member)) {
            return fields.fault("", "must change `name`, `company`, `email` or `language`");
        }
        Some(Self { name, company, email, language })
    }
}

impl NewCustomer {
    /// The customer under a new id.
    pub(crate) fn customer(&self, id: CustomerId) -> Customer {
        let Self { name, company, email, language } = self.clone();
        Customer { id, name, company, email, language }
    }

    /// Whether it is this customer: of this name, company and address.
    pub(crate) fn is(&self, known: &Customer) -> bool {
        (&known.name, &known.company, &known.email) == (&self.name, &self.company, &self.email)
    }
}

/// A person's data lies with the customer alone: a kept answer has none of it, and the same request repeats it.
const OF_THE_PERSON: &[&str] = &["name", "company", "email", "language"];

/// Makes a customer.
#[utoipa::path(post, path = "/admin/v1/customers", tag = "customers",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters")),
    request_body = CustomerSchema,
    responses(
        (status = 201, body = CustomerAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(State(app): State<App>, call: Call<NewCustomer>) -> Result<Success, Error> {
    let now = app.clock().now();
    for _ in 0..TRIES {
        if let Some(kept) = call.once.answered(&app, now).await? {
            let NewCustomer { name, company, email, language } = &call.body;
            let person = [json!(name), json!(company), json!(email), json!(language)];
            return Ok(kept.completed(OF_THE_PERSON.iter().copied().zip(person)));
        }
        let customer = call.body.customer(CustomerId::new(now, chance::draw()));
        let success = Success::new(StatusCode::CREATED, &CustomerAnswer::from(customer.clone()))?;
        let success = success.withholding(OF_THE_PERSON);
        let mut along = Along::default();
        call.once.keep(&mut along, &success, now)?;
        if app.store().add_customer(&customer, &along).await? == Committed::Done {
            return Ok(success);
        }
    }
    Err(StoreError::Contention { item: "a new customer".to_owned() }.into())
}

/// The customers, oldest first; with `email` those of one person, whatever the address's case and plus-tag.
#[utoipa::path(get, path = "/admin/v1/customers", tag = "customers",
    params(
        ("email" = Option<String>, Query, description = "Whose"),
        PageParameters,
    ),
    responses(
        (status = 200, body = Page<CustomerAnswer>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    mut parameters: Parameters,
) -> Result<Json<Page<CustomerAnswer>>, Error> {
    let person = parameters.optional::<Email>("email").map(|email| email.person());
    let window: Window<CustomerId> = match &person {
        Some(person) => parameters.window(&format!("customers of {person:?}"))?,
        None => parameters.window("customers")?,
    };
    let (after, limit) = (window.after, window.to_read());
    let mut found = match &person {
        Some(person) => app.store().customers_by_person(person, after, limit).await?,
        None => app.store().customers(after, limit).await?,
    };
    let next = window.cut(&mut found, |id| *id);
    let mut items = Vec::new();
    for id in found {
        items.extend(app.store().customer(id).await?.map(CustomerAnswer::from));
    }
    Ok(Json(Page::new(items, next)))
}

/// A customer.
#[utoipa::path(get, path = "/admin/v1/customers/{id}", tag = "customers",
    params(("id" = String, Path, description = "The customer")),
    responses(
        (status = 200, body = CustomerAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    _: Caller,
) -> Result<Json<CustomerAnswer>, Error> {
    Ok(Json(of_path(&app, &id).await?.into()))
}

/// Changes a customer: name, company, address or language. Harmless to repeat.
#[utoipa::path(patch, path = "/admin/v1/customers/{id}", tag = "customers",
    params(("id" = String, Path, description = "The customer")),
    request_body = ChangesSchema,
    responses(
        (status = 200, body = CustomerAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    _: Caller,
    body: Body<Changes>,
) -> Result<Success, Error> {
    for _ in 0..TRIES {
        let before = of_path(&app, &id).await?;
        let Changes { name, company, email, language } = &body.value;
        let after = Customer {
            id: before.id,
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            company: company.clone().unwrap_or_else(|| before.company.clone()),
            email: email.clone().unwrap_or_else(|| before.email.clone()),
            language: language.unwrap_or(before.language),
        };
        if app.store().change_customer(&before, &after, Along::NOTHING).await? == Committed::Done {
            return Success::new(StatusCode::OK, &CustomerAnswer::from(after));
        }
    }
    Err(StoreError::Contention { item: id }.into())
}

/// The customer that a path names; whoever was erased is not there.
pub(super) async fn of_path(app: &App, id: &str) -> Result<Customer, Error> {
    let id: CustomerId = id.parse().map_err(|_| Error::NotFound)?;
    app.store().customer(id).await?.ok_or(Error::NotFound)
}
