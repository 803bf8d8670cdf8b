//! A licence's history, entry by entry: what `marque audit verify` needs to reckon every hash again.

use axum::Json;
use axum::extract::{Path, State};
use marque_core::event::{Hash, Head};
use marque_core::{Event, EventId, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::page::{Page, PageParameters, Parameters};
use super::{Caller, licenses};
use crate::App;
use crate::problem::{Error, Problem};

/// An entry of a licence's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventAnswer {
    #[schema(value_type = String)]
    id: EventId,
    /// From 1.
    seq: u64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `system`, `holder` (of the code), or a principal: an ARN, or `local`.
    by: String,
    /// What happened.
    r#type: String,
    /// What was hashed of it. A `reason` holds the digest of a person's text, with salt and text until they are erased.
    detail: Map<String, Value>,
    /// The hash of the entry before, 64 hexadecimal digits; zeros before the first.
    prev: String,
    /// SHA-256 of this one.
    hash: String,
}

impl EventAnswer {
    pub(super) fn new(event: &Event) -> Result<Self, Error> {
        let unwritable = |error| Error::Unavailable { cause: format!("an entry cannot be written: {error}") };
        let mut detail = match serde_json::to_value(&event.what).map_err(unwritable)? {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let kind = detail.remove("type").and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
        if let (Some(note), Some(Value::Object(reason))) = (&event.note, detail.get_mut("reason")) {
            reason.insert("salt".to_owned(), json!(hex(&note.salt)));
            reason.insert("text".to_owned(), json!(note.text));
        }
        Ok(Self {
            id: event.id,
            seq: event.seq,
            at: event.at,
            by: event.by.to_string(),
            r#type: kind,
            detail,
            prev: hex(&event.prev),
            hash: hex(&event.hash),
        })
    }
}

/// The end of a licence's history: kept elsewhere, it proves all that came before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Head)]
pub(crate) struct HeadAnswer {
    /// How many entries there are.
    seq: u64,
    /// The hash of the last, 64 hexadecimal digits.
    hash: String,
}

impl From<Head> for HeadAnswer {
    fn from(head: Head) -> Self {
        Self { seq: head.seq, hash: hex::<32>(&head.hash) }
    }
}

fn hex<const N: usize>(bytes: &[u8; N]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A licence's history, oldest first.
#[utoipa::path(get, path = "/admin/v1/licenses/{id}/events", tag = "licences",
    params(
        ("id" = String, Path, description = "The licence"),
        PageParameters,
    ),
    responses(
        (status = 200, body = Page<EventAnswer>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    Path(id): Path<String>,
    _: Caller,
    parameters: Parameters,
) -> Result<Json<Page<EventAnswer>>, Error> {
    let window = parameters.window::<u64>(&format!("events of {id}"))?;
    let license = licenses::of_path(&app, &id).await?;
    let after = Head { seq: window.after.unwrap_or_default(), hash: Hash::default() };
    let mut found = app.store().history(license.id, after, window.to_read()).await?;
    let next = window.cut(&mut found, |event| event.seq);
    let items: Result<_, Error> = found.iter().map(EventAnswer::new).collect();
    Ok(Json(Page::new(items?, next)))
}
