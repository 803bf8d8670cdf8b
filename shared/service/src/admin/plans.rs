//! Plans, in revisions: what was sold stays as it was sold.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use marque_core::plan::{Activations, MIN_GRACE, Percent, Sale, Starts, Terms};
use marque_core::{Duration, Kind, Offer, Period, Plan, PlanRef, Slug};
use marque_store::{Along, Committed, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Caller, Success, products};
use crate::App;
use crate::http::{Body, Fields, FromBody, UnknownMembers};
use crate::problem::{Error, Problem};
use crate::validate::TRIES;

/// Features go into every lease and file, so they are kept short.
const MAX_FEATURES: usize = 4096;
/// Reminders are written at most so long before the end.
const MAX_REMINDER_DAYS: u64 = 365;
const MAX_REMINDERS: usize = 10;
/// No lease lets a server run without contact for longer.
const MAX_LEASE: Duration = Duration::days(366);

/// A plan to be written.
#[derive(Debug)]
pub(crate) struct NewPlan(Plan);

/// The body of a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewPlan)]
#[expect(dead_code, reason = "the schema of what `NewPlan` reads")]
pub(crate) struct PlanSchema {
    /// For people: 1 to 200 characters in one line.
    name: String,
    /// `trial`, `subscription` or `perpetual`.
    #[schema(pattern = "^(trial|subscription|perpetual)$")]
    kind: String,
    /// One paid period, such as `P1M`; null for perpetual plans, and for subscriptions where a cloud says how far they
    /// are paid.
    term: Option<String>,
    /// When the clock of a licence starts: `issue` (if absent) or `activation`.
    #[schema(pattern = "^(issue|activation)$")]
    starts: Option<String>,
    /// How long a licence works on after its paid time: at least `P3D` for subscriptions.
    grace: Option<String>,
    /// How long a lease lets a server run without contact.
    lease: String,
    /// On how many domains at a time: 1 to 8.
    #[schema(minimum = 1, maximum = 8)]
    activations: u8,
    /// How often in 365 days a licence may move to another domain.
    rebinds_per_year: u8,
    /// `sellable`, `legacy` (renews only) or `hidden`.
    #[schema(pattern = "^(sellable|legacy|hidden)$")]
    sale: String,
    /// What the product may switch on; carried in every lease and file.
    features: Option<Map<String, Value>>,
    /// How many trials one person may ask for.
    trials_per_person: Option<u16>,
    /// The highest discount in percent, to 50; only on yearly and perpetual plans.
    #[schema(maximum = 50)]
    discount_max: Option<u8>,
    /// How many days before the end to write to the customer.
    reminders: Option<Vec<u16>>,
}

/// A plan's revision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(crate) struct PlanAnswer {
    #[schema(value_type = String)]
    product: Slug,
    #[schema(value_type = String)]
    plan: Slug,
    /// From 1; each change makes a new one.
    revision: u32,
    name: String,
    #[schema(value_type = String)]
    kind: Kind,
    #[schema(value_type = Option<String>)]
    term: Option<Period>,
    #[schema(value_type = String)]
    starts: Starts,
    #[schema(value_type = String)]
    grace: Duration,
    #[schema(value_type = String)]
    lease: Duration,
    activations: u8,
    rebinds_per_year: u8,
    #[schema(value_type = String)]
    sale: Sale,
    features: Map<String, Value>,
    trials_per_person: Option<u16>,
    discount_max: u8,
    reminders: Vec<u16>,
}

impl PlanAnswer {
    fn new(product: Slug, offer: Offer) -> Self {
        let Offer { reference: PlanRef { plan: slug, revision }, plan } = offer;
        Self {
            product,
            plan: slug,
            revision,
            kind: plan.kind(),
            term: plan.period(),
            starts: plan.starts(),
            grace: plan.grace(),
            name: plan.name,
            lease: plan.lease,
            activations: plan.activations.get(),
            rebinds_per_year: plan.rebinds_per_year,
            sale: plan.sale,
            features: plan.features,
            trials_per_person: plan.trials_per_person,
            discount_max: plan.discount_max.get(),
            reminders: plan.reminders,
        }
    }
}

impl FromBody for NewPlan {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name: Option<marque_core::PersonText> = fields.required("name", str::parse);
        let terms = read_terms(fields);
        let lease = fields.required("lease", |text| match text.parse::<Duration>() {
            Ok(lease) if (Duration::hours(1)..=MAX_LEASE).contains(&lease) => Ok(lease),
            Ok(_) => Err("must be from PT1H to P366D".to_owned()),
            Err(error) => Err(error.to_string()),
        });
        let activations =
            fields.number("activations", |count| Activations::new(count).ok_or("must be a number from 1 to 8"));
        let rebinds_per_year = fields
            .number("rebinds_per_year", |count| u8::try_from(count).map_err(|_| "must be a number from 0 to 255"));
        let sale = fields.required("sale", str::parse);
        let features = fields.carried("features");
        if features.as_ref().is_some_and(|features| Value::Object(features.clone()).to_string().len() > MAX_FEATURES) {
            fields.fault::<()>("features", "must be at most 4096 bytes of JSON: every lease carries them");
        }
        let trials_per_person = fields.optional_number("trials_per_person", |count| {
            u16::try_from(count).map_err(|_| "must be a number from 0 to 65535")
        });
        let discount_max = fields
            .optional_number("discount_max", |percent| Percent::new(percent).ok_or("must be a number from 0 to 50"))
            .unwrap_or_default();
        let reminders = read_reminders(fields);
        let plan = Plan {
            name: name?.as_str().to_owned(),
            terms: terms?,
            lease: lease?,
            activations: activations?,
            rebinds_per_year: rebinds_per_year?,
            sale: sale?,
            features: features?,
            trials_per_person,
            discount_max,
            reminders: reminders?,
        };
        if plan.discount_max > Percent::default() && !plan.is_discountable() {
            fields.fault::<()>("discount_max", "must be 0: only yearly and perpetual plans are discounted");
        }
        if plan.trials_per_person.is_some() && plan.kind() != Kind::Trial {
            fields.fault::<()>("trials_per_person", "must be left out: the plan is no trial");
        }
        Some(Self(plan))
    }
}

