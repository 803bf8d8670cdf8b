//! The start of every deployed function: settings, logs, then what every handler shares, then one event after another.

mod api;
mod log;
mod url;

use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use axum::Router;
use futures_util::FutureExt;
use marque_core::token::Typ;
use marque_store::capacity::measured;
use serde::Serialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use self::api::{Failure, Invocation, Lost, RuntimeApi};
use crate::app::App;
pub use crate::aws::Ahead;
use crate::aws::{Aws, start};
use crate::clock::{Clock, Stopwatch};
use crate::config::{Config, function_name, runtime_api};
use crate::http::envelope_with;
use crate::problem::Error;
use crate::telemetry::Telemetry;

/// What stands in `source` of the events of a schedule: EventBridge Scheduler's, and those of a rule of EventBridge.
const SCHEDULES: [&str; 2] = ["aws.scheduler", "aws.events"];
/// Milliseconds that scheduled work may take: two minutes less than the 15 that Lambda gives it, for what is under way.
const RUN: f64 = 780_000.0;

/// Days before its end from which on trust data is worth a line: its renewal is a release.
const TRUST_IS_RENEWED: i64 = 180;

/// Why a function cannot start.
pub type Fault = Box<dyn StdError>;

/// Starts a function that serves these routes behind a URL, and runs until the environment is shut down.
///
/// A start fails with every fault of the environment at once, a faulty key ring, or a table that does not answer: the
/// log says so, and Lambda is told by an init error.
pub async fn run(ahead: Ahead, routes: fn(App) -> Router) -> ExitCode {
    serve(ahead, async |app, _| Ok(routes(app))).await
}

/// [`run`], for routes that need more of the environment: what they cannot be made without is told as other faults are.
pub async fn run_with(routes: impl AsyncFnOnce(App, &Config) -> Result<Router, Fault>) -> ExitCode {
    serve(Ahead::Nothing, routes).await
}

async fn serve(ahead: Ahead, routes: impl AsyncFnOnce(App, &Config) -> Result<Router, Fault>) -> ExitCode {
    let Some(Started { made, telemetry, api }) = started(ahead, routes).await else { return ExitCode::FAILURE };
    let router = envelope_with(made, telemetry);
    handle(&api, async |invocation| {
        let request = url::request(&invocation)?;
        let response = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        url::answer(response).await
    })
    .await
}

/// Starts a function that a schedule calls, and runs until the environment is shut down. `work` is told for how many
/// milliseconds it may run, and leaves the rest to the next call.
pub async fn scheduled<C: Serialize>(work: impl AsyncFn(&App, f64) -> Result<C, Error>) -> ExitCode {
    scheduled_with(async |app, _| Ok(app), work).await
}

/// [`scheduled`], for work that needs more of the environment.
pub async fn scheduled_with<T, C: Serialize>(
    make: impl AsyncFnOnce(App, &Config) -> Result<T, Fault>,
    work: impl AsyncFn(&T, f64) -> Result<C, Error>,
) -> ExitCode {
    let Some(Started { made, telemetry, api }) = started(Ahead::Nothing, make).await else { return ExitCode::FAILURE };
    handle(&api, async |invocation| {
        let event: Value = serde_json::from_slice(&invocation.event).unwrap_or_default();
        if !event["source"].as_str().is_some_and(|source| SCHEDULES.contains(&source)) {
            return Err(Failure::unknown_event("this function takes the events of an EventBridge schedule"));
        }
        let stopwatch = Stopwatch::start();
        let (done, spent) = measured(work(&made, RUN)).await;
        let done = done.map(|counts| json!(counts));
        telemetry.ran(&invocation.id, &done, stopwatch.milliseconds(), spent, Clock::system().now());
        // What failed is called again, twice, and then kept with the dead letters.
        let failed = |error: Error| Failure { kind: "Marque.WorkFailed", message: error.code().to_owned() };
        // Whoever calls it by hand sees what it did.
        done.map(|counts| counts.to_string().into_bytes()).map_err(failed)
    })
    .await
}

/// Starts a function that a queue calls, and runs until the environment is shut down. `work` is given a batch, and answers
/// what it counted and what Lambda is told: the messages that are to stay in the queue. What it fails with says nothing of
/// the batch: all of it stays in the queue then.
pub async fn queue<T, C: Serialize, E: StdError>(
    make: impl AsyncFnOnce(App, &Config) -> Result<T, Fault>,
    work: impl AsyncFn(&T, &Value) -> Result<(C, Value), E>,
) -> ExitCode {
    let Some(Started { made, telemetry, api }) = started(Ahead::Nothing, make).await else { return ExitCode::FAILURE };
    handle(&api, async |invocation| {
        let event: Value = serde_json::from_slice(&invocation.event).unwrap_or_default();
        let stopwatch = Stopwatch::start();
        let (done, spent) = measured(work(&made, &event)).await;
        let (counts, answer) = done.map_err(|fault| Failure::unknown_event(&fault.to_string()))?;
        let now = Clock::system().now();
        telemetry.ran(&invocation.id, &Ok(json!(counts)), stopwatch.milliseconds(), spent, now);
        Ok(answer.to_string().into_bytes())
    })
    .await
}

