//! The deployed function `validate`: API servers activate and check in; keys, revocations, explain.

use std::process::ExitCode;

use marque_service::{runtime, validate};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(validate::router).await
}
