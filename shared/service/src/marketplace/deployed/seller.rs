//! The seller's account is often another than ours: its role is assumed, with the issuer as the external id, so that
//! nobody else's Marque can be talked into it.
//!
//! `AssumeRole` of STS in its query protocol
//! (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>): a form goes there, XML comes back.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as Provided, future};
use marque_core::Timestamp;
use tokio::sync::Mutex;

use crate::aws::{Aws, SignedService};
use crate::clock::Clock;

/// An hour is the most that one role gives another.
const LIFE: &str = "3600";
/// What ends so soon is replaced.
const REPLACED_BEFORE: marque_core::Duration = marque_core::Duration::from_seconds(300);
/// What CloudTrail of the seller's account shows.
const SESSION: &str = "marque";

/// Credentials of the role in the seller's account, kept until shortly before they end.
#[derive(Debug)]
pub struct AssumedRole {
    sts: SignedService,
    role: String,
    external_id: String,
    kept: Mutex<Option<(Credentials, Timestamp)>>,
}

/// Why the role was not assumed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the role {role} cannot be assumed: {reason}")]
pub struct NotAssumed {
    role: String,
    reason: String,
}

impl AssumedRole {
    /// The role with this ARN. Nothing is called yet.
    #[must_use]
    pub fn new(aws: &Aws, role: &str, external_id: &str) -> Self {
        Self {
            sts: aws.service("sts", "sts"),
            role: role.to_owned(),
            external_id: external_id.to_owned(),
            kept: Mutex::default(),
        }
    }

    /// Its credentials: those that are kept, else new ones.
    ///
    /// # Errors
    /// [`NotAssumed`].
    pub async fn credentials(&self) -> Result<Credentials, NotAssumed> {
        // Whoever comes second waits for the first one's answer, and asks nobody.
        let mut kept = self.kept.lock().await;
        if let Some((credentials, end)) = &*kept
            && Clock::system().now() < end.before(REPLACED_BEFORE)
        {
            return Ok(credentials.clone());
        }
        let fresh = self.assume().await?;
        *kept = Some(fresh.clone());
        Ok(fresh.0)
    }

    async fn assume(&self) -> Result<(Credentials, Timestamp), NotAssumed> {
        let failed = |reason: String| NotAssumed { role: self.role.clone(), reason };
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "AssumeRole")
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", &self.role)
            .append_pair("RoleSessionName", SESSION)
            .append_pair("ExternalId", &self.external_id)
            .append_pair("DurationSeconds", LIFE)
            .finish();
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let answer = self.sts.send("/", &headers, form.into_bytes()).await;
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let text = String::from_utf8_lossy(&answer.body);
        if answer.status != 200 {
            return Err(failed(element(&text, "Code").unwrap_or("STS does not say why").to_owned()));
        }
        read(&text).ok_or_else(|| failed("the answer of STS lacks credentials".to_owned()))
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let provided = async { self.credentials().await.map_err(CredentialsError::provider_error) };
        future::ProvideCredentials::new(async { Provided::from(provided.await) })
    }
}

fn read(xml: &str) -> Option<(Credentials, Timestamp)> {
    let end: Timestamp = element(xml, "Expiration")?.parse().ok()?;
    let until = UNIX_EPOCH + Duration::from_secs(end.unix().unsigned_abs());
    let (id, key) = (element(xml, "AccessKeyId")?, element(xml, "SecretAccessKey")?);
    let session = element(xml, "SessionToken")?.to_owned();
    Some((Credentials::new(id, key, Some(session), Some(until), "seller-role"), end))
}

/// The text of the first element of this name. None of those that are read can hold anything that XML would escape.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the API's reference prints it.
    const ANSWER: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>
        <AssumedRoleUser><AssumedRoleId>ARO123EXAMPLE123:marque</AssumedRoleId>
        <Arn>arn:aws:sts::123456789012:assumed-role/demo/marque</Arn></AssumedRoleUser>
        <Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
        <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
        <SessionToken>AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGd==</SessionToken>
        <Expiration>2027-03-10T11:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";

    #[test]
    fn the_credentials_are_read_whole_or_not_at_all() {
        let (credentials, end) = read(ANSWER).unwrap();
        assert_eq!(credentials.access_key_id(), "ASIAIOSFODNN7EXAMPLE");
        assert!(credentials.session_token().unwrap().ends_with("kMcGd=="));
        assert_eq!(end.to_string(), "2027-03-10T11:00:00Z");
        for name in ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"] {
            assert!(read(&ANSWER.replace(name, "Other")).is_none(), "without {name}");
        }
    }
}
