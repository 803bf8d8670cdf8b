//! The processor's time that others take: the embedded database and the simulated marketplace, which run in our process and
//! are not ours when deployed.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use marque_embedded::Embedded;

/// How long others took so far. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Others(Arc<AtomicU64>);

impl Others {
    /// Begins to count anew.
    pub fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Seconds that others took.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        Duration::from_nanos(self.0.load(Ordering::Relaxed)).as_secs_f64()
    }

    /// A client whose time is counted.
    #[must_use]
    pub fn timed(&self, inner: SharedHttpClient) -> SharedHttpClient {
        Timed { inner, others: self.clone() }.into_shared()
    }

    /// A client of the database, whose time is counted.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a client that is timed")]
    pub fn table(&self, embedded: &Embedded) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("bench", "bench", None, None, "bench"))
            .http_client(self.timed(Table(embedded.connector()).into_shared()))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Client::from_conf(config)
    }
}

/// The time, to measure how long something takes.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "benches measure durations")]
pub fn now() -> Instant {
    Instant::now()
}

/// Hands everything on, and counts how long it takes.
#[derive(Debug, Clone)]
struct Timed {
    inner: SharedHttpClient,
    others: Others,
}

#[derive(Debug)]
struct TimedConnector {
    inner: SharedHttpConnector,
    others: Others,
}

impl HttpClient for Timed {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(TimedConnector { inner, others: self.others.clone() })
    }
}

impl HttpConnector for TimedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, Others(nanoseconds)) = (self.inner.clone(), self.others.clone());
        HttpConnectorFuture::new(async move {
            let mut call = pin!(inner.call(request));
            poll_fn(|context| {
                let begun = now();
                let polled = call.as_mut().poll(context);
                let taken = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
                nanoseconds.fetch_add(taken, Ordering::Relaxed);
                polled
            })
            .await
        })
    }
}

#[derive(Debug, Clone)]
struct Table(SharedHttpConnector);

impl HttpClient for Table {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.0.clone()
    }
}
