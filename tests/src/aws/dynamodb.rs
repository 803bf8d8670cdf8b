//! DynamoDB: requests are handed to the embedded one as they came.

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use marque_embedded::Embedded;

pub(super) async fn forward(database: &Embedded, target: &str, body: &Bytes) -> Response {
    let mut request = HttpRequest::new(SdkBody::from(body.as_ref()));
    request.headers_mut().insert("x-amz-target", target.to_owned());
    // A fault that loses the answer closes no connection here: it is a bare 500 for the caller.
    let Ok(answer) = database.connector().call(request).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = answer.body().bytes().map(<[u8]>::to_vec).unwrap_or_default();
    (status, [("content-type", "application/x-amz-json-1.0")], body).into_response()
}
