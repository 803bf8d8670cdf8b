//! Products, plans and their revisions, customers.

use marque_core::{Customer, CustomerId, LicenseId, Offer, PlanRef, Product, Slug};

use crate::expression::Expression;
use crate::items::{self, CustomerItem, PlanItem, ProductItem};
use crate::licenses::Committed;
use crate::transaction::Transaction;
use crate::{Store, StoreError, keys};

impl Store {
    /// Writes a product, in place of what it was.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn put_product(&self, product: &Product) -> Result<(), StoreError> {
        let item = items::write(&keys::product(&product.slug), &ProductItem::new(product))?;
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .send()
            .await
            .map(drop)
            .map_err(StoreError::unavailable)
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
    pub async fn add_plan_revision(&self, product: &Slug, offer: &Offer) -> Result<Committed, StoreError> {
        let reference = &offer.reference;
        let mut newest = Expression::default();
        match reference.revision {
            0 | 1 => newest.if_absent(&[keys::PK]),
            revision => newest.if_compares(&["revision"], "=", items::number(revision - 1)),
        };
        let mut transaction = Transaction::new(&self.table);
        transaction
            .put_if(items::write(&keys::plan(product, &reference.plan), &PlanItem::new(offer))?, &newest)
            .put_new(items::write(&keys::plan_revision(product, reference), &PlanItem::new(offer))?);
        self.finish(transaction, 0).await
    }

    /// A plan's newest revision.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn plan(&self, product: &Slug, plan: &Slug) -> Result<Option<Offer>, StoreError> {
        self.item(keys::plan(product, plan), true).await?.map(|item| PlanItem::read(&item)).transpose()
    }

    /// One revision of a plan. It never changes, so it can be kept for ever.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn plan_revision(&self, product: &Slug, reference: &PlanRef) -> Result<Option<Offer>, StoreError> {
        self.item(keys::plan_revision(product, reference), false).await?.map(|item| PlanItem::read(&item)).transpose()
    }

    /// Writes a customer who must not be there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn add_customer(&self, customer: &Customer) -> Result<Committed, StoreError> {
        let mut transaction = Transaction::new(&self.table);
        transaction.put_new(items::write(&keys::customer(customer.id), &CustomerItem::new(customer))?);
        self.finish(transaction, 0).await
    }

    /// A customer, read strongly: the name goes into files that stay.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        self.item(keys::customer(id), true).await?.map(|item| CustomerItem::read(&item)).transpose()
    }

    /// The licences of a customer, oldest first, at most `limit` of them after `after`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn licenses_of(
        &self,
        customer: CustomerId,
        after: Option<LicenseId>,
        limit: i32,
    ) -> Result<Vec<LicenseId>, StoreError> {
        let prefix = "LICENSE#";
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :sk)")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", items::text(keys::customer(customer).pk))
            .expression_attribute_values(":sk", items::text(prefix))
            .set_exclusive_start_key(after.map(|id| keys::customer_license(customer, id).attributes()))
            .limit(limit);
        let found = request.send().await.map_err(StoreError::unavailable)?.items.unwrap_or_default();
        let id = |item: &items::Item| {
            let text = item.get(keys::SK).and_then(|sk| sk.as_s().ok()).and_then(|sk| sk.strip_prefix(prefix));
            text.and_then(|text| text.parse().ok()).ok_or_else(|| StoreError::corrupt(item, "its key names no licence"))
        };
        found.iter().map(id).collect()
    }
}
