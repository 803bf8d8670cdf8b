//! Calls of AWS's JSON services that are not worth a client of their own in every function: one POST, signed.
//!
//! Clients of SES, KMS, Secrets Manager and SSM would add some thousand operations to each function's size and start, for
//! four that are used.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::{HeaderMap, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::connector::Connector;
use crate::chance;
use crate::clock::Clock;
use crate::config::AwsSettings;

/// What is posted once may take so long: a mail is not lost by waiting.
const POST_TIMEOUT: Duration = Duration::from_secs(4);
/// One of several attempts.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(800);
const ATTEMPTS: u32 = 3;
/// Before the second attempt, at most; twice that before the third.
const BACKOFF: Duration = Duration::from_millis(100);
/// The protocol: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.
const AWS_JSON: &str = "application/x-amz-json-1.1";

/// One service of AWS in one region.
#[derive(Debug, Clone)]
pub struct SignedService {
    connector: Connector,
    settings: Arc<AwsSettings>,
    /// The name that requests are signed for.
    name: &'static str,
    address: String,
}

/// What a service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// What kind of error it is, as AWS names it; empty when it is none.
    pub error: String,
    /// The body.
    pub body: Bytes,
}

/// Why a call is not answered as it should be, in words for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

impl SignedService {
    /// The service that signs as `name` and whose host in a region begins with `host`. Nothing is called yet.
    #[must_use]
    pub(super) fn new(connector: &Connector, settings: &Arc<AwsSettings>, name: &'static str, host: &str) -> Self {
        let own = || format!("https://{host}.{}.amazonaws.com", settings.region);
        let address =
            settings.endpoint.as_deref().map_or_else(own, |endpoint| endpoint.trim_end_matches('/').to_owned());
        Self { connector: connector.clone(), settings: Arc::clone(settings), name, address }
    }

    /// Posts JSON, once: whoever calls decides whether it is tried again.
    ///
    /// # Errors
    /// [`NoAnswer`] when none came.
    pub async fn post(&self, path: &str, json: Vec<u8>) -> Result<SignedAnswer, NoAnswer> {
        self.send(path, &[("content-type", "application/json")], json).await
    }

