//! The deployed function `register`: people ask for trials, machines of clouds prove what they are.

use std::process::ExitCode;

use marque_service::register;
use marque_service::runtime::{self, Ahead};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(Ahead::Nothing, register::router).await
}
