//! `.lic` files, made once a licence and domain.

use marque_core::{FingerprintValue, LicenseId};
use serde::{Deserialize, Serialize};

use crate::items;
use crate::licenses::{Change, Committed};
use crate::{Along, Store, StoreError, keys};

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
    /// the history, all or nothing. A file of an
    /// earlier activation of the domain makes place: it is on the list of what is no longer good.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn keep_file(
        &self,
        change: Change<'_>,
        domain: &FingerprintValue,
        file: &IssuedFile,
        along: &Along,
    ) -> Result<Committed, StoreError> {
        let mut transaction = self.change(change)?;
        transaction.put(items::write(&keys::file(change.after.id, domain), file)?).along(along);
        self.finish(transaction, change.event.hash[0]).await
    }
}
