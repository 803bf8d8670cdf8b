//! The deployed function `sweep`: notices that are due, and mails that were not sent.

use std::process::ExitCode;

use marque_service::{runtime, sweep};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::scheduled(sweep::run).await
}
