//! The mails and the sweep of `marque serve`: nothing is sent, and nothing runs by itself.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use marque_service::mail::Mail;
use marque_service::problem::Error;
use marque_service::sweep::{self, AllCounts};
use serde::Serialize;

use super::Local;

/// A run may take so many milliseconds, and leaves the rest to the next.
const RUN: f64 = 20_000.0;

pub(super) fn routes() -> Router<Local> {
    Router::new().route("/local/outbox", get(outbox)).route("/local/run/sweep", post(run_sweep))
}

#[derive(Debug, Serialize)]
struct Outbox {
    /// Oldest first, all.
    items: Vec<Mail>,
}

async fn outbox(State(local): State<Local>) -> Json<Outbox> {
    Json(Outbox { items: local.outbox.all() })
}

async fn run_sweep(State(local): State<Local>) -> Result<Json<AllCounts>, Error> {
    sweep::run_with_agreements(local.shop(), RUN).await.map(Json)
}
