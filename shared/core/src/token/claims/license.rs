//! `license+jwt`.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::members::{NumericDate, write_members};
use super::{Claims, Members, sealed};
use crate::fingerprint::Fingerprint;
use crate::id::{LicenseId, TokenId};
use crate::slug::Slug;
use crate::time::Timestamp;
use crate::token::error::TokenError;
use crate::token::typ::Typ;

/// A perpetual licence as a file: for ever, unless `expires` is a time.
#[derive(Debug, Clone, PartialEq)]
pub struct LicenseFile {
    /// Who issued it.
    pub iss: String,
    /// The product.
    pub aud: Slug,
    /// The licence.
    pub sub: LicenseId,
    /// This token.
    pub jti: TokenId,
    /// When it was issued.
    pub iat: Timestamp,
    /// The first second that it does not cover; none is for ever. The claim itself is never absent.
    pub expires: Option<Timestamp>,
    /// The plan.
    pub plan: Slug,
    /// The plan's kind.
    pub kind: String,
    /// What the plan switches on.
    pub features: Map<String, Value>,
    /// The domain that it is for.
    pub fingerprint: Fingerprint,
    /// Whose it is.
    pub licensee: Licensee,
    /// The terms that it was sold under.
    pub terms: String,
}

/// Whose a licence is, as the file shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licensee {
    /// The person.
    pub name: String,
    /// Their company.
    pub company: String,
}

// People's data does not belong into logs.
impl fmt::Debug for Licensee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Licensee(…)")
    }
}

impl Serialize for LicenseFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_members!(
            serializer,
            iss: self.iss,
            aud: self.aud,
            sub: self.sub,
            jti: self.jti,
            iat: NumericDate(self.iat),
            expires: self.expires,
            plan: self.plan,
            kind: self.kind,
            features: self.features,
            fingerprint: self.fingerprint,
            licensee: self.licensee,
            terms: self.terms,
        )
    }
}

impl sealed::Read for LicenseFile {
    fn read(members: &Members<'_>) -> Result<Self, TokenError> {
        Ok(Self {
            iss: members.read("iss")?,
            aud: members.read("aud")?,
            sub: members.read("sub")?,
            jti: members.read("jti")?,
            iat: members.date("iat")?,
            expires: members.read("expires")?,
            plan: members.read("plan")?,
            kind: members.read("kind")?,
            features: members.read("features")?,
            fingerprint: members.read("fingerprint")?,
            licensee: members.read("licensee")?,
            terms: members.read("terms")?,
        })
    }
}

impl Claims for LicenseFile {
    const TYP: Typ = Typ::License;

    fn issuer(&self) -> &str {
        &self.iss
    }

    fn audience(&self) -> Option<&Slug> {
        Some(&self.aud)
    }

    fn issued_at(&self) -> Timestamp {
        self.iat
    }
}
