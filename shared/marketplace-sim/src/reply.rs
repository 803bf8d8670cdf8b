//! What is sent back, in the protocol of each service.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::{HttpError, StatusCode};
use aws_smithy_types::body::SdkBody;
use serde_json::json;

use crate::cbor::Cbor;

/// An answer, or none.
#[derive(Debug)]
pub enum Reply {
    /// A response.
    Answer(Answer),
    /// The caller waits in vain.
    Timeout,
    /// The connection breaks.
    Lost,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// An error as AWS raises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exception {
    pub(crate) status: u16,
    pub(crate) class: &'static str,
    pub(crate) message: String,
}

impl Exception {
    pub(crate) fn new(class: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, class, message: message.into() }
    }

    pub(crate) fn with_status(status: u16, class: &'static str, message: impl Into<String>) -> Self {
        Self { status, class, message: message.into() }
    }
}

impl Answer {
    pub(crate) fn json(document: &serde_json::Value) -> Self {
        Self { status: 200, headers: json_headers(), body: document.to_string().into_bytes() }
    }

    pub(crate) fn cbor(document: &Cbor) -> Self {
        Self { status: 200, headers: cbor_headers(), body: document.encode() }
    }

    pub(crate) fn exception(json: bool, exception: &Exception) -> Self {
        let Exception { status, class, message } = exception;
        let (headers, body) = if json {
            (json_headers(), json!({"__type": class, "message": message}).to_string().into_bytes())
        } else {
            let document = Cbor::map([
                ("__type", Cbor::text(format!("com.amazonaws.marketplace#{class}"))),
                ("message", Cbor::text(message.as_str())),
            ]);
            (cbor_headers(), document.encode())
        };
        Self { status: *status, headers, body }
    }

    pub(crate) fn into_response(self) -> Result<HttpResponse, HttpError> {
        let mut response = HttpResponse::new(StatusCode::try_from(self.status)?, SdkBody::from(self.body));
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    }
}

fn json_headers() -> Vec<(&'static str, String)> {
    vec![("content-type", "application/x-amz-json-1.1".to_owned())]
}

fn cbor_headers() -> Vec<(&'static str, String)> {
    vec![("content-type", "application/cbor".to_owned()), ("smithy-protocol", "rpc-v2-cbor".to_owned())]
}
