//! `crl+jwt`.

use serde::{Deserialize, Serialize, Serializer};

use super::members::{NumericDate, write_members};
use super::{Claims, Members, sealed};
use crate::id::{LicenseId, TokenId};
use crate::slug::Slug;
use crate::time::Timestamp;
use crate::token::error::TokenError;
use crate::token::typ::Typ;

/// The files and perpetual licences that are no longer good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocations {
    /// Who issued it.
    pub iss: String,
    /// When it was issued.
    pub iat: Timestamp,
    /// Grows with every list.
    pub seq: u64,
    /// When a newer list is to be had.
    pub next_update: Timestamp,
    /// What is no longer good.
    pub revoked: Vec<Revoked>,
}

/// An entry of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Entry", into = "Entry")]
pub struct Revoked {
    /// What is no longer good.
    pub subject: Subject,
    /// Since when.
    pub at: Timestamp,
    /// Why: `revoked`, `moved`, `replaced`, or a word of a newer service.
    pub reason: String,
}

/// What an entry of the list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A licence with all of its tokens (`sub`).
    License(LicenseId),
    /// One token (`jti`).
    Token(TokenId),
}

impl Revocations {
    /// The entry about a licence as a whole or about one of its tokens, if there is one.
    #[must_use]
    pub fn find(&self, license: LicenseId, token: TokenId) -> Option<&Revoked> {
        let about = [Subject::License(license), Subject::Token(token)];
        self.revoked.iter().find(|entry| about.contains(&entry.subject))
    }
}

/// An entry as it is written: with either a `sub` or a `jti`.
#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<LicenseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<TokenId>,
    at: Timestamp,
    reason: String,
}

impl From<Revoked> for Entry {
    fn from(revoked: Revoked) -> Self {
        let Revoked { subject, at, reason } = revoked;
        match subject {
            Subject::License(id) => Self { sub: Some(id), jti: None, at, reason },
            Subject::Token(id) => Self { sub: None, jti: Some(id), at, reason },
        }
    }
}

impl TryFrom<Entry> for Revoked {
    type Error = &'static str;

    fn try_from(entry: Entry) -> Result<Self, &'static str> {
        let subject = match (entry.sub, entry.jti) {
            (Some(id), None) => Subject::License(id),
            (None, Some(id)) => Subject::Token(id),
            _ => return Err("must have either a `sub` or a `jti`"),
        };
        Ok(Self { subject, at: entry.at, reason: entry.reason })
    }
}

impl Serialize for Revocations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_members!(
            serializer,
            iss: self.iss,
            iat: NumericDate(self.iat),
            seq: self.seq,
            next_update: self.next_update,
            revoked: self.revoked,
        )
    }
}

impl sealed::Read for Revocations {
    fn read(members: &Members<'_>) -> Result<Self, TokenError> {
        Ok(Self {
            iss: members.read("iss")?,
            iat: members.date("iat")?,
            seq: members.read("seq")?,
            next_update: members.read("next_update")?,
            revoked: members.read("revoked")?,
        })
    }
}

impl Claims for Revocations {
    const TYP: Typ = Typ::Revocations;

    fn issuer(&self) -> &str {
        &self.iss
    }

    fn audience(&self) -> Option<&Slug> {
        None
    }

    fn issued_at(&self) -> Timestamp {
        self.iat
    }
}
