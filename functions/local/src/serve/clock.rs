//! The clock of `marque serve`: it moves everything that the API shows.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use marque_core::Timestamp;
use marque_service::http::{Body, Fields, FromBody, UnknownMembers};
use marque_service::problem::Error;
use serde_json::{Value, json};

use super::Local;

pub(super) fn routes() -> Router<Local> {
    Router::new().route("/local/clock", get(show).post(change))
}

/// What to do with the clock.
#[derive(Debug)]
enum Change {
    Set(Timestamp),
    Advance(jiff::Span),
}

impl FromBody for Change {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let set = fields.optional("set", str::parse);
        let advance = fields.optional("advance", read_span);
        match (fields.has("set"), fields.has("advance")) {
            (true, false) => set.map(Self::Set),
            (false, true) => advance.map(Self::Advance),
            _ => fields.fault("", "must have either `set` with a time or `advance` with a duration such as P1D"),
        }
    }
}

fn read_span(text: &str) -> Result<jiff::Span, &'static str> {
    let error = "must be an ISO 8601 duration such as P1D, PT36H or P1M";
    let span: jiff::Span = if text.starts_with('P') { text.parse().map_err(|_| error)? } else { return Err(error) };
    if span.is_negative() { Err(error) } else { Ok(span) }
}

async fn show(State(local): State<Local>) -> Json<Value> {
    Json(json!({"now": local.app.clock().now()}))
}

async fn change(State(local): State<Local>, body: Body<Change>) -> Result<Json<Value>, Error> {
    let clock = local.app.clock();
    let now = clock.now();
    let target = match body.value {
        Change::Set(time) => time,
        Change::Advance(span) => {
            advanced(now, span).ok_or(Error::RuleViolated("The clock ends with the year 9999."))?
        }
    };
    if target < now && local.data.has_changed() {
        return Err(Error::RuleViolated(
            "The clock may be set back only before anything was changed: start again with a new --data folder, or with `:memory:`.",
        ));
    }
    clock.set(target);
    local.data.keep_clock_offset(clock.offset());
    Ok(Json(json!({"now": clock.now()})))
}

fn advanced(now: Timestamp, span: jiff::Span) -> Option<Timestamp> {
    let epoch = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    let since = jiff::SignedDuration::from_secs(now.unix());
    let moved = epoch.checked_add(since).ok()?.checked_add(span).ok()?;
    Timestamp::from_unix(moved.duration_since(epoch).as_secs())
}
