//! Checks a second of `marque serve` under 64 connections, beside a bare axum route that echoes the JSON, in one run.
//! `cargo bench --bench load`

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench says what it measured, or that it cannot")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use marque_tests::{Client, Served, Server};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(5);

fn main() {
    let served = Served::start(None);
    let client = Client::new(served.url());
    let bodies: Vec<Vec<u8>> =
        ["monthly", "yearly", "perpetual"].iter().map(|plan| check(&served, &client, plan)).collect();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let address = served.url().trim_start_matches("http://").to_owned();
    let checks = runtime.block_on(load(&address, "/v1/validations", &bodies));
    let echoes = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let router: Router =
            Router::new().route("/v1/validations", post(|Json(body): Json<Value>| async { Json(body) }));
        let server = tokio::spawn(async move {
            axum::serve(listener.tap_io(|io| io.set_nodelay(true).expect("nodelay")), router).await
        });
        let echoes = load(&address, "/v1/validations", &bodies).await;
        server.abort();
        echoes
    });
    println!("marque serve, in memory: {checks:.0} signed checks a second at {CONNECTIONS} connections");
    println!("a bare axum route that echoes the JSON: {echoes:.0} a second; ratio {:.3}", checks / echoes);
}

/// The body of a check that is answered with a lease.
fn check(served: &Served, client: &Client, plan: &str) -> Vec<u8> {
    let mut server = Server::in_domain(plan);
    let activated = client.post("/v1/activations", &server.activation(served.code(plan))).expect("an answer").json();
    server.validation(activated["license_id"].as_str().expect("a licence"), None).to_string().into_bytes()
}

/// Answers a second that were 200, over the measured time.
async fn load(address: &str, path: &str, bodies: &[Vec<u8>]) -> f64 {
    let (counted, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = Vec::new();
    for at in 0..CONNECTIONS {
        let body = &bodies[at % bodies.len()];
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        let (address, counted, stop) = (address.to_owned(), Arc::clone(&counted), Arc::clone(&stop));
        tasks.push(tokio::spawn(async move { connection(&address, &request, &counted, &stop).await }));
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

async fn connection(address: &str, request: &[u8], counted: &AtomicU64, stop: &AtomicBool) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("nodelay");
    let mut buffer = vec![0; 16 * 1024];
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(request).await.expect("a request sent");
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
