//! `.lic` files, made once a licence and domain, and the list of what is no longer good.

use marque_core::{Event, FingerprintValue, License, LicenseId, Plans};
use serde::{Deserialize, Serialize};

use crate::items::{self, RevocationsItem};
use crate::licenses::Committed;
use crate::{Store, StoreError, keys};

/// A `.lic` file as it was made: asking again gives the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedFile {
    /// The whole text.
    pub text: String,
}

impl Store {
    /// The file that was made for a licence and domain.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn file(&self, license: LicenseId, domain: &FingerprintValue) -> Result<Option<IssuedFile>, StoreError> {
        self.item(keys::file(license, domain), true).await?.map(|item| items::read(&item)).transpose()
    }

    /// Keeps a file that was made for a licence and domain: the file, the activation that now has one, and the entry of
    /// the history, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn keep_file(
        &self,
        before: &License,
        after: &License,
        plans: Plans<'_>,
        domain: &FingerprintValue,
        file: &IssuedFile,
        event: &Event,
    ) -> Result<Committed, StoreError> {
        let mut transaction = self.change(before, after, plans, plans, event)?;
        transaction.put_new(items::write(&keys::file(after.id, domain), file)?);
        self.finish(transaction, event.hash[0]).await
    }

    /// The list of what is no longer good.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn revocations(&self) -> Result<RevocationsItem, StoreError> {
        RevocationsItem::read(self.item(keys::revocations(), true).await?.as_ref())
    }
}
