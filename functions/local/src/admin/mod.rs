//! A client of the wire contract's `admin`: one call at a time, repeated while that is safe and useful.

mod access;
mod failure;
mod signature;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, header};
use marque_service::chance;
use serde_json::Value;

use self::access::Access;
pub(crate) use self::failure::Failure;
use crate::cli::Publisher;
use crate::output::Unusable;

/// A call may move a batch of licences.
const TIMEOUT: Duration = Duration::from_secs(30);
const TRIES: u32 = 4;
/// Nobody waits longer than this for a service that is busy.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A page of a list is at most this long by contract.
const PAGE: u32 = 100;
/// No answer comes near this size.
const MAX_ANSWER: u64 = 64 << 20;

/// A deployment's `admin`, and as whom we speak to it. Cheap calls from many threads at once.
#[derive(Debug)]
pub(crate) struct Admin {
    agent: ureq::Agent,
    base: String,
    access: Access,
    key: Option<String>,
}

impl Admin {
    /// Finds the deployment and the credentials. Nothing is called yet, except where AWS keeps credentials.
    pub(crate) fn find(options: &Publisher) -> Result<Self, Unusable> {
        let (base, access) = access::find(options)?;
        let tls = ureq::tls::TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT))
            .build()
            .new_agent();
        Ok(Self { agent, base, access, key: options.idempotency_key.clone() })
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.document(&Method::GET, path, None, None)
    }

    /// The same as text.
    pub(crate) fn get_text(&self, path: &str) -> Result<String, Failure> {
        self.call(&Method::GET, path, None, None)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.document(&Method::PUT, path, Some(body), None)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.document(&Method::PATCH, path, Some(body), None)
    }

    /// Posts under the idempotency key that was given, or a fresh one: a lost answer is asked for again, not done again.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.document(&Method::POST, path, Some(body), Some(&self.key()))
    }

    /// Posts what can be repeated by its own nature, without a key: no answer has to be kept for it.
    pub(crate) fn post_again(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.document(&Method::POST, path, Some(body), None)
    }

    /// The same as `post`, answered as text.
    pub(crate) fn post_text(&self, path: &str, body: &Value) -> Result<String, Failure> {
        self.call(&Method::POST, path, Some(body), Some(&self.key()))
    }

    /// Every item of a list, page by page as it is read on. `path` may have a query.
    pub(crate) fn list(&self, path: &str) -> Items<'_> {
        let join = if path.contains('?') { '&' } else { '?' };
        Items {
            admin: self,
            path: format!("{path}{join}limit={PAGE}"),
            page: Vec::new().into_iter(),
            next: Next::First,
        }
    }

    fn key(&self) -> String {
        self.key.clone().unwrap_or_else(|| chance::draw::<16>().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn document(&self, method: &Method, path: &str, body: Option<&Value>, key: Option<&str>) -> Result<Value, Failure> {
        let text = self.call(method, path, body, key)?;
        serde_json::from_str(&text).map_err(|_| Failure::stranger(&self.base, "something that is not JSON"))
    }

    /// One call. Every one can be repeated: posts carry a key or know what they did, the others say what shall be.
    fn call(&self, method: &Method, path: &str, body: Option<&Value>, key: Option<&str>) -> Result<String, Failure> {
        let body = body.map(Value::to_string);
        let mut pause = Duration::from_millis(200);
        for left in (0..TRIES).rev() {
            let (again, failure) = match self.attempt(method, path, body.as_deref(), key)? {
                Attempt::Answered(text) => return Ok(text),
                Attempt::Busy { again, failure } => (again, failure),
            };
            if left == 0 {
                return Err(failure);
            }
            std::thread::sleep(again.unwrap_or(pause).min(LONGEST_WAIT));
            pause *= 3;
        }
        Err(Failure::stranger(&self.base, "nothing"))
    }

    fn attempt(&self, method: &Method, path: &str, body: Option<&str>, key: Option<&str>) -> Result<Attempt, Failure> {
        let mut request = http::Request::builder().method(method).uri(format!("{}/admin/v1{path}", self.base));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(body.unwrap_or_default().to_owned());
        let mut request = request.map_err(|error| Unusable::new(format!("this cannot be asked for: {error}")))?;
        self.access.authorize(&mut request)?;
        let mut answer = match self.agent.run(request) {
            Ok(answer) => answer,
            Err(error) => return Ok(Attempt::Busy { again: None, failure: Failure::unreachable(&self.base, &error) }),
        };
        let status = answer.status();
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let again = header(header::RETRY_AFTER).parse().ok().map(Duration::from_secs);
        let text = match answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string() {
            Ok(text) => text,
            Err(error) => return Ok(Attempt::Busy { again, failure: Failure::unreachable(&self.base, &error) }),
        };
        if status.is_success() {
            return Ok(Attempt::Answered(text));
        }
        let failure = Failure::answered(&self.base, status, &text, &self.access);
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Ok(Attempt::Busy { again, failure });
        }
        Err(failure)
    }
}

enum Attempt {
    Answered(String),
    /// Worth another try.
    Busy {
        again: Option<Duration>,
        failure: Failure,
    },
}

/// The items of a list.
pub(crate) struct Items<'a> {
    admin: &'a Admin,
    path: String,
    page: std::vec::IntoIter<Value>,
    next: Next,
}

enum Next {
    First,
    After(String),
    Done,
}

impl Items<'_> {
    fn turn(&mut self) -> Result<(), Failure> {
        let path = match &self.next {
            Next::First => self.path.clone(),
            Next::After(cursor) => format!("{}&cursor={}", self.path, query(cursor)),
            Next::Done => return Ok(()),
        };
        let page = self.admin.get(&path)?;
        self.next = page.get("next_cursor").and_then(Value::as_str).map_or(Next::Done, |at| Next::After(at.to_owned()));
        let items = page.get("items").and_then(Value::as_array).cloned();
        let items = items.ok_or_else(|| Failure::stranger(&self.admin.base, "a list without `items`"))?;
        self.page = items.into_iter();
        Ok(())
    }
}

impl Iterator for Items<'_> {
    type Item = Result<Value, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.page.next() {
                return Some(Ok(item));
            }
            if matches!(self.next, Next::Done) {
                return None;
            }
            if let Err(failure) = self.turn() {
                self.next = Next::Done;
                return Some(Err(failure));
            }
        }
    }
}

/// Text as a part of a query: everything but letters, digits and `-._~` is escaped.
pub(crate) fn query(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        escaped
    })
}
