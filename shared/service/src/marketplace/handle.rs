//! What a buyer's browser holds: the agreement that it landed for, signed, for two hours. Nothing is stored, and nothing
//! of AWS's token is in it.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use marque_core::{AgreementId, Timestamp};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The key that sessions are signed with. It does not print.
#[derive(Clone)]
pub struct SessionKey(Zeroizing<[u8; 32]>);

impl SessionKey {
    /// The key of these bytes, drawn from the operating system and kept secret.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(…)")
    }
}

/// The secret is too short to be one: 43 letters and digits that chance has drawn have the 256 bits of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of sessions must have at least 43 characters, drawn by chance")]
pub struct SessionKeyError;

impl FromStr for SessionKey {
    type Err = SessionKeyError;

    /// The key that a secret text stands for, as Secrets Manager draws one.
    fn from_str(text: &str) -> Result<Self, SessionKeyError> {
        let long = text.len() >= 43;
        let digest = || Sha256::new_with_prefix("marque/session-key/v1\n").chain_update(text).finalize();
        if long { Ok(Self::new(digest().into())) } else { Err(SessionKeyError) }
    }
}

/// What a signature is for: the one in a cookie is none in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The cookie.
    Session,
    /// The hidden field of the registration's form.
    Form,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Form => "form",
        }
    }
}

/// Who somebody is in the pages: whoever landed for this agreement, until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle {
    pub(super) agreement: AgreementId,
    pub(super) until: Timestamp,
}

impl Handle {
    /// The handle as text, signed.
    pub(super) fn sign(&self, purpose: Purpose, key: &SessionKey) -> String {
        let claim = format!("{}.{}", self.agreement, self.until.unix());
        let tag = mac(purpose, key, &claim).finalize().into_bytes();
        format!("{claim}.{}", Base64UrlUnpadded::encode_string(&tag))
    }

    /// Reads a handle: none if it was not signed for this purpose by this key, or is too old.
    pub(super) fn read(text: &str, purpose: Purpose, key: &SessionKey, now: Timestamp) -> Option<Self> {
        let (claim, tag) = text.rsplit_once('.')?;
        let mut bytes = [0; 32];
        let tag = Base64UrlUnpadded::decode(tag, &mut bytes).ok()?;
        // In constant time: a forger learns nothing from how long it takes.
        mac(purpose, key, claim).verify_slice(tag).ok()?;
        let (agreement, until) = claim.split_once('.')?;
        let until = Timestamp::from_unix(until.parse().ok()?)?;
        (now < until).then_some(Self { agreement: agreement.parse().ok()?, until })
    }
}

fn mac(purpose: Purpose, key: &SessionKey, claim: &str) -> Hmac<Sha256> {
    // HMAC pads a key to the block of its hash (RFC 2104).
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(&*key.0);
    Hmac::<Sha256>::new(&(*block).into()).chain_update(format!("marque/{}/v1\n{claim}", purpose.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds).unwrap()
    }

    #[test]
    fn a_handle_holds_for_its_purpose_its_key_and_its_time_alone() {
        let (key, other) = (SessionKey::new([1; 32]), SessionKey::new([2; 32]));
        let handle = Handle { agreement: AgreementId::new(at(5), [3; 10]), until: at(100) };
        let text = handle.sign(Purpose::Session, &key);
        assert_eq!(Handle::read(&text, Purpose::Session, &key, at(99)), Some(handle));
        assert_eq!(Handle::read(&text, Purpose::Session, &key, at(100)), None, "too old");
        assert_eq!(Handle::read(&text, Purpose::Form, &key, at(99)), None, "for another purpose");
        assert_eq!(Handle::read(&text, Purpose::Session, &other, at(99)), None, "by another key");
        for place in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(Handle::read(&forged, Purpose::Session, &key, at(99)), None, "{forged}");
        }
        for text in ["", ".", "..", "a.b.c", &"x".repeat(10_000)] {
            assert_eq!(Handle::read(text, Purpose::Session, &key, at(99)), None);
        }
    }

    #[test]
    fn a_key_is_of_a_long_secret_and_does_not_print() {
        assert!("a".repeat(43).parse::<SessionKey>().is_ok());
        assert!("a".repeat(42).parse::<SessionKey>().is_err() && "".parse::<SessionKey>().is_err());
        assert_eq!(format!("{:?}", SessionKey::new([7; 32])), "SessionKey(…)");
    }
}
