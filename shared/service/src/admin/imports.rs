//! `POST /admin/v1/imports`: the codes and customers of an earlier system, line by line.
//!
//! A line is one transaction: licence, customer and look-ups. A line whose code is there already answers the licence that
//! it was imported as, so a file that stopped half way is sent again from its beginning.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use marque_core::code::CodeDigest;
use marque_core::plan::Terms;
use marque_core::{
    Customer, CustomerId, Fingerprint, License, LicenseCode, LicenseId, Offer, PlanRef, Plans, Product, Slug,
    Timestamp, What,
};
use marque_store::{Along, Committed, IssueLicense, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::customers::{CustomerSchema, NewCustomer};
use super::{Call, Caller, Success, files};
use crate::history::new_event;
use crate::http::{Fields, FromBody, UnknownMembers};
use crate::problem::{Error, Fault, Problem};
use crate::validate::{FingerprintSchema, TRIES};
use crate::{App, chance};

/// So many lines are imported within the time of a call.
const MAX_LINES: usize = 250;

/// Lines to be imported.
#[derive(Debug)]
pub(crate) struct Import {
    dry_run: bool,
    lines: Vec<Result<Line, Vec<Fault>>>,
}

#[derive(Debug)]
struct Line {
    code: LicenseCode,
    product: Slug,
    plan: Slug,
    customer: NewCustomer,
    starts_at: Option<Timestamp>,
    fingerprint: Option<Fingerprint>,
}

/// The body of an import.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Import)]
#[expect(dead_code, reason = "the schema of what `Import` reads")]
pub(crate) struct ImportSchema {
    /// Nothing is written, and every fault is told.
    dry_run: Option<bool>,
    /// 1 to 250.
    #[schema(min_items = 1, max_items = 250)]
    lines: Vec<LineSchema>,
}

/// A licence of an earlier system.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ImportLine)]
#[expect(dead_code, reason = "the schema of what `Line` reads")]
pub(crate) struct LineSchema {
    /// 25 hexadecimal digits, or a code of Marque's.
    code: String,
    product: String,
    plan: String,
    customer: CustomerSchema,
    /// When its first period began, not in the future; now if absent.
    #[schema(format = DateTime)]
    starts_at: Option<String>,
    /// The domain that holds it.
    fingerprint: Option<FingerprintSchema>,
}

impl FromBody for Import {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let dry_run = fields.flag("dry_run");
        let lines = fields.each("lines")?;
        if !(1..=MAX_LINES).contains(&lines.len()) {
            return fields.fault("lines", "must be 1 to 250 lines");
        }
        Some(Self { dry_run: dry_run?, lines })
    }
}

impl FromBody for Line {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.required("code", str::parse);
        let product = fields.required("product", str::parse);
        let plan = fields.required("plan", str::parse);
        let customer = fields.object("customer", NewCustomer::read);
        let starts_at = fields.optional("starts_at", str::parse);
        let fingerprint = if fields.has("fingerprint") {
            Some(fields.object("fingerprint", files::read_fingerprint)?)
        } else {
            fields.absent("fingerprint");
            None
        };
        Some(Self { code: code?, product: product?, plan: plan?, customer: customer?, starts_at, fingerprint })
    }
}

/// What became of the lines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportResults)]
pub(crate) struct ResultsAnswer {
    results: Vec<LineAnswer>,
}

/// What became of a line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportResult)]
pub(crate) struct LineAnswer {
    /// Which, from 1.
    line: usize,
    /// `imported` (now or before), `valid` (a dry run would import it), or `refused`.
    status: &'static str,
    /// The licence.
    #[schema(value_type = Option<String>)]
    id: Option<LicenseId>,
    /// Every fault of a line that is refused; pointers are into the line.
    errors: Vec<Fault>,
}

