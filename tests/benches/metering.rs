//! `cargo bench -p marque-tests --bench metering`: an hour of 10,000 agreements with two dimensions, sealed and reported.
//!
//! The time that passes is virtual, as the rate wants it. What is measured is the processor's: all of it, less what the
//! embedded database and the simulated marketplace take, which are not ours when deployed.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench says what it measured, and fails by failing")]

use std::future::poll_fn;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use marque_service::clouds::{Fulfilment, Metering, Wiring};
use marque_service::usage::meter;
use marque_tests::simulation::scale::{Scale, fill};

/// So many agreements, unless it is asked for others: `cargo bench … --bench metering -- 1000`.
const AGREEMENTS: usize = 10_000;

/// Times what others do, and hands everything on.
#[derive(Debug, Clone)]
struct Timed {
    inner: SharedHttpClient,
    nanoseconds: Arc<AtomicU64>,
}

#[derive(Debug)]
struct TimedConnector {
    inner: SharedHttpConnector,
    nanoseconds: Arc<AtomicU64>,
}

impl HttpClient for Timed {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(TimedConnector { inner, nanoseconds: Arc::clone(&self.nanoseconds) })
    }
}

impl HttpConnector for TimedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, nanoseconds) = (self.inner.clone(), Arc::clone(&self.nanoseconds));
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

#[expect(clippy::disallowed_methods, reason = "benches measure durations")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a client that is timed")]
fn client(http: SharedHttpClient) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("bench", "bench", None, None, "bench"))
        .http_client(http)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build();
    Client::from_conf(config)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let nanoseconds = Arc::new(AtomicU64::new(0));
    let timed = |inner: SharedHttpClient| Timed { inner, nanoseconds: Arc::clone(&nanoseconds) }.into_shared();
    let agreements = std::env::args().find_map(|given| given.parse().ok()).unwrap_or(AGREEMENTS);
    let Scale { embedded, market, clock } = fill(agreements).await.expect("a table");
    let table = client(timed(Table(embedded.connector()).into_shared()));
    let wiring = Wiring::simulated(timed(market.http_client()));
    let shop = marque_tests::simulation::scale::shop(table, &clock, Fulfilment::new(&wiring)).expect("a shop");
    let metering = Metering::new(&wiring);
    nanoseconds.store(0, Ordering::Relaxed);
    let calls_before = embedded.calls().count();
    let (begun, virtually) = (now(), tokio::time::Instant::now());
    let counts = meter::run(&shop, &metering, "bench", f64::MAX).await.expect("a run");
    let (all, passed) = (begun.elapsed().as_secs_f64(), virtually.elapsed().as_secs_f64());
    let theirs = std::time::Duration::from_nanos(nanoseconds.load(Ordering::Relaxed)).as_secs_f64();
    let calls = embedded.calls().count() - calls_before;
    println!("{counts:?}");
    println!(
        "{} hours confirmed by {} calls, {:.2} records a call",
        counts.confirmed,
        counts.calls,
        f64::from(counts.records) / f64::from(counts.calls)
    );
    println!("{passed:.1} s of virtual time, {:.2} calls a second", f64::from(counts.calls) / passed);
    println!(
        "{calls} requests of the table, {:.1} for each hour",
        black_box(calls) as f64 / f64::from(counts.confirmed)
    );
    println!(
        "{all:.2} s of processor, of which the embedded database and the simulated marketplace {theirs:.2} s, ours {:.2} s",
        all - theirs
    );
}
