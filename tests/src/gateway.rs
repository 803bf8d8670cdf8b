//! A function's URL: HTTP on one side, events of payload format 2.0 on the other, as AWS writes them
//! (<https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>).
//!
//! What the manual leaves open was taken from captures of real events: paths and queries stay as the caller escaped them
//! (an HTTP API would decode paths), and a body is text for `text/*` and `application/json` alone; anything else, and
//! whatever has a `content-encoding`, is base64.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64, Encoding};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::background::Listening;
use crate::runtime_api::{Outcome, Sandbox};

/// The host name that a function's URL gets.
const DOMAIN: &str = "x5ud3kfcbkqmjyzv2m7jxyd5pq0nfwtl.lambda-url.eu-central-1.on.aws";
/// The largest request that a function's URL takes.
const MAX_BODY: usize = 6 << 20;

/// A running gateway. It is gone when this is dropped.
#[derive(Debug)]
pub struct Gateway(Listening);

impl Gateway {
    /// Starts a gateway in front of a function.
    #[must_use]
    pub fn start(sandbox: Sandbox) -> Self {
        Self(Listening::start(Router::new().fallback(pass).with_state(Front { sandbox, principal: None })))
    }

    /// Starts a gateway in front of a function whose URL wants IAM: every request counts as signed by this principal.
    #[must_use]
    pub fn signed_by(sandbox: Sandbox, principal: &'static str) -> Self {
        let front = Front { sandbox, principal: Some(principal) };
        Self(Listening::start(Router::new().fallback(pass).with_state(front)))
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }
}

/// What is behind a URL, and who signs its requests.
#[derive(Debug, Clone)]
struct Front {
    sandbox: Sandbox,
    principal: Option<&'static str>,
}

/// What a URL with `AWS_IAM` adds to the context of an event.
fn identified(mut event: Value, principal: &str) -> Value {
    let account = principal.split(':').nth(4).unwrap_or_default();
    event["requestContext"]["accountId"] = json!(account);
    event["requestContext"]["authorizer"] = json!({"iam": {
        "accessKey": "ASIAIOSFODNN7EXAMPLE", "accountId": account, "callerId": "AROAIOSFODNN7EXAMPLE:session",
        "cognitoIdentity": null, "principalOrgId": null, "userArn": principal, "userId": "AROAIOSFODNN7EXAMPLE:session",
    }});
    event
}

async fn pass(State(front): State<Front>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let event = event(&parts, &body);
    let event = match front.principal {
        Some(principal) => identified(event, principal),
        None => event,
    };
    match front.sandbox.invoke(event.to_string()).await {
        Outcome::Response(answer) => response(&answer).unwrap_or_else(bad_gateway),
        // Whoever calls a URL does not learn what went wrong inside.
        Outcome::Error { .. } | Outcome::TimedOut => bad_gateway(),
    }
}

fn bad_gateway() -> Response {
    (StatusCode::BAD_GATEWAY, "Internal Server Error").into_response()
}

/// The event of a request.
#[must_use]
pub fn event(request: &Parts, body: &[u8]) -> Value {
    let path = request.uri.path();
    let query = request.uri.query().unwrap_or_default();
    let source = request
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or_else(|| "127.0.0.1".to_owned(), |ConnectInfo(address)| address.ip().to_string());
    let mut headers = joined(&request.headers);
    for (name, value) in [
        ("host", DOMAIN),
        ("x-amzn-tls-cipher-suite", "TLS_AES_128_GCM_SHA256"),
        ("x-amzn-tls-version", "TLSv1.3"),
        ("x-amzn-trace-id", "Root=1-62ecd163-5f302e550dcde3b12402207d"),
        ("x-forwarded-for", &source),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ] {
        headers.insert(name.to_owned(), json!(value));
    }
    let agent = headers.get("user-agent").cloned().unwrap_or(Value::Null);
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": DOMAIN.split('.').next(),
            "domainName": DOMAIN,
            "domainPrefix": DOMAIN.split('.').next(),
            "http": {
                "method": request.method.as_str(), "path": path, "protocol": "HTTP/1.1", "sourceIp": source,
                "userAgent": agent,
            },
            "requestId": "2b5a5c1c-8f5e-4e6e-9b5e-2f1e4fc081fd",
            "routeKey": "$default",
            "stage": "$default",
            "time": "24/Nov/2026:08:00:00 +0000",
            "timeEpoch": 1_795_507_200_000_i64,
        },
        "isBase64Encoded": false,
    });
    let cookies: Vec<_> = request
        .headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split("; ").map(str::to_owned))
        .collect();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !query.is_empty() {
        event["queryStringParameters"] = Value::Object(parameters(query));
    }
    match std::str::from_utf8(body) {
        _ if body.is_empty() => {}
        Ok(text) if is_text(&request.headers) => event["body"] = json!(text),
        _ => {
            event["body"] = json!(Base64::encode_string(body));
            event["isBase64Encoded"] = json!(true);
        }
    }
    event
}

