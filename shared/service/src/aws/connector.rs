//! HTTP/1.1 as a function speaks it: a few hosts, small bodies, connections that are kept for the next call.
//!
//! In the place of a general client, which brings HTTP/2, proxies, redirects and a store of certificates that is read at
//! each start: a fifth of a function's size, for nothing that one of these hosts needs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Name, connection and handshake together; other ends of the world take three quarters of a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest answer that is read: an event of Lambda has 6 MB, escaped at worst twice that.
const MAX_ANSWER: usize = 16 << 20;
/// So many connections to one host wait for the next call; the sweep has 16 under way at once.
const MOST_KEPT: usize = 32;

/// Calls hosts, and keeps their connections. Cheap to clone; clones share what is kept.
#[derive(Clone, Default)]
pub struct Connector(Arc<Shared>);

#[derive(Default)]
struct Shared {
    kept: Mutex<HashMap<Place, Vec<Connection>>>,
    /// Made when the first host wants it.
    tls: OnceLock<TlsConnector>,
}

/// Where a connection leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    secure: bool,
    authority: Authority,
}

/// An open connection. Who drops it closes it, whatever is under way.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

/// Why a request has no answer.
enum Failed {
    /// The connection had been closed before anything was sent: the request is as good as new.
    Unsent(Box<Request<Full<Bytes>>>),
    /// Nobody knows whether it arrived.
    Lost(ConnectorError),
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What connections run over, plain or secure.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connector {
    /// The same as the SDK's clients want it.
    #[must_use]
    pub fn client(&self) -> SharedHttpClient {
        let connector = self.clone();
        http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone()))
    }

    /// Sends a request to the absolute URI that it names, and reads the whole answer. It is sent once, unless a kept
    /// connection turns out to be closed before it was: then on a new one.
    ///
    /// # Errors
    /// [`ConnectorError`]: of the user for a URI that leads nowhere, else of input and output or time, which may pass.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ConnectorError> {
        let place = Place::of(request.uri())?;
        let mut request = place.as_sent(request)?;
        while let Some(connection) = self.kept(&place) {
            match self.send_over(connection, &place, request).await {
                Err(Failed::Unsent(unsent)) => request = *unsent,
                Err(Failed::Lost(error)) => return Err(error),
                Ok(answer) => return Ok(answer),
            }
        }
        let connection = timeout(CONNECT_TIMEOUT, self.connect(&place));
        let connection = connection.await.map_err(|_| ConnectorError::timeout("no connection in time".into()))??;
        match self.send_over(connection, &place, request).await {
            Err(Failed::Unsent(_)) => Err(ConnectorError::io("the connection was closed at once".into())),
            Err(Failed::Lost(error)) => Err(error),
            Ok(answer) => Ok(answer),
        }
    }

    async fn send_over(
        &self,
        mut connection: Connection,
        place: &Place,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, Failed> {
        let lost = |cause: Cause| Failed::Lost(ConnectorError::io(cause));
        if connection.sender.ready().await.is_err() {
            return Err(Failed::Unsent(Box::new(request)));
        }
        let sent = connection.sender.try_send_request(request).await;
        let answer = sent.map_err(|mut error| match error.take_message() {
            Some(unsent) => Failed::Unsent(Box::new(unsent)),
            None => lost(error.into_error().into()),
        })?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(lost)?.to_bytes();
        // Only now nothing of this answer can meet the next request. Another connection may lead to a host that is well.
        if !parts.status.is_server_error() {
            self.keep(place, connection);
        }
        Ok(Response::from_parts(parts, body))
    }

    fn kept(&self, place: &Place) -> Option<Connection> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place)?.pop()
    }

    fn keep(&self, place: &Place, connection: Connection) {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.entry(place.clone()).or_default();
        if !connection.sender.is_closed() && kept.len() < MOST_KEPT {
            kept.push(connection);
        }
    }

    async fn connect(&self, place: &Place) -> Result<Connection, ConnectorError> {
        let (host, port) = place.address();
        let io = |error: std::io::Error| ConnectorError::io(error.into());
        let stream = TcpStream::connect((host, port)).await.map_err(io)?;
        // Head and body are written apart: held back for one packet, an answer would take 40 ms more.
        stream.set_nodelay(true).map_err(io)?;
        let stream: Box<dyn Stream> = if place.secure {
            let name = ServerName::try_from(host.to_owned()).map_err(|error| ConnectorError::user(error.into()))?;
            Box::new(self.tls()?.connect(name, stream).await.map_err(io)?)
        } else {
            Box::new(stream)
        };
        let shaken = Builder::new().handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| ConnectorError::io(error.into()))?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told the same.
            connection.await.unwrap_or_default();
        });
        Ok(Connection { sender, driver: driver.abort_handle() })
    }

    /// The roots are Mozilla's as they were at the build: nothing is read from the disk at a start.
    fn tls(&self) -> Result<&TlsConnector, ConnectorError> {
        if let Some(tls) = self.0.tls.get() {
            return Ok(tls);
        }
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ConnectorError::user(error.into()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(self.0.tls.get_or_init(|| TlsConnector::from(Arc::new(config))))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        HttpConnectorFuture::new(async move {
            let user = |cause: Cause| ConnectorError::user(cause);
            let (parts, body) = request.try_into_http1x().map_err(|error| user(error.into()))?.into_parts();
            let body = body.bytes().map(Bytes::copy_from_slice).ok_or_else(|| user("a body that streams".into()))?;
            let answer = connector.send(Request::from_parts(parts, body)).await?;
            HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| ConnectorError::io(error.into()))
        })
    }
}

