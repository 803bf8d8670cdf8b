//! The deployed function `validate`: API servers activate and check in; keys, revocations, explain.

use marque_service::{runtime, validate};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    runtime::run(validate::router).await
}
