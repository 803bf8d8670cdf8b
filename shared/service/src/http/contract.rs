//! The contract that a function publishes: OpenAPI from the types of its handlers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// The routes of some calls, and `GET /openapi.json` that describes them; without the envelope.
pub fn published(api: OpenApiRouter<App>, app: App) -> Router {
    let (router, contract) = api.with_state(app).split_for_parts();
    let document: Arc<str> = contract.to_json().unwrap_or_default().into();
    router.merge(Router::new().route("/openapi.json", get(openapi)).with_state(document))
}

async fn openapi(State(document): State<Arc<str>>) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=3600")],
        document.to_string(),
    )
        .into_response()
}
