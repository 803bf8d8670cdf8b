//! The least that a function of this shape can be: lambda_http, axum, one route that echoes JSON. No AWS, no keys, no log.

use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::run(Router::new().route("/v1/validations", post(|Json(body): Json<Value>| async { Json(body) }))).await
}
