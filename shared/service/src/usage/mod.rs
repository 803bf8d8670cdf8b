//! Metered usage: servers report it, the publisher sees and mends it, and a schedule reports it to the marketplace
//! ([`meter`]).

mod intake;
pub mod meter;
mod replay;
mod timeline;
mod view;

use marque_core::AgreementId;
use marque_core::usage::Chain;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::marketplace::Shop;

/// The calls of servers.
pub(crate) fn api() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(intake::report))
}

/// The publisher's calls, for who is known already.
pub(crate) fn admin_api() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(intake::report_for)).routes(routes!(view::show)).routes(routes!(replay::replay))
}

/// The other agreements of a chain: something may lie under their names from before they were joined to it.
fn merged(chain: &Chain) -> Vec<AgreementId> {
    chain.agreements.iter().map(|agreement| agreement.id).filter(|id| *id != chain.id).collect()
}
