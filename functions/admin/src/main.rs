//! The deployed function `admin`: the publisher's API, behind IAM.

use std::process::ExitCode;

use marque_service::admin::{self, Access};
use marque_service::http::published;
use marque_service::marketplace::{self, deployed};
use marque_service::runtime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run_with(async |app, config| {
        let bought = marketplace::admin_api(Access::Iam).with_state(deployed::shop(app.clone(), config)?);
        Ok(published(admin::api(Access::Iam).merge(bought), app))
    })
    .await
}
