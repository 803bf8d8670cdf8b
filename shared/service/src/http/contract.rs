//! The contract that a function publishes: OpenAPI from the types of its handlers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// The routes of some calls, and `GET /openapi.json` that describes them; without the envelope.
pub fn published(api: OpenApiRouter<App>, app: App) -> Router {
    let (router, contract) = api.with_state(app).split_for_parts();
    // Few ask for it, so that no start writes it.
    router.merge(Router::new().route("/openapi.json", get(openapi)).with_state(Arc::new(contract)))
}

async fn openapi(State(contract): State<Arc<OpenApi>>) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=3600")],
        contract.to_json().unwrap_or_default(),
    )
        .into_response()
}
