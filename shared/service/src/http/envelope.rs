//! What is around every call: an id, a time limit, a net for panics, problem documents, one line in the log.

use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use tower_http::catch_panic::CatchPanicLayer;

use crate::chance;
use crate::clock::Stopwatch;
use crate::problem::Error;

/// A call takes at most so long; a function's own timeout must be longer, or its caller sees a bare 502.
const TIME_LIMIT: Duration = Duration::from_secs(9);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a handler tells the log, as an extension of its answer. No codes, tokens or texts of a caller's.
#[derive(Debug, Clone, Default)]
pub struct LogLine {
    /// The licence that it was about.
    pub license: Option<marque_core::LicenseId>,
    /// The verdict's code.
    pub verdict: Option<&'static str>,
}

/// Puts the envelope around a function's routes.
pub fn envelope(router: Router) -> Router {
    router
        .fallback(|| async { Error::NotFound })
        .layer(CatchPanicLayer::custom(|_| {
            Error::Unavailable { cause: "a handler panicked".to_owned() }.into_response()
        }))
        .layer(from_fn(around))
}

async fn around(request: Request, next: Next) -> Response {
    let stopwatch = Stopwatch::start();
    let id = request_id();
    let method = request.method().clone();
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    let answered = tokio::time::timeout(TIME_LIMIT, next.run(request)).await;
    let response =
        answered.unwrap_or_else(|_| Error::Unavailable { cause: "over the time limit".to_owned() }.into_response());
    let mut response = with_problem(response, &id);
    let line = response.extensions_mut().remove::<LogLine>().unwrap_or_default();
    let license = line.license.map(|id| id.to_string());
    tracing::info!(
        request_id = id,
        method = method.as_str(),
        route,
        status = response.status().as_u16(),
        license,
        verdict = line.verdict,
        ms = stopwatch.milliseconds(),
        "answered"
    );
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Every failure becomes a problem document here, also those that the router made by itself.
fn with_problem(mut response: Response, id: &str) -> Response {
    let status = response.status();
    let error = match response.extensions_mut().remove::<Error>() {
        Some(error) => error,
        None if is_bare_failure(&response) => Error::of_status(status),
        None => return response,
    };
    if let Some(cause) = error.cause() {
        tracing::error!(request_id = id, cause, "a call failed");
    }
    let mut answer = error.answer(id);
    if let Some(allow) = response.headers().get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    answer
}

fn is_bare_failure(response: &Response) -> bool {
    let html =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    (response.status().is_client_error() || response.status().is_server_error()) && !html
}

fn request_id() -> String {
    chance::draw::<12>().iter().map(|byte| format!("{byte:02x}")).collect()
}
