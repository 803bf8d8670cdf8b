//! Licences: issued, found, and changed, each change in one transaction with its entry of the history.

use marque_core::code::CodeDigest;
use marque_core::event::Head;
use marque_core::{ActivationId, Event, FingerprintValue, Kind, License, LicenseCode, LicenseId, Plans, Slug};
use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::items::{self, EventItem, Item, LicenseItem};
use crate::transaction::{NotDone, Transaction, back_off};
use crate::{Store, StoreError, keys};

/// A licence to be made, with its code and the first entry of its history.
#[derive(Debug, Clone, Copy)]
pub struct IssueLicense<'a> {
    /// The licence, its head at the event.
    pub license: &'a License,
    /// The plans of its terms.
    pub plans: Plans<'a>,
    /// Its code.
    pub code: &'a LicenseCode,
    /// How it was made.
    pub event: &'a Event,
}

/// A domain to be bound.
#[derive(Debug, Clone, Copy)]
pub struct Bind<'a> {
    /// The licence as it was read.
    pub before: &'a License,
    /// The licence with the domain bound, its head at the event.
    pub after: &'a License,
    /// The plans of its terms.
    pub plans: Plans<'a>,
    /// The domain.
    pub domain: &'a FingerprintValue,
    /// The binding.
    pub activation: ActivationId,
    /// The entry of the history.
    pub event: &'a Event,
}

/// Whether a change was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Committed {
    /// It was.
    Done,
    /// Somebody else changed the licence since it was read: read again, judge again. A moment was waited already.
    Overtaken,
}

#[derive(Debug, Serialize, Deserialize)]
struct CodeItem {
    license: LicenseId,
}

#[derive(Debug, Serialize, Deserialize)]
struct OwnersCodeItem {
    code: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct TrialItem {
    license: LicenseId,
}

#[derive(Debug, Serialize)]
struct LookUpItem {}

impl Store {
    /// Makes a licence: itself, its code twice (to find it, and for its owner), the first entry of its history, and the
    /// look-ups by customer and month, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::Contention`] when its id or code exists. A licence that this very call
    /// made, before its answer was lost, is no error: its entry of the history is known again.
    pub async fn issue(&self, issue: IssueLicense<'_>) -> Result<(), StoreError> {
        let IssueLicense { license, plans, code, event } = issue;
        let id = license.id;
        let mut transaction = Transaction::new(&self.table);
        transaction
            .put_new(items::write(&keys::license(id), &LicenseItem::new(license, plans))?)
            .put_new(items::write(&keys::event(id, event.seq), &EventItem::new(event)?)?)
            .put_new(items::write(&keys::code(&code.digest()), &CodeItem { license: id })?)
            .put_new(items::write(&keys::license_code(id), &OwnersCodeItem { code: code.reveal() })?)
            .put_new(items::write(&keys::customer_license(license.customer, id), &LookUpItem {})?)
            .put_new(items::write(&keys::month_license(&license.issued_at.day().month(), id), &LookUpItem {})?);
        match transaction.commit(&self.client).await {
            Ok(()) => Ok(()),
            Err(NotDone::Overtaken) => {
                let entry = self.item(keys::event(id, event.seq), true).await?;
                match entry.map(|item| EventItem::read(&item)).transpose()? {
                    Some(found) if found == *event => Ok(()),
                    _ => Err(StoreError::Contention { item: keys::license(id).pk }),
                }
            }
            Err(NotDone::Failed(error)) => Err(error),
        }
    }

    /// A licence as it is now, read strongly.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn license(&self, id: LicenseId) -> Result<Option<License>, StoreError> {
        self.item(keys::license(id), true).await?.map(|item| LicenseItem::read(&item)).transpose()
    }

