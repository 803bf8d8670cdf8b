//! AWS as this service uses it: clients made once, with explicit region, credentials and limits; the key ring's places.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use marque_core::Timestamp;
use marque_store::{Store, StoreError, causes};

use crate::app::App;
use crate::clock::Clock;
use crate::config::{AwsSettings, Config, KeyRingLocation, MailSettings};
use crate::keyring::{Keys, RingFault, RingSource};
use crate::mail::{Carrier, Post, Ses};

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
    let keys = keys?.of_issuer(&config.issuer)?;
    Ok(App::new(store, clock, keys, config.issuer.clone(), post(config)))
}

/// Mails go by SES, once an address to send from is set.
fn post(config: &Config) -> Post {
    let MailSettings { from, pages, contact } = config.mail.clone();
    let carrier = from.map_or(Carrier::Nobody, |from| Carrier::Ses(Ses::new(&config.aws, from)));
    Post { carrier, pages, contact }
}

/// What every client of AWS is made from: one HTTP client, explicit region and credentials, our own limits.
#[derive(Debug)]
pub struct Aws {
    region: Region,
    credentials: SharedCredentialsProvider,
    http: SharedHttpClient,
    endpoint: Option<String>,
}

macro_rules! client {
    ($aws:expr, $sdk:ident) => {{
        let aws: &Aws = $aws;
        let mut config = $sdk::config::Builder::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(aws.region.clone())
            .credentials_provider(aws.credentials.clone())
            .http_client(aws.http.clone())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            );
        config.set_endpoint_url(aws.endpoint.clone());
        $sdk::Client::from_conf(config.build())
    }};
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
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https();
        Self {
            region: Region::new(config.region.clone()),
            credentials: SharedCredentialsProvider::new(credentials),
            http,
            endpoint: config.endpoint.clone(),
        }
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
            _ => RingSource::Aws(AwsKeys::new(self, location.clone())),
        };
        Keys::load(source, now).await
    }

    #[expect(clippy::disallowed_methods, reason = "this is where clients are made")]
    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        client!(self, aws_sdk_dynamodb)
    }
}

/// The key ring in AWS, and KMS for file keys.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    secrets: aws_sdk_secretsmanager::Client,
    parameters: aws_sdk_ssm::Client,
    /// Signs with file keys.
    pub kms: aws_sdk_kms::Client,
    location: KeyRingLocation,
}

impl AwsKeys {
    fn new(aws: &Aws, location: KeyRingLocation) -> Self {
        Self {
            secrets: client!(aws, aws_sdk_secretsmanager),
            parameters: client!(aws, aws_sdk_ssm),
            kms: client!(aws, aws_sdk_kms),
            location,
        }
    }

    /// Reads the ring's document.
    pub(crate) async fn fetch(&self) -> Result<String, RingFault> {
        let missing = |place: &str| RingFault(format!("{place} holds no text"));
        match &self.location {
            KeyRingLocation::SecretsManager(name) => {
                let answer = self.secrets.get_secret_value().secret_id(name).send().await;
                let answer = answer.map_err(|error| RingFault(format!("Secrets Manager: {}", causes(&error))))?;
                answer.secret_string.ok_or_else(|| missing("the secret"))
            }
            KeyRingLocation::ParameterStore(name) => {
                let answer = self.parameters.get_parameter().name(name).with_decryption(true).send().await;
                let answer = answer.map_err(|error| RingFault(format!("SSM: {}", causes(&error))))?;
                answer.parameter.and_then(|parameter| parameter.value).ok_or_else(|| missing("the parameter"))
            }
            KeyRingLocation::File(_) => Err(missing("a file")),
        }
    }
}
