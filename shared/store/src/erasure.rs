//! Erasing a person: what was written about them goes, what the ledger needs stays.

use marque_core::customer::PersonDigest;
use marque_core::{Actor, Customer, CustomerId, LicenseId, PersonText, Timestamp};
use serde::Serialize;

use crate::expression::Expression;
use crate::items::{self, CustomerItem, Item, NOTE_SALT, NOTE_TEXT};
use crate::keys::{self, Key};
use crate::transaction::Transaction;
use crate::{Along, Committed, IssuedFile, Store, StoreError};

/// So many items are read at a time.
const PAGE: i32 = 100;

/// What stays of a customer: that there was one, who erased them, and why.
#[derive(Debug, Serialize)]
struct ErasedItem {
    id: CustomerId,
    erased_at: Timestamp,
    erased_by: String,
    erased_because: PersonText,
}

impl Store {
    /// Erases a customer's data, with the look-ups by address and of all: on the condition that nobody else has changed
    /// them since they were read. Texts that lie with licences and discounts are erased before, by
    /// [`Store::erase_texts_of`], [`Store::erase_discount_notes`] and [`Store::erase_trial_asks`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn erase_customer(
        &self,
        customer: &Customer,
        by: &Actor,
        because: &PersonText,
        at: Timestamp,
        along: &Along,
    ) -> Result<Committed, StoreError> {
        let content =
            ErasedItem { id: customer.id, erased_at: at, erased_by: by.to_string(), erased_because: because.clone() };
        let mut transaction = Transaction::new(&self.table);
        transaction
            .put_if(items::write(&keys::customer(customer.id), &content)?, CustomerItem::new(customer).unchanged())
            .delete(keys::email_customer(&customer.email.person(), customer.id), Expression::default())
            .delete(keys::listed_customer(customer.id), Expression::default())
            .along(along);
        self.finish(transaction, 0).await
    }

    /// Erases the notes beside a licence's history, whose digests stay, and the texts of its files, which name the person.
    /// Harmless to repeat.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn erase_texts_of(&self, license: LicenseId) -> Result<(), StoreError> {
        let mut after: Option<Key> = None;
        loop {
            let page = self.page(&keys::events_of(license), after, PAGE).await?;
            for item in page.iter().filter(|item| item.contains_key(NOTE_TEXT)) {
                self.remove(Key::of(item)?, &[NOTE_TEXT, NOTE_SALT]).await?;
            }
            match page.last() {
                Some(last) => after = Some(Key::of(last)?),
                None => break,
            }
        }
        for item in self.page(&keys::files_of(license), None, PAGE).await? {
            let mut transaction = Transaction::new(&self.table);
            transaction.delete(Key::of(&item)?, Expression::default());
            self.commit_again(transaction).await?;
        }
        Ok(())
    }

    /// Erases what a person has asked for: name, company and address stand in it for some days. Links to it are dead then,
    /// and a mail that waits has nobody to go to. Harmless to repeat.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn erase_trial_asks(&self, person: PersonDigest) -> Result<(), StoreError> {
        loop {
            let asks = self.trial_asks_of(person, None, PAGE).await?;
            if asks.is_empty() {
                return Ok(());
            }
            for id in asks {
                let mut transaction = Transaction::new(&self.table);
                transaction
                    .delete(keys::ask(id), Expression::default())
                    .delete(keys::ask_of(person, id), Expression::default());
                self.commit_again(transaction).await?;
            }
        }
    }

    /// Erases the notes of a customer's discounts. Harmless to repeat.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn erase_discount_notes(&self, customer: CustomerId) -> Result<(), StoreError> {
        for item in self.page(&keys::discounts_of(customer), None, 1000).await? {
            self.remove(Key::of(&item)?, &["note"]).await?;
        }
        Ok(())
    }

    /// The files of a licence, as they were made.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn files_of(&self, license: LicenseId) -> Result<Vec<IssuedFile>, StoreError> {
        let found: Vec<Item> = self.page(&keys::files_of(license), None, PAGE).await?;
        found.iter().map(items::read).collect()
    }

    async fn remove(&self, key: Key, attributes: &[&str]) -> Result<(), StoreError> {
        let mut expression = Expression::default();
        for attribute in attributes {
            expression.remove(&[attribute]);
        }
        let mut transaction = Transaction::new(&self.table);
        transaction.update(key, expression);
        self.commit_again(transaction).await
    }
}
