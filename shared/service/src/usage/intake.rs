//! `POST /v1/usage-records` and its twin for the publisher: every well-typed record gets a result of its own.

use axum::Json;
use axum::extract::{Path, State};
use http::HeaderMap;
use marque_core::usage::{Candidate, Chain, Quantity, Rejection, Usage};
use marque_core::{AgreementId, Timestamp};
use marque_store::{NewUsage, Place, Recorded};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::merged;
use crate::admin::Caller;
use crate::http::{Body, Fields, FromBody, UnknownMembers, bearer_lease};
use crate::marketplace::Shop;
use crate::problem::{Error, Problem};

const MOST_RECORDS: usize = 100;
const LONGEST_ID: usize = 64;

/// A record as it was sent.
#[derive(Debug, Clone)]
struct Sent {
    id: String,
    usage: Usage,
}

/// The body of a report.
#[derive(Debug)]
pub(super) struct Report(Vec<Sent>);

impl FromBody for Report {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let records = fields.objects("records", |record| {
            let any = |text: &str| Ok::<_, &str>(text.to_owned());
            let (id, dimension) = (record.required("id", read_id), record.required("dimension", any));
            let (quantity, at) = (record.required("quantity", any), record.required("at", str::parse));
            Some(Sent { id: id?, usage: Usage { dimension: dimension?, quantity: quantity?, at: at? } })
        })?;
        if (1..=MOST_RECORDS).contains(&records.len()) {
            return Some(Self(records));
        }
        fields.fault("records", "must be a list of 1 to 100 records")
    }
}

fn read_id(text: &str) -> Result<String, &'static str> {
    let fits = (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err("must be 1 to 64 printable ASCII characters") }
}

/// What is reported.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = UsageReport)]
#[expect(dead_code, reason = "the schema of what `Report` reads")]
pub(super) struct ReportSchema {
    /// 1 to 100 records.
    #[schema(min_items = 1, max_items = 100)]
    records: Vec<RecordSchema>,
}

/// A record of usage.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = UsageRecord)]
#[expect(dead_code, reason = "the schema of what `Sent` reads")]
struct RecordSchema {
    /// Chosen by the sender, 1 to 64 printable ASCII characters: a record is counted once, however often it is sent.
    id: String,
    /// The API name of a metered dimension.
    dimension: String,
    /// A decimal with at most 6 places, not above 2147483647.
    #[schema(example = "12.5")]
    quantity: String,
    /// When it happened.
    #[schema(format = DateTime)]
    at: String,
}

/// What became of the records, in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageResults)]
pub(super) struct Results {
    results: Vec<Outcome>,
}

/// What became of a record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageResult)]
struct Outcome {
    id: String,
    /// `accepted`, `duplicate` (counted before: nothing is to be done) or `rejected`.
    status: &'static str,
    /// Why it is rejected: `QUANTITY_INVALID`, `DIMENSION_UNKNOWN`, `ID_CONFLICT`, `IN_FUTURE`, `TOO_OLD`, `BEFORE_START`
    /// or `AFTER_END`.
    #[schema(value_type = Option<String>, required = true)]
    code: Option<Rejection>,
    /// The hour that it counts for.
    #[schema(format = DateTime, required = true)]
    hour: Option<String>,
    /// Whether that is another hour than its own.
    carried: bool,
}

