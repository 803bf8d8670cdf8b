//! `register`, the public function of people who ask for trials; deployed with [`crate::registration`] of machines.

mod confirm;
mod pages;
mod token;
mod trials;

#[cfg(feature = "lambda")]
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use token::Token;
pub(crate) use trials::{limit_reached, trial_plan};

use crate::App;
#[cfg(feature = "lambda")]
use crate::http::published;
use crate::http::{Credentials, MAX_BODY};
use crate::problem::Problem;
#[cfg(feature = "lambda")]
use crate::registration;

#[derive(OpenApi)]
#[openapi(components(schemas(Problem)), modifiers(&Credentials))]
struct Contract;

/// The routes of the deployed function, without the envelope. Machines prove themselves by what is shipped.
#[cfg(feature = "lambda")]
pub fn router(app: App) -> Router {
    if let Err(fault) = registration::trust_the_clouds(&app) {
        tracing::error!(%fault, "no machine can register: the trust data that is shipped is faulty");
    }
    published(api().merge(registration::api()), app)
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
