//! Answers in DynamoDB's form.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::{HttpError, StatusCode};
use aws_smithy_types::body::SdkBody;
use dynoxide::DynoxideError;
use serde_json::{Value, json};

use crate::operation::Operation;

/// What is sent back: a status and a body of JSON.
pub(crate) struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    /// The emulator's result, as `operation` words it.
    pub(crate) fn of(operation: Operation, result: Result<String, DynoxideError>) -> Self {
        match result {
            Ok(body) => Self { status: 200, body },
            Err(error) => {
                let error = reworded(operation, error);
                Self { status: error.status_code(), body: error.to_json() }
            }
        }
    }

    /// DynamoDB gives no message here.
    pub(crate) fn unknown_operation() -> Self {
        Self { status: 400, body: json!({"__type": "com.amazon.coral.service#UnknownOperationException"}).to_string() }
    }

    /// An error that the emulator never raises, of a class of DynamoDB's own.
    pub(crate) fn error(status: u16, class: &str, mut body: Value) -> Self {
        body["__type"] = format!("com.amazonaws.dynamodb.v20120810#{class}").into();
        Self { status, body: body.to_string() }
    }

    /// The body if the request was granted, else the class of its error.
    pub(crate) fn read(&self) -> Result<Value, String> {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        if self.status == 200 {
            return Ok(body);
        }
        let class = body["__type"].as_str().unwrap_or_default();
        Err(class.rsplit('#').next().unwrap_or_default().to_owned())
    }

    /// The response to request `number`.
    pub(crate) fn into_response(self, number: u64) -> Result<HttpResponse, HttpError> {
        let mut response = HttpResponse::new(StatusCode::try_from(self.status)?, SdkBody::from(self.body));
        let headers = response.headers_mut();
        headers.insert("content-type", "application/x-amz-json-1.0");
        headers.insert("x-amzn-requestid", format!("{number:052}"));
        Ok(response)
    }
}

/// Writes of one item put a faulty request's error in an envelope; other operations leave it bare.
fn reworded(operation: Operation, error: DynoxideError) -> DynoxideError {
    match error {
        DynoxideError::EnvelopedValidation(message) if operation.writes_one_item() => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        error => error,
    }
}
