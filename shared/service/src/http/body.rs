//! Bodies: content type, size, strict JSON, then a typed value with every fault collected.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use marque_core::token::strict;

use super::fields::{self, Fields};
use crate::problem::Error;

/// The most bytes that a body may have.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// A body over the limit is read on to here, so that its sender gets to read the answer.
const MAX_DRAINED: usize = 4 * 1024 * 1024;

/// A request's body as a typed value, beside the very bytes that a signature is over.
#[derive(Debug, Clone)]
pub struct Body<T> {
    /// What it says.
    pub value: T,
    /// What was received.
    pub bytes: Bytes,
}

/// What to do with members that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownMembers {
    /// They are faults.
    Refused,
    /// They are logged: for the calls that machines make for years, so that a newer client survives an older service.
    Ignored,
}

/// A value that is read from a JSON object.
pub trait FromBody: Sized {
    /// What to do with members that are not known.
    const UNKNOWN: UnknownMembers;

    /// Reads it, noting every fault; `None` when there was one.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
}

impl<S: Sync, T: FromBody> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        check_media_type(request.headers())?;
        let bytes = receive(request).await?;
        let value = parse(&bytes)?;
        Ok(Self { value, bytes })
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Error> {
    let mut media_types = headers.get_all(header::CONTENT_TYPE).iter();
    let media_type = media_types.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let json = essence.trim().eq_ignore_ascii_case("application/json") && media_types.next().is_none();
    let parameters = parameters.trim().replace(['"', ' '], "");
    let utf8 = parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8");
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let plain = encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if json && utf8 && plain { Ok(()) } else { Err(Error::UnsupportedMediaType) }
}

/// Reads a body whole, as far as the limit.
pub(crate) async fn receive(request: Request) -> Result<Bytes, Error> {
    let mut body = request.into_body();
    let mut received = Vec::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::invalid("", "the body ended early"))?;
        let Ok(data) = frame.into_data() else { continue };
        size += data.len();
        if size <= MAX_BODY {
            received.extend_from_slice(&data);
        } else if size > MAX_DRAINED {
            break;
        }
    }
    if size > MAX_BODY { Err(Error::BodyTooLarge) } else { Ok(received.into()) }
}

fn parse<T: FromBody>(bytes: &[u8]) -> Result<T, Error> {
    let value = strict::parse(bytes).map_err(|error| Error::invalid(error.pointer(), error.to_string()))?;
    fields::read(&value).map_err(Error::Invalid)
}