/// Kind, term, start and grace, which depend on one another.
fn read_terms(fields: &mut Fields<'_>) -> Option<Terms> {
    let kind = fields.required("kind", str::parse);
    let period: Option<Period> = fields.optional("term", str::parse);
    let starts = fields.optional("starts", str::parse).unwrap_or(Starts::Issue);
    let grace: Duration = fields.optional("grace", str::parse).unwrap_or_default();
    match (kind?, period) {
        (Kind::Trial, Some(length)) => Some(Terms::Trial { length, starts, grace }),
        (Kind::Trial, None) => fields.fault("term", "must say how long the trial lasts, such as P30D"),
        (Kind::Subscription, _) if grace < MIN_GRACE => fields
            .fault("grace", "must be at least P3D: a card that fails on a Friday must not stop a domain on Saturday"),
        (Kind::Subscription, period) => Some(Terms::Subscription { period, starts, grace }),
        (Kind::Perpetual, Some(_)) => fields.fault("term", "must be null: a perpetual licence has no end"),
        (Kind::Perpetual, None) if starts != Starts::Issue => {
            fields.fault("starts", "must be `issue`: a perpetual licence has no clock")
        }
        (Kind::Perpetual, None) if grace != Duration::ZERO => {
            fields.fault("grace", "must be P0D: a perpetual licence has no end")
        }
        (Kind::Perpetual, None) => Some(Terms::Perpetual),
    }
}

/// Each once, most days first.
fn read_reminders(fields: &mut Fields<'_>) -> Option<Vec<u16>> {
    let read = |days: u64| {
        let days = Some(days).filter(|days| (1..=MAX_REMINDER_DAYS).contains(days));
        days.and_then(|days| u16::try_from(days).ok()).ok_or("must be a number from 1 to 365")
    };
    let mut reminders = fields.numbers("reminders", read)?;
    let given = reminders.len();
    reminders.sort_unstable_by(|a, b| b.cmp(a));
    reminders.dedup();
    if reminders.len() < given || given > MAX_REMINDERS {
        return fields.fault("reminders", "must be at most 10 different numbers of days");
    }
    Some(reminders)
}

/// Writes a plan: what differs from the newest revision makes a new one, the same again makes none. Licences keep the
/// revision that they were sold under.
#[utoipa::path(put, path = "/admin/v1/products/{product}/plans/{plan}", tag = "catalogue",
    params(
        ("product" = String, Path, description = "The product"),
        ("plan" = String, Path, description = "1 to 40 lower-case letters, digits and hyphens"),
    ),
    request_body = PlanSchema,
    responses(
        (status = 200, body = PlanAnswer, description = "The newest revision."),
        (status = 201, body = PlanAnswer, description = "The plan is new."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put(
    State(app): State<App>,
    Path((product, plan)): Path<(String, String)>,
    _: Caller,
    body: Body<NewPlan>,
) -> Result<Success, Error> {
    let product = products::of_path(&app, &product).await?.slug;
    let slug: Slug = plan.parse().map_err(|_| Error::NotFound)?;
    let plan = body.value.0;
    for _ in 0..TRIES {
        let newest = app.store().plan(&product, &slug).await?;
        let status = if newest.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        let revision = match newest {
            Some(newest) if newest.plan == plan => return Success::new(status, &PlanAnswer::new(product, newest)),
            Some(newest) => newest.reference.revision + 1,
            None => 1,
        };
        let offer = Offer { reference: PlanRef { plan: slug.clone(), revision }, plan: plan.clone() };
        if app.store().add_plan_revision(&product, &offer, Along::NOTHING).await? == Committed::Done {
            return Success::new(status, &PlanAnswer::new(product, offer));
        }
    }
    Err(StoreError::Contention { item: format!("plan {slug} of {product}") }.into())
}

/// A plan's newest revision.
#[utoipa::path(get, path = "/admin/v1/products/{product}/plans/{plan}", tag = "catalogue",
    params(
        ("product" = String, Path, description = "The product"),
        ("plan" = String, Path, description = "The plan"),
    ),
    responses(
        (status = 200, body = PlanAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path((product, plan)): Path<(String, String)>,
    _: Caller,
) -> Result<Json<PlanAnswer>, Error> {
    let product: Slug = product.parse().map_err(|_| Error::NotFound)?;
    let plan: Slug = plan.parse().map_err(|_| Error::NotFound)?;
    let offer = app.store().plan(&product, &plan).await?.ok_or(Error::NotFound)?;
    Ok(Json(PlanAnswer::new(product, offer)))
}
