//! AWS as this service uses it: clients made once, with explicit region, credentials and limits; the key ring's places.

mod https;
mod json;
mod keys;

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use marque_core::Timestamp;
use marque_store::{Store, StoreError};

use self::https::Https;
use self::json::JsonClient;
pub use self::keys::{AwsKeys, Kms};
use crate::app::App;
use crate::clock::Clock;
use crate::config::{AwsSettings, Config, KeyRingLocation};
use crate::keyring::{Keys, RingFault, RingSource};

/// One attempt of a call; a check that hangs must not cost its caller more than the next one.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(800);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 3;

/// Why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The key ring is faulty or out of reach.
    #[error(transparent)]
    KeyRing(#[from] RingFault),
    /// The table does not answer.
    #[error(transparent)]
    Table(#[from] StoreError),
}

/// Makes what every handler shares. The table is called once, so that its connection is open before the first request.
///
/// # Errors
/// [`StartError`].
pub async fn start(config: &Config) -> Result<App, StartError> {
    let clock = Clock::system();
    let aws = Aws::new(&config.aws);
    let store = aws.store(&config.table);
    let (keys, pinged) = tokio::join!(aws.keys(&config.key_ring, clock.now()), store.ping());
    pinged?;
    Ok(App::new(store, clock, keys?.of_issuer(&config.issuer)?, config.issuer.clone()))
}

/// What every client of AWS is made from: one HTTP client, explicit region and credentials, our own limits.
#[derive(Debug)]
pub struct Aws {
    region: String,
    credentials: Credentials,
    https: Https,
    endpoint: Option<String>,
}

impl Aws {
    /// What the settings say. Nothing is called yet.
    #[must_use]
    pub fn new(config: &AwsSettings) -> Self {
        let keys = &config.credentials;
        // Lambda's credentials live as long as the sandbox, so they are read once.
        let credentials = Credentials::new(
            &keys.access_key_id,
            &keys.secret_access_key,
            keys.session_token.clone(),
            None,
            "lambda-environment",
        );
        let https = Https::new(ATTEMPT_TIMEOUT);
        Self { region: config.region.clone(), credentials, https, endpoint: config.endpoint.clone() }
    }

    /// The table of this name.
    #[must_use]
    pub fn store(&self, table: &str) -> Store {
        Store::new(self.dynamodb(), table)
    }

    /// The key ring at this place.
    ///
    /// # Errors
    /// [`RingFault`].
    pub async fn keys(&self, location: &KeyRingLocation, now: Timestamp) -> Result<Keys, RingFault> {
        let source = match location {
            KeyRingLocation::File(path) => RingSource::File(path.into()),
            _ => RingSource::Aws(AwsKeys::new(self.json(), location.clone())),
        };
        Keys::load(source, now).await
    }

    fn json(&self) -> JsonClient {
        JsonClient::new(self.https.clone(), self.credentials.clone(), &self.region, self.endpoint.as_deref())
    }

    #[expect(clippy::disallowed_methods, reason = "this is where clients are made")]
    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(self.https.of_sdk())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts);
        config.set_endpoint_url(self.endpoint.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }
}
