//! `denial+jwt`.

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

/// A refusal that ends a running lease early. On the wire it also says `"valid": false`; it has no `exp`, so that no
/// stock verifier takes it for a right.
#[derive(Debug, Clone, PartialEq)]
pub struct Denial {
    /// Who issued it.
    pub iss: String,
    /// The product that was asked for.
    pub aud: Slug,
    /// The licence.
    pub sub: LicenseId,
    /// This token.
    pub jti: TokenId,
    /// When it was issued.
    pub iat: Timestamp,
    /// What the caller gave, so that it knows its answer again.
    pub nonce: String,
    /// The first reason.
    pub code: String,
    /// Every reason, in order.
    pub reasons: Vec<String>,
    /// What the licence is.
    pub state: String,
    /// The plan; none, like the features and dates, when the caller is not the one that the licence is for.
    pub plan: Option<Slug>,
    /// The plan's kind.
    pub kind: Option<String>,
    /// What the plan would switch on.
    pub features: Option<Map<String, Value>>,
    /// The domain that was asked for.
    pub fingerprint: Fingerprint,
    /// The server that asked.
    pub instance_id: String,
    /// The lease that the caller held.
    pub prev: Option<TokenId>,
    /// The last paid second.
    pub paid_through: Option<Timestamp>,
    /// Until when the licence works.
    pub grace_until: Option<Timestamp>,
    /// When to check again.
    pub next_check: Timestamp,
}

impl Serialize for Denial {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_members!(
            serializer,
            iss: self.iss,
            aud: self.aud,
            sub: self.sub,
            jti: self.jti,
            iat: NumericDate(self.iat),
            nonce: self.nonce,
            valid: false,
            code: self.code,
            reasons: self.reasons,
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

impl sealed::Read for Denial {
    fn read(members: &Members<'_>) -> Result<Self, TokenError> {
        members.none("exp")?;
        members.constant("valid", false)?;
        Ok(Self {
            iss: members.read("iss")?,
            aud: members.read("aud")?,
            sub: members.read("sub")?,
            jti: members.read("jti")?,
            iat: members.date("iat")?,
            nonce: members.read("nonce")?,
            code: members.read("code")?,
            reasons: members.read("reasons")?,
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

impl Claims for Denial {
    const TYP: Typ = Typ::Denial;

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
