//! Signature Version 4, as far as a recipient without the secret can tell: whose key, which day, region and service, what
//! is covered. Whether the signature itself is right is the SDK's business.

use http::{HeaderMap, StatusCode};

use super::{ACCESS_KEY_ID, REGION, Refusal, SESSION_TOKEN, Service};

const ALGORITHM: &str = "AWS4-HMAC-SHA256 ";

pub(super) fn check(headers: &HeaderMap, service: Service) -> Result<(), Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let refusal = |message: String| Refusal::new(StatusCode::FORBIDDEN, "InvalidSignatureException", message);
    let authorization = header("authorization");
    let fields = authorization.strip_prefix(ALGORITHM).ok_or_else(|| refusal("there is none".to_owned()))?;
    let field = |name: &str| {
        let field = fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        field.ok_or_else(|| refusal(format!("{name} is missing in {authorization:?}")))
    };
    let day = header("x-amz-date").get(..8).unwrap_or_default();
    let scope = format!("{ACCESS_KEY_ID}/{day}/{REGION}/{}/aws4_request", service.name());
    let credential = field("Credential")?;
    if credential != scope {
        return Err(refusal(format!("signed for {credential:?}, not for {scope:?}")));
    }
    let signed: Vec<_> = field("SignedHeaders")?.split(';').collect();
    for name in ["host", "x-amz-date", "x-amz-target", "x-amz-security-token"] {
        if !signed.contains(&name) {
            return Err(refusal(format!("{name} is not signed: {signed:?}")));
        }
    }
    if header("x-amz-security-token") != SESSION_TOKEN {
        return Err(refusal("the session token is another one".to_owned()));
    }
    let signature = field("Signature")?;
    if signature.len() != 64 || !signature.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(refusal(format!("{signature:?} is no signature")));
    }
    Ok(())
}
