//! Lists, read a page at a time from look-ups that are written with the thing: nothing is ever scanned.

use std::str::FromStr;

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use marque_core::customer::PersonDigest;
use marque_core::{CustomerId, LicenseId, Slug};

use crate::items::{self, Item};
use crate::keys::{self, Key};
use crate::{Store, StoreError, capacity};

impl Store {
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
        let after = after.map(|id| keys::customer_license(customer, id));
        self.names(&keys::licenses_of(customer), after, limit).await
    }

    /// The licences that were issued in a month (`2027-03`), oldest first, at most `limit` of them after `after`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn licenses_of_month(
        &self,
        month: &str,
        after: Option<LicenseId>,
        limit: i32,
    ) -> Result<Vec<LicenseId>, StoreError> {
        let after = after.map(|id| keys::month_license(month, id));
        self.names(&keys::licenses_of_month(month), after, limit).await
    }

    /// The customers, oldest first, at most `limit` of them after `after`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn customers(&self, after: Option<CustomerId>, limit: i32) -> Result<Vec<CustomerId>, StoreError> {
        self.names(&keys::customers(), after.map(keys::listed_customer), limit).await
    }

    /// The customers whose address is this person's, oldest first, at most `limit` of them after `after`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn customers_by_person(
        &self,
        person: &PersonDigest,
        after: Option<CustomerId>,
        limit: i32,
    ) -> Result<Vec<CustomerId>, StoreError> {
        let after = after.map(|id| keys::email_customer(person, id));
        self.names(&keys::customers_by_person(person), after, limit).await
    }

    /// The products, by name, at most `limit` of them after `after`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn products(&self, after: Option<&Slug>, limit: i32) -> Result<Vec<Slug>, StoreError> {
        self.names(&keys::products(), after.map(keys::listed_product), limit).await
    }

    /// What the items of a list name: their sort keys after what all begin with.
    pub(crate) async fn names<T: FromStr>(
        &self,
        list: &Key,
        after: Option<Key>,
        limit: i32,
    ) -> Result<Vec<T>, StoreError> {
        let name = |item: &Item| {
            let text = item.get(keys::SK).and_then(|sk| sk.as_s().ok()).and_then(|sk| sk.strip_prefix(&list.sk));
            text.and_then(|text| text.parse().ok()).ok_or_else(|| StoreError::corrupt(item, "its key names nothing"))
        };
        self.page(list, after, limit).await?.iter().map(name).collect()
    }

    /// The items of a list, read strongly.
    pub(crate) async fn page(&self, list: &Key, after: Option<Key>, limit: i32) -> Result<Vec<Item>, StoreError> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :sk)")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", items::text(&list.pk))
            .expression_attribute_values(":sk", items::text(&list.sk))
            .set_exclusive_start_key(after.map(|key| key.attributes()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .limit(limit);
        let answer = request.send().await.map_err(StoreError::unavailable)?;
        capacity::read(answer.consumed_capacity.as_ref());
        Ok(answer.items.unwrap_or_default())
    }
}