/// Names are in lower case already; values of one name are joined by commas, cookies by semicolons.
fn joined(headers: &HeaderMap) -> Map<String, Value> {
    let values = |name: &HeaderName| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        values.collect::<Vec<_>>().join(if name == header::COOKIE { "; " } else { "," })
    };
    headers.keys().map(|name| (name.as_str().to_owned(), json!(values(name)))).collect()
}

/// Decoded, values of one name joined by commas. Functions had better read the raw query.
fn parameters(query: &str) -> Map<String, Value> {
    let mut parameters = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value);
        let joined = match parameters.get(&decoded(name)).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier},{value}"),
            None => value,
        };
        parameters.insert(decoded(name), json!(joined));
    }
    parameters
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).filter(|_| *first == b'%');
        let byte = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = byte.map_or(tail, |_| &tail[2..]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_text(headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let kind = header(header::CONTENT_TYPE).to_ascii_lowercase();
    header(header::CONTENT_ENCODING).is_empty() && (kind.starts_with("text/") || kind.starts_with("application/json"))
}

/// The HTTP answer of a function's response. `None` when it is not of the format: the caller gets a 502.
#[must_use]
pub fn response(answer: &Value) -> Option<Response> {
    let status = answer["statusCode"].as_u64().and_then(|status| StatusCode::from_u16(status.try_into().ok()?).ok())?;
    let text = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true {
        Bytes::from(Base64::decode_vec(text).ok()?)
    } else {
        Bytes::from(text.to_owned())
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        headers.insert(name.parse::<HeaderName>().ok()?, value.as_str()?.parse().ok()?);
    }
    // Headers that a function gives as lists are not of this format, and are dropped; only cookies come as a list.
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        headers.append(header::SET_COOKIE, cookie.as_str()?.parse().ok()?);
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)], uri: &str) -> Parts {
        let request =
            headers.iter().fold(http::Request::post(uri), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn an_event_is_as_aws_writes_it() {
        let headers = [
            ("Cookie", "cookie1=value1; cookie2=value2"),
            ("Header1", "value1"),
            ("Header2", "value1"),
            ("Header2", "value2"),
            ("Content-Type", "application/json"),
            ("User-Agent", "agent"),
        ];
        let event = event(
            &request(&headers, "/my/p%20th?parameter1=value1&parameter1=value2&parameter2=a+b%2C"),
            b"Hello from client!",
        );
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["rawPath"], "/my/p%20th");
        assert_eq!(event["rawQueryString"], "parameter1=value1&parameter1=value2&parameter2=a+b%2C");
        assert_eq!(event["cookies"], json!(["cookie1=value1", "cookie2=value2"]));
        assert_eq!(event["headers"]["cookie"], "cookie1=value1; cookie2=value2");
        assert_eq!(
            (&event["headers"]["header1"], &event["headers"]["header2"]),
            (&json!("value1"), &json!("value1,value2"))
        );
        assert_eq!(event["queryStringParameters"], json!({"parameter1": "value1,value2", "parameter2": "a b,"}));
        let http = &event["requestContext"]["http"];
        assert_eq!(
            (&http["method"], &http["path"], &http["userAgent"]),
            (&json!("POST"), &json!("/my/p%20th"), &json!("agent"))
        );
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("Hello from client!"), &json!(false)));
    }

    #[test]
    fn what_is_no_text_is_base64() {
        for (headers, encoded) in [
            (&[("content-type", "application/json; charset=utf-8")][..], false),
            (&[("content-type", "text/plain")], false),
            (&[("content-type", "application/x-www-form-urlencoded")], true),
            (&[("content-type", "application/json"), ("content-encoding", "gzip")], true),
            (&[], true),
        ] {
            assert_eq!(event(&request(headers, "/"), b"{}")["isBase64Encoded"], encoded, "{headers:?}");
        }
        let event = event(&request(&[("content-type", "application/json")], "/"), b"\xff");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/w=="), &json!(true)));
    }

    #[test]
    fn an_answer_becomes_http_again() {
        let answer = json!({
            "statusCode": 201, "headers": {"x-one": "1"}, "multiValueHeaders": {}, "cookies": ["a=1", "b=2; Secure"],
            "body": "/w==", "isBase64Encoded": true,
        });
        let answer = response(&answer).unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["x-one"]), (201, &HeaderValue::from_static("1")));
        assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);
        assert!(response(&json!({"body": "no status"})).is_none() && response(&json!(null)).is_none());
    }
}
