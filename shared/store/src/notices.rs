//! Notices about licences: found when they are due, and moved on together with the mail that tells of them.

use marque_core::{License, LicenseId, Timestamp};

use crate::expression::Expression;
use crate::items::{LicenseItem, names, number};
use crate::licenses::Committed;
use crate::transaction::Transaction;
use crate::{Along, Store, StoreError, due, keys};

/// A licence about which something is to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct DueLicense {
    /// The licence as it is now.
    pub license: License,
    /// Since when.
    pub due: Timestamp,
}

impl Store {
    /// A licence that is due, read strongly; none when it is due no more.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn due_license(&self, id: LicenseId) -> Result<Option<DueLicense>, StoreError> {
        let Some(item) = self.item(keys::license(id), true).await? else { return Ok(None) };
        let Some(due) = due::of(&item)? else { return Ok(None) };
        Ok(Some(DueLicense { license: LicenseItem::read(&item)?, due }))
    }

    /// Moves a licence on to its next notice, with the mail of this one along: once, on the condition that it is still due
    /// and nobody has changed it since it was read. No entry of its history: nothing about the licence has changed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn move_notice(
        &self,
        found: &DueLicense,
        next: Option<Timestamp>,
        along: &Along,
    ) -> Result<Committed, StoreError> {
        let DueLicense { license, due } = found;
        let mut moved = Expression::default();
        due::move_to(&mut moved, license.id.to_bytes(), next);
        due::if_still(&mut moved, *due);
        moved.if_compares(&[names::VERSION], "=", number(license.version));
        let mut transaction = Transaction::new(&self.table);
        transaction.update(keys::license(license.id), moved).along(along);
        let [.., salt] = license.id.to_bytes();
        self.finish(transaction, salt).await
    }
}
