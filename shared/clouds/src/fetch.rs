//! The only way from here to the network: a handful of places that are known beforehand.
//!
//! A [`Place`] cannot be made of a stranger's address: it is one of a few, or checked against them letter by letter.

use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

/// Bytes of an answer; a list of roots or keys has a tenth of it.
const MAX_ANSWER: usize = 64 * 1024;
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// A host and a path that may be fetched over https.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    host: String,
    path: String,
}

impl Place {
    /// Google's key set.
    pub(crate) fn google_keys() -> Self {
        Self { host: "www.googleapis.com".to_owned(), path: "/oauth2/v3/certs".to_owned() }
    }

    /// A certificate of Microsoft's, if this is an address of one: its host exactly, a plain path, no port, no query.
    /// Certificates prove themselves, so the addresses say `http`; it is fetched over https all the same.
    pub(crate) fn of_microsoft(url: &str) -> Option<Self> {
        const PATHS: [&str; 2] = ["/pkiops/certs/", "/pki/"];
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
        let (host, path) = rest.split_at_checked(rest.find('/')?)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'%');
        let known = ["www.microsoft.com", "caissuers.microsoft.com"].contains(&host)
            && PATHS.iter().any(|known| path.starts_with(known))
            && path.len() <= 200
            && path.bytes().all(plain)
            && !path.contains("..");
        known.then(|| Self { host: host.to_owned(), path: path.to_owned() })
    }

    /// A place of Oracle's, in a region of the fixed list.
    pub(crate) fn of_oracle(host: &str, path: &str) -> Self {
        Self { host: host.to_owned(), path: path.to_owned() }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.host, self.path)
    }
}

/// Fetches from places, or from nowhere.
#[derive(Debug, Clone)]
pub struct Fetcher(Option<SharedHttpConnector>);

/// What was fetched.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) body: Vec<u8>,
    pub(crate) cache_control: Option<String>,
}

/// Why nothing was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FetchFault {
    /// This program has no network.
    NoNetwork,
    /// For the log.
    Failed(String),
}

impl Fetcher {
    /// No network: what would have to be fetched is not trusted.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Over this connector, which must follow no redirects.
    #[must_use]
    pub fn over(connector: SharedHttpConnector) -> Self {
        Self(Some(connector))
    }

    /// Gets one place: status 200 and a small body, soon, or nothing.
    pub(crate) async fn get(&self, place: &Place, headers: &[(&str, &str)]) -> Result<Fetched, FetchFault> {
        let connector = self.0.as_ref().ok_or(FetchFault::NoNetwork)?;
        let fetched = timeout(TIME_LIMIT, call(connector, place, headers)).await;
        fetched
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
            .map_err(|why| FetchFault::Failed(format!("{}: {why}", place.host)))
    }
}

async fn call(connector: &SharedHttpConnector, place: &Place, headers: &[(&str, &str)]) -> Result<Fetched, String> {
    let mut request = HttpRequest::get(place.to_string()).map_err(|error| error.to_string())?;
    for (name, value) in headers {
        // Names are ours; a value that is no header value is its sender's fault.
        request.headers_mut().try_insert((*name).to_owned(), (*value).to_owned()).map_err(|error| error.to_string())?;
    }
    let response = connector.call(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(format!("answered {status}"));
    }
    let cache_control = response.headers().get("cache-control").map(str::to_owned);
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(|error| error.to_string())?;
    Ok(Fetched { body: body.to_bytes().to_vec(), cache_control })
}
