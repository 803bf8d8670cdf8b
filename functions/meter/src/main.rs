//! The deployed function `meter`: hours of usage that are to be sealed and reported.

use std::process::ExitCode;

use marque_service::marketplace::deployed::meter;
use marque_service::runtime;
use marque_service::usage::meter::Meter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::scheduled_with(async |app, config| Ok(meter(app, config)?), Meter::run).await
}