/// Reports usage of the agreement that pays for the lease's licence. The agreement judges, not the lease: a server whose
/// agreement has just ended can still report its last hour.
#[utoipa::path(post, path = "/v1/usage-records", tag = "servers",
    params(("Authorization" = String, Header, description = "`Bearer <lease+jwt>`: any that has not run out")),
    request_body = ReportSchema,
    responses(
        (status = 200, body = Results),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn report(
    State(shop): State<Shop>,
    headers: HeaderMap,
    body: Body<Report>,
) -> Result<Json<Results>, Error> {
    let now = shop.app().clock().now();
    let lease = bearer_lease(shop.app(), &headers, now).await?;
    let none = Error::Unknown("No agreement of a marketplace pays for this licence: its usage is not metered.");
    let chain = shop.metered_of_license(lease.sub).await?.ok_or(none)?;
    take(&shop, &chain, body.value, now).await.map(Json)
}

/// Reports usage of an agreement in the name of its servers. Needs no `Idempotency-Key`: each record has its id.
#[utoipa::path(post, path = "/admin/v1/usage/{agreement}/records", tag = "usage",
    params(("agreement" = String, Path, description = "An agreement, `agr_…`")),
    request_body = ReportSchema,
    responses(
        (status = 200, body = Results),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn report_for(
    State(shop): State<Shop>,
    Path(agreement): Path<String>,
    caller: Caller,
    body: Body<Report>,
) -> Result<Json<Results>, Error> {
    let now = shop.app().clock().now();
    let agreement: AgreementId = agreement.parse().map_err(|_| Error::NotFound)?;
    let chain = shop.metered(agreement).await?.ok_or(Error::NotFound)?;
    tracing::info!(%agreement, by = caller.name(), records = body.value.0.len(), "usage is reported by the publisher");
    take(&shop, &chain, body.value, now).await.map(Json)
}

/// A record that was judged: what may be counted, or why not.
enum Judged {
    Candidate(Candidate),
    /// It may go nowhere now; if it was counted before, whatever clocks and listings were then, it is a duplicate all the same.
    Nowhere(Quantity, Rejection),
    Unreadable(Rejection),
}

impl Judged {
    fn of(chain: &Chain, usage: &Usage, now: Timestamp) -> Self {
        match (chain.judge(usage, now), usage.quantity.parse()) {
            (Ok(candidate), _) => Self::Candidate(candidate),
            (Err(why), Ok(quantity)) => Self::Nowhere(quantity, why),
            (Err(why), Err(_)) => Self::Unreadable(why),
        }
    }

    fn as_new<'a>(&'a self, sent: &'a Sent) -> Option<NewUsage<'a>> {
        let Sent { id, usage: Usage { dimension, at, .. } } = sent;
        let new = NewUsage { id, at: *at, dimension, quantity: Quantity::ZERO, targets: &[] };
        match self {
            Self::Candidate(Candidate { quantity, targets }) => Some(NewUsage { quantity: *quantity, targets, ..new }),
            Self::Nowhere(quantity, _) => Some(NewUsage { quantity: *quantity, ..new }),
            Self::Unreadable(_) => None,
        }
    }
}

async fn take(shop: &Shop, chain: &Chain, Report(sent): Report, now: Timestamp) -> Result<Results, Error> {
    // A server never sends again what was rejected: a dimension that was listed a moment ago must be known.
    let afresh = if sent.iter().any(|sent| chain.dimension(&sent.usage.dimension).is_none()) {
        shop.forget_products(now);
        shop.metered(chain.id).await?
    } else {
        None
    };
    let chain = afresh.as_ref().unwrap_or(chain);
    let judged: Vec<_> = sent.iter().map(|sent| Judged::of(chain, &sent.usage, now)).collect();
    let new: Vec<_> = judged.iter().zip(&sent).filter_map(|(judged, sent)| judged.as_new(sent)).collect();
    let recorded = if new.is_empty() {
        Vec::new()
    } else {
        shop.app().store().record_usage(chain.id, &merged(chain), &new, now).await?
    };
    let mut recorded = recorded.into_iter();
    let outcomes = sent.into_iter().zip(&judged).map(|(sent, judged)| match judged {
        Judged::Unreadable(why) => Outcome::rejected(sent.id, *why),
        Judged::Nowhere(_, why) => Outcome::of(sent.id, recorded.next(), *why),
        Judged::Candidate(_) => Outcome::of(sent.id, recorded.next(), Rejection::AfterEnd),
    });
    let results: Vec<_> = outcomes.collect();
    let rejected = results.iter().filter(|outcome| outcome.code.is_some()).count();
    if rejected > 0 {
        tracing::warn!(chain = %chain.id, rejected, of = results.len(), "records of usage are rejected");
    }
    Ok(Results { results })
}

impl Outcome {
    /// `closed` is why there is no place for it, when there is none.
    fn of(id: String, recorded: Option<Recorded>, closed: Rejection) -> Self {
        match recorded {
            Some(Recorded::Accepted(place)) => Self::counted(id, "accepted", place),
            Some(Recorded::Duplicate(place)) => Self::counted(id, "duplicate", place),
            Some(Recorded::Conflict) => Self::rejected(id, Rejection::IdConflict),
            Some(Recorded::Closed) | None => Self::rejected(id, closed),
        }
    }

    fn counted(id: String, status: &'static str, Place { hour, carried }: Place) -> Self {
        Self { id, status, code: None, hour: Some(hour.to_string()), carried }
    }

    fn rejected(id: String, why: Rejection) -> Self {
        Self { id, status: "rejected", code: Some(why), hour: None, carried: false }
    }
}
