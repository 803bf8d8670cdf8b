//! Calls of AWS's JSON services that are not worth a client of their own in every function: one POST, signed.
//!
//! A client of SES would add some hundred operations to each function's size and start, for one that is used.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use crate::clock::Clock;
use crate::config::AwsSettings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// One service of AWS in one region.
#[derive(Clone)]
pub struct SignedService {
    connector: SharedHttpConnector,
    settings: AwsSettings,
    /// The name that requests are signed for.
    name: &'static str,
    address: String,
}

/// What a service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// What kind of error it is, from `x-amzn-errortype`; empty when it is none.
    pub error: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

impl fmt::Debug for SignedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedService({} at {})", self.name, self.address)
    }
}

impl SignedService {
    /// The service that signs as `name` and whose host in a region begins with `host`. Nothing is called yet.
    #[must_use]
    pub fn new(settings: &AwsSettings, name: &'static str, host: &str) -> Self {
        let limits =
            HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
        let connector = Connector::builder()
            .connector_settings(limits)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build();
        let own = || format!("https://{host}.{}.amazonaws.com", settings.region);
        let address =
            settings.endpoint.as_deref().map_or_else(own, |endpoint| endpoint.trim_end_matches('/').to_owned());
        Self { connector: SharedHttpConnector::new(connector), settings: settings.clone(), name, address }
    }

    /// Posts JSON, once: whoever calls decides whether it is tried again.
    ///
    /// # Errors
    /// [`NoAnswer`] when none came.
    pub async fn post(&self, path: &str, json: Vec<u8>) -> Result<SignedAnswer, NoAnswer> {
        let request = self.signed(path, json)?;
        let answer = self.connector.call(request).await.map_err(|error| no_answer(&error))?;
        let header = |name: &str| answer.headers().get(name).unwrap_or_default().to_owned();
        let (status, error) = (answer.status().as_u16(), kind(&header("x-amzn-errortype")));
        let body = ByteStream::new(answer.into_body()).collect().await.map_err(|error| no_answer(&error))?.to_vec();
        Ok(SignedAnswer { status, error, body })
    }

    fn signed(&self, path: &str, json: Vec<u8>) -> Result<aws_smithy_runtime_api::http::Request<SdkBody>, NoAnswer> {
        let url = format!("{}{path}", self.address);
        let keys = &self.settings.credentials;
        let (id, key) = (keys.access_key_id.clone(), keys.secret_access_key.clone());
        let identity = Credentials::new(id, key, keys.session_token.clone(), None, "lambda-environment").into();
        // Signatures are judged by the real time, wherever the service's clock has been moved to.
        let seconds = Clock::system().now().unix().unsigned_abs();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.settings.region)
            .name(self.name)
            .time(UNIX_EPOCH + Duration::from_secs(seconds))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| no_answer(&error))?
            .into();
        let headers = [("content-type", "application/json")].into_iter();
        let signable = SignableRequest::new("POST", &url, headers, SignableBody::Bytes(&json));
        let signable = signable.map_err(|error| no_answer(&error))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error| no_answer(&error))?.into_parts();
        let request = http::Request::post(&url).header("content-type", "application/json");
        let mut request = request.body(SdkBody::from(json)).map_err(|error| no_answer(&error))?;
        instructions.apply_to_request_http1x(&mut request);
        request.try_into().map_err(|error| no_answer(&error))
    }
}

fn no_answer(error: &dyn std::error::Error) -> NoAnswer {
    NoAnswer(marque_store::causes(error))
}

/// The kind alone: AWS adds a namespace in front and an address behind.
fn kind(header: &str) -> String {
    let kind = header.split(':').next().unwrap_or_default();
    kind.rsplit('#').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_an_error_is_its_name_alone() {
        for (header, name) in [
            ("", ""),
            ("MessageRejected", "MessageRejected"),
            ("TooManyRequestsException:http://internal.amazon.com/coral/", "TooManyRequestsException"),
            ("com.amazonaws.sesv2#NotFoundException", "NotFoundException"),
        ] {
            assert_eq!(kind(header), name);
        }
    }
}
