//! The service that a machine registers with.

use std::sync::Arc;
use std::time::Duration;

use http::header;
use marque_core::Cloud;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::output::Unusable;

/// Where registrations go; the signature is over it.
pub(super) const PATH: &str = "/v1/registrations";
const SIGNATURE: &str = "marque-signature";
const TIMEOUT: Duration = Duration::from_secs(20);
/// No answer comes near this size.
const MAX_ANSWER: u64 = 1 << 20;

/// A client of `register`.
pub(super) struct Service {
    agent: ureq::Agent,
    base: String,
}

/// What a proof must be made for.
pub(super) struct Challenge {
    pub(super) text: String,
    pub(super) audience_prefix: String,
}

/// A registration, ready to be sent.
pub(super) struct Request {
    pub(super) body: String,
    pub(super) signature: String,
}

/// A client for addresses of the internet: TLS, the environment's proxy, no redirects.
pub(super) fn agent() -> ureq::Agent {
    let tls = ureq::tls::TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .build()
        .new_agent()
}

impl Service {
    pub(super) fn at(url: &str) -> Result<Self, Failure> {
        let base = url.trim_end_matches('/');
        let faulty = || Unusable::new(format!("{base} is no address of a service: give --url https://…"));
        let uri: http::Uri = base.parse().map_err(|_| faulty())?;
        let local = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if uri.scheme_str() != Some("https") && !(local && uri.scheme_str() == Some("http")) {
            return Err(faulty().into());
        }
        Ok(Self { agent: agent(), base: base.to_owned() })
    }

    pub(super) fn challenge(&self, cloud: Cloud) -> Result<Challenge, Failure> {
        let answer = self.post("/v1/challenges", &json!({ "cloud": cloud }).to_string(), None)?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        match (text("challenge"), text("audience_prefix")) {
            (Some(text), Some(audience_prefix)) => Ok(Challenge { text, audience_prefix }),
            _ => Err(self.stranger()),
        }
    }

    /// The service's verdict.
    pub(super) fn register(&self, request: &Request) -> Result<Value, Failure> {
        self.post(PATH, &request.body, Some(&request.signature))
    }

    /// The request for somebody else to send, to the byte.
    pub(super) fn described(&self, request: &Request) -> Value {
        json!({
            "method": "POST",
            "url": format!("{}{PATH}", self.base),
            "headers": { "content-type": "application/json", SIGNATURE: request.signature },
            "body": request.body,
        })
    }

    fn post(&self, path: &str, body: &str, signature: Option<&str>) -> Result<Value, Failure> {
        let mut request =
            http::Request::post(format!("{}{path}", self.base)).header(header::CONTENT_TYPE, "application/json");
        if let Some(signature) = signature {
            request = request.header(SIGNATURE, signature);
        }
        let unreachable =
            |error: &dyn std::fmt::Display| Failure::later(format!("{} does not answer: {error}", self.base));
        let request = request.body(body.to_owned()).map_err(|error| unreachable(&error))?;
        let mut answer = self.agent.run(request).map_err(|error| unreachable(&error))?;
        let after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let success = answer.status().is_success();
        let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string();
        let document: Value =
            serde_json::from_str(&text.map_err(|error| unreachable(&error))?).map_err(|_| self.stranger())?;
        if success {
            return Ok(document);
        }
        if document["code"].is_string() && document["status"].is_u64() {
            return Err(Failure::of_problem(document, after.map(Duration::from_secs)));
        }
        Err(self.stranger())
    }

    /// A portal, a proxy, another service: nothing is known by that, least of all a refusal.
    fn stranger(&self) -> Failure {
        Failure::later(format!("{} answers, but not as `register` does: is there a proxy between?", self.base))
    }
}
