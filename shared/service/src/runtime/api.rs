//! Lambda's Runtime API: one event after another, and what became of each
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use marque_store::causes;
use serde_json::json;

use crate::aws::Connector;

const VERSION: &str = "2018-06-01/runtime";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// The Runtime API of this sandbox.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    connector: Connector,
    base: String,
}

/// An event, and the name under which its answer is waited for.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) id: String,
    /// The trace of X-Ray that the call belongs to.
    pub(super) trace: Option<HeaderValue>,
    pub(super) event: Bytes,
}

/// Why a start or an invocation failed, as whoever invoked sees it: nothing of an event or a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl Failure {
    /// An event of a shape that the function does not know.
    pub(super) fn unknown_event(message: &str) -> Self {
        Self { kind: "Marque.UnknownEvent", message: message.to_owned() }
    }
}

/// The Runtime API cannot be spoken to. Lambda starts another sandbox.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Lost(String);

impl RuntimeApi {
    /// The API at `host:port`, as Lambda says it, or at a whole URL, as cargo-lambda does.
    pub(super) fn at(address: &str) -> Self {
        let scheme = if address.contains("://") { "" } else { "http://" };
        let base = format!("{scheme}{}/{VERSION}", address.trim_end_matches('/'));
        Self { connector: Connector::default(), base }
    }

    /// Waits for the next event, however long.
    pub(super) async fn next(&self) -> Result<Invocation, Lost> {
        let answer = self.call(Method::GET, "invocation/next", None, Bytes::new()).await?;
        let headers = answer.headers();
        let id = headers.get("lambda-runtime-aws-request-id").and_then(|id| id.to_str().ok());
        let id = id.filter(|_| answer.status() == 200).ok_or_else(|| Lost(format!("no event: {}", answer.status())))?;
        let trace = headers.get("lambda-runtime-trace-id").cloned();
        Ok(Invocation { id: id.to_owned(), trace, event: answer.body().clone() })
    }

    /// Answers an event. Lambda takes it with 202, its emulators with 200. What Lambda does not take, over 6 MB most likely, is a failure.
    pub(super) async fn answer(&self, id: &str, answer: Vec<u8>) -> Result<(), Lost> {
        let taken = self.call(Method::POST, &format!("invocation/{id}/response"), None, answer.into()).await?;
        if taken.status().is_success() {
            return Ok(());
        }
        let message = format!("Lambda does not take the answer: {}", taken.status());
        tracing::error!(request_id = id, "{message}");
        self.fail(id, &Failure { kind: "Marque.AnswerRefused", message }).await
    }

    /// Tells that an event could not be answered.
    pub(super) async fn fail(&self, id: &str, failure: &Failure) -> Result<(), Lost> {
        self.tell(&format!("invocation/{id}/error"), failure).await
    }

    /// Tells that the function cannot start.
    pub(super) async fn fail_to_start(&self, failure: &Failure) -> Result<(), Lost> {
        self.tell("init/error", failure).await
    }

    async fn tell(&self, path: &str, failure: &Failure) -> Result<(), Lost> {
        let document = json!({"errorType": failure.kind, "errorMessage": failure.message}).to_string();
        let told = self.call(Method::POST, path, Some(failure.kind), document.into()).await?;
        if told.status().is_success() { Ok(()) } else { Err(Lost(format!("{path}: {}", told.status()))) }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        error_type: Option<&'static str>,
        body: Bytes,
    ) -> Result<Response<Bytes>, Lost> {
        let mut request = Request::builder().method(method).uri(format!("{}/{path}", self.base));
        if let Some(kind) = error_type {
            request = request.header(ERROR_TYPE, kind);
        }
        let request = request.body(body).map_err(|error| Lost(error.to_string()))?;
        self.connector.send(request).await.map_err(|error| Lost(causes(&error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_as_lambda_or_cargo_lambda_name_them() {
        for (address, base) in [
            ("127.0.0.1:9001", "http://127.0.0.1:9001/2018-06-01/runtime"),
            ("http://127.0.0.1:9000/.rt/validate/", "http://127.0.0.1:9000/.rt/validate/2018-06-01/runtime"),
        ] {
            assert_eq!(RuntimeApi::at(address).base, base);
        }
    }
}
