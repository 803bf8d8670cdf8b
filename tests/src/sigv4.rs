//! Signature Version 4, reckoned anew by whoever receives a request and knows the secret
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).

use http::HeaderMap;
use http::request::Parts;
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who must have signed, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The access key's id.
    pub key_id: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// The session token; empty when there is none.
    pub session_token: &'a str,
    /// The region.
    pub region: &'a str,
    /// The service's signing name.
    pub service: &'a str,
}

/// Whether a request is signed as AWS wants it.
///
/// # Errors
/// What is wrong, in a sentence.
pub fn check(request: &Parts, body: &[u8], expected: Expected<'_>) -> Result<(), String> {
    let headers = &request.headers;
    let authorization = header(headers, "authorization");
    let fields = authorization.strip_prefix(ALGORITHM).ok_or("there is no signature")?;
    let field = |name: &str| {
        let field = fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        field.ok_or_else(|| format!("{name} is missing in {authorization:?}"))
    };
    let time = header(headers, "x-amz-date");
    let day = time.get(..8).unwrap_or_default();
    let scope = format!("{day}/{}/{}/aws4_request", expected.region, expected.service);
    let (credential, wanted) = (field("Credential")?, format!("{}/{scope}", expected.key_id));
    if credential != wanted {
        return Err(format!("signed for {credential:?}, not for {wanted:?}"));
    }
    if header(headers, "x-amz-security-token") != expected.session_token {
        return Err("the session token is another one".to_owned());
    }
    let names: Vec<_> = field("SignedHeaders")?.split(';').collect();
    let covered = |name: &&str| names.contains(name);
    let of_amazon = headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
    let must = ["host", "x-amz-date"].into_iter().chain(of_amazon).chain(given(headers, "content-type"));
    if let Some(name) = must.into_iter().find(|name| !covered(name)) {
        return Err(format!("{name} is not signed: {names:?}"));
    }
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical(request, &names, body))));
    let key = format!("AWS4{}", expected.secret).into_bytes();
    let key = scope.split('/').fold(key, |key, part| hmac(&key, part.as_bytes()));
    let (signature, wanted) = (field("Signature")?, hex(&hmac(&key, to_sign.as_bytes())));
    if signature != wanted {
        return Err(format!("the signature is {signature:?}, and not that of this request"));
    }
    Ok(())
}

/// The canonical request. Paths of the services that are called here hold nothing that would be escaped twice.
fn canonical(request: &Parts, names: &[&str], body: &[u8]) -> String {
    let mut query: Vec<_> = request.uri.query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    let headers: String =
        names.iter().map(|name| format!("{name}:{}\n", header(&request.headers, name).trim())).collect();
    let (method, path, query) = (&request.method, request.uri.path(), query.join("&"));
    format!("{method}\n{path}\n{query}\n{headers}\n{}\n{}", names.join(";"), hex(&Sha256::digest(body)))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn given<'a>(headers: &HeaderMap, name: &'a str) -> Option<&'a str> {
    headers.contains_key(name).then_some(name)
}

/// HMAC of RFC 2104 with SHA-256; no key here is longer than a block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let block = |pad: u8| (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ pad).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(block(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block(0x5c)).chain_update(inner).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's test suite for signatures: `get-vanilla-query-order-key-case`.
    #[test]
    fn the_example_of_aws_is_right_and_nothing_else_is() {
        let expected = Expected {
            key_id: "AKIDEXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            session_token: "",
            region: "us-east-1",
            service: "service",
        };
        let signed = |uri: &str, signature: &str| {
            let authorization = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={signature}"
            );
            let request = http::Request::get(uri)
                .header("host", "example.amazonaws.com")
                .header("x-amz-date", "20150830T123600Z")
                .header("authorization", authorization);
            request.body(()).unwrap().into_parts().0
        };
        let right = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
        let uri = "/?Param2=value2&Param1=value1";
        assert_eq!(check(&signed(uri, right), b"", expected), Ok(()));
        assert!(check(&signed(uri, &right.replace('b', "c")), b"", expected).is_err());
        assert!(check(&signed("/?Param2=value2", right), b"", expected).is_err());
        assert!(check(&signed(uri, right), b"a body", expected).is_err());
        for other in [
            Expected { service: "email", ..expected },
            Expected { region: "eu-west-1", ..expected },
            Expected { secret: "another", ..expected },
            Expected { session_token: "one", ..expected },
        ] {
            assert!(check(&signed(uri, right), b"", other).is_err(), "{other:?}");
        }
    }
}
