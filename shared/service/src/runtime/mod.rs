//! The start of every deployed function: settings, logs, then what every handler shares, then the router.

mod url;

use std::error::Error as StdError;
use std::process::ExitCode;

use axum::Router;
use http::{HeaderValue, Method};
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::Body;
use marque_core::token::Typ;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::app::App;
use crate::aws::start;
use crate::config::{Config, function_name, runtime_api};
use crate::http::{TRACE_ID, envelope_with};
use crate::telemetry::Telemetry;

/// What Lambda calls a start that failed.
const START_FAILED: &str = "Marque.StartFailed";
/// What Lambda calls an event that is not of the function's kind.
const UNKNOWN_EVENT: &str = "Marque.UnknownEvent";

/// Starts a function that serves these routes, and runs until the environment is shut down.
///
/// A start fails with every fault of the environment at once, a faulty key ring, or a table that does not answer: the
/// log says so, and Lambda is told by an init error.
pub async fn run(routes: fn(App) -> Router) -> ExitCode {
    let app = match prepare().await {
        Ok(app) => app,
        Err(fault) => {
            let fault = fault.to_string();
            tracing::error!(error = fault, "the function cannot start");
            tell(&fault).await;
            return ExitCode::FAILURE;
        }
    };
    let telemetry = Telemetry::metrics(&function_name());
    tell_when_keys_end(&app, &telemetry).await;
    let router = envelope_with(routes(app), telemetry);
    let answered = service_fn(|event| answer(router.clone(), event));
    match Runtime::new(answered).run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the Lambda runtime ended");
            ExitCode::FAILURE
        }
    }
}

async fn answer(router: Router, event: LambdaEvent<Value>) -> Result<url::Answer, Diagnostic> {
    let mut request = url::request(event.payload).map_err(|fault| refused(&fault))?;
    // The runtime knows the trace of this very call.
    if let Some(trace) = event.context.xray_trace_id.and_then(|trace| HeaderValue::try_from(trace).ok()) {
        request.headers_mut().insert(TRACE_ID, trace);
    }
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    url::answer(response).await.map_err(|fault| refused(&fault))
}

fn refused(fault: &dyn StdError) -> Diagnostic {
    let error_message = fault.to_string();
    tracing::error!(error = error_message, "the event is not answered");
    Diagnostic { error_type: UNKNOWN_EVENT.to_owned(), error_message }
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
