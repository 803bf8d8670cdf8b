//! Servers of the suites: each on a free port of loopback, on one runtime beside the tests' threads.

use std::net::SocketAddr;
use std::sync::OnceLock;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// The runtime of all servers of this process.
///
/// # Panics
/// When it does not start.
#[expect(clippy::expect_used, reason = "a test without its servers cannot go on")]
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"))
}

/// A server. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listening {
    #[expect(clippy::expect_used, reason = "a test without its servers cannot go on")]
    pub(crate) fn start(router: Router) -> Self {
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("its address");
        // Small answers must not wait for the caller's acknowledgement of earlier ones (Nagle).
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap_or_default());
        let task = runtime().spawn(async move { axum::serve(listener, router).await.unwrap_or_default() });
        Self { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}
