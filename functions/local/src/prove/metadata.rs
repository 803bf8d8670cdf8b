//! The metadata service of the machine: at a link-local address, over plain HTTP, so through no proxy, after no redirect,
//! and not for long.

use std::time::Duration;

use http::{HeaderMap, Method};

use super::failure::Failure;
use crate::output::plain;

/// All four clouds have it here.
const ADDRESS: &str = "http://169.254.169.254";
const CONNECT: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(3);
/// No answer comes near this size.
const MAX_ANSWER: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct Metadata {
    agent: ureq::Agent,
    base: String,
    simulated: bool,
}

/// What it answered.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Metadata {
    /// The machine's own, or the one of a simulated machine.
    pub(super) fn at(simulated: Option<&str>) -> Self {
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(TIMEOUT))
            .build()
            .new_agent();
        let base = simulated.unwrap_or(ADDRESS).trim_end_matches('/').to_owned();
        Self { agent, base, simulated: simulated.is_some() }
    }

    /// Where Oracle's services are, which a simulated machine has beside its metadata service.
    pub(super) fn service(&self, host: &str) -> String {
        if self.simulated { self.base.clone() } else { format!("https://{host}") }
    }

    /// One call, whatever it answers.
    pub(super) fn call(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Result<Told, Failure> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let absent = |error: &dyn std::fmt::Display| {
            Failure::later(format!(
                "the metadata service at {} does not answer ({error}): is this a machine of that cloud, and is its network up?",
                self.base
            ))
        };
        let request = request.body(()).map_err(|error| absent(&error))?;
        let mut answer = self.agent.run(request).map_err(|error| absent(&error))?;
        let text =
            answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string().map_err(|error| absent(&error))?;
        Ok(Told { status: answer.status().as_u16(), headers: answer.headers().clone(), text })
    }

    /// The text of an answer that must be a good one.
    pub(super) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<String, Failure> {
        self.call(Method::GET, path, headers)?.good(self)
    }

    /// An answer that this cloud's metadata service does not give.
    pub(super) fn stranger(&self) -> Failure {
        Failure::Unprovable(format!(
            "{} does not answer as the metadata service of this cloud: is --cloud right?",
            self.base
        ))
    }
}

impl Told {
    /// The text, if all is well; else whether to ask again.
    pub(super) fn good(self, metadata: &Metadata) -> Result<String, Failure> {
        match self.status {
            200 => Ok(self.text),
            // Azure says 410 for a moment while it is updated.
            410 | 429 | 500..=599 => {
                Err(Failure::later(format!("the metadata service at {} is busy ({})", metadata.base, self.status)))
            }
            status => Err(Failure::Unprovable(format!(
                "the metadata service at {} answered {status}: is --cloud right, and is the service switched on for this machine? {}",
                metadata.base,
                plain(self.text.trim().lines().next().unwrap_or_default())
            ))),
        }
    }
}
