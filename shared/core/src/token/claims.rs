//! What each token says. Unknown claims are ignored, so that an older verifier survives a newer service; known ones must
//! be there and of their type.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::keyset::KeySet;
use crate::fingerprint::Fingerprint;
use crate::id::{LicenseId, TokenId};
use crate::slug::Slug;
use crate::time::Timestamp;

/// What a token is for: its `typ` header (RFC 8725, section 3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Typ {
    /// The right to run without contact for a while.
    Lease,
    /// A refusal that ends a running lease early.
    Denial,
    /// A perpetual licence as a file.
    License,
    /// Files and perpetual licences no longer good.
    Revocations,
    /// The key set.
    Keys,
}

impl Typ {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Lease, Self::Denial, Self::License, Self::Revocations, Self::Keys];

    /// The header's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lease => "lease+jwt",
            Self::Denial => "denial+jwt",
            Self::License => "license+jwt",
            Self::Revocations => "crl+jwt",
            Self::Keys => "keys+jwt",
        }
    }

    /// The kind that a header names.
    #[must_use]
    pub fn from_header(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|typ| typ.as_str() == text)
    }
}

/// A token's claims.
pub trait Claims: Serialize + DeserializeOwned {
    /// The `typ` that these claims are signed under.
    const TYP: Typ;

    /// Who issued them.
    fn issuer(&self) -> &str;

    /// For which product; none where they are for every product.
    fn audience(&self) -> Option<&Slug>;

    /// When.
    fn issued_at(&self) -> Timestamp;

    /// What serde cannot tell of them: a claim that contradicts the `typ`.
    #[must_use]
    fn contradiction(_claims: &Value) -> bool {
        false
    }
}

/// `lease+jwt`: the right to run until `exp` without contact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// Who issued it.
    pub iss: String,
    /// For which product.
    pub aud: Slug,
    /// Which licence.
    pub sub: LicenseId,
    /// Its own name.
    pub jti: TokenId,
    /// When it was issued.
    #[serde(with = "numeric_date")]
    pub iat: Timestamp,
    /// Until when it lets a server run.
    #[serde(with = "numeric_date")]
    pub exp: Timestamp,
    /// The caller's own.
    pub nonce: String,
    /// True, always.
    pub valid: bool,
    /// `VALID`, always.
    pub code: String,
    /// What the licence is.
    pub state: String,
    /// Its plan.
    pub plan: Slug,
    /// The kind of licence.
    pub kind: String,
    /// What the plan switches on.
    pub features: Map<String, Value>,
    /// The domain that it is for.
    pub fingerprint: Fingerprint,
    /// Which server asked.
    pub instance_id: String,
    /// The lease that the caller held.
    #[serde(deserialize_with = "present")]
    pub prev: Option<TokenId>,
    /// The last paid second.
    #[serde(deserialize_with = "present")]
    pub paid_through: Option<Timestamp>,
    /// Until when the licence works.
    #[serde(deserialize_with = "present")]
    pub grace_until: Option<Timestamp>,
    /// When to check again.
    pub next_check: Timestamp,
}

/// `denial+jwt`: a refusal that ends a running lease early. It has no `exp`, so that no stock verifier takes it for a
/// right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Denial {
    /// Who issued it.
    pub iss: String,
    /// The product that was asked for.
    pub aud: Slug,
    /// Which licence.
    pub sub: LicenseId,
    /// Its own name.
    pub jti: TokenId,
    /// When it was issued.
    #[serde(with = "numeric_date")]
    pub iat: Timestamp,
    /// The caller's own.
    pub nonce: String,
    /// False, always.
    pub valid: bool,
    /// The first of `reasons`.
    pub code: String,
    /// Every reason, in order.
    pub reasons: Vec<String>,
    /// What the licence is.
    pub state: String,
    /// Its plan; null for a stranger, like the claims down to `grace_until`.
    #[serde(deserialize_with = "present")]
    pub plan: Option<Slug>,
    /// The kind of licence.
    #[serde(deserialize_with = "present")]
    pub kind: Option<String>,
    /// What the plan switches on.
    #[serde(deserialize_with = "present")]
    pub features: Option<Map<String, Value>>,
    /// The domain that was asked for.
    pub fingerprint: Fingerprint,
    /// Which server asked.
    pub instance_id: String,
    /// The lease that the caller held.
    #[serde(deserialize_with = "present")]
    pub prev: Option<TokenId>,
    /// The last paid second.
    #[serde(deserialize_with = "present")]
    pub paid_through: Option<Timestamp>,
    /// Until when the licence works.
    #[serde(deserialize_with = "present")]
    pub grace_until: Option<Timestamp>,
    /// When to check again.
    pub next_check: Timestamp,
}

