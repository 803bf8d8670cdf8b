//! The one place where a client is made.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};

use crate::connector::Connector;

const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);

/// A client that speaks to `connector`.
#[expect(clippy::disallowed_methods, reason = "the clients of the embedded database are made here")]
pub(crate) fn build(connector: Connector, retry: RetryConfig) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "embedded"))
        .http_client(connector)
        .retry_config(retry)
        // By default all clients of a process draw retries from one bucket, which faults in one test would empty for
        // the others.
        .retry_partition(RetryPartition::custom("embedded").build())
        .timeout_config(TimeoutConfig::builder().operation_timeout(OPERATION_TIMEOUT).build())
        // Bodies are whole when the connector answers.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build();
    Client::from_conf(config)
}
