//! AWS as this service uses it: clients made once, with explicit region, credentials and limits; the key ring's places.

mod connector;
mod signed;

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::{ReconnectMode, RetryConfig};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use marque_core::{Offer, Slug, Timestamp};
use marque_store::{Store, StoreError};
use serde::Deserialize;
use serde_json::json;

pub use connector::Connector;
pub use signed::{NoAnswer, SignedAnswer, SignedService, sign_request};

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

/// What a function reads before its first caller comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// Nothing: the table is only called, so that its connection is open.
    Nothing,
    /// The plans that most licences name, so that the first caller waits for one request of the table less.
    Plans,
}

/// Makes what every handler shares. The table is called beside the key ring.
///
/// # Errors
/// [`StartError`].
pub async fn start(aws: &Aws, config: &Config, ahead: Ahead) -> Result<App, StartError> {
    let clock = Clock::system();
    let store = aws.store(&config.table);
    let (keys, plans) = tokio::join!(aws.keys(&config.key_ring, clock.now()), read(&store, ahead));
    let plans = plans?;
    let keys = keys?.of_issuer(&config.issuer)?;
    let app = App::new(store, clock, keys, config.issuer.clone(), post(aws, config));
    plans.iter().for_each(|(product, offer)| app.keep_plan(product, offer));
    Ok(app)
}

async fn read(store: &Store, ahead: Ahead) -> Result<Vec<(Slug, Offer)>, StoreError> {
    match ahead {
        Ahead::Nothing => store.ping().await.map(|()| Vec::new()),
        Ahead::Plans => match store.newest_plans().await {
            // It concerns whoever names that plan, and nobody else.
            Err(fault @ StoreError::Corrupt { .. }) => {
                tracing::error!(%fault, "plans cannot be read ahead");
                Ok(Vec::new())
            }
            plans => plans,
        },
    }
}

/// Mails go by SES, once an address to send from is set.
fn post(aws: &Aws, config: &Config) -> Post {
    let MailSettings { from, pages, contact } = config.mail.clone();
    let carrier = from.map_or(Carrier::Nobody, |from| Carrier::Ses(Ses::new(aws, from)));
    Post { carrier, pages, contact }
}

/// What every client of AWS is made from: one place of connections, explicit region and credentials, our own limits.
#[derive(Debug, Clone)]
pub struct Aws {
    settings: Arc<AwsSettings>,
    connector: Connector,
}

impl Aws {
    /// What the settings say. Nothing is called yet.
    #[must_use]
    pub fn new(settings: &AwsSettings) -> Self {
        Self { settings: Arc::new(settings.clone()), connector: Connector::default() }
    }

    /// The service that signs as `name` and whose host in a region begins with `host`.
    #[must_use]
    pub fn service(&self, name: &'static str, host: &str) -> SignedService {
        SignedService::new(&self.connector, &self.settings, name, host)
    }

    /// What calls hosts, for clients of other crates.
    #[must_use]
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Lambda's credentials live as long as the sandbox, so they are read once.
    #[must_use]
    pub fn credentials(&self) -> SharedCredentialsProvider {
        let keys = &self.settings.credentials;
        let (id, key) = (&keys.access_key_id, &keys.secret_access_key);
        SharedCredentialsProvider::new(Credentials::new(
            id,
            key,
            keys.session_token.clone(),
            None,
            "lambda-environment",
        ))
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

    /// The text of a secret, which is kept where a key ring can be.
    ///
    /// # Errors
    /// [`RingFault`].
    pub async fn text(&self, place: &KeyRingLocation) -> Result<String, RingFault> {
        AwsKeys::new(self, place.clone()).fetch().await
    }

    #[expect(clippy::disallowed_methods, reason = "this is where clients are made")]
    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        // The connector itself lets go of connections that fail.
        let retries =
            RetryConfig::standard().with_max_attempts(ATTEMPTS).with_reconnect_mode(ReconnectMode::ReuseAllConnections);
        let mut config = aws_sdk_dynamodb::config::Builder::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.settings.region.clone()))
            .credentials_provider(self.credentials())
            .http_client(self.connector.client())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(retries)
            .timeout_config(timeouts);
        config.set_endpoint_url(self.settings.endpoint.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }
}

/// The key ring in AWS, and KMS for file keys.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    /// Signs with file keys.
    pub kms: SignedService,
    holder: SignedService,
    location: KeyRingLocation,
}

/// `GetSecretValue`, what we need of it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    secret_string: Option<String>,
}

/// `GetParameter`, what we need of it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    parameter: ParameterValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ParameterValue {
    value: String,
}

impl AwsKeys {
    fn new(aws: &Aws, location: KeyRingLocation) -> Self {
        let service = if matches!(location, KeyRingLocation::ParameterStore(_)) { "ssm" } else { "secretsmanager" };
        Self { kms: aws.service("kms", "kms"), holder: aws.service(service, service), location }
    }

    /// Reads the ring's document.
    pub(crate) async fn fetch(&self) -> Result<String, RingFault> {
        match &self.location {
            KeyRingLocation::SecretsManager(name) => {
                let asked = self.holder.ask("secretsmanager.GetSecretValue", &json!({"SecretId": name})).await;
                let Secret { secret_string } = asked.map_err(|error| RingFault(format!("Secrets Manager: {error}")))?;
                secret_string.ok_or_else(|| RingFault("the secret holds no text".to_owned()))
            }
            KeyRingLocation::ParameterStore(name) => {
                let request = json!({"Name": name, "WithDecryption": true});
                let asked = self.holder.ask("AmazonSSM.GetParameter", &request).await;
                let Parameter { parameter } = asked.map_err(|error| RingFault(format!("SSM: {error}")))?;
                Ok(parameter.value)
            }
            KeyRingLocation::File(_) => Err(RingFault("a file is not in AWS".to_owned())),
        }
    }
}
