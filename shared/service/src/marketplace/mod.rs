//! AWS Marketplace: from "Set up your account" to a licence that works, and every change after it.
//!
//! Whatever is learned of an agreement, by a buyer who lands, an event, or a read, becomes `News` and goes
//! through `Shop::keep`: read the chain, learn, judge what becomes of its licence, write all of it in one transaction;
//! overtaken, do it again. News know no order, so neither do those who bring them.

mod admin;
#[cfg(feature = "aws")]
pub mod deployed;
mod entitlements;
mod events;
mod form;
mod guest;
mod handle;
mod keep;
mod landing;
mod license;
mod metered;
mod news;
mod pages;
mod queue;
mod reconcile;
mod registration;
mod session;
mod shop;
mod status;
mod texts;
mod truth;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use events::{EventFault, Outcome};
pub use handle::SessionKey;
pub use queue::{EventCounts, Handled, NoBatch, Undone, Why};
pub use reconcile::Reconciled;
pub use shop::{Shop, Storefront};

use crate::admin::{Access, authenticate};
use crate::http::for_the_publisher;
use crate::usage;

/// The routes of the function, without the envelope: pages for buyers, and the check of what they bought.
pub fn router(front: Storefront) -> Router {
    let checks = Router::from(api()).with_state(front.shop().clone());
    pages(front).merge(checks)
}

/// The pages for buyers.
pub fn pages(front: Storefront) -> Router {
    Router::new()
        .route("/aws/landing", post(landing::land))
        .route("/aws/registration", get(registration::form).post(registration::register))
        .route("/aws/status", get(status::show))
        .route("/aws/style.css", get(pages::style))
        .with_state(front)
}

/// The calls of servers: what was bought, and what was used of it.
pub fn api() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(entitlements::entitlements)).merge(usage::api())
}

/// The publisher's calls about agreements and their usage, behind `access`.
pub fn admin_api(access: Access) -> OpenApiRouter<Shop> {
    let calls = OpenApiRouter::new()
        .routes(routes!(admin::list))
        .routes(routes!(admin::show))
        .routes(routes!(admin::link))
        .merge(usage::admin_api());
    for_the_publisher(calls).route_layer(from_fn_with_state(access, authenticate))
}