/// `license+jwt`: a perpetual licence as a file; for ever unless `expires` is a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseFile {
    /// Who issued it.
    pub iss: String,
    /// For which product.
    pub aud: Slug,
    /// Which licence.
    pub sub: LicenseId,
    /// Its own name.
    pub jti: TokenId,
    /// When it was issued.
    #[serde(with = "numeric_date")]
    pub iat: Timestamp,
    /// Until when; null for ever. Never absent, so that nothing is taken for "for ever" by mistake.
    #[serde(deserialize_with = "present")]
    pub expires: Option<Timestamp>,
    /// Its plan.
    pub plan: Slug,
    /// The kind of licence.
    pub kind: String,
    /// What the plan switches on.
    pub features: Map<String, Value>,
    /// The domain that it is for.
    pub fingerprint: Fingerprint,
    /// Whose it is.
    pub licensee: Licensee,
    /// What was sold, in words.
    pub terms: String,
}

/// Whose a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licensee {
    /// The person.
    pub name: String,
    /// Their company.
    pub company: String,
}

/// `crl+jwt`: files and perpetual licences no longer good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocations {
    /// Who issued it.
    pub iss: String,
    /// When it was issued.
    #[serde(with = "numeric_date")]
    pub iat: Timestamp,
    /// Rises with each change.
    pub seq: u64,
    /// When to fetch it again.
    pub next_update: Timestamp,
    /// What is on it.
    pub revoked: Vec<Revoked>,
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// What is no longer good.
    #[serde(flatten)]
    pub thing: RevokedThing,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: RevokedBecause,
}

/// What an entry of the list names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevokedThing {
    /// A licence with all its files.
    Sub(LicenseId),
    /// One file.
    Jti(TokenId),
}

/// Why an entry is on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevokedBecause {
    /// Support revoked the licence.
    Revoked,
    /// The licence moved to another domain.
    Moved,
    /// A newer file takes its place.
    Replaced,
}

/// `keys+jwt`: the key set, signed by the root.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeySetClaims {
    /// Who issued it.
    pub iss: String,
    /// When it was issued.
    #[serde(with = "numeric_date")]
    pub iat: Timestamp,
    /// Rises with each change; a client never takes a lower one than it has.
    pub seq: u64,
    /// The keys.
    pub keys: KeySet,
}

macro_rules! claims {
    ($($name:ident: $typ:ident, $audience:expr, $contradiction:expr;)*) => {$(
        impl Claims for $name {
            const TYP: Typ = Typ::$typ;

            fn issuer(&self) -> &str {
                &self.iss
            }

            fn audience(&self) -> Option<&Slug> {
                let audience: fn(&Self) -> Option<&Slug> = $audience;
                audience(self)
            }

            fn issued_at(&self) -> Timestamp {
                self.iat
            }

            fn contradiction(claims: &Value) -> bool {
                let contradiction: fn(&Value) -> bool = $contradiction;
                contradiction(claims)
            }
        }
    )*};
}

claims! {
    Lease: Lease, |lease| Some(&lease.aud), |claims| claims["valid"] != true || claims["code"] != "VALID";
    Denial: Denial, |denial| Some(&denial.aud), |claims| claims["valid"] != false || claims["code"] == "VALID" || claims.get("exp").is_some();
    LicenseFile: License, |file| Some(&file.aud), |_| false;
    Revocations: Revocations, |_| None, |_| false;
    KeySetClaims: Keys, |_| None, |_| false;
}

/// A claim that may be null and must not be absent.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// NumericDate (RFC 7519, section 2), in whole seconds.
mod numeric_date {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::time::Timestamp;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.unix())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_unix(i64::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("out of range"))
    }
}
