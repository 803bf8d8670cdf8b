//! Discounts for education and non-profits: approved by support with a note of the proof, for a year.

use axum::extract::{Path, State};
use http::StatusCode;
use marque_core::plan::Percent;
use marque_core::{CustomerId, Discount, DiscountId, DiscountKind, PersonText, Timestamp};
use marque_store::{Along, Committed, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Call, Success, customers};
use crate::http::{Fields, FromBody, UnknownMembers};
use crate::problem::{Error, Problem};
use crate::validate::TRIES;
use crate::{App, chance};

/// A discount to be approved.
#[derive(Debug)]
pub(crate) struct NewDiscount {
    kind: DiscountKind,
    percent: u64,
    note: PersonText,
}

/// The body of a discount.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewDiscount)]
#[expect(dead_code, reason = "the schema of what `NewDiscount` reads")]
pub(crate) struct DiscountSchema {
    /// `education` or `non-profit`.
    #[schema(pattern = "^(education|non-profit)$")]
    kind: String,
    /// 1 to 50.
    #[schema(minimum = 1, maximum = 50)]
    percent: u8,
    /// What proves it: 1 to 200 characters in one line.
    note: String,
}

/// An approved discount.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Discount)]
pub(crate) struct DiscountAnswer {
    #[schema(value_type = String)]
    id: DiscountId,
    #[schema(value_type = String)]
    customer_id: CustomerId,
    #[schema(value_type = String)]
    kind: DiscountKind,
    percent: u8,
    #[schema(value_type = Option<String>)]
    note: Option<PersonText>,
    #[schema(value_type = String, format = DateTime)]
    approved_at: Timestamp,
    /// From then on the proof has to be checked again.
    #[schema(value_type = String, format = DateTime)]
    valid_until: Timestamp,
}

impl DiscountAnswer {
    pub(super) fn new(customer: CustomerId, discount: &Discount, note: Option<PersonText>) -> Self {
        let Discount { id, kind, percent, approved_at, valid_until } = discount.clone();
        Self { id, customer_id: customer, kind, percent: percent.get(), note, approved_at, valid_until }
    }
}

impl FromBody for NewDiscount {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let kind = fields.required("kind", str::parse);
        let percent =
            fields.number("percent", |percent| if percent > 0 { Ok(percent) } else { Err("must be at least 1") });
        let note = fields.required("note", str::parse);
        Some(Self { kind: kind?, percent: percent?, note: note? })
    }
}

/// Approves a discount for a customer, for a year. What a plan allows is seen when it is used.
#[utoipa::path(post, path = "/admin/v1/customers/{id}/discounts", tag = "customers",
    params(
        ("id" = String, Path, description = "The customer"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 printable ASCII characters"),
    ),
    request_body = DiscountSchema,
    responses(
        (status = 201, body = DiscountAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn approve(
    State(app): State<App>,
    Path(id): Path<String>,
    call: Call<NewDiscount>,
) -> Result<Success, Error> {
    let now = app.clock().now();
    let NewDiscount { kind, percent, note } = &call.body;
    for _ in 0..TRIES {
        if let Some(kept) = call.once.answered(&app, now).await? {
            return Ok(kept.completed([("note", json!(note))]));
        }
        let customer = customers::of_path(&app, &id).await?.id;
        let percent = Percent::new(*percent)
            .ok_or(Error::RuleViolated("A discount is at most 50 percent: approve a lower one."))?;
        let discount = Discount::approve(DiscountId::new(now, chance::draw()), *kind, percent, now);
        let answer = DiscountAnswer::new(customer, &discount, Some(note.clone()));
        let success = Success::new(StatusCode::CREATED, &answer)?.withholding(&["note"]);
        let mut along = Along::default();
        call.once.keep(&mut along, &success, now)?;
        if app.store().add_discount(customer, &discount, note, &along).await? == Committed::Done {
            return Ok(success);
        }
    }
    Err(StoreError::Contention { item: id }.into())
}

/// The discount of a customer that a sale names, if it names one.
pub(super) async fn of_customer(
    app: &App,
    customer: CustomerId,
    discount: Option<DiscountId>,
) -> Result<Option<Discount>, Error> {
    let Some(id) = discount else { return Ok(None) };
    let unknown = Error::RuleViolated("The customer has no such discount: approve one, or compare its id with theirs.");
    app.store().discount(customer, id).await?.ok_or(unknown).map(Some)
}
