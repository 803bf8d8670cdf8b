//! What is around every call: an id, a time limit, a net for panics, problem documents, one line in the log.

use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use tower_http::catch_panic::CatchPanicLayer;

use crate::chance;
use marque_store::capacity::measured;

use crate::clock::{Clock, Stopwatch};
use crate::problem::Error;
use crate::telemetry::{Answered, Telemetry};

/// A call takes at most so long; a function's own timeout must be longer, or its caller sees a bare 502.
const TIME_LIMIT: Duration = Duration::from_secs(9);
/// On one's own machine nobody cuts a call off, and what a schedule runs may be asked for as a call.
const LOCAL_TIME_LIMIT: Duration = Duration::from_secs(25);

/// Lambda puts the trace of X-Ray here.
const TRACE_ID: &str = "x-amzn-trace-id";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a handler tells the log, as an extension of its answer. No codes, tokens or texts of a caller's.
#[derive(Debug, Clone, Default)]
pub struct LogLine {
    /// The licence that it was about.
    pub license: Option<marque_core::LicenseId>,
    /// The verdict's code.
    pub verdict: Option<&'static str>,
}

/// A failure that a page shows by itself: for the log, as an extension of the answer.
#[derive(Debug, Clone)]
pub(crate) struct ShownFailure(pub(crate) Error);

/// Puts the envelope around the routes of a local run; its lines go to the process's log.
pub fn envelope(router: Router) -> Router {
    around_all(router, Telemetry::log(), LOCAL_TIME_LIMIT)
}

/// Puts the envelope around a function's routes, with a place for its lines and metrics.
pub fn envelope_with(router: Router, telemetry: Telemetry) -> Router {
    around_all(router, telemetry, TIME_LIMIT)
}

fn around_all(router: Router, telemetry: Telemetry, limit: Duration) -> Router {
    router
        .fallback(|| async { Error::NotFound })
        .layer(CatchPanicLayer::custom(|_| {
            Error::Unavailable { cause: "a handler panicked".to_owned() }.into_response()
        }))
        .layer(from_fn_with_state((telemetry, limit), around))
}

async fn around(State((telemetry, limit)): State<(Telemetry, Duration)>, request: Request, next: Next) -> Response {
    let stopwatch = Stopwatch::start();
    let id = request_id();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let trace = request.headers().get(TRACE_ID).and_then(|trace| trace.to_str().ok()).map(str::to_owned);
    let (answered, spent) = measured(tokio::time::timeout(limit, next.run(request))).await;
    let response =
        answered.unwrap_or_else(|_| Error::Unavailable { cause: "over the time limit".to_owned() }.into_response());
    let (mut response, error) = with_problem(response, &id);
    let shown = response.extensions_mut().remove::<ShownFailure>();
    let error = error.or(shown.map(|ShownFailure(error)| error));
    let line = response.extensions_mut().remove::<LogLine>().unwrap_or_default();
    telemetry.answered(&Answered {
        request_id: &id,
        trace: trace.as_deref(),
        method: method.as_str(),
        route: route.as_ref().map_or("(none)", MatchedPath::as_str),
        status: response.status().as_u16(),
        code: error.as_ref().map_or(line.verdict.unwrap_or("OK"), Error::code),
        license: line.license,
        milliseconds: stopwatch.milliseconds(),
        spent,
        cause: error.as_ref().and_then(Error::cause),
        // The log is stamped by the machine's clock, wherever the service's has been moved to.
        at: Clock::system().now(),
    });
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Every failure becomes a problem document here, also those that the router made by itself.
fn with_problem(mut response: Response, id: &str) -> (Response, Option<Error>) {
    let status = response.status();
    let error = match response.extensions_mut().remove::<Error>() {
        Some(error) => error,
        None if is_bare_failure(&response) => Error::of_status(status),
        None => return (response, None),
    };
    let mut answer = error.answer(id);
    if let Some(allow) = response.headers().get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    (answer, Some(error))
}

fn is_bare_failure(response: &Response) -> bool {
    let html =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    (response.status().is_client_error() || response.status().is_server_error()) && !html
}

fn request_id() -> String {
    chance::draw::<12>().iter().map(|byte| format!("{byte:02x}")).collect()
}
