//! Products, plans and their revisions, customers.

use marque_core::{Customer, CustomerId, Offer, PlanRef, Product, Slug};

use serde::Serialize;

use crate::expression::Expression;
use crate::items::{self, CustomerItem, Item, PlanItem, ProductItem};
use crate::keys::Key;
use crate::licenses::Committed;
use crate::transaction::Transaction;
use crate::{Along, Store, StoreError, keys};

/// Only there to be found.
#[derive(Debug, Serialize)]
struct ListedItem {}

impl Along {
    /// Writes a customer who must not be there, with the look-ups by address and of all.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be written as items.
    pub fn add_customer(&mut self, customer: &Customer) -> Result<(), StoreError> {
        let email = keys::email_customer(&customer.email.person(), customer.id);
        self.put_new(items::write(&keys::customer(customer.id), &CustomerItem::new(customer))?);
        self.put_new(items::write(&email, &ListedItem {})?);
        self.put_new(items::write(&keys::listed_customer(customer.id), &ListedItem {})?);
        Ok(())
    }
}

impl Store {
    /// Writes a product, in place of what it was, and lists it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Contention`].
    pub async fn put_product(&self, product: &Product) -> Result<(), StoreError> {
        let mut transaction = Transaction::new(&self.table);
        transaction
            .put(items::write(&keys::product(&product.slug), &ProductItem::new(product))?)
            .put(items::write(&keys::listed_product(&product.slug), &ListedItem {})?);
        self.commit_again(transaction).await
    }

    /// A product.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn product(&self, slug: &Slug) -> Result<Option<Product>, StoreError> {
        self.item(keys::product(slug), false).await?.map(|item| ProductItem::read(&item)).transpose()
    }

    /// Adds a revision to a plan, on the condition that it is the next one: revisions are never overwritten.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn add_plan_revision(
        &self,
        product: &Slug,
        offer: &Offer,
        along: &Along,
    ) -> Result<Committed, StoreError> {
        let reference = &offer.reference;
        let mut newest = Expression::default();
        match reference.revision {
            0 | 1 => newest.if_absent(&[keys::PK]),
            revision => newest.if_compares(&["revision"], "=", items::number(revision - 1)),
        };
        let mut transaction = Transaction::new(&self.table);
        transaction
            .put_if(items::write(&keys::plan(product, &reference.plan), &PlanItem::new(offer))?, newest)
            .put_new(items::write(&keys::plan_revision(product, reference), &PlanItem::new(offer))?)
            .put(items::write(&keys::newest_plan(product, &reference.plan), &PlanItem::new(offer))?)
            .along(along);
        self.finish(transaction, 0).await
    }

    /// A plan's newest revision.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn plan(&self, product: &Slug, plan: &Slug) -> Result<Option<Offer>, StoreError> {
        self.item(keys::plan(product, plan), true).await?.map(|item| PlanItem::read(&item)).transpose()
    }

    /// The newest revision of each plan of a product, by name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn plans(&self, product: &Slug) -> Result<Vec<Offer>, StoreError> {
        let (mut plans, mut after) = (Vec::new(), None);
        loop {
            // Revisions lie between the plans, and a page of them may hold no plan at all.
            let page = self.page(&keys::plans_of(product), after.take(), 100).await?;
            for item in &page {
                let key = Key::of(item)?;
                if !key.sk.contains(keys::REVISION) {
                    plans.push(PlanItem::read(item)?);
                }
                after = Some(key);
            }
            if page.is_empty() {
                return Ok(plans);
            }
        }
    }

    /// The newest revisions of plans of all products, the first hundred of them, in one request: what a start reads before
    /// anybody asks.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn newest_plans(&self) -> Result<Vec<(Slug, Offer)>, StoreError> {
        let found = self.page(&keys::newest_plans(), None, 100).await?;
        let read = |item: &Item| {
            let corrupt = || StoreError::corrupt(item, "its key names no plan of a product");
            let product = keys::product_of_newest_plan(&Key::of(item)?).ok_or_else(corrupt)?;
            Ok((product, PlanItem::read(item)?))
        };
        found.iter().map(read).collect()
    }

    /// One revision of a plan. It never changes, so it can be kept for ever.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn plan_revision(&self, product: &Slug, reference: &PlanRef) -> Result<Option<Offer>, StoreError> {
        self.item(keys::plan_revision(product, reference), false).await?.map(|item| PlanItem::read(&item)).transpose()
    }

    /// Writes a customer who must not be there, with the look-ups by address and of all.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn add_customer(&self, customer: &Customer, along: &Along) -> Result<Committed, StoreError> {
        let mut transaction = Transaction::new(&self.table);
        let mut new = Along::default();
        new.add_customer(customer)?;
        transaction.along(&new).along(along);
        self.finish(transaction, 0).await
    }

    /// Changes a customer; with another address the look-up moves. On the condition that nobody else has changed them
    /// since they were read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn change_customer(
        &self,
        before: &Customer,
        after: &Customer,
        along: &Along,
    ) -> Result<Committed, StoreError> {
        let mut transaction = Transaction::new(&self.table);
        let item = items::write(&keys::customer(after.id), &CustomerItem::new(after))?;
        transaction.put_if(item, CustomerItem::new(before).unchanged());
        let (old, new) = (before.email.person(), after.email.person());
        if old != new {
            transaction
                .delete(keys::email_customer(&old, before.id), Expression::default())
                .put(items::write(&keys::email_customer(&new, after.id), &ListedItem {})?);
        }
        transaction.along(along);
        self.finish(transaction, 0).await
    }

    /// A customer, read strongly: the name goes into files that stay. Whoever was erased is not there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        let item = self.item(keys::customer(id), true).await?.filter(|item| !item.contains_key(items::ERASED));
        item.map(|item| CustomerItem::read(&item)).transpose()
    }
}