    /// Posts a body with these headers, all of them signed, once.
    ///
    /// # Errors
    /// [`NoAnswer`] when none came.
    pub async fn send(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Result<SignedAnswer, NoAnswer> {
        self.within(POST_TIMEOUT, path, headers, &body.into()).await
    }

    /// Asks for something that may be asked for twice: what fails by chance or load is tried again, three times in all.
    /// `target` is the operation with its service, as `X-Amz-Target` has it.
    ///
    /// # Errors
    /// [`NoAnswer`] when none came, when the service refuses (its kind of error and its words), or when the answer is no
    /// `T`, without a byte of it.
    pub async fn ask<T: DeserializeOwned>(&self, target: &str, request: &Value) -> Result<T, NoAnswer> {
        let headers = [("content-type", AWS_JSON), ("x-amz-target", target)];
        let json = Bytes::from(request.to_string());
        let mut attempt = 1;
        loop {
            let answer = self.within(ATTEMPT_TIMEOUT, "/", &headers, &json).await;
            if attempt == ATTEMPTS || !answer.as_ref().map_or(true, SignedAnswer::may_pass) {
                return answer?.read();
            }
            sleep(BACKOFF.mul_f64(f64::from(attempt) * jitter())).await;
            attempt += 1;
        }
    }

    async fn within(
        &self,
        limit: Duration,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &Bytes,
    ) -> Result<SignedAnswer, NoAnswer> {
        let request = self.signed(path, headers, body)?;
        let answer = timeout(limit, self.connector.send(request)).await;
        let answer =
            answer.map_err(|_| NoAnswer("no answer in time".to_owned()))?.map_err(|error| no_answer(&error))?;
        let (parts, body) = answer.into_parts();
        Ok(SignedAnswer::new(parts.status.as_u16(), &parts.headers, body))
    }

    fn signed(&self, path: &str, headers: &[(&'static str, &str)], body: &Bytes) -> Result<Request<Bytes>, NoAnswer> {
        let request = Request::post(format!("{}{path}", self.address));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut request = request.body(body.clone()).map_err(|error| no_answer(&error))?;
        let keys = &self.settings.credentials;
        let (id, key) = (keys.access_key_id.clone(), keys.secret_access_key.clone());
        let credentials = Credentials::new(id, key, keys.session_token.clone(), None, "lambda-environment");
        sign_request(&mut request, credentials, &self.settings.region, self.name).map_err(NoAnswer)?;
        Ok(request)
    }
}

/// Signs a request that is otherwise complete, by Signature Version 4. Signatures are judged by the real time, wherever a
/// service's clock has been moved to.
///
/// # Errors
/// What AWS's own signer objects to.
pub fn sign_request<B: AsRef<[u8]>>(
    request: &mut Request<B>,
    credentials: Credentials,
    region: &str,
    service: &str,
) -> Result<(), String> {
    let identity = credentials.into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(UNIX_EPOCH + Duration::from_secs(Clock::system().now().unix().unsigned_abs()))
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(request.body().as_ref());
    let signable = SignableRequest::new(request.method().as_str(), request.uri().to_string(), headers, body);
    let signed =
        signable.and_then(|signable| sign(signable, &parameters)).map_err(|error| marque_store::causes(&error))?;
    signed.into_parts().0.apply_to_request_http1x(request);
    Ok(())
}

impl SignedAnswer {
    fn new(status: u16, headers: &HeaderMap, body: Bytes) -> Self {
        if status == 200 {
            return Self { status, error: String::new(), body };
        }
        let header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        let error = header.map_or_else(|| member(&body, &["__type"]), str::to_owned);
        Self { status, error: kind(&error), body }
    }

    /// Whether the same call may fare better in a moment.
    fn may_pass(&self) -> bool {
        self.status >= 500 || self.status == 429 || self.error.contains("Throttl")
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, NoAnswer> {
        if self.status != 200 {
            let words = member(&self.body, &["message", "Message"]);
            return Err(NoAnswer(format!("{} {}: {words}", self.status, self.error)));
        }
        // serde's message could repeat a piece of a secret.
        let fault = |error: serde_json::Error| format!("an answer of another shape, at column {}", error.column());
        serde_json::from_slice(&self.body).map_err(|error| NoAnswer(fault(error)))
    }
}

/// The first of these members of a JSON object that is a text, or nothing.
fn member(json: &[u8], names: &[&str]) -> String {
    let document: Value = serde_json::from_slice(json).unwrap_or_default();
    names.iter().find_map(|name| document[name].as_str()).unwrap_or_default().to_owned()
}

/// The kind alone: AWS adds a namespace in front and an address behind.
fn kind(text: &str) -> String {
    let kind = text.split(':').next().unwrap_or_default();
    kind.rsplit('#').next().unwrap_or_default().to_owned()
}

/// Between a half and one.
fn jitter() -> f64 {
    let [byte] = chance::draw();
    0.5 + f64::from(byte) / 510.0
}

fn no_answer(error: &dyn std::error::Error) -> NoAnswer {
    NoAnswer(marque_store::causes(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_an_error_is_its_name_alone() {
        for (text, name) in [
            ("", ""),
            ("MessageRejected", "MessageRejected"),
            ("TooManyRequestsException:http://internal.amazon.com/coral/", "TooManyRequestsException"),
            ("com.amazonaws.sesv2#NotFoundException", "NotFoundException"),
        ] {
            assert_eq!(kind(text), name);
        }
    }

    #[test]
    fn errors_are_named_by_header_or_body() {
        let none = HeaderMap::new();
        let body = Bytes::from_static(br#"{"__type":"com.amazonaws.ssm#ParameterNotFound","Message":"no such"}"#);
        let answer = SignedAnswer::new(400, &none, body.clone());
        assert_eq!(answer.error, "ParameterNotFound");
        assert_eq!(answer.read::<Value>().unwrap_err().to_string(), "400 ParameterNotFound: no such");
        let mut header = HeaderMap::new();
        header.insert("x-amzn-errortype", http::HeaderValue::from_static("ThrottlingException:"));
        let answer = SignedAnswer::new(400, &header, body);
        assert!(answer.error == "ThrottlingException" && answer.may_pass());
        assert!(!SignedAnswer::new(400, &none, Bytes::new()).may_pass());
        assert!(SignedAnswer::new(500, &none, Bytes::new()).may_pass());
    }

    #[test]
    fn an_answer_of_another_shape_is_not_repeated() {
        let answer = SignedAnswer::new(200, &HeaderMap::new(), Bytes::from_static(br#"{"SecretString":"a secre"#));
        let fault = answer.read::<Value>().unwrap_err().to_string();
        assert!(!fault.contains("secre"), "{fault}");
    }
}
