//! The start of every deployed function: settings, logs, then what every handler shares, then the router.

use std::error::Error as StdError;
use std::process::ExitCode;

use axum::Router;
use http::Method;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, LambdaEvent, lambda_runtime, service_fn};
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::Body;
use marque_core::token::Typ;
use marque_store::capacity::measured;
use serde::Serialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::app::App;
use crate::aws::start;
use crate::clock::{Clock, Stopwatch};
use crate::config::{Config, function_name, runtime_api};
use crate::http::envelope_with;
use crate::problem::Error;
use crate::telemetry::Telemetry;

/// What stands in `source` of the events of a schedule: EventBridge Scheduler's, and those of a rule of EventBridge.
const SCHEDULES: [&str; 2] = ["aws.scheduler", "aws.events"];
/// Milliseconds that scheduled work may take: two minutes less than the 15 that Lambda gives it, for what is under way.
const RUN: f64 = 780_000.0;
/// What Lambda calls a start that failed.
const START_FAILED: &str = "Marque.StartFailed";

/// Starts a function that serves these routes, and runs until the environment is shut down.
///
/// A start fails with every fault of the environment at once, a faulty key ring, or a table that does not answer: the
/// log says so, and Lambda is told by an init error.
pub async fn run(routes: fn(App) -> Router) -> ExitCode {
    let Some(app) = started().await else { return ExitCode::FAILURE };
    let telemetry = Telemetry::metrics(&function_name());
    tell_when_keys_end(&app, &telemetry).await;
    let service = Adapter::from(envelope_with(routes(app), telemetry)).map_request(mended);
    ended(lambda_runtime::run(service).await)
}

/// Starts a function that a schedule calls, and runs until the environment is shut down. `work` is told for how many
/// milliseconds it may run, and leaves the rest to the next call.
pub async fn scheduled<C: Serialize>(work: impl AsyncFn(&App, f64) -> Result<C, Error>) -> ExitCode {
    let Some(app) = started().await else { return ExitCode::FAILURE };
    let (telemetry, work) = (Telemetry::metrics(&function_name()), &work);
    let (app, telemetry) = (&app, &telemetry);
    let handler = service_fn(|event: LambdaEvent<Value>| async move {
        if !event.payload["source"].as_str().is_some_and(|source| SCHEDULES.contains(&source)) {
            tracing::error!("an event that is no schedule's");
            return Err("this function takes the events of an EventBridge schedule".to_owned());
        }
        let stopwatch = Stopwatch::start();
        let (done, spent) = measured(work(app, RUN)).await;
        let done = done.map(|counts| json!(counts));
        telemetry.ran(&event.context.request_id, &done, stopwatch.milliseconds(), spent, Clock::system().now());
        // What failed is called again, twice, and then kept with the dead letters.
        done.map_err(|error| error.code().to_owned())
    });
    ended(lambda_runtime::run(handler).await)
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

/// What every handler shares; none when the function cannot start, which the log and Lambda were told.
async fn started() -> Option<App> {
    match prepare().await {
        Ok(app) => Some(app),
        Err(fault) => {
            let fault = fault.to_string();
            tracing::error!(error = fault, "the function cannot start");
            tell(&fault).await;
            None
        }
    }
}

fn ended(outcome: Result<(), lambda_runtime::Error>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the Lambda runtime ended");
            ExitCode::FAILURE
        }
    }
}

async fn prepare() -> Result<App, Box<dyn StdError>> {
    let config = Config::from_env();
    start_logs(config.as_ref().map_or("info", |config| &config.log_level));
    Ok(start(&config?).await?)
}

/// Posts the init error: whoever calls then sees the fault itself, and not only that the process ended.
async fn tell(fault: &str) {
    let Some(endpoint) = runtime_api() else { return };
    let body = json!({"errorType": START_FAILED, "errorMessage": fault}).to_string();
    let request = lambda_runtime_api_client::build_request()
        .method(Method::POST)
        .uri("/2018-06-01/runtime/init/error")
        .header("lambda-runtime-function-error-type", START_FAILED)
        .body(Body::from(body));
    let told = match request {
        Ok(request) => PooledClient::builder().with_endpoint(endpoint).build().call(request).await.map(drop),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = told {
        tracing::error!(error, "Lambda was not told");
    }
}

/// Lambda passes paths and queries on as callers wrote them. What may not stand in a URI is escaped, or the adapter
/// would panic over it.
fn mended(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        let path = request.raw_path.as_mut().map(|path| (path, &b"/"[..]));
        let query = request.raw_query_string.as_mut().map(|query| (query, &b"/?"[..]));
        for (text, separators) in [path, query].into_iter().flatten() {
            escape(text, separators);
        }
    }
    event
}

fn escape(text: &mut String, separators: &[u8]) {
    const PLAIN: &[u8] = b"%-._~:[]@!$&'()*+,;=";
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || PLAIN.contains(byte) || separators.contains(byte);
    if text.as_bytes().iter().all(plain) {
        return;
    }
    let escaped = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    *text = text.bytes().map(escaped).collect();
}

/// JSON lines on standard output, where Lambda reads them; `level` at the top, where its filter looks.
fn start_logs(level: &str) {
    let lines = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false);
    let level = level.parse().unwrap_or(tracing::Level::INFO);
    if lines.with_max_level(level).try_init().is_err() {
        // Tests start several functions in one process: the first one's log serves all.
        tracing::debug!("the log was started before");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_stand_in_a_uri_is_escaped_and_nothing_else() {
        let mut path = "/v1/a b/%ff\"<é>?#".to_owned();
        escape(&mut path, b"/");
        assert_eq!(path, "/v1/a%20b/%ff%22%3C%C3%A9%3E%3F%23");
        assert!(path.parse::<http::Uri>().is_ok());
        let mut query = "a=%3Cb%3E&c=d/e?[1]+2".to_owned();
        escape(&mut query, b"/?");
        assert_eq!(query, "a=%3Cb%3E&c=d/e?[1]+2");
    }
}
