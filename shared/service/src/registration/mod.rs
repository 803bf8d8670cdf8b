//! Registration of machines in clouds: a challenge, a proof that the cloud signed for it, a licence.
//!
//! Everything that a registration changes is one transaction: the challenge is used up, the machine is written, and the
//! licence is bound, paid on or handed over. Whoever was overtaken reads and judges anew.

mod billed;
mod body;
mod byol;
mod challenges;
mod issue;
mod judged;
mod outcome;
mod registrations;
#[cfg(feature = "aws")]
mod trust;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[cfg(feature = "aws")]
pub use trust::trust_the_clouds;

use crate::App;

/// The calls of machines.
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(challenges::give)).routes(routes!(registrations::register))
}
