//! A server between two programs: it passes on what it gets, unless it is told to answer in a way of its own.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use crate::aws::lock;
use crate::background::{Listening, runtime};
use crate::client::{Answer, Client};

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Fate {
    /// It is passed on.
    Pass,
    /// It is passed on with another path and query.
    Instead(String),
    /// It is answered here: a status, headers, a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// It is passed on, and its answer is lost on the way back.
    Lost,
    /// No answer ever comes.
    Silence,
}

type Decide = dyn Fn(usize, &str) -> Fate + Send + Sync;

/// A running one. It is gone when this is dropped.
#[derive(Debug)]
pub struct Between {
    server: Listening,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Shared {
    behind: String,
    decide: Arc<Decide>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Between {
    /// Stands before `behind`. `decide` is told how many requests came before this one, and its path and query.
    #[must_use]
    pub fn start(behind: &str, decide: impl Fn(usize, &str) -> Fate + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = Shared { behind: behind.to_owned(), decide: Arc::new(decide), asked: Arc::clone(&asked) };
        Self { server: Listening::start(Router::new().fallback(take).with_state(shared)), asked }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What was asked for, as targets in the order in which they came; of a proxy's client, whole addresses.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }
}

async fn take(State(shared): State<Shared>, request: Request) -> Response {
    let target = request.uri().to_string();
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let before = {
        let mut asked = lock(&shared.asked);
        asked.push(target);
        asked.len() - 1
    };
    let mut lost = false;
    let path = match (shared.decide)(before, &path) {
        Fate::Pass => path,
        Fate::Instead(path) => path,
        Fate::Lost => {
            lost = true;
            path
        }
        Fate::Answer(status, headers, body) => {
            let mut answer = Response::new(Body::from(body));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
            for (name, value) in headers {
                if let Ok(value) = value.parse() {
                    answer.headers_mut().insert(name, value);
                }
            }
            return answer;
        }
        Fate::Silence => std::future::pending().await,
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 1 << 20).await else { return StatusCode::BAD_REQUEST.into_response() };
    let passed =
        runtime().spawn_blocking(move || pass(&shared.behind, parts.method.as_str(), &path, &parts.headers, &body));
    let answer = passed.await.ok().flatten().filter(|_| !lost);
    answer.map_or_else(|| StatusCode::BAD_GATEWAY.into_response(), answered)
}

fn pass(behind: &str, method: &str, path: &str, headers: &HeaderMap, body: &Bytes) -> Option<Answer> {
    // These are of a connection, and the client makes its own.
    let own = |name: &str| !["host", "content-length", "connection", "accept-encoding"].contains(&name);
    let headers: Vec<_> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .filter(|(name, _)| own(name))
        .collect();
    Client::new(behind).call(method, path, &headers, body)
}

fn answered(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse())
            && !["content-length", "transfer-encoding", "connection"].contains(&name.as_str())
        {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
