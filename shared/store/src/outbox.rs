//! Mails that are to be sent: written in the transaction that causes them, gone once they are sent.
//!
//! Whoever writes a mail has it for [`HELD`] and sends it right after the commit. What is left then, the sweep claims, by a
//! conditional move of its due time, and tries again. So each mail is sent at least once: a sender that dies between the
//! mail service's answer and the removal sends it twice.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use marque_core::{Duration, Letter, MailId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::items::{self, Item};
use crate::{Along, Store, StoreError, capacity, due, keys};

/// Whoever has a mail in hand has it for so long: longer than any call may take.
pub const HELD: Duration = Duration::from_seconds(120);
/// A mail that could not be sent is kept for so long, to be looked at.
const KEPT: Duration = Duration::days(30);
const ATTEMPTS: &str = "attempts";
const FAULT: &str = "fault";

/// A mail that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Never reused.
    pub id: MailId,
    /// What it is.
    pub letter: Letter,
    /// How often it was tried, this time included.
    pub attempts: u32,
}

/// A mail as the sweep finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The mail, this time not counted yet.
    pub mail: Outgoing,
    /// Since when it is due.
    pub due: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct MailItem {
    /// As JSON text.
    letter: String,
    attempts: u32,
    expires_at: i64,
}

impl Outgoing {
    /// A mail that is tried for the first time.
    #[must_use]
    pub fn first(id: MailId, letter: Letter) -> Self {
        Self { id, letter, attempts: 1 }
    }

    fn item(&self, now: Timestamp) -> Result<Item, StoreError> {
        let letter = serde_json::to_string(&self.letter).map_err(StoreError::unavailable)?;
        let content = MailItem { letter, attempts: self.attempts, expires_at: now.after(KEPT).unix() };
        let mut item = items::write(&keys::mail(self.id), &content)?;
        due::mark(&mut item, self.id.to_bytes(), Some(now.after(HELD)));
        Ok(item)
    }

    fn read(id: MailId, item: &Item) -> Result<Self, StoreError> {
        let MailItem { letter, attempts, .. } = items::read(item)?;
        let letter = serde_json::from_str(&letter).map_err(|error| StoreError::corrupt(item, error))?;
        Ok(Self { id, letter, attempts })
    }
}

impl Along {
    /// A mail, which whoever makes the change sends right after it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be written at all.
    pub fn mail(&mut self, mail: &Outgoing, now: Timestamp) -> Result<&mut Self, StoreError> {
        self.put_new(mail.item(now)?);
        Ok(self)
    }
}

impl Store {
    /// A mail that waits to be sent; none when it was sent or given up.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn waiting_mail(&self, id: MailId) -> Result<Option<Waiting>, StoreError> {
        let Some(item) = self.item(keys::mail(id), true).await? else { return Ok(None) };
        let Some(due) = due::of(&item)? else { return Ok(None) };
        Ok(Some(Waiting { mail: Outgoing::read(id, &item)?, due }))
    }

    /// Claims a mail for one attempt: it is due again at `retry_at`, and nobody else has it until then. None when somebody
    /// else was quicker.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn claim_mail(&self, waiting: Waiting, retry_at: Timestamp) -> Result<Option<Outgoing>, StoreError> {
        let Waiting { mut mail, due } = waiting;
        let mut claim = Expression::default();
        due::move_to(&mut claim, mail.id.to_bytes(), Some(retry_at));
        due::if_still(claim.count(&[ATTEMPTS]), due);
        mail.attempts += 1;
        Ok(self.update_if(&keys::mail(mail.id), &claim).await?.then_some(mail))
    }

    /// Removes a mail that was sent, or that there is nobody to send to.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn remove_mail(&self, id: MailId) -> Result<(), StoreError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keys::mail(id).attributes()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.send().await.map_err(StoreError::unavailable)?;
        capacity::wrote(&answer.consumed_capacity);
        Ok(())
    }

    /// Gives a mail up: it is due no more, and kept for a while with what was wrong.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn park_mail(&self, id: MailId, fault: &str) -> Result<(), StoreError> {
        let mut park = Expression::default();
        due::move_to(&mut park, id.to_bytes(), None);
        park.set(&[FAULT], items::text(fault)).if_exists(&[keys::PK]);
        // Gone meanwhile is as good.
        self.update_if(&keys::mail(id), &park).await.map(drop)
    }
}
