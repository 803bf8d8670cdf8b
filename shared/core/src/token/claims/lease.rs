//! `lease+jwt`.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::members::{NumericDate, write_members};
use super::{Claims, Members, sealed};
use crate::fingerprint::Fingerprint;
use crate::id::{LicenseId, TokenId};
use crate::slug::Slug;
use crate::time::Timestamp;
use crate::token::error::TokenError;
use crate::token::typ::Typ;

/// The right to run until `exp` without contact. On the wire it also says `"valid": true` and `"code": "VALID"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
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
    /// The first second that it does not cover.
    pub exp: Timestamp,
    /// What the caller gave, so that it knows its answer again.
    pub nonce: String,
    /// What the licence is.
    pub state: String,
    /// The plan.
    pub plan: Slug,
    /// The plan's kind.
    pub kind: String,
    /// What the plan switches on.
    pub features: Map<String, Value>,
    /// The domain that it is for.
    pub fingerprint: Fingerprint,
    /// The server that asked.
    pub instance_id: String,
    /// The lease that the caller held.
    pub prev: Option<TokenId>,
    /// The last paid second; none for perpetual licences.
    pub paid_through: Option<Timestamp>,
    /// Until when the licence works; none for perpetual licences.
    pub grace_until: Option<Timestamp>,
    /// When to check again.
    pub next_check: Timestamp,
}

impl Serialize for Lease {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_members!(
            serializer,
            iss: self.iss,
            aud: self.aud,
            sub: self.sub,
            jti: self.jti,
            iat: NumericDate(self.iat),
            exp: NumericDate(self.exp),
            nonce: self.nonce,
            valid: true,
            code: "VALID",
            state: self.state,
            plan: self.plan,
            kind: self.kind,
            features: self.features,
            fingerprint: self.fingerprint,
            instance_id: self.instance_id,
            prev: self.prev,
            paid_through: self.paid_through,
            grace_until: self.grace_until,
            next_check: self.next_check,
        )
    }
}

impl sealed::Read for Lease {
    fn read(members: &Members<'_>) -> Result<Self, TokenError> {
        members.constant("valid", true)?;
        members.constant("code", "VALID")?;
        Ok(Self {
            iss: members.read("iss")?,
            aud: members.read("aud")?,
            sub: members.read("sub")?,
            jti: members.read("jti")?,
            iat: members.date("iat")?,
            exp: members.date("exp")?,
            nonce: members.read("nonce")?,
            state: members.read("state")?,
            plan: members.read("plan")?,
            kind: members.read("kind")?,
            features: members.read("features")?,
            fingerprint: members.read("fingerprint")?,
            instance_id: members.read("instance_id")?,
            prev: members.read("prev")?,
            paid_through: members.read("paid_through")?,
            grace_until: members.read("grace_until")?,
            next_check: members.read("next_check")?,
        })
    }
}

impl Claims for Lease {
    const TYP: Typ = Typ::Lease;

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
