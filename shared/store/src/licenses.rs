//! Licences: issued, found, and changed, each change in one transaction with its entry of the history.

use marque_core::code::CodeDigest;
use marque_core::event::Head;
use marque_core::{ActivationId, Event, FingerprintValue, Kind, License, LicenseCode, LicenseId, Plans, Slug};
use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::items::{self, EventItem, Item, LicenseItem};
use crate::transaction::{NotDone, Transaction, Write, back_off};
use crate::{Along, Store, StoreError, due, keys};

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

/// A licence to be changed.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The licence as it was read.
    pub before: &'a License,
    /// The licence as it will be, its head at the event.
    pub after: &'a License,
    /// The plans of its terms as it was read.
    pub plans_before: Plans<'a>,
    /// The plans of its terms as it will be.
    pub plans_after: Plans<'a>,
    /// The entry of the history.
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

/// Which licence a code, or an activation, is of.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CodeItem {
    pub(crate) license: LicenseId,
}

/// A licence in its customer's list, with the code for its owner.
#[derive(Debug, Serialize, Deserialize)]
struct OwnedItem {
    code: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct TrialItem {
    license: LicenseId,
}

#[derive(Debug, Serialize)]
struct LookUpItem {}

impl Store {
    /// Makes a licence: itself, the look-up of its code, the first entry of its history, and the look-ups by customer (with
    /// the code, for its owner) and month, all or nothing with what goes along.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]. A licence that this very call made, before its answer was lost, is done: its entry of
    /// the history is known again.
    pub async fn issue(&self, issue: IssueLicense<'_>, along: &Along) -> Result<Committed, StoreError> {
        let IssueLicense { license, event, .. } = issue;
        let id = license.id;
        let mut transaction = self.issuing(issue)?;
        transaction.along(along);
        match transaction.commit(&self.client).await {
            Ok(()) => Ok(Committed::Done),
            Err(NotDone::Overtaken) => {
                let entry = self.item(keys::event(id, event.seq), true).await?;
                match entry.map(|item| EventItem::read(&item)).transpose()? {
                    Some(found) if found == *event => Ok(Committed::Done),
                    _ => Ok(Committed::Overtaken),
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
    pub async fn code_of(&self, license: &License) -> Result<Option<LicenseCode>, StoreError> {
        let key = keys::customer_license(license.customer, license.id);
        let Some(item) = self.item(key, true).await? else { return Ok(None) };
        let found: OwnedItem = items::read(&item)?;
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
    pub async fn bind(&self, bind: Bind<'_>, along: &Along) -> Result<Committed, StoreError> {
        let Bind { before, after, plans, domain, activation, event } = bind;
        let mut transaction = self.change(Change { before, after, plans_before: plans, plans_after: plans, event })?;
        transaction.put_new(items::write(&keys::activation(activation), &CodeItem { license: after.id })?);
        if plans.running.kind() == Kind::Trial {
            let mut mine = Expression::default();
            mine.if_absent_or_compares(&["license"], "=", items::text(after.id));
            transaction
                .put_if(items::write(&keys::trial(&after.product, domain), &TrialItem { license: after.id })?, mine);
        }
        transaction.along(along);
        self.finish(transaction, event.hash[0]).await
    }

    /// Makes a transition: the licence and the entry of its history, on the condition that nobody else has changed it
    /// since it was read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn transition(&self, change: Change<'_>, along: &Along) -> Result<Committed, StoreError> {
        let mut transaction = self.change(change)?;
        transaction.along(along);
        self.finish(transaction, change.event.hash[0]).await
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

    /// What issuing a licence writes.
    pub(crate) fn issuing(&self, issue: IssueLicense<'_>) -> Result<Transaction<'_>, StoreError> {
        let IssueLicense { license, plans, code, event } = issue;
        let id = license.id;
        let mut made = items::write(&keys::license(id), &LicenseItem::new(license, plans))?;
        due::mark(&mut made, id.to_bytes(), license.next_notice(plans, event.at).map(|(at, _)| at));
        let mut transaction = Transaction::new(&self.table);
        transaction
            .put_new(made)
            .put_new(items::write(&keys::event(id, event.seq), &EventItem::new(event)?)?)
            .put_new(items::write(&keys::code(&code.digest()), &CodeItem { license: id })?)
            .put_new(items::write(&keys::customer_license(license.customer, id), &OwnedItem { code: code.reveal() })?)
            .put_new(items::write(&keys::month_license(&license.issued_at.day().month(), id), &LookUpItem {})?);
        Ok(transaction)
    }

    pub(crate) fn change(&self, change: Change<'_>) -> Result<Transaction<'_>, StoreError> {
        let mut changed = Along::default();
        let mut transaction = Transaction::new(&self.table);
        transaction.along(changed.transition(change)?);
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

impl Along {
    /// A licence changes, with the entry of its history, on the condition that nobody else has changed it since it was
    /// read.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written as an item.
    pub fn transition(&mut self, change: Change<'_>) -> Result<&mut Self, StoreError> {
        let Change { before, after, plans_before, plans_after, event } = change;
        let mut update = items::changes(before, after, plans_before, plans_after)?;
        // A notice that is due and not told yet stays so, unless the change has made it moot.
        if before.notices(plans_before) != after.notices(plans_after) {
            let next = after.next_notice(plans_after, event.at).map(|(at, _)| at);
            due::move_to(&mut update, after.id.to_bytes(), next);
        }
        self.writes.push(Write::Update(keys::license(after.id), update));
        self.event(event)
    }
}
