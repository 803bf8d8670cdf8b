//! Events of function URLs, payload format 2.0, as requests; answers as their responses
//! (<https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>). Nothing is lost on the way, and nothing guessed:
//! an event that AWS would not send is none of ours.

use std::borrow::Cow;
use std::fmt;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use base64ct::{Base64, Encoding};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::api::{Failure, Invocation};
use crate::http::Signer;

/// Where handlers and the log look for the trace of X-Ray.
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
/// The most that Lambda takes as an answer.
const MAX_ANSWER: usize = 6 << 20;

/// An event. What is not read here says nothing that the rest does not say as well.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct UrlEvent {
    version: String,
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    /// One a cookie; the header `cookie` has them all.
    #[serde(default)]
    cookies: Vec<String>,
    headers: Headers,
    request_context: Context,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(serde::Deserialize)]
struct Context {
    http: HttpContext,
    /// Of a URL that wants IAM.
    authorizer: Option<Authorizer>,
}

#[derive(serde::Deserialize)]
struct HttpContext {
    method: String,
}

#[derive(serde::Deserialize)]
struct Authorizer {
    iam: Option<Iam>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Iam {
    user_arn: Option<String>,
}

/// Names and values; AWS has joined the values of one name by commas.
struct Headers(HeaderMap);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Headers, A::Error> {
                let mut headers = HeaderMap::new();
                while let Some((name, value)) = members.next_entry::<String, String>()? {
                    let name = HeaderName::try_from(name).map_err(A::Error::custom)?;
                    headers.append(name, HeaderValue::try_from(value).map_err(A::Error::custom)?);
                }
                Ok(Headers(headers))
            }
        }

        deserializer.deserialize_map(Names)
    }
}

/// The request of an event.
pub(super) fn request(invocation: &Invocation) -> Result<Request<Body>, Failure> {
    // serde's and http's words could repeat what a caller sent.
    let unknown = || Failure::unknown_event("this function takes the events of function URLs, payload format 2.0");
    let event: UrlEvent = serde_json::from_slice(&invocation.event).map_err(|_| unknown())?;
    if event.version != "2.0" {
        return Err(unknown());
    }
    let body = match event.body {
        None => Vec::new(),
        Some(text) if event.is_base64_encoded => Base64::decode_vec(&text).map_err(|_| unknown())?,
        Some(text) => text.into_bytes(),
    };
    let method = Method::try_from(event.request_context.http.method.as_str()).map_err(|_| unknown())?;
    let uri = uri(&event.raw_path, &event.raw_query_string);
    let mut request = Request::builder().method(method).uri(uri).body(Body::from(body)).map_err(|_| unknown())?;
    let headers = request.headers_mut();
    *headers = event.headers.0;
    if !event.cookies.is_empty() {
        let cookies = HeaderValue::try_from(event.cookies.join("; ")).map_err(|_| unknown())?;
        headers.insert(header::COOKIE, cookies);
    }
    if let Some(trace) = &invocation.trace {
        headers.insert(TRACE_ID, trace.clone());
    }
    let arn = event.request_context.authorizer.and_then(|authorizer| authorizer.iam?.user_arn);
    if let Some(signer) = arn.and_then(Signer::new) {
        request.extensions_mut().insert(signer);
    }
    Ok(request)
}

/// Lambda passes paths and queries on as callers wrote them. What may not stand in a URI is escaped.
fn uri(path: &str, query: &str) -> String {
    let mut uri = String::with_capacity(path.len() + query.len() + 2);
    if !path.starts_with('/') {
        uri.push('/');
    }
    escape(&mut uri, path, b"/");
    if !query.is_empty() {
        uri.push('?');
        escape(&mut uri, query, b"/?");
    }
    uri
}

fn escape(uri: &mut String, text: &str, separators: &[u8]) {
    const PLAIN: &[u8] = b"%-._~:[]@!$&'()*+,;=";
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) || separators.contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push('%');
            uri.push(char::from(HEX[usize::from(byte >> 4)]));
            uri.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// A response. One value a header, since function URLs drop lists; cookies have their own.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct UrlAnswer<'a> {
    status_code: u16,
    headers: Joined<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<Cow<'a, str>>,
    body: Cow<'a, str>,
    is_base64_encoded: bool,
}

/// Headers without cookies.
struct Joined<'a>(&'a HeaderMap);

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for name in self.0.keys().filter(|name| **name != header::SET_COOKIE) {
            let values: Vec<_> = self.0.get_all(name).iter().map(text).collect();
            members.serialize_entry(name.as_str(), &values.join(", "))?;
        }
        members.end()
    }
}

fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// The answer to an event. What is text goes as text, whatever it is called; all else as base64.
pub(super) async fn answer(response: Response) -> Result<Vec<u8>, Failure> {
    let failed = |message: String| Failure { kind: "Marque.AnswerFailed", message };
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_ANSWER).await.map_err(|error| failed(format!("no answer is made: {error}")))?;
    let (body, is_base64_encoded) = match std::str::from_utf8(&body) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (Cow::Owned(Base64::encode_string(&body)), true),
    };
    let answer = UrlAnswer {
        status_code: parts.status.as_u16(),
        headers: Joined(&parts.headers),
        cookies: parts.headers.get_all(header::SET_COOKIE).iter().map(text).collect(),
        body,
        is_base64_encoded,
    };
    serde_json::to_vec(&answer).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event() -> Value {
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/v1/a", "rawQueryString": "p=1&p=2&q=a+b%2C",
            "cookies": ["a=1", "b=2"],
            "headers": {"content-type": "application/json", "x-many": "1,2", "cookie": "a=1; b=2"},
            "queryStringParameters": {"p": "1,2", "q": "a b,"},
            "requestContext": {
                "accountId": "anonymous", "apiId": "id", "authentication": null,
                "http": {"method": "POST", "path": "/v1/a", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "a"},
                "requestId": "id", "routeKey": "$default", "stage": "$default", "time": "t", "timeEpoch": 1,
            },
            "body": "{\"é\":1}", "isBase64Encoded": false,
        })
    }

    fn read(event: &Value) -> Result<Request<Body>, Failure> {
        let trace = HeaderValue::from_static("Root=1-2-3");
        request(&Invocation { id: "id".to_owned(), trace: Some(trace), event: event.to_string().into() })
    }

    async fn body(request: Request<Body>) -> Vec<u8> {
        to_bytes(request.into_body(), 1000).await.unwrap().to_vec()
    }

    #[tokio::test]
    async fn a_request_is_as_its_caller_sent_it() {
        let request = read(&event()).unwrap();
        assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, "/v1/a?p=1&p=2&q=a+b%2C"));
        let header = |name: &str| request.headers()[name].to_str().unwrap();
        assert_eq!((header("x-many"), header("cookie"), header("x-amzn-trace-id")), ("1,2", "a=1; b=2", "Root=1-2-3"));
        assert!(request.extensions().get::<Signer>().is_none());
        assert_eq!(body(request).await, "{\"é\":1}".as_bytes());
    }

    #[tokio::test]
    async fn cookies_count_where_the_header_is_missing_and_bodies_may_be_base64() {
        let mut event = event();
        event["headers"].as_object_mut().unwrap().remove("cookie");
        (event["body"], event["isBase64Encoded"]) = (json!("/wA="), json!(true));
        let request = read(&event).unwrap();
        assert_eq!(request.headers()["cookie"], "a=1; b=2");
        assert_eq!(body(request).await, [255, 0]);
    }

    #[test]
    fn who_signed_is_known_from_the_context_alone() {
        let mut event = event();
        event["headers"]["x-user-arn"] = json!("arn:aws:iam::1:user/forger");
        let arn = "arn:aws:sts::123456789012:assumed-role/Store/session";
        event["requestContext"]["authorizer"] =
            json!({"iam": {"accessKey": "A", "userArn": arn, "cognitoIdentity": null}});
        assert_eq!(read(&event).unwrap().extensions().get::<Signer>().unwrap().arn(), arn);
        for other in [json!(null), json!({"jwt": {}}), json!({"iam": null}), json!({"iam": {"userArn": "a b"}})] {
            event["requestContext"]["authorizer"] = other;
            assert!(read(&event).unwrap().extensions().get::<Signer>().is_none());
        }
    }

    #[test]
    fn what_aws_would_not_send_is_refused_without_a_word_of_it() {
        let changes: [(&str, Value); 9] = [
            ("/version", json!("1.0")),
            ("/version", json!(2.0)),
            ("/rawPath", json!(["secret"])),
            ("/headers", json!("secret")),
            ("/headers/x-many", json!("secret\n")),
            ("/headers/x-many", json!(["secret"])),
            ("/requestContext/http/method", json!("secret secret")),
            ("/cookies", json!(["secret\0"])),
            ("/body", json!({"secret": 1})),
        ];
        for (pointer, value) in changes {
            let mut event = event();
            *event.pointer_mut(pointer).unwrap() = value;
            let failure = read(&event).unwrap_err();
            assert!(failure.kind == "Marque.UnknownEvent" && !failure.message.contains("secret"), "{pointer}");
        }
        let mut event = event();
        (event["body"], event["isBase64Encoded"]) = (json!("%%%"), json!(true));
        assert!(read(&event).is_err());
    }

    #[test]
    fn what_may_not_stand_in_a_uri_is_escaped_and_nothing_else() {
        for (path, query, written) in [
            ("/v1/a b/%ff\"<é>?#", "", "/v1/a%20b/%ff%22%3C%C3%A9%3E%3F%23"),
            ("/", "a=%3Cb%3E&c=d/e?[1]+2", "/?a=%3Cb%3E&c=d/e?[1]+2"),
            ("", "", "/"),
            ("x", "#", "/x?%23"),
            ("//host/a", "", "//host/a"),
        ] {
            assert_eq!(uri(path, query), written);
            assert!(written.parse::<http::Uri>().is_ok_and(|uri| uri.path_and_query().is_some()), "{written}");
        }
    }

    #[tokio::test]
    async fn an_answer_keeps_every_value() {
        let answered =
            |response: Response| async { serde_json::from_slice::<Value>(&answer(response).await.unwrap()).unwrap() };
        let response =
            http::Response::builder().status(201).header("x-one", "1").header("x-two", "a").header("x-two", "b");
        let response = response.header("set-cookie", "a=1; Secure").header("set-cookie", "b=2");
        assert_eq!(
            answered(response.body(Body::from("é")).unwrap()).await,
            json!({
                "statusCode": 201, "headers": {"x-one": "1", "x-two": "a, b"}, "cookies": ["a=1; Secure", "b=2"],
                "body": "é", "isBase64Encoded": false,
            })
        );
        let binary = answered(Response::new(Body::from(vec![255, 0]))).await;
        assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
        let too_large = answer(Response::new(Body::from(vec![b'a'; MAX_ANSWER + 1]))).await.unwrap_err();
        assert_eq!(too_large.kind, "Marque.AnswerFailed");
    }
}
