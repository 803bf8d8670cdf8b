//! What functions deploy and `marque serve` runs: routers, handlers, problem documents, configuration and wiring.
//!
//! One direction: handlers read a body into typed values, ask the store for one change, let `marque-core` judge, and
//! sign the verdict. See [`validate`] for the daily check.

pub mod admin;
pub mod app;
#[cfg(feature = "aws")]
pub mod aws;
pub mod chance;
pub mod clock;
pub mod config;
pub mod demo;
mod history;
pub mod http;
pub mod keyring;
pub mod mail;
#[cfg(feature = "marketplace")]
pub mod marketplace;
pub mod problem;
pub mod register;
pub mod registration;
#[cfg(feature = "lambda")]
pub mod runtime;
pub mod sweep;
pub mod telemetry;
#[cfg(feature = "marketplace")]
pub mod usage;
pub mod validate;

/// What AWS Marketplace is asked through.
#[cfg(feature = "marketplace")]
pub mod clouds {
    pub use marque_clouds::aws::{Fulfilment, Metering, Told, Wiring};
}

pub use app::App;
pub use clock::{Clock, Stopwatch};
pub use config::Config;
pub use telemetry::Telemetry;
