//! What a function is told by its environment: read once, whole, every fault reported at once.

use std::fmt;

use marque_core::{Email, PersonText};
use tracing::Level;

/// A deployed function's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `MARQUE_TABLE`: the table's name.
    pub table: String,
    /// `MARQUE_ISSUER`: the `iss` of every token, an https URL without a trailing slash.
    pub issuer: String,
    /// `MARQUE_KEY_RING`: where the key ring is.
    pub key_ring: KeyRingLocation,
    /// How to reach AWS.
    pub aws: AwsSettings,
    /// What mails need.
    pub mail: MailSettings,
    /// What the functions of AWS Marketplace need.
    pub seller: SellerSettings,
    /// `MARQUE_LOG`: `error`, `warn` or `info` (the default). There is no more: what clients of AWS say beyond it could hold
    /// a secret or a code.
    pub log_level: Level,
}

/// What mails need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// `MARQUE_MAIL_FROM`: the address that mails come from, verified in SES. Without it they wait in the table.
    pub from: Option<Email>,
    /// `MARQUE_PAGES`: what links begin with, an https URL without a trailing slash; the issuer unless it is set.
    pub pages: String,
    /// `MARQUE_CONTACT`: where people may ask; the address that mails come from unless it is set.
    pub contact: String,
}

/// Who sells on AWS Marketplace, and what its functions need. A function that needs one of them does not start without.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SellerSettings {
    /// `MARQUE_SELLER`: the account that publishes the listings, 12 digits.
    pub account: Option<String>,
    /// `MARQUE_SELLER_ROLE`: the role in that account that asks AWS Marketplace, when it is another account than ours. It
    /// is assumed with the issuer as its external id.
    pub role: Option<String>,
    /// `MARQUE_SESSION_KEY`: where the secret is that sessions of buyers are signed with.
    pub session_key: Option<KeyRingLocation>,
    /// `MARQUE_DEAD_LETTERS`: the queue of events that cannot be handled, a URL.
    pub dead_letters: Option<String>,
}

/// How to reach AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsSettings {
    /// `AWS_REGION`, which Lambda sets.
    pub region: String,
    /// `AWS_ENDPOINT_URL`: another address than AWS's own, for tests.
    pub endpoint: Option<String>,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, which Lambda sets.
    pub credentials: AwsCredentials,
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
pub(crate) fn runtime_api() -> Option<String> {
    std::env::var("AWS_LAMBDA_RUNTIME_API").ok()
}

/// `AWS_LAMBDA_FUNCTION_NAME`, which Lambda sets: what metrics and alarms know the function by.
#[cfg(feature = "lambda")]
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub(crate) fn function_name() -> String {
    std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| "unknown".to_owned())
}

/// Whether a text can be the `iss` of tokens: an https URL without a trailing slash.
#[must_use]
pub fn is_issuer(text: &str) -> bool {
    let host = text.strip_prefix("https://").unwrap_or_default();
    !host.is_empty() && !host.ends_with('/') && host.bytes().all(|b| b.is_ascii_graphic())
}

fn log_level(text: &str) -> Option<Level> {
    match text {
        "error" => Some(Level::ERROR),
        "warn" => Some(Level::WARN),
        "info" => Some(Level::INFO),
        _ => None,
    }
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
        let mut reader = Reader { variable: &variable, faults: Vec::new() };
        let table = reader.table();
        let issuer = reader.required("MARQUE_ISSUER", "must be an https URL without a trailing slash", |text| {
            is_issuer(text).then(|| text.to_owned())
        });
        let must = "must begin with `secretsmanager:`, `ssm:` or `file:`";
        let key_ring = reader.required("MARQUE_KEY_RING", must, KeyRingLocation::read);
        let aws = reader.aws();
        let mail = reader.mail(issuer.as_deref().unwrap_or_default());
        let seller = reader.seller();
        let log_level = reader.optional("MARQUE_LOG", "must be `error`, `warn` or `info`", log_level);
        match (table, issuer, key_ring, aws) {
            (Some(table), Some(issuer), Some(key_ring), Some(aws)) if reader.faults.is_empty() => {
                Ok(Self { table, issuer, key_ring, aws, mail, seller, log_level: log_level.unwrap_or(Level::INFO) })
            }
            _ => Err(ConfigFaults(reader.faults)),
        }
    }
}

impl AwsSettings {
    /// Reads how to reach AWS alone, with what `given` answers in the place of a variable.
    ///
    /// # Errors
    /// [`ConfigFaults`] names every variable that is missing or malformed.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn from_env_with(given: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigFaults> {
        let variable = |name: &str| given(name).or_else(|| std::env::var(name).ok());
        let mut reader = Reader { variable: &variable, faults: Vec::new() };
        reader.aws().ok_or(ConfigFaults(reader.faults))
    }

    /// Reads a table's name and how to reach AWS, and nothing else: for tools that need no keys.
    ///
    /// # Errors
    /// [`ConfigFaults`] names every variable that is missing or malformed.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn with_table(given: impl Fn(&str) -> Option<String>) -> Result<(String, Self), ConfigFaults> {
        let variable = |name: &str| given(name).or_else(|| std::env::var(name).ok());
        let mut reader = Reader { variable: &variable, faults: Vec::new() };
        match (reader.table(), reader.aws()) {
            (Some(table), Some(aws)) if reader.faults.is_empty() => Ok((table, aws)),
            _ => Err(ConfigFaults(reader.faults)),
        }
    }
}

