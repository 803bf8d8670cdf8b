//! The clients of AWS Marketplace, made once: region, credentials, limits; and what kinds of failure their errors are.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_marketplacemetering::error::SdkError;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::{ReconnectMode, RetryConfig};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;

/// Entitlements and agreements are in this region, wherever the service runs.
pub const HOME_REGION: &str = "us-east-1";

/// One attempt at most: an event makes two calls, and its function has a minute.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Reads change nothing, so they may be tried again at once.
const READ_ATTEMPTS: u32 = 2;

/// What the clients are made from.
#[derive(Debug, Clone)]
pub struct Wiring {
    /// Credentials of the seller's account.
    pub credentials: SharedCredentialsProvider,
    /// One HTTP client for all.
    pub http: SharedHttpClient,
    /// Sleeps between attempts.
    pub sleep: SharedAsyncSleep,
    /// Another address than AWS's own.
    pub endpoint: Option<String>,
}

impl Wiring {
    /// To a simulated marketplace, whose credentials are nobody's.
    #[must_use]
    pub fn simulated(http: SharedHttpClient) -> Self {
        let nobody = Credentials::new("simulated", "simulated", None, None, "simulated");
        Self {
            credentials: SharedCredentialsProvider::new(nobody),
            http,
            sleep: SharedAsyncSleep::new(TokioSleep::new()),
            endpoint: None,
        }
    }
}

/// What kind of failure a call met. Nothing of it ever means "not entitled".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Throttled, unreachable, or AWS's own fault: the same call may succeed later.
    #[error("AWS Marketplace does not answer: {0}")]
    Temporary(String),
    /// The credentials may not make this call: a person must mend a policy or an account.
    #[error("AWS Marketplace denies the call: {0}")]
    Denied(String),
    /// The call is refused for what it asks: it will be refused again.
    #[error("AWS Marketplace refuses the call: {0}")]
    Refused(String),
}

impl Failure {
    /// Decides by the error's code; what never reached AWS is temporary, and so is what nobody has heard of.
    pub fn of<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        let text = code.map_or_else(|| causes(error), str::to_owned);
        match code {
            Some(
                "AccessDeniedException"
                | "DisabledApiException"
                | "InvalidSignatureException"
                | "UnrecognizedClientException"
                | "MissingAuthenticationTokenException"
                | "ExpiredTokenException",
            ) => Self::Denied(text),
            Some(
                "ValidationException"
                | "InvalidParameterException"
                | "ResourceNotFoundException"
                | "SerializationException",
            ) => Self::Refused(text),
            _ => Self::Temporary(text),
        }
    }
}

/// What never became an answer says why in its sources: the network, or credentials that there are not.
fn causes(error: &dyn std::error::Error) -> String {
    let words = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    words.collect::<Vec<_>>().join(": ")
}

/// A client of one of the three services, in a region.
macro_rules! client {
    ($wiring:expr, $sdk:ident, $region:expr, $attempts:expr) => {{
        let wiring: &$crate::aws::wire::Wiring = $wiring;
        let mut config = $sdk::config::Builder::new()
            .behavior_version($sdk::config::BehaviorVersion::v2026_01_12())
            .region($region)
            .credentials_provider(wiring.credentials.clone())
            .http_client(wiring.http.clone())
            .sleep_impl(wiring.sleep.clone())
            .retry_config($crate::aws::wire::retries($attempts))
            .timeout_config($crate::aws::wire::timeouts());
        config.set_endpoint_url(wiring.endpoint.clone());
        $sdk::Client::from_conf(config.build())
    }};
}
pub(crate) use client;

pub(crate) fn home() -> Region {
    Region::from_static(HOME_REGION)
}

pub(crate) const fn reads() -> u32 {
    READ_ATTEMPTS
}

pub(crate) fn retries(attempts: u32) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(Duration::from_millis(50))
        // Connectors let go of connections that fail.
        .with_reconnect_mode(ReconnectMode::ReuseAllConnections)
}

pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build()
}
