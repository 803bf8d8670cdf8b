//! `admin`, the publisher's API: products, plans, customers, licences and all that can be done to them.
//!
//! Everybody who calls is known ([`Caller`]) and stands on every event. A call that changes something ([`Call`]) may
//! carry an `Idempotency-Key`: its answer is kept in the same transaction as its effect.

mod access;
mod actions;
mod customers;
mod discounts;
mod events;
mod files;
mod importer;
mod imports;
mod license;
mod licenses;
mod machines;
mod once;
mod page;
mod people;
mod plans;
mod products;

use axum::middleware::from_fn_with_state;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use access::authenticate;
pub use access::{Access, Caller, LocalToken};
pub use once::{Call, Once, Success};
#[cfg(feature = "marketplace")]
pub(crate) use page::{Page, Parameters, Window};

use crate::App;
use crate::http::for_the_publisher;
use crate::problem::Problem;

#[derive(OpenApi)]
#[openapi(
    info(title = "Marque", description = "Licensing: the publisher's products, plans, customers and licences."),
    components(schemas(Problem))
)]
struct Contract;

/// The function's calls, with their descriptions, behind `access`.
pub fn api(access: Access) -> OpenApiRouter<App> {
    let calls = OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(products::list))
        .routes(routes!(products::put, products::show))
        .routes(routes!(plans::put, plans::show))
        .routes(routes!(customers::create, customers::list))
        .routes(routes!(customers::show, customers::change))
        .routes(routes!(discounts::approve))
        .routes(routes!(people::export))
        .routes(routes!(people::erase))
        .routes(routes!(licenses::issue, licenses::list))
        .routes(routes!(licenses::show))
        .routes(routes!(events::list))
        .routes(routes!(files::make))
        .routes(routes!(imports::import))
        .routes(routes!(machines::list))
        .routes(routes!(machines::act))
        .routes(routes!(actions::terms::renew))
        .routes(routes!(actions::terms::change_plan))
        .routes(routes!(actions::terms::withdraw_change))
        .routes(routes!(actions::terms::cancel))
        .routes(routes!(actions::terms::extend))
        .routes(routes!(actions::stop::suspend))
        .routes(routes!(actions::stop::reinstate))
        .routes(routes!(actions::stop::revoke))
        .routes(routes!(actions::stop::release));
    for_the_publisher(calls).route_layer(from_fn_with_state(access, authenticate))
}
