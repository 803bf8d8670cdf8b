//! The people and companies that licences belong to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::id::CustomerId;
use crate::words::words;

/// Who holds licences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Never reused.
    pub id: CustomerId,
    /// The person to write to.
    pub name: PersonText,
    /// Their company.
    pub company: PersonText,
    /// Where to write.
    pub email: Email,
    /// In which language to write.
    pub language: Language,
}

words! {
    /// A language that mails and pages are written in.
    Language, "must be `en` or `es`" {
        /// English.
        English = "en",
        /// Spanish.
        Spanish = "es",
    }
}

/// Which person an address is, whatever its case and plus-tag: a digest, so that look-ups hold no address.
pub type PersonDigest = [u8; 32];

/// A name as a person gave it: 1 to 200 characters in one line, without control characters, so that it can stand in a
/// mail header, a `.lic` file and a page.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonText(String);

impl PersonText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 200 characters in one line, without control characters")]
pub struct PersonTextError;

impl FromStr for PersonText {
    type Err = PersonTextError;

    fn from_str(text: &str) -> Result<Self, PersonTextError> {
        let text = text.trim();
        let fits = !text.is_empty() && text.chars().count() <= 200;
        if fits && !text.chars().any(breaks_a_line) { Ok(Self(text.to_owned())) } else { Err(PersonTextError) }
    }
}

/// Control characters, the line and paragraph separators, and the marks that turn the direction of text around.
fn breaks_a_line(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// An address for mail. Only its shape is known; whether it is the person's is proven by mailing it.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The address as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which person it is: SHA-256 over `marque/person/v1`, a line feed, and the address in lower case without a plus-tag.
    #[must_use]
    pub fn person(&self) -> PersonDigest {
        let address = self.0.to_ascii_lowercase();
        let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
        let local = local.split_once('+').map_or(local, |(name, _)| name);
        Sha256::digest(format!("marque/person/v1\n{local}@{domain}")).into()
    }
}

/// The text cannot be an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a mail address such as ann.lee@example.org")]
pub struct EmailError;

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError)?;
        let local_ok = (1..=64).contains(&local.len())
            && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
        let dots_ok = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let domain_ok = domain.len() <= 190 && domain.contains('.') && domain.split('.').all(label_ok);
        if local_ok && dots_ok && domain_ok { Ok(Self(text.to_owned())) } else { Err(EmailError) }
    }
}

macro_rules! text {
    ($name:ident) => {
        // People's data does not belong into logs.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
text!(PersonText);
text!(Email);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(" Ann Lee ".parse::<PersonText>().unwrap().as_str(), "Ann Lee");
        for text in ["", "  ", "A\r\nBcc: x@y.z", "a\0", "a\u{2028}b", "a\u{202e}b", &"a".repeat(201)] {
            assert_eq!(text.parse::<PersonText>(), Err(PersonTextError), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_one_person_whatever_its_case_and_tag() {
        let person = |text: &str| text.parse::<Email>().unwrap().person();
        assert_eq!(person("EVE+a@Example.org"), person("eve+b@example.org"));
        assert_eq!(person("eve@example.org"), person("eve+a+b@example.org"));
        assert_ne!(person("eve@example.org"), person("eva@example.org"));
        assert_ne!(person("eve@example.org"), person("eve@example.com"));
    }

    #[test]
    fn an_address_has_a_shape() {
        assert!("EVE+a@example.org".parse::<Email>().is_ok());
        for text in [
            "",
            "a",
            "a@b",
            "@b.c",
            "a@",
            "a b@c.d",
            "a@b..c",
            ".a@b.c",
            "a@-b.c",
            "a\n@b.c",
            "a@b.c\r\n",
            "<a@b.c>",
            "a@b@c.d",
        ] {
            assert_eq!(text.parse::<Email>(), Err(EmailError), "{text:?}");
        }
    }
}
