//! The deployed function `events`: what AWS Marketplace tells of agreements and licences.

use std::process::ExitCode;

use marque_service::marketplace::deployed::{Inbox, inbox};
use marque_service::runtime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::queue(async |app, config| Ok(inbox(app, config)?), Inbox::batch).await
}