/// Reads variables and notes every fault.
struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn required<T>(&mut self, name: &str, must: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let Some(text) = (self.variable)(name).filter(|value| !value.is_empty()) else {
            self.faults.push(format!("{name} is missing"));
            return None;
        };
        let value = read(&text);
        if value.is_none() {
            self.faults.push(format!("{name} {must}"));
        }
        value
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.required(name, "", |text| Some(text.to_owned()))
    }

    fn table(&mut self) -> Option<String> {
        self.required("MARQUE_TABLE", "must be a table's name: 3 to 255 letters, digits, `_`, `.` or `-`", |text| {
            let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
            (letters && (3..=255).contains(&text.len())).then(|| text.to_owned())
        })
    }

    fn mail(&mut self, issuer: &str) -> MailSettings {
        let from = self.optional("MARQUE_MAIL_FROM", "must be a mail address", |text| text.parse::<Email>().ok());
        let pages = self.optional("MARQUE_PAGES", "must be an https URL without a trailing slash", |text| {
            is_issuer(text).then(|| text.to_owned())
        });
        let contact = self.optional("MARQUE_CONTACT", "must be one line of at most 200 characters", |text| {
            text.parse().map(|text: PersonText| text.as_str().to_owned()).ok()
        });
        let asked_at = from.as_ref().map_or("the vendor's support", Email::as_str).to_owned();
        MailSettings { from, pages: pages.unwrap_or_else(|| issuer.to_owned()), contact: contact.unwrap_or(asked_at) }
    }

    fn seller(&mut self) -> SellerSettings {
        let account = self.optional("MARQUE_SELLER", "must be an AWS account: 12 digits", |text| {
            (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned())
        });
        let role = self.optional("MARQUE_SELLER_ROLE", "must be the ARN of a role", |text| {
            let parts: Vec<&str> = text.split(':').collect();
            matches!(parts[..], ["arn", _, "iam", "", _, role] if role.starts_with("role/")).then(|| text.to_owned())
        });
        let session_key = self.optional(
            "MARQUE_SESSION_KEY",
            "must begin with `secretsmanager:`, `ssm:` or `file:`",
            KeyRingLocation::read,
        );
        let dead_letters = self.optional("MARQUE_DEAD_LETTERS", "must be the URL of a queue", |text| {
            (text.starts_with("https://") || text.starts_with("http://")).then(|| text.to_owned())
        });
        SellerSettings { account, role, session_key, dead_letters }
    }

    fn optional<T>(&mut self, name: &str, must: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        (self.variable)(name).filter(|value| !value.is_empty())?;
        self.required(name, must, read)
    }

    fn aws(&mut self) -> Option<AwsSettings> {
        let text = |text: &str| Some(text.to_owned());
        let (session_token, endpoint) =
            (self.optional("AWS_SESSION_TOKEN", "", text), self.optional("AWS_ENDPOINT_URL", "", text));
        let region = self.text("AWS_REGION");
        let (id, key) = (self.text("AWS_ACCESS_KEY_ID"), self.text("AWS_SECRET_ACCESS_KEY"));
        let credentials = AwsCredentials { access_key_id: id?, secret_access_key: key?, session_token };
        Some(AwsSettings { region: region?, endpoint, credentials })
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
    fn mails_name_the_issuer_and_their_own_address_unless_told_otherwise() {
        let silent = read(&[]).unwrap().mail;
        assert_eq!((silent.from, silent.pages.as_str()), (None, "https://licences.example.com"));
        let from = ("MARQUE_MAIL_FROM", "licences@example.com");
        assert_eq!(read(&[from]).unwrap().mail.contact, "licences@example.com");
        let told = [from, ("MARQUE_PAGES", "https://pages.example.com"), ("MARQUE_CONTACT", "help@example.com")];
        let told = read(&told).unwrap().mail;
        assert_eq!((told.pages.as_str(), told.contact.as_str()), ("https://pages.example.com", "help@example.com"));
        let faulty = [("MARQUE_MAIL_FROM", "nobody"), ("MARQUE_PAGES", "http://x"), ("MARQUE_CONTACT", "a\nb")];
        assert_eq!(read(&faulty).unwrap_err().0.len(), 3);
    }

    #[test]
    fn a_log_says_no_more_than_info() {
        for (text, level) in [("error", Level::ERROR), ("warn", Level::WARN), ("info", Level::INFO), ("", Level::INFO)]
        {
            assert_eq!(read(&[("MARQUE_LOG", text)]).unwrap().log_level, level);
        }
        for text in ["debug", "trace", "INFO", "info,hyper=debug"] {
            assert_eq!(read(&[("MARQUE_LOG", text)]).unwrap_err().0.len(), 1, "{text}");
        }
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
