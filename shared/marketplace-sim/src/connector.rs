//! The SDK's HTTP connector, with the marketplace behind it.

use std::io;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::task::yield_now;

use crate::marketplace::Marketplace;
use crate::reply::Reply;

impl Marketplace {
    /// What an SDK's client takes as its HTTP client to speak to this marketplace.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        Connector(self.clone()).into_shared()
    }
}

#[derive(Debug, Clone)]
struct Connector(Marketplace);

impl Connector {
    async fn call(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        // On either side of the effect others get their turn, as on a network.
        yield_now().await;
        let reply = self.effect(&request);
        yield_now().await;
        match reply {
            Reply::Answer(answer) => answer.into_response().map_err(|error| ConnectorError::other(error.into(), None)),
            Reply::Timeout => Err(ConnectorError::timeout(ordered(io::ErrorKind::TimedOut).into())),
            Reply::Lost => Err(ConnectorError::io(ordered(io::ErrorKind::ConnectionReset).into())),
        }
    }

    fn effect(&self, request: &HttpRequest) -> Reply {
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers() {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
        let path = request.uri().parse::<http::Uri>().map(|uri| uri.path().to_owned()).unwrap_or_default();
        self.0.serve(&path, &headers, request.body().bytes().unwrap_or_default())
    }
}

fn ordered(kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, "a fault that was ordered")
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
