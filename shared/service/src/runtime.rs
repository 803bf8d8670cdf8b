//! The start of every deployed function: settings, logs, then what every handler shares, then the router.

use axum::Router;

use crate::app::App;
use crate::aws::start;
use crate::config::Config;
use crate::http::envelope;

/// Starts a function that serves these routes, and runs until the environment is shut down.
///
/// # Errors
/// Every fault of the environment at once, a faulty key ring, or a table that does not answer: the start fails, and
/// Lambda tells.
pub async fn run(routes: fn(App) -> Router) -> Result<(), lambda_http::Error> {
    let config = Config::from_env()?;
    start_logs(&config.log_level);
    let app = start(&config).await.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    lambda_http::run(envelope(routes(app))).await
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
