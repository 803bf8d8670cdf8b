//! A call that changes something: who makes it, under which `Idempotency-Key`, with which body.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use marque_core::{LicenseId, Timestamp};
use marque_store::{Along, KeptAnswer, RequestKey};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::access::Caller;
use crate::App;
use crate::http::{Body, FromBody};
use crate::problem::Error;

const KEY: &str = "idempotency-key";

/// A caller's request to change something.
#[derive(Debug, Clone)]
pub struct Call<T> {
    /// Who it is.
    pub caller: Caller,
    /// Under which key.
    pub once: Once,
    /// What is asked for.
    pub body: T,
}

impl<S: Sync, T: FromBody> FromRequest<S> for Call<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        let key = key(&parts.headers)?;
        let key = key.map(|key| RequestKey::new(caller.scope(), parts.method.as_str(), parts.uri.path(), &key));
        let body = Body::<T>::from_request(Request::from_parts(parts, body), state).await?;
        let once = Once { key, body: Sha256::digest(&body.bytes).into() };
        Ok(Self { caller, once, body: body.value })
    }
}

/// 1 to 64 printable ASCII characters; none at all is a call that is made once.
fn key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut keys = headers.get_all(KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let text = key.to_str().ok().filter(|key| (1..=64).contains(&key.len()) && keys.next().is_none());
    let printable = text.filter(|key| key.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    printable
        .map(|key| Some(key.to_owned()))
        .ok_or_else(|| Error::invalid("Idempotency-Key", "must be one header of 1 to 64 printable ASCII characters"))
}

/// The key of a request, and the digest of its body: a repeated request gets its answer again.
#[derive(Debug, Clone)]
pub struct Once {
    key: Option<RequestKey>,
    body: [u8; 32],
}

impl Once {
    /// The answer that this very request got before. Read again in each try: whoever was overtaken may have been
    /// overtaken by itself.
    ///
    /// # Errors
    /// [`Error::IdempotencyConflict`] when the key was used with another body; [`Error::Unavailable`].
    pub async fn answered(&self, app: &App, now: Timestamp) -> Result<Option<Success>, Error> {
        let Some(key) = &self.key else { return Ok(None) };
        let Some(kept) = app.store().kept_answer(key, now).await? else { return Ok(None) };
        if kept.body != self.body {
            return Err(Error::IdempotencyConflict);
        }
        Success::read(app, kept).await.map(Some)
    }

    /// Keeps the answer in the transaction of its change.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be written.
    pub fn keep(&self, along: &mut Along, success: &Success, now: Timestamp) -> Result<(), Error> {
        let Some(key) = &self.key else { return Ok(()) };
        let Success { status, body, code_of, withheld } = success;
        let mut body = body.clone();
        if let Value::Object(members) = &mut body {
            withheld.iter().for_each(|name| drop(members.remove(*name)));
        }
        let answer = body.to_string();
        let kept = KeptAnswer { body: self.body, status: status.as_u16(), answer, code_of: *code_of };
        Ok(along.keep_answer(key, &kept, now)?)
    }
}

/// A success, as it is answered and as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Success {
    status: StatusCode,
    body: Value,
    code_of: Option<LicenseId>,
    withheld: &'static [&'static str],
}

/// The member that holds a licence's code: it never lies in a kept answer.
const CODE: &str = "code";

impl Success {
    /// An answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be written as JSON.
    pub fn new(status: StatusCode, answer: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_value(answer)
            .map_err(|error| Error::Unavailable { cause: format!("an answer cannot be written: {error}") })?;
        Ok(Self { status, body, code_of: None, withheld: &[] })
    }

    /// The same, with a member `code` that is this licence's.
    #[must_use]
    pub fn with_code_of(self, license: LicenseId) -> Self {
        Self { code_of: Some(license), withheld: &[CODE], ..self }
    }

    /// The same, with members that are kept nowhere: the request repeats them.
    #[must_use]
    pub fn withholding(self, members: &'static [&'static str]) -> Self {
        Self { withheld: members, ..self }
    }

    /// Puts members back that were withheld.
    #[must_use]
    pub fn completed<'a>(mut self, members: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        if let Value::Object(body) = &mut self.body {
            body.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        self
    }

    /// A member that is a text.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&str> {
        self.body.get(member).and_then(Value::as_str)
    }

    async fn read(app: &App, kept: KeptAnswer) -> Result<Self, Error> {
        let unreadable =
            |error: &dyn std::fmt::Display| Error::Unavailable { cause: format!("a kept answer: {error}") };
        let status = StatusCode::from_u16(kept.status).map_err(|error| unreadable(&error))?;
        let body = serde_json::from_str(&kept.answer).map_err(|error| unreadable(&error))?;
        let success = Self { status, body, code_of: None, withheld: &[] };
        let Some(id) = kept.code_of else { return Ok(success) };
        let license = app.store().license(id).await?.ok_or_else(|| unreadable(&"its licence is not there"))?;
        let code = app.store().code_of(&license).await?.ok_or_else(|| unreadable(&"its code is not there"))?;
        Ok(success.completed([(CODE, Value::String(code.reveal()))]))
    }
}

impl IntoResponse for Success {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, "application/json")], self.body.to_string()).into_response()
    }
}
