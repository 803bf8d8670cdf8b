//! The deployed function `admin`: the publisher's API, behind IAM.

use std::process::ExitCode;

use marque_service::{admin, runtime};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(admin::router).await
}
