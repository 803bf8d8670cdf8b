//! Answers kept under an `Idempotency-Key`: the same request gets the same answer again for a day, also after a crash.

use marque_core::{Duration, LicenseId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::expression::Expression;
use crate::items::bytes::array;
use crate::transaction::{NotDone, Transaction};
use crate::{Along, Committed, Store, StoreError, TTL_ATTRIBUTE, items, keys};

/// An answer is kept for so long.
const KEPT_FOR: Duration = Duration::hours(24);

/// Whose request it is: the digest of caller, method, path and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestKey(pub(crate) [u8; 32]);

impl RequestKey {
    /// The key that `caller` chose for calls of this method and path.
    #[must_use]
    pub fn new(caller: &str, method: &str, path: &str, key: &str) -> Self {
        let parts = [caller, method, path, key];
        let digest = parts.iter().fold(Sha256::new().chain_update(b"marque/idempotency/v1"), |digest, part| {
            // A length in front of each part: no two lists of parts are the same bytes.
            digest.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
        });
        Self(digest.finalize().into())
    }
}

/// A success that was answered, without what may not lie about: the licence's code is put back from the licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// SHA-256 of the request's body.
    #[serde(with = "array")]
    pub body: [u8; 32],
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer, as JSON text.
    pub answer: String,
    /// The licence whose code belongs into the answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code_of: Option<LicenseId>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptItem {
    #[serde(with = "array")]
    body: [u8; 32],
    status: u16,
    answer: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    code_of: Option<LicenseId>,
    expires_at: i64,
}

impl Along {
    /// Keeps an answer for a day, unless one that has not lapsed is kept: then the change is [`Committed::Overtaken`],
    /// and whoever reads again finds that answer.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written as an item.
    pub fn keep_answer(&mut self, key: &RequestKey, kept: &KeptAnswer, now: Timestamp) -> Result<(), StoreError> {
        let KeptAnswer { body, status, answer, code_of } = kept.clone();
        let content = KeptItem { body, status, answer, code_of, expires_at: now.after(KEPT_FOR).unix() };
        let mut free = Expression::default();
        // Time to live deletes late.
        free.if_absent_or_compares(&[TTL_ATTRIBUTE], "<=", items::number(now.unix()));
        self.put_if(items::write(&keys::idempotency(key), &content)?, free);
        Ok(())
    }
}

impl Store {
    /// The answer that is kept under a key and has not lapsed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn kept_answer(&self, key: &RequestKey, now: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        let Some(item) = self.item(keys::idempotency(key), true).await? else { return Ok(None) };
        let KeptItem { body, status, answer, code_of, expires_at } = items::read(&item)?;
        Ok((expires_at > now.unix()).then_some(KeptAnswer { body, status, answer, code_of }))
    }

    /// Makes what goes along with a change that needed no write.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn keep(&self, along: &Along) -> Result<Committed, StoreError> {
        if along.writes.is_empty() {
            return Ok(Committed::Done);
        }
        let mut transaction = Transaction::new(&self.table);
        transaction.along(along);
        match transaction.commit(&self.client).await {
            Ok(()) => Ok(Committed::Done),
            Err(NotDone::Overtaken) => Ok(Committed::Overtaken),
            Err(NotDone::Failed(error)) => Err(error),
        }
    }
}
