//! Discounts that support approved. The note of the proof is a person's text: it lies with the customer, and goes with it.

use marque_core::plan::Percent;
use marque_core::{CustomerId, Discount, DiscountId, DiscountKind, PersonText, Timestamp};
use serde::{Deserialize, Serialize};

use crate::items::{self, Item};
use crate::transaction::Transaction;
use crate::{Along, Committed, Store, StoreError, keys};

#[derive(Debug, Serialize, Deserialize)]
struct DiscountItem {
    id: DiscountId,
    kind: DiscountKind,
    percent: u8,
    approved_at: Timestamp,
    valid_until: Timestamp,
    /// Until it is erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<PersonText>,
}

impl DiscountItem {
    fn read(item: &Item) -> Result<(Discount, Option<PersonText>), StoreError> {
        let Self { id, kind, percent, approved_at, valid_until, note } = items::read(item)?;
        let percent = Percent::new(percent.into());
        let percent = percent.ok_or_else(|| StoreError::corrupt(item, "a discount is at most 50 percent"))?;
        Ok((Discount { id, kind, percent, approved_at, valid_until }, note))
    }
}

impl Store {
    /// Writes a discount that was approved for a customer, with the note of the proof.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn add_discount(
        &self,
        customer: CustomerId,
        discount: &Discount,
        note: &PersonText,
        along: &Along,
    ) -> Result<Committed, StoreError> {
        let Discount { id, kind, percent, approved_at, valid_until } = discount.clone();
        let content =
            DiscountItem { id, kind, percent: percent.get(), approved_at, valid_until, note: Some(note.clone()) };
        let mut transaction = Transaction::new(&self.table);
        transaction
            .check_has(keys::customer(customer), items::EMAIL)
            .put_new(items::write(&keys::discount(customer, id), &content)?)
            .along(along);
        self.finish(transaction, 0).await
    }

    /// A customer's discount.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn discount(&self, customer: CustomerId, id: DiscountId) -> Result<Option<Discount>, StoreError> {
        let item = self.item(keys::discount(customer, id), true).await?;
        item.map(|item| DiscountItem::read(&item).map(|(discount, _)| discount)).transpose()
    }

    /// Every discount of a customer with its note, oldest first: there are few, one a year.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn discounts_of(&self, customer: CustomerId) -> Result<Vec<(Discount, Option<PersonText>)>, StoreError> {
        let found = self.page(&keys::discounts_of(customer), None, 1000).await?;
        found.iter().map(DiscountItem::read).collect()
    }
}
