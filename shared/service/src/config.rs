//! What a function is told by its environment: read once, whole, every fault reported at once.

use std::fmt;

/// A deployed function's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `MARQUE_TABLE`: the table's name.
    pub table: String,
    /// `MARQUE_ISSUER`: the `iss` of every token, an https URL without a trailing slash.
    pub issuer: String,
    /// `MARQUE_KEY_RING`: where the key ring is.
    pub key_ring: KeyRingLocation,
    /// `AWS_REGION`, which Lambda sets.
    pub region: String,
    /// `AWS_ENDPOINT_URL`: another address than AWS's own, for tests.
    pub endpoint: Option<String>,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, which Lambda sets.
    pub credentials: AwsCredentials,
    /// `MARQUE_LOG`: `error`, `warn`, `info` (the default), `debug` or `trace`.
    pub log_level: String,
}

/// Where the key ring is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRingLocation {
    /// `secretsmanager:<ARN or name>`.
    SecretsManager(String),
    /// `ssm:<parameter name>`, a SecureString.
    ParameterStore(String),
    /// `file:<path>`.
    File(String),
}

/// Credentials of AWS. They do not print.
#[derive(Clone, PartialEq, Eq)]
pub struct AwsCredentials {
    /// The key's id.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: String,
    /// The session that a role's key belongs to.
    pub session_token: Option<String>,
}

impl fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsCredentials(…)")
    }
}

/// `AWS_LAMBDA_RUNTIME_API`, which Lambda sets: where a start that failed is told.
#[cfg(feature = "lambda")]
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub(crate) fn runtime_api() -> Option<http::Uri> {
    std::env::var("AWS_LAMBDA_RUNTIME_API").ok()?.parse().ok()
}

/// `AWS_LAMBDA_FUNCTION_NAME`, which Lambda sets: what metrics and alarms know the function by.
#[cfg(feature = "lambda")]
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub(crate) fn function_name() -> String {
    std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| "unknown".to_owned())
}

/// Everything that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment is faulty: {}", .0.join("; "))]
pub struct ConfigFaults(pub Vec<String>);

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// [`ConfigFaults`] names every variable that is missing or malformed.
    pub fn from_env() -> Result<Self, ConfigFaults> {
        Self::from_env_with(|_| None)
    }

    /// Reads the process's environment, with what `given` answers in the place of a variable: a tool's options.
    ///
    /// # Errors
    /// [`ConfigFaults`] names every variable that is missing or malformed.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn from_env_with(given: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigFaults> {
        Self::read(|name| given(name).or_else(|| std::env::var(name).ok()))
    }

    /// Reads settings through a function, so that tests need no process environment.
    ///
    /// # Errors
    /// [`ConfigFaults`] names every variable that is missing or malformed.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigFaults> {
        let mut faults = Vec::new();
        let mut required = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty());
            if value.is_none() {
                faults.push(format!("{name} is missing"));
            }
            value.unwrap_or_default()
        };
        let table = required("MARQUE_TABLE");
        let issuer = required("MARQUE_ISSUER");
        let ring = required("MARQUE_KEY_RING");
        let region = required("AWS_REGION");
        let credentials = AwsCredentials {
            access_key_id: required("AWS_ACCESS_KEY_ID"),
            secret_access_key: required("AWS_SECRET_ACCESS_KEY"),
            session_token: variable("AWS_SESSION_TOKEN").filter(|token| !token.is_empty()),
        };
        let log_level = variable("MARQUE_LOG").unwrap_or_else(|| "info".to_owned());
        let mut malformed = |name: &str, must: &str, holds: bool, missing: bool| {
            if !holds && !missing {
                faults.push(format!("{name} {must}"));
            }
        };
        let key_ring = KeyRingLocation::read(&ring);
        let issuer_ok = issuer
            .strip_prefix("https://")
            .is_some_and(|host| !host.is_empty() && !host.ends_with('/') && host.bytes().all(|b| b.is_ascii_graphic()));
        let table_ok =
            (3..=255).contains(&table.len()) && table.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        malformed(
            "MARQUE_TABLE",
            "must be a table's name: 3 to 255 letters, digits, `_`, `.` or `-`",
            table_ok,
            table.is_empty(),
        );
        malformed("MARQUE_ISSUER", "must be an https URL without a trailing slash", issuer_ok, issuer.is_empty());
        malformed(
            "MARQUE_KEY_RING",
            "must begin with `secretsmanager:`, `ssm:` or `file:`",
            key_ring.is_some(),
            ring.is_empty(),
        );
        let known_level = ["error", "warn", "info", "debug", "trace"].contains(&log_level.as_str());
        malformed("MARQUE_LOG", "must be `error`, `warn`, `info`, `debug` or `trace`", known_level, false);
        match key_ring {
            Some(key_ring) if faults.is_empty() => {
                let endpoint = variable("AWS_ENDPOINT_URL").filter(|url| !url.is_empty());
                Ok(Self { table, issuer, key_ring, region, endpoint, credentials, log_level })
            }
            _ => Err(ConfigFaults(faults)),
        }
    }
}

impl KeyRingLocation {
    fn read(text: &str) -> Option<Self> {
        let (scheme, place) = text.split_once(':').filter(|(_, place)| !place.is_empty())?;
        match scheme {
            "secretsmanager" => Some(Self::SecretsManager(place.to_owned())),
            "ssm" => Some(Self::ParameterStore(place.to_owned())),
            "file" => Some(Self::File(place.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const GOOD: [(&str, &str); 6] = [
        ("MARQUE_TABLE", "licences"),
        ("MARQUE_ISSUER", "https://licences.example.com"),
        ("MARQUE_KEY_RING", "secretsmanager:ring"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "very secret"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
        let variables: HashMap<_, _> = GOOD.iter().chain(changes).copied().collect();
        Config::read(|name| variables.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn a_whole_environment_is_read() {
        let config = read(&[]).unwrap();
        assert_eq!(config.key_ring, KeyRingLocation::SecretsManager("ring".to_owned()));
        assert!(!format!("{config:?}").contains("very secret"));
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let faults = read(&[
            ("MARQUE_TABLE", ""),
            ("MARQUE_ISSUER", "http://x"),
            ("MARQUE_KEY_RING", "ftp:x"),
            ("MARQUE_LOG", "loud"),
        ])
        .unwrap_err()
        .0;
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert_eq!(Config::read(|_| None).unwrap_err().0.len(), 6);
    }
}
