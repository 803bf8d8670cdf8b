//! A plain HTTP client that hides nothing of an answer.

use std::time::Duration;

use serde_json::Value;

/// Calls one address.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The code of a well-formed problem document; empty when it is none.
    #[must_use]
    pub fn problem(&self) -> String {
        let body = self.json();
        let well_formed = self.header("content-type") == "application/problem+json"
            && body["status"] == self.status
            && ["type", "title", "detail", "code", "request_id"]
                .iter()
                .all(|name| body[name].as_str().is_some_and(|text| !text.is_empty()))
            && body["request_id"] == self.header("x-request-id");
        if well_formed { body["code"].as_str().unwrap_or_default().to_owned() } else { String::new() }
    }
}

impl Client {
    /// A client of the service at `base`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(20)));
        Self { agent: config.build().new_agent(), base: base.to_owned() }
    }

    /// One call. `None` when no answer came.
    #[must_use]
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = self.agent.run(request.body(body).ok()?).ok()?;
        let name_and_value = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
        };
        let headers = answer.headers().iter().map(name_and_value).collect();
        let status = answer.status().as_u16();
        Some(Answer { status, headers, body: answer.body_mut().read_to_vec().ok()? })
    }

    /// Posts JSON. `None` when no answer came.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.call("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Gets a path. `None` when no answer came.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Answer> {
        self.call("GET", path, &[], &[])
    }
}
