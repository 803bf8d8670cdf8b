//! `register`, the public function of people who ask for trials.

mod confirm;
mod pages;
mod token;
mod trials;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use token::Token;
pub(crate) use trials::{limit_reached, trial_plan};

use crate::App;
use crate::http::{MAX_BODY, published};
use crate::problem::Problem;

#[derive(OpenApi)]
#[openapi(components(schemas(Problem)))]
struct Contract;

/// The routes of the function, without the envelope.
pub fn router(app: App) -> Router {
    published(api(), app)
}

/// The calls of the function.
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(trials::ask))
        .routes(routes!(confirm::confirm))
        .routes(routes!(confirm::show))
        .route("/trials/style.css", get(pages::style))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}
