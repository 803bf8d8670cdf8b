//! The deployed function `validate`: API servers activate and check in; keys, revocations, explain.

use std::process::ExitCode;

use marque_service::runtime::{self, Ahead};
use marque_service::validate;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(Ahead::Plans, validate::router).await
}
