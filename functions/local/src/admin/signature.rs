//! Signature Version 4. Credentials are the environment's, else those that the AWS CLI finds: it knows every place where
//! they can be (profiles, roles, single sign-ons, machines), and how each is renewed.

use std::fmt;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use aws_credential_types::Credentials;
use http::Request;
use marque_core::Timestamp;
use marque_service::Clock;
use marque_service::aws::sign_request;
use serde::Deserialize;

use crate::cli::Publisher;
use crate::output::Unusable;

/// What function URLs are signed for.
const SERVICE: &str = "lambda";
/// Credentials that end within so many seconds are asked for anew.
const SPARE: i64 = 60;
const CURE: &str =
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or install the AWS CLI (version 2) and log in with it";

/// Signs requests.
#[derive(Debug)]
pub(super) struct Signer {
    region: String,
    profile: Option<String>,
    known: Mutex<Option<Keys>>,
}

/// Credentials, and when they end.
#[derive(Debug, Clone)]
struct Keys {
    credentials: Credentials,
    until: Option<Timestamp>,
}

/// What `aws configure export-credentials` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Exported {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<Timestamp>,
}

impl Signer {
    /// The signer for a host. A function URL names its region; for another host it has to be given.
    pub(super) fn new(host: &str, options: &Publisher) -> Result<Self, Unusable> {
        let aws = &options.aws;
        let region = region_of(host).or(options.region.as_deref()).or(aws.aws_region.as_deref());
        let region =
            region.ok_or_else(|| Unusable::new("the region is not known: give it with --region, or set AWS_REGION"))?;
        let known = match (&options.profile, &aws.access_key_id, &aws.secret_access_key) {
            (None, Some(id), Some(secret)) => {
                let session = aws.session_token.as_ref().map(|token| token.0.clone());
                Some(Keys { credentials: Credentials::new(id, &secret.0, session, None, "environment"), until: None })
            }
            _ => None,
        };
        Ok(Self { region: region.to_owned(), profile: options.profile.clone(), known: Mutex::new(known) })
    }

    /// Signs a request that is otherwise complete.
    pub(super) fn sign(&self, request: &mut Request<String>) -> Result<(), Unusable> {
        let credentials = self.credentials(Clock::system().now())?;
        sign_request(request, credentials, &self.region, SERVICE)
            .map_err(|error| Unusable::new(format!("the request cannot be signed: {error}")))
    }

    fn credentials(&self, now: Timestamp) -> Result<Credentials, Unusable> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = |keys: &&Keys| keys.until.is_none_or(|until| until.unix() > now.unix() + SPARE);
        if let Some(keys) = known.as_ref().filter(lasts) {
            return Ok(keys.credentials.clone());
        }
        Ok(known.insert(self.exported()?).credentials.clone())
    }

    fn exported(&self) -> Result<Keys, Unusable> {
        let mut aws = Command::new("aws");
        aws.args(["configure", "export-credentials", "--format", "process"]);
        if let Some(profile) = &self.profile {
            aws.args(["--profile", profile]);
        }
        let ran = aws
            .output()
            .map_err(|error| Unusable::new(format!("no credentials of AWS: `aws` does not run: {error}. {CURE}")))?;
        let words = crate::output::plain(String::from_utf8_lossy(&ran.stderr).trim());
        let found: Option<Exported> = serde_json::from_slice(&ran.stdout).ok().filter(|_| ran.status.success());
        let found =
            found.ok_or_else(|| Unusable::new(format!("no credentials of AWS: the AWS CLI says: {words}. {CURE}")))?;
        let Exported { access_key_id, secret_access_key, session_token, expiration } = found;
        let credentials = Credentials::new(access_key_id, secret_access_key, session_token, None, "aws-cli");
        Ok(Keys { credentials, until: expiration })
    }
}

/// Whose signature it is, for a sentence.
impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.as_ref() {
            Some(keys) => write!(f, "The principal of access key {}", keys.credentials.access_key_id()),
            None => f.write_str("The principal"),
        }
    }
}

/// The region in a function URL: `<id>.lambda-url.<region>.on.aws`.
fn region_of(host: &str) -> Option<&str> {
    let (_, rest) = host.split_once(".lambda-url.")?;
    rest.strip_suffix(".on.aws")
}
