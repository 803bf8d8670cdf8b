//! The SDK's HTTP connector, with the emulator behind it.

use std::fmt;
use std::io;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::task::yield_now;

use crate::answer::Answer;
use crate::dispatch::dispatch;
use crate::embedded::Shared;
use crate::fault::{Loss, Verdict};
use crate::request::Request;

/// Hands the SDK's requests to the emulator.
#[derive(Clone)]
pub(crate) struct Connector {
    shared: Arc<Shared>,
}

impl Connector {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    async fn call(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        // On either side of the effect others get their turn, as on a network.
        yield_now().await;
        let answer = self.effect(&request);
        yield_now().await;
        answer
    }

    /// The request's effect, without an await: the emulator blocks for some tens of microseconds behind one lock, less
    /// than a hand-over to another thread would cost a `current_thread` runtime.
    fn effect(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let Shared { database, faults, calls } = &*self.shared;
        let request = Request::read(request);
        let number = calls.begin();
        let answer = match faults.verdict(&request) {
            Verdict::Serve => Ok(dispatch(database, &request)),
            Verdict::ServeStale(copy) => Ok(dispatch(&copy, &request)),
            Verdict::Refuse(answer) => Ok(answer),
            Verdict::Lose { applied, loss } => {
                if applied {
                    dispatch(database, &request);
                }
                Err(loss)
            }
        };
        calls.end(&request, answer.as_ref().ok());
        match answer {
            Ok(answer) => respond(answer, number),
            Err(Loss::Timeout) => Err(ConnectorError::timeout(injected(io::ErrorKind::TimedOut).into())),
            Err(Loss::Connection) => Err(ConnectorError::io(injected(io::ErrorKind::ConnectionReset).into())),
        }
    }
}

fn respond(answer: Answer, number: u64) -> Result<HttpResponse, ConnectorError> {
    answer.into_response(number).map_err(|error| ConnectorError::other(error.into(), None))
}

fn injected(kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, "injected fault")
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().call(request))
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
