//! `POST /admin/v1/imports`: the codes and customers of an earlier system, line by line.
//!
//! A line is one transaction: licence, customer and look-ups. A line whose code is there already answers the licence that
//! it was imported as, so a file that stopped half way is sent again from its beginning.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use marque_core::{Fingerprint, LicenseCode, LicenseId, Slug, Timestamp};
use marque_store::{Along, Committed};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::customers::{CustomerSchema, NewCustomer};
use super::importer::{Importer, Outcome};
use super::{Call, Success, files};
use crate::App;
use crate::http::{Fields, FromBody, UnknownMembers};
use crate::problem::{Error, Fault, Problem};
use crate::validate::FingerprintSchema;

/// So many lines are imported within the time of a call.
const MAX_LINES: usize = 250;

/// Lines to be imported.
#[derive(Debug)]
pub(crate) struct Import {
    dry_run: bool,
    lines: Vec<Result<Line, Vec<Fault>>>,
}

/// A licence of an earlier system.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) code: LicenseCode,
    pub(super) product: Slug,
    pub(super) plan: Slug,
    pub(super) customer: NewCustomer,
    pub(super) starts_at: Option<Timestamp>,
    pub(super) fingerprint: Option<Fingerprint>,
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

impl LineAnswer {
    fn new(line: usize, outcome: Outcome) -> Self {
        let (status, id, errors) = match outcome {
            Ok(Some(id)) => ("imported", Some(id), Vec::new()),
            Ok(None) => ("valid", None, Vec::new()),
            Err(errors) => ("refused", None, errors),
        };
        Self { line, status, id, errors }
    }
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
    let importer = Importer { app: &app, caller: &call.caller, dry_run: call.body.dry_run, now };
    let outcomes = importer.import(&call.body.lines).await?;
    let results = outcomes.into_iter().zip(1..).map(|(outcome, line)| LineAnswer::new(line, outcome)).collect();
    let success = Success::new(StatusCode::OK, &ResultsAnswer { results })?;
    let mut along = Along::default();
    call.once.keep(&mut along, &success, now)?;
    if app.store().keep(&along).await? == Committed::Overtaken {
        // The same request ran twice at once: both found or made the same licences.
        tracing::debug!("an import was answered by itself");
    }
    Ok(success.into_response())
}