/// A function that has started.
struct Started<T> {
    made: T,
    telemetry: Telemetry,
    api: RuntimeApi,
}

/// Starts a function; none when it cannot, which the log and Lambda were told.
async fn started<T>(ahead: Ahead, make: impl AsyncFnOnce(App, &Config) -> Result<T, Fault>) -> Option<Started<T>> {
    let config = Config::from_env();
    log::start(config.as_ref().map_or(tracing::Level::INFO, |config| config.log_level));
    let Some(api) = runtime_api().map(|address| RuntimeApi::at(&address)) else {
        tracing::error!(
            "AWS_LAMBDA_RUNTIME_API is missing: this program runs in AWS Lambda, or under `cargo lambda watch`"
        );
        return None;
    };
    let telemetry = Telemetry::metrics(&function_name());
    let made = async {
        let config = config?;
        let app = start(&Aws::new(&config.aws), &config, ahead).await?;
        tell_when_keys_end(&app, &telemetry).await;
        let made = make(app.clone(), &config).await?;
        tell_when_trust_ends(&app, &telemetry);
        Ok::<_, Fault>(made)
    };
    match made.await {
        Ok(made) => Some(Started { made, telemetry, api }),
        Err(fault) => {
            let message = fault.to_string();
            tracing::error!(error = message, "the function cannot start");
            // Whoever calls then sees the fault itself, and not only that the process ended.
            if let Err(error) = api.fail_to_start(&Failure { kind: "Marque.StartFailed", message }).await {
                tracing::error!(%error, "Lambda was not told");
            }
            None
        }
    }
}

/// An alarm watches this: a key that ends with none to follow stops every answer.
async fn tell_when_keys_end(app: &App, telemetry: &Telemetry) {
    let now = app.clock().now();
    let ring = app.keys().ring(now).await;
    let ends = [Typ::Lease, Typ::License].into_iter().filter_map(|typ| ring.runs_out(typ, now)).min();
    if let Some(end) = ends {
        telemetry.key_days_left(end.since(now).whole_days(), now);
    }
}

/// The same of the trust data, in the function that verifies proofs: machines cannot register with a cloud whose
/// certificates have ended.
fn tell_when_trust_ends(app: &App, telemetry: &Telemetry) {
    let now = app.clock().now();
    let end = app.verifier().ok().and_then(|verifier| verifier.trust().nearest_expiry());
    if let Some(days) = end.map(|end| end.at.since(now).whole_days()).filter(|days| *days < TRUST_IS_RENEWED) {
        telemetry.trust_days_left(days, now);
    }
}

/// Handles one event after another, until the Runtime API is gone.
async fn handle(api: &RuntimeApi, handler: impl AsyncFn(Invocation) -> Result<Vec<u8>, Failure>) -> ExitCode {
    loop {
        if let Err(error) = handle_next(api, &handler).await {
            tracing::error!(%error, "the Runtime API is gone");
            return ExitCode::FAILURE;
        }
    }
}

async fn handle_next(
    api: &RuntimeApi,
    handler: &impl AsyncFn(Invocation) -> Result<Vec<u8>, Failure>,
) -> Result<(), Lost> {
    let invocation = api.next().await?;
    let id = invocation.id.clone();
    let panicked = |_| Err(Failure { kind: "Marque.Panicked", message: "the handler panicked".to_owned() });
    match caught(handler(invocation)).await.unwrap_or_else(panicked) {
        Ok(answer) => api.answer(&id, answer).await,
        Err(failure) => {
            tracing::error!(request_id = id, kind = failure.kind, error = failure.message, "an event was not answered");
            api.fail(&id, &failure).await
        }
    }
}

/// What a panic in one event leaves behind is dropped with it: what handlers share is behind locks that outlive one.
async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| Panicked)
}

/// Whoever panicked has said so on standard error.
#[derive(Debug)]
struct Panicked;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught() {
        assert!(caught(async { 1 }).await.is_ok());
        let panics: Result<(), Panicked> = caught(async { panic!("on purpose") }).await;
        assert!(panics.is_err());
    }
}
