//! The list of what is no longer good: one item, rebuilt on change.

use marque_core::token::Revoked;

use crate::expression::Expression;
use crate::items::{self, MAX_REVOKED, RevocationList, RevocationsItem};
use crate::{Along, Store, StoreError, keys};

impl Store {
    /// The list of what is no longer good.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn revocations(&self) -> Result<RevocationList, StoreError> {
        RevocationsItem::read(self.item(keys::revocations(), true).await?.as_ref())
    }
}

impl Along {
    /// Puts an entry on the list, as it was read, and raises its number. What is on it already stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Full`] when the item holds no more.
    pub fn revoke(&mut self, seen: &RevocationList, entry: Revoked) -> Result<(), StoreError> {
        if seen.revoked.iter().any(|known| known.subject == entry.subject) {
            return Ok(());
        }
        if seen.revoked.len() >= MAX_REVOKED {
            return Err(StoreError::Full { item: keys::revocations().pk });
        }
        let mut list = RevocationList { seq: seen.seq + 1, revoked: seen.revoked.clone() };
        list.revoked.push(entry);
        let mut unchanged = Expression::default();
        match seen.revoked.len() {
            0 => unchanged.if_absent(&[keys::PK]),
            _ => unchanged.if_compares(&["seq"], "=", items::number(seen.seq)),
        };
        self.put_if(items::write(&keys::revocations(), &RevocationsItem::new(&list)?)?, unchanged);
        Ok(())
    }
}