impl Place {
    fn of(uri: &Uri) -> Result<Self, ConnectorError> {
        let nowhere = || ConnectorError::user("no http or https URI of a host".into());
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(nowhere()),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(nowhere)?;
        Ok(Self { secure, authority: authority.clone() })
    }

    /// A host, without the brackets of an IPv6 address, and a port.
    fn address(&self) -> (&str, u16) {
        let host = self.authority.host();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        (bare, self.authority.port_u16().unwrap_or_else(|| self.usual_port()))
    }

    fn usual_port(&self) -> u16 {
        if self.secure { 443 } else { 80 }
    }

    /// The request as it goes over the wire: a path, and `Host`, which names a port only where it is unusual.
    fn as_sent(&self, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, ConnectorError> {
        let mut request = request.map(Full::new);
        let (_, port) = self.address();
        let host = if port == self.usual_port() { self.authority.host() } else { self.authority.as_str() };
        let host = HeaderValue::from_str(host).map_err(|error| ConnectorError::user(error.into()))?;
        request.headers_mut().entry(header::HOST).or_insert(host);
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(path);
        Ok(request)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    async fn server() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/a?b=c", listener.local_addr().unwrap());
        (listener, url)
    }

    fn post(url: &str) -> Request<Bytes> {
        Request::post(url).body(Bytes::from_static(b"question")).unwrap()
    }

    /// The head and body of one request.
    async fn heard(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"question") {
            assert!(stream.read_buf(&mut text).await.unwrap() > 0, "{}", String::from_utf8_lossy(&text));
        }
        String::from_utf8(text).unwrap()
    }

    #[tokio::test]
    async fn a_connection_serves_one_call_after_another() {
        let (listener, url) = server().await;
        let served = tokio::spawn(async move {
            let (mut stream, address) = listener.accept().await.unwrap();
            let first = heard(&mut stream).await;
            stream.write_all(ANSWER).await.unwrap();
            heard(&mut stream).await;
            stream.write_all(ANSWER).await.unwrap();
            (first, address)
        });
        let connector = Connector::default();
        for _ in 0..2 {
            let answer = connector.send(post(&url)).await.unwrap();
            assert_eq!((answer.status().as_u16(), &answer.body()[..]), (200, &b"ok"[..]));
        }
        let (request, _) = served.await.unwrap();
        assert!(request.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{request}");
        let host = url.split('/').nth(2).unwrap();
        assert!(
            request.contains(&format!("host: {host}\r\n")) && request.contains("content-length: 8\r\n"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_meanwhile_is_replaced() {
        let (listener, url) = server().await;
        let served = tokio::spawn(async move {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                heard(&mut stream).await;
                stream.write_all(ANSWER).await.unwrap();
                // Dropped: whoever kept it learns of it by the next call.
            }
        });
        let connector = Connector::default();
        connector.send(post(&url)).await.unwrap();
        tokio::task::yield_now().await;
        connector.send(post(&url)).await.unwrap();
        served.await.unwrap();
    }

    #[tokio::test]
    async fn what_was_sent_and_not_answered_is_not_sent_again() {
        let (listener, url) = server().await;
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            heard(&mut stream).await;
            drop(stream);
            // A second connection would wait here.
            timeout(Duration::from_millis(50), listener.accept()).await.is_err()
        });
        let error = Connector::default().send(post(&url)).await.unwrap_err();
        assert!(error.is_io(), "{error:?}");
        assert!(served.await.unwrap(), "it was sent twice");
    }

    #[tokio::test]
    async fn an_answer_that_nobody_waited_for_meets_no_other_call() {
        let (listener, url) = server().await;
        let served = tokio::spawn(async move {
            let (mut slow, _) = listener.accept().await.unwrap();
            heard(&mut slow).await;
            let (mut next, _) = listener.accept().await.unwrap();
            heard(&mut next).await;
            next.write_all(ANSWER).await.unwrap();
            let mut rest = Vec::new();
            slow.read_to_end(&mut rest).await.map_or(0, |read| read)
        });
        let connector = Connector::default();
        let given_up = timeout(Duration::from_millis(20), connector.send(post(&url))).await;
        assert!(given_up.is_err());
        assert_eq!(&connector.send(post(&url)).await.unwrap().body()[..], b"ok");
        assert_eq!(served.await.unwrap(), 0, "the connection was closed");
    }

    #[tokio::test]
    async fn only_hosts_are_called() {
        for nowhere in ["/path", "ftp://host/", "https://user@host/"] {
            let request = Request::get(nowhere).body(Bytes::new()).unwrap();
            assert!(Connector::default().send(request).await.unwrap_err().is_user(), "{nowhere}");
        }
    }

    #[test]
    fn hosts_are_named_as_signatures_name_them() {
        for (uri, host, address) in [
            (
                "https://kms.eu-central-1.amazonaws.com",
                "kms.eu-central-1.amazonaws.com",
                ("kms.eu-central-1.amazonaws.com", 443),
            ),
            ("https://host:443/", "host", ("host", 443)),
            ("http://host:8000/x", "host:8000", ("host", 8000)),
            ("http://[::1]:9001/x", "[::1]:9001", ("::1", 9001)),
        ] {
            let place = Place::of(&uri.parse().unwrap()).unwrap();
            let sent = place.as_sent(Request::get(uri).body(Bytes::new()).unwrap()).unwrap();
            assert_eq!((sent.headers()["host"].to_str().unwrap(), place.address()), (host, address));
        }
    }
}
