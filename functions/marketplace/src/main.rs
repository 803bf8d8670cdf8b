//! The deployed function `marketplace`: buyers on AWS Marketplace land, register, and see what they bought.

use std::process::ExitCode;

use marque_service::marketplace::{self, deployed};
use marque_service::runtime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run_with(async |app, config| Ok(marketplace::router(deployed::storefront(app, config).await?))).await
}
