//! The meter of `marque serve`: it runs when it is told to.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use marque_marketplace_sim::Marketplace;
use marque_service::clouds::{Metering, Wiring};
use marque_service::problem::Error;
use marque_service::usage::meter::{self, Counts};
use tokio::sync::Mutex;

use super::Local;

/// A run may take so many milliseconds, and leaves the rest to the next.
const RUN: f64 = 20_000.0;
/// The only process on its data: the lock of a run that was killed is its own.
const HOLDER: &str = "marque serve";

/// Reports usage to the simulated marketplace, one run at a time.
#[derive(Debug, Clone)]
pub(super) struct Meter(Arc<Mutex<Metering>>);

impl Meter {
    pub(super) fn new(market: &Marketplace) -> Self {
        Self(Arc::new(Mutex::new(Metering::new(&Wiring::simulated(market.http_client())))))
    }
}

pub(super) fn routes() -> Router<Local> {
    Router::new().route("/local/run/meter", post(run))
}

async fn run(State(local): State<Local>) -> Result<Json<Counts>, Error> {
    let metering = local.meter.0.lock().await;
    meter::run(local.shop(), &metering, HOLDER, RUN).await.map(Json)
}
