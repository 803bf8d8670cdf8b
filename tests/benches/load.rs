//! Checks a second under 64 connections, beside a bare axum route that echoes the JSON, in one run. Each connection is a
//! server with a licence of its own that names its last lease, as well-behaved servers do. The routes and the table in
//! memory are those of `marque serve`. `cargo bench --bench load`

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench says what it measured, or that it cannot")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use marque_core::LicenseCode;
use marque_service::{Clock, http::envelope, validate};
use marque_tests::{Client, InMemory, Server};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(5);
const PATH: &str = "/v1/validations";

fn main() {
    // The server has a runtime of its own, as in a process of its own.
    let serving =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let loading =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (router, codes) = serving.block_on(function());
    let address = serving.block_on(listen(router));
    let client = Client::new(&format!("http://{address}"));
    let servers: Vec<Checker> =
        codes.iter().enumerate().map(|(at, code)| Checker::activate(&client, at, code)).collect();
    let echo: Router = Router::new().route(PATH, post(|Json(body): Json<Value>| async { Json(body) }));
    let echo = serving.block_on(listen(echo));
    let checks = loading.block_on(load(&address, &servers));
    let echoes = loading.block_on(load(&echo, &servers));
    println!("{checks:.0} signed checks a second at {CONNECTIONS} connections, over the table in memory");
    println!("{echoes:.0} a second of a bare axum route that echoes the JSON; ratio {:.3}", checks / echoes);
}

/// The function over a table in memory, with a licence for each connection.
async fn function() -> (Router, Vec<LicenseCode>) {
    let service = InMemory::new(Clock::system()).await;
    let yearly = service.offer("yearly").await;
    let mut codes = Vec::new();
    for _ in 0..CONNECTIONS {
        codes.push(service.issue(&yearly).await);
    }
    (envelope(validate::router(service.app)), codes)
}

async fn listen(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let listener = listener.tap_io(|io| io.set_nodelay(true).expect("nodelay"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A server that names its last lease in each check.
#[derive(Clone)]
struct Checker {
    before: String,
    lease: String,
    after: String,
}

impl Checker {
    fn activate(client: &Client, at: usize, code: &LicenseCode) -> Self {
        let mut server = Server::in_domain(&format!("load-{at}"));
        let activated = client.post("/v1/activations", &server.activation(&code.reveal())).expect("an answer").json();
        let lease = activated["lease"].as_str().expect("a lease").to_owned();
        let body = server.validation(activated["license_id"].as_str().expect("a licence"), Some(&lease)).to_string();
        let (before, after) = body.split_once(&lease).expect("the lease in the body");
        Self { before: before.to_owned(), after: after.to_owned(), lease }
    }

    fn request(&self, address: &str) -> String {
        let Self { before, lease, after } = self;
        let length = before.len() + lease.len() + after.len();
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{before}{lease}{after}"
        )
    }

    /// Keeps the lease of an answer.
    fn keep(&mut self, answer: &[u8]) {
        let text = std::str::from_utf8(answer).expect("text");
        let lease = text.split_once("\"lease\":\"").and_then(|(_, rest)| rest.split_once('"')).expect("a lease").0;
        lease.clone_into(&mut self.lease);
    }
}

/// Answers a second that were 200, over the measured time.
async fn load(address: &str, servers: &[Checker]) -> f64 {
    let (counted, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = Vec::new();
    for server in servers {
        let (address, mut server) = (address.to_owned(), server.clone());
        let (counted, stop) = (Arc::clone(&counted), Arc::clone(&stop));
        tasks.push(tokio::spawn(async move { connection(&address, &mut server, &counted, &stop).await }));
    }
    tokio::time::sleep(WARM_UP).await;
    let (before, started) = (counted.load(Ordering::Relaxed), now());
    tokio::time::sleep(MEASURED).await;
    let rate = (counted.load(Ordering::Relaxed) - before) as f64 / started.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("a connection");
    }
    rate
}

async fn connection(address: &str, server: &mut Checker, counted: &AtomicU64, stop: &AtomicBool) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("nodelay");
    let mut buffer = vec![0; 16 * 1024];
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(server.request(address).as_bytes()).await.expect("a request sent");
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..]).await.expect("an answer");
            assert_ne!(read, 0, "the connection was closed");
            filled += read;
            if is_whole(&buffer[..filled]) {
                break;
            }
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..filled]));
        server.keep(&buffer[..filled]);
        counted.fetch_add(1, Ordering::Relaxed);
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}