/// Imports lines. Sent again it changes nothing, and answers the same licences.
#[utoipa::path(post, path = "/admin/v1/imports", tag = "imports",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters")),
    request_body = ImportSchema,
    responses(
        (status = 200, body = ResultsAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn import(State(app): State<App>, call: Call<Import>) -> Result<Response, Error> {
    let now = app.clock().now();
    if let Some(kept) = call.once.answered(&app, now).await? {
        return Ok(kept.into_response());
    }
    let mut importer = Importer {
        app: &app,
        caller: &call.caller,
        dry_run: call.body.dry_run,
        now,
        seen: HashMap::new(),
        plans: HashMap::new(),
    };
    let mut results = Vec::new();
    for (at, line) in call.body.lines.iter().enumerate() {
        let outcome = match line {
            Ok(line) => importer.line(at + 1, line).await?,
            Err(faults) => Err(faults.clone()),
        };
        results.push(match outcome {
            Ok(Some(id)) => LineAnswer { line: at + 1, status: "imported", id: Some(id), errors: Vec::new() },
            Ok(None) => LineAnswer { line: at + 1, status: "valid", id: None, errors: Vec::new() },
            Err(errors) => LineAnswer { line: at + 1, status: "refused", id: None, errors },
        });
    }
    let success = Success::new(StatusCode::OK, &ResultsAnswer { results })?;
    let mut along = Along::default();
    call.once.keep(&mut along, &success, now)?;
    if app.store().keep(&along).await? == Committed::Overtaken {
        // The same request ran twice at once: both found or made the same licences.
        tracing::debug!("an import was answered by itself");
    }
    Ok(success.into_response())
}

/// A line's licence, none where a dry run would make it, or why it is refused.
type Outcome = Result<Option<LicenseId>, Vec<Fault>>;

struct Importer<'a> {
    app: &'a App,
    caller: &'a Caller,
    dry_run: bool,
    now: Timestamp,
    /// Codes of this request, and on which line each was.
    seen: HashMap<CodeDigest, usize>,
    plans: HashMap<(Slug, Slug), Option<(Product, Offer)>>,
}

fn fault<T>(pointer: &str, detail: impl Into<String>) -> Result<T, Vec<Fault>> {
    Err(vec![Fault { pointer: pointer.to_owned(), detail: detail.into() }])
}

impl Importer<'_> {
    async fn line(&mut self, number: usize, line: &Line) -> Result<Outcome, Error> {
        let digest = line.code.digest();
        if let Some(earlier) = self.seen.insert(digest, number) {
            return Ok(fault("/code", format!("is on line {earlier} already")));
        }
        let Some((product, offer)) = self.offered(&line.product, &line.plan).await? else {
            return Ok(fault("/plan", "there is no such plan of such a product"));
        };
        let faults = faults(line, &product, &offer, self.now);
        if !faults.is_empty() {
            return Ok(Err(faults));
        }
        for _ in 0..TRIES {
            if let Some(id) = self.app.store().license_by_code(&digest).await? {
                return self.imported_before(line, id).await;
            }
            if self.dry_run {
                return Ok(Ok(None));
            }
            if let Some(id) = self.issue(line, &product, &offer).await? {
                return self.imported_before(line, id).await;
            }
        }
        Err(StoreError::Contention { item: "an imported licence".to_owned() }.into())
    }

    async fn offered(&mut self, product: &Slug, plan: &Slug) -> Result<Option<(Product, Offer)>, Error> {
        let key = (product.clone(), plan.clone());
        if let Some(known) = self.plans.get(&key) {
            return Ok(known.clone());
        }
        let found = match self.app.store().product(product).await? {
            Some(found) => self.app.store().plan(product, plan).await?.map(|offer| (found, offer)),
            None => None,
        };
        self.plans.insert(key, found.clone());
        Ok(found)
    }

    /// The licence of a line's code, if it is this line's; its domain is bound if it never had one.
    async fn imported_before(&self, line: &Line, id: LicenseId) -> Result<Outcome, Error> {
        for _ in 0..TRIES {
            let license = self.app.store().license(id).await?.ok_or(Error::LicenseNotFound)?;
            if license.product != line.product {
                return Ok(fault("/code", "is the code of a licence of another product"));
            }
            let owner = self.app.store().customer(license.customer).await?;
            if owner.is_some_and(|owner| owner.email.person() != line.customer.email.person()) {
                return Ok(fault("/code", "is the code of another customer's licence"));
            }
            let Some(fingerprint) = line.fingerprint.filter(|_| license.bindings.last.is_none() && !self.dry_run)
            else {
                return Ok(Ok(Some(id)));
            };
            let plans = self.app.plans(&license).await?;
            if files::bind(self.app, &license, &plans, fingerprint, self.caller, self.now).await? == Committed::Done {
                return Ok(Ok(Some(id)));
            }
        }
        Err(StoreError::Contention { item: id.to_string() }.into())
    }

    /// Makes a line's licence, and its customer if they are new; `None` when somebody else made it meanwhile.
    async fn issue(&self, line: &Line, product: &Product, offer: &Offer) -> Result<Option<LicenseId>, Error> {
        let (app, now) = (self.app, self.now);
        let mut along = Along::default();
        let customer = match self.known_customer(&line.customer).await? {
            Some(known) => known,
            None => {
                let customer = line.customer.customer(CustomerId::new(now, chance::draw()));
                along.add_customer(&customer)?;
                customer.id
            }
        };
        let id = LicenseId::new(now, chance::draw());
        let (slug, kind, start) = (product.slug.clone(), product.fingerprint_kind, line.starts_at.unwrap_or(now));
        let mut license = License::issue(id, slug, kind, customer, offer, start, now);
        let PlanRef { plan, revision } = offer.reference.clone();
        let event = new_event(&license, self.caller.actor(), What::Imported { customer, plan, revision }, now);
        license.head = event.head();
        let plans = Plans { running: &offer.plan, next: None };
        app.keep_plan(&product.slug, offer);
        let issue = IssueLicense { license: &license, plans, code: &line.code, event: &event };
        Ok((app.store().issue(issue, &along).await? == Committed::Done).then_some(id))
    }

    /// The customer of this name, company and address.
    async fn known_customer(&self, wanted: &NewCustomer) -> Result<Option<CustomerId>, Error> {
        for id in self.app.store().customers_by_person(&wanted.email.person(), None, 100).await? {
            let same = |known: &Customer| {
                (&known.name, &known.company, &known.email) == (&wanted.name, &wanted.company, &wanted.email)
            };
            if self.app.store().customer(id).await?.is_some_and(|known| same(&known)) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}

/// What the rules of product and plan say of a line. A plan that is no longer sold may still be imported.
fn faults(line: &Line, product: &Product, offer: &Offer, now: Timestamp) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut note = |pointer: &str, detail: &str| {
        faults.push(Fault { pointer: pointer.to_owned(), detail: detail.to_owned() });
    };
    if matches!(offer.plan.terms, Terms::Subscription { period: None, .. }) {
        note("/plan", "a cloud states how far the plan is paid: it cannot be imported");
    }
    if line.starts_at.is_some_and(|start| start > now) {
        note("/starts_at", "must not be in the future");
    }
    if line.starts_at.is_some() && offer.plan.starts() == marque_core::plan::Starts::Activation {
        note("/starts_at", "must be left out: the plan starts at activation");
    }
    if line.fingerprint.is_some_and(|fingerprint| fingerprint.kind != product.fingerprint_kind) {
        note("/fingerprint/kind", "must be the kind that the product asks for");
    }
    faults
}
