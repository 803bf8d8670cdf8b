//! The deployed function `sweep`: notices that are due, mails that were not sent, agreements compared with their cloud.

use std::process::ExitCode;

use marque_service::marketplace::deployed::shop;
use marque_service::{runtime, sweep};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::scheduled_with(async |app, config| Ok(shop(app, config)?), sweep::run_with_agreements).await
}
