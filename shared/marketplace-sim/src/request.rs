//! A request, read as far as all calls have it in common: which call, signed for which service and region.

use http::HeaderMap;
use serde_json::Value;

use crate::cbor;
use crate::operation::{Operation, Service};
use crate::reply::Exception;

/// The regions that take usage.
const METERING_REGIONS: [&str; 28] = [
    "eu-north-1",
    "me-south-1",
    "ap-south-1",
    "eu-west-3",
    "ap-southeast-3",
    "us-east-2",
    "af-south-1",
    "eu-west-1",
    "me-central-1",
    "eu-central-1",
    "sa-east-1",
    "ap-east-1",
    "ap-south-2",
    "us-east-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "eu-west-2",
    "ap-southeast-4",
    "eu-south-1",
    "ap-northeast-1",
    "us-west-2",
    "us-west-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "il-central-1",
    "ca-central-1",
    "eu-south-2",
    "eu-central-2",
];
/// Where entitlements and agreements are.
const HOME_REGION: &str = "us-east-1";
/// All three services are signed for under this name.
const SIGNING_NAME: &str = "aws-marketplace";
/// What a request may have.
pub(crate) const MAX_BODY: usize = 1 << 20;

/// A request for a call that is served.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) region: String,
    pub(crate) document: Value,
}

impl Request {
    /// Reads a request for `operation`.
    pub(crate) fn read(operation: Operation, headers: &HeaderMap, body: &[u8]) -> Result<Self, Exception> {
        let service = operation.service();
        let region = signed_region(headers)?;
        let serves = match service {
            Service::Metering => METERING_REGIONS.contains(&region.as_str()),
            Service::Entitlement | Service::Agreement => region == HOME_REGION,
        };
        if !serves {
            return Err(match service {
                Service::Metering => Exception::new("DisabledApiException", "The API is disabled in the Region."),
                _ => signature("Credential should be scoped to a valid Region."),
            });
        }
        if body.len() > MAX_BODY {
            return Err(Exception::with_status(413, "RequestEntityTooLargeException", "Request is over 1 MB."));
        }
        let document = if service.is_json() { read_json(headers, body) } else { read_cbor(headers, body) };
        let unreadable = || Exception::new("SerializationException", "The request cannot be read in its protocol.");
        Ok(Self { region, document: document.ok_or_else(unreadable)? })
    }
}

fn read_json(headers: &HeaderMap, body: &[u8]) -> Option<Value> {
    let document: Value = serde_json::from_slice(body).ok()?;
    (header(headers, "content-type") == "application/x-amz-json-1.1" && document.is_object()).then_some(document)
}

fn read_cbor(headers: &HeaderMap, body: &[u8]) -> Option<Value> {
    let spoken = header(headers, "smithy-protocol") == "rpc-v2-cbor"
        && header(headers, "content-type") == "application/cbor"
        && header(headers, "accept") == "application/cbor";
    if spoken { cbor::decode(body) } else { None }
}

/// The region of Signature Version 4's credential scope; what is signed must cover host, time and session.
fn signed_region(headers: &HeaderMap) -> Result<String, Exception> {
    let missing = || Exception::with_status(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
    let fields = header(headers, "authorization").strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(missing)?;
    let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
    let scope: Vec<&str> = field("Credential").unwrap_or_default().split('/').collect();
    let [_, day, region, SIGNING_NAME, "aws4_request"] = scope[..] else {
        return Err(signature("Credential should be scoped to correct service: 'aws-marketplace'."));
    };
    if !header(headers, "x-amz-date").starts_with(day) || day.len() != 8 {
        return Err(signature("Date in Credential scope does not match the date of the request."));
    }
    let signed: Vec<&str> = field("SignedHeaders").unwrap_or_default().split(';').collect();
    let session = if headers.contains_key("x-amz-security-token") { Some("x-amz-security-token") } else { None };
    if !["host", "x-amz-date"].into_iter().chain(session).all(|name| signed.contains(&name)) {
        return Err(signature("'Host', 'X-Amz-Date' and the session's token must be signed."));
    }
    let shaped = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !field("Signature").is_some_and(shaped) {
        return Err(signature("The request signature does not have the form of one."));
    }
    Ok(region.to_owned())
}

fn signature(message: &str) -> Exception {
    Exception::with_status(403, "InvalidSignatureException", message)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
