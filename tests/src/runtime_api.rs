//! Lambda's Runtime API on loopback, for one sandbox: what `AWS_LAMBDA_RUNTIME_API` names.
//!
//! It hands out one event at a time and takes the answer, the error or the init error, as the real one does
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>). Answers for an event that nobody waits for any
//! more are refused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use marque_service::Clock;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot, watch};

use crate::aws::lock;
use crate::background::{Listening, runtime};

/// The ARN that a function is told it was invoked by.
pub const FUNCTION_ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:marque-Validate-1ABCDEFGHIJKL";
/// The largest answer of a buffered invocation.
const MAX_ANSWER: usize = 6 << 20;

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was answered.
    Response(Value),
    /// The function posted an error.
    Error {
        /// `Lambda-Runtime-Function-Error-Type`.
        kind: String,
        /// The error's document.
        body: Value,
    },
    /// Nothing came before the deadline. Lambda would end the sandbox.
    TimedOut,
}

/// A running Runtime API. It is gone when this is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    sandbox: Sandbox,
    server: Listening,
}

/// A handle on what the API knows; cheap to clone.
#[derive(Debug, Clone)]
pub struct Sandbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    timeout: Duration,
    queue: Mutex<VecDeque<Invocation>>,
    queued: Notify,
    running: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    /// How often the function has asked for an event.
    asked: watch::Sender<usize>,
    init_error: watch::Sender<Option<(String, Value)>>,
    /// Only one event is under way at a time: a sandbox is busy with it.
    busy: tokio::sync::Mutex<u64>,
}

#[derive(Debug)]
struct Invocation {
    id: String,
    event: Bytes,
    answer: oneshot::Sender<Outcome>,
}

impl RuntimeApi {
    /// Starts an API whose invocations may take so long.
    #[must_use]
    pub fn start(timeout: Duration) -> Self {
        let sandbox = Sandbox(Arc::new(Shared {
            timeout,
            queue: Mutex::default(),
            queued: Notify::new(),
            running: Mutex::default(),
            asked: watch::Sender::new(0),
            init_error: watch::Sender::new(None),
            busy: tokio::sync::Mutex::new(0),
        }));
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::max(MAX_ANSWER + 1))
            .with_state(sandbox.clone());
        Self { sandbox, server: Listening::start(router) }
    }

    /// What `AWS_LAMBDA_RUNTIME_API` says: host and port.
    #[must_use]
    pub fn address(&self) -> String {
        self.server.address.to_string()
    }

    /// The sandbox behind it.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl Sandbox {
    /// Invokes the function with an event, once it is free.
    pub async fn invoke(&self, event: impl Into<Bytes>) -> Outcome {
        let shared = &self.0;
        let mut count = shared.busy.lock().await;
        *count += 1;
        let id = format!("8476a536-e9f4-11e8-9739-{:012x}", *count);
        let (answer, outcome) = oneshot::channel();
        lock(&shared.queue).push_back(Invocation { id, event: event.into(), answer });
        shared.queued.notify_one();
        match tokio::time::timeout(shared.timeout, outcome).await {
            Ok(Ok(outcome)) => outcome,
            _ => {
                // What comes now is too late, and what was not fetched is never handed out.
                lock(&shared.running).take();
                lock(&shared.queue).clear();
                Outcome::TimedOut
            }
        }
    }

    /// [`Sandbox::invoke`], for threads that may wait.
    #[must_use]
    pub fn call(&self, event: impl Into<Bytes>) -> Outcome {
        runtime().block_on(self.invoke(event))
    }

    /// Waits until the function has asked for an event so often; false when it did not within ten seconds, or told an
    /// init error instead.
    #[must_use]
    pub fn wait_until_asked(&self, times: usize) -> bool {
        let (mut asked, mut fault) = (self.0.asked.subscribe(), self.0.init_error.subscribe());
        let reached = async {
            tokio::select! {
                reached = asked.wait_for(|count| *count >= times) => reached.is_ok(),
                _ = fault.wait_for(Option::is_some) => false,
            }
        };
        runtime().block_on(async { tokio::time::timeout(Duration::from_secs(10), reached).await.unwrap_or(false) })
    }

    /// How often the function has asked for an event.
    #[must_use]
    pub fn asked(&self) -> usize {
        *self.0.asked.borrow()
    }

    /// The init error: its type and its document.
    #[must_use]
    pub fn init_error(&self) -> Option<(String, Value)> {
        self.0.init_error.borrow().clone()
    }

    /// The next event, when there is one.
    async fn take(&self) -> Invocation {
        loop {
            if let Some(invocation) = lock(&self.0.queue).pop_front() {
                return invocation;
            }
            self.0.queued.notified().await;
        }
    }

    /// Ends the invocation that is under way, if it is this one.
    fn finish(&self, id: &str, outcome: Outcome) -> Response {
        let running = lock(&self.0.running).take_if(|(running, _)| running == id);
        match running.map(|(_, answer)| answer.send(outcome)) {
            Some(Ok(())) => accepted(),
            _ => refused(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        }
    }
}

async fn next(State(sandbox): State<Sandbox>) -> Response {
    sandbox.0.asked.send_modify(|count| *count += 1);
    let Invocation { id, event, answer } = sandbox.take().await;
    let now = Clock::system().now().unix() * 1000;
    let deadline = now + i64::try_from(sandbox.0.timeout.as_millis()).unwrap_or(i64::MAX / 2);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id.clone()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", FUNCTION_ARN.to_owned()),
        ("lambda-runtime-trace-id", trace_id(now / 1000, &id)),
    ];
    *lock(&sandbox.0.running) = Some((id, answer));
    (headers, Body::from(event)).into_response()
}

async fn response(State(sandbox): State<Sandbox>, Path(id): Path<String>, body: Bytes) -> Response {
    if body.len() > MAX_ANSWER {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "the answer is too large");
    }
    sandbox.finish(&id, Outcome::Response(document(&body)))
}

async fn error(State(sandbox): State<Sandbox>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    sandbox.finish(&id, Outcome::Error { kind: error_type(&headers), body: document(&body) })
}

async fn init_error(State(sandbox): State<Sandbox>, headers: HeaderMap, body: Bytes) -> Response {
    sandbox.0.init_error.send_replace(Some((error_type(&headers), document(&body))));
    accepted()
}

fn document(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or(Value::Null)
}

fn error_type(headers: &HeaderMap) -> String {
    let header = headers.get("lambda-runtime-function-error-type");
    header.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// As X-Ray writes it: seconds in the trace's id, sampled.
fn trace_id(seconds: i64, id: &str) -> String {
    format!("Root=1-{seconds:08x}-5f302e550dcde3b12402207d;Parent=5a0e1b3c{};Sampled=1", &id[id.len() - 8..])
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({"status": "OK"}))).into_response()
}

fn refused(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, axum::Json(json!({"errorType": kind, "errorMessage": message}))).into_response()
}