    /// Which licence a code is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn license_by_code(&self, digest: &CodeDigest) -> Result<Option<LicenseId>, StoreError> {
        let item = self.item(keys::code(digest), true).await?;
        item.map(|item| items::read::<CodeItem>(&item).map(|found| found.license)).transpose()
    }

    /// A licence's code, for its owner alone.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn code_of(&self, id: LicenseId) -> Result<Option<LicenseCode>, StoreError> {
        let Some(item) = self.item(keys::license_code(id), true).await? else { return Ok(None) };
        let found: OwnersCodeItem = items::read(&item)?;
        found.code.parse().map(Some).map_err(|error| StoreError::corrupt(&item, error))
    }

    /// Which licence an activation is, or was, of.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn license_of_activation(&self, id: ActivationId) -> Result<Option<LicenseId>, StoreError> {
        let item = self.item(keys::activation(id), true).await?;
        item.map(|item| items::read::<CodeItem>(&item).map(|found| found.license)).transpose()
    }

    /// Which licence's trial of this product has run in a domain.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn trial_in(&self, product: &Slug, domain: &FingerprintValue) -> Result<Option<LicenseId>, StoreError> {
        let item = self.item(keys::trial(product, domain), true).await?;
        item.map(|item| items::read::<TrialItem>(&item).map(|found| found.license)).transpose()
    }

    /// Binds a domain: the licence, the entry of its history, the look-up of the activation and, for a trial, the guard
    /// that keeps a domain to one trial, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn bind(&self, bind: Bind<'_>) -> Result<Committed, StoreError> {
        let Bind { before, after, plans, domain, activation, event } = bind;
        let mut transaction = self.change(before, after, plans, plans, event)?;
        transaction.put_new(items::write(&keys::activation(activation), &CodeItem { license: after.id })?);
        if plans.running.kind() == Kind::Trial {
            let mut mine = Expression::default();
            mine.if_absent_or(&["license"], items::text(after.id));
            transaction
                .put_if(items::write(&keys::trial(&after.product, domain), &TrialItem { license: after.id })?, &mine);
        }
        self.finish(transaction, event.hash[0]).await
    }

    /// Makes a transition: the licence and the entry of its history, on the condition that nobody else has changed it
    /// since it was read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn transition(
        &self,
        before: &License,
        after: &License,
        plans_before: Plans<'_>,
        plans_after: Plans<'_>,
        event: &Event,
    ) -> Result<Committed, StoreError> {
        let transaction = self.change(before, after, plans_before, plans_after, event)?;
        self.finish(transaction, event.hash[0]).await
    }

    /// A licence's history after `head`, oldest first, a page at a time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn history(&self, id: LicenseId, after: Head, limit: i32) -> Result<Vec<Event>, StoreError> {
        let from = keys::event(id, after.seq + 1);
        let to = keys::event(id, 9_999_999_999);
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :from AND :to")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", items::text(from.pk))
            .expression_attribute_values(":from", items::text(from.sk))
            .expression_attribute_values(":to", items::text(to.sk))
            .consistent_read(true)
            .limit(limit);
        let found: Vec<Item> = request.send().await.map_err(StoreError::unavailable)?.items.unwrap_or_default();
        found.iter().map(EventItem::read).collect()
    }

    pub(crate) fn change(
        &self,
        before: &License,
        after: &License,
        plans_before: Plans<'_>,
        plans_after: Plans<'_>,
        event: &Event,
    ) -> Result<Transaction<'_>, StoreError> {
        let mut transaction = Transaction::new(&self.table);
        transaction
            .update(&keys::license(after.id), &items::changes(before, after, plans_before, plans_after)?)
            .put_new(items::write(&keys::event(after.id, event.seq), &EventItem::new(event)?)?);
        Ok(transaction)
    }

    pub(crate) async fn finish(&self, transaction: Transaction<'_>, salt: u8) -> Result<Committed, StoreError> {
        match transaction.commit(&self.client).await {
            Ok(()) => Ok(Committed::Done),
            Err(NotDone::Overtaken) => {
                // Whoever judges again at once would meet the same rival.
                back_off(1, salt).await;
                Ok(Committed::Overtaken)
            }
            Err(NotDone::Failed(error)) => Err(error),
        }
    }
}
