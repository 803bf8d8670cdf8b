//! `validate`, the public function of API servers: they activate with their code and check in daily.
//!
//! A check, step by step: the body becomes typed values ([`crate::http::Body`]); one conditional update stamps the
//! activation and answers the licence ([`marque_store::Store::check_in`]); [`marque_core::evaluate`] judges; the lease
//! key signs a lease or a denial.

mod activations;
mod answer;
mod caller;
mod checking;
mod explain;
mod files;
mod public;
mod validations;

pub(crate) use activations::{ToBind, bind_or_confirm, read_public_key};
pub(crate) use answer::{CheckAnswer, Context, answer};
pub(crate) use caller::{Caller, FingerprintSchema};
pub(crate) use checking::{TRIES, new_token_id, stamp};
pub(crate) use files::{FileFor, check_files, download, file_domain};

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::http::{Credentials, published};
use crate::problem::Problem;

#[derive(OpenApi)]
#[openapi(
    info(title = "Marque", description = "Licensing: activations, daily checks, files, revocations."),
    components(schemas(Problem)),
    modifiers(&Credentials)
)]
struct Contract;

/// The routes of the function, without the envelope.
pub fn router(app: App) -> Router {
    published(api(), app)
}

/// The contract of the function, from its handlers.
#[must_use]
pub fn contract() -> utoipa::openapi::OpenApi {
    api().into_openapi()
}

/// The function's calls, with their descriptions.
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(activations::activate))
        .routes(routes!(activations::release))
        .routes(routes!(validations::validate))
        .routes(routes!(files::license_file))
        .routes(routes!(explain::explain))
        .routes(routes!(public::revocations))
        .routes(routes!(public::jwks))
        .routes(routes!(public::key_set))
        .routes(routes!(public::health))
}
