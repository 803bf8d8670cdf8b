//! Chains of agreements: found by any name of one of their agreements, and changed in one transaction with their names,
//! their licence and the mark of the event that told the news.

use marque_core::agreement::{Agreement, Chain, ExternalId, LicenseKey};
use marque_core::{AgreementId, Cloud, Customer, License, LicenseId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::items::{self, Item, LicenseItem};
use crate::keys::{self, Alias, Key};
use crate::licenses::{Change, IssueLicense};
use crate::transaction::Transaction;
use crate::{Along, Committed, Store, StoreError};

/// A change of a chain, with everything that must change with it.
#[derive(Debug, Clone, Copy)]
pub struct KeepChain<'a> {
    /// The chain as it was read; none for one that is made.
    pub before: Option<&'a Chain>,
    /// The chain as it will be.
    pub after: &'a Chain,
    /// The chain whose agreements it takes over, as it was read.
    pub absorbed: Option<&'a Chain>,
    /// The cloud's event that told the news: it is not told twice.
    pub told_by: Option<Told<'a>>,
    /// What becomes of the licence.
    pub license: LicenseChange<'a>,
    /// The customer who has registered, to be added.
    pub customer: Option<&'a Customer>,
}

/// An event of the cloud's.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The cloud's id of it.
    pub id: &'a str,
    /// When it may be forgotten: the cloud does not repeat it after so long.
    pub forget_at: Timestamp,
}

/// What becomes of a chain's licence.
#[derive(Debug, Clone, Copy)]
pub enum LicenseChange<'a> {
    /// Nothing.
    Nothing,
    /// It is made.
    Issue(IssueLicense<'a>),
    /// It follows its agreements.
    Follow(Change<'a>),
}

/// An event that waits for its agreement to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Its place among those that wait.
    place: String,
    /// The event, as it came.
    pub event: String,
}

/// A licence, and what pays for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entitled {
    /// The licence.
    pub license: License,
    /// The chain that pays for it, and the agreement of it that counts, with the latest version of what was bought; none
    /// when no agreement does.
    pub paid_by: Option<(AgreementId, Agreement)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AliasItem {
    chain: AgreementId,
}

/// The look-up of a licence's chain, with the agreement that counts.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct PaidItem {
    chain: AgreementId,
    agreement: Agreement,
}

impl PaidItem {
    /// None while the chain has no licence.
    fn of(chain: &Chain) -> Option<(LicenseId, Self)> {
        let mut agreement = chain.current().clone();
        agreement.versions.drain(..agreement.versions.len().saturating_sub(1));
        Some((chain.license?, Self { chain: chain.id, agreement }))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct ParkedItem {
    event: String,
    expires_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct SeenItem {
    expires_at: i64,
}

#[derive(Debug, Serialize)]
struct LookUpItem {}

const CLOUD: Cloud = Cloud::Aws;

impl Store {
    /// The chain that this agreement of the cloud's is in.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn chain_of_external(&self, id: &ExternalId) -> Result<Option<Chain>, StoreError> {
        self.chain_of(Alias::External(CLOUD, id)).await
    }

    /// The chain that this agreement is in.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn chain_of_agreement(&self, id: AgreementId) -> Result<Option<Chain>, StoreError> {
        // Most are the first of their chain, which has their name; one that has joined another chain has none of its own.
        match self.chain(id).await? {
            Some(chain) => Ok(Some(chain)),
            None => self.chain_of(Alias::Agreement(id)).await,
        }
    }

    /// The chain that pays for this licence.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn chain_of_license(&self, id: LicenseId) -> Result<Option<Chain>, StoreError> {
        self.chain_of(Alias::License(id)).await
    }

    /// A licence with what its agreement entitles to, in one strong read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn entitled(&self, id: LicenseId) -> Result<Option<Entitled>, StoreError> {
        // They stand beside each other: `LICENSE` and `LICENSE#AGREEMENT`.
        let found = self.page(&keys::license(id), None, 2).await?;
        let Some((license, beside)) = found.split_first() else { return Ok(None) };
        let paid: Option<PaidItem> = beside.first().map(items::read).transpose()?;
        let paid_by = paid.map(|paid| (paid.chain, paid.agreement));
        Ok(Some(Entitled { license: LicenseItem::read(license)?, paid_by }))
    }

    /// The chain whose agreement has this licence at the cloud.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn chain_of_cloud_license(&self, key: &LicenseKey) -> Result<Option<Chain>, StoreError> {
        self.chain_of(Alias::CloudLicense(CLOUD, key)).await
    }

    /// A chain by its own name, read strongly.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn chain(&self, id: AgreementId) -> Result<Option<Chain>, StoreError> {
        self.item(keys::chain(id), true).await?.map(|item| items::read(&item)).transpose()
    }

    /// Chains in the order in which they were made, at most `limit` of them after `after`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn chains_after(&self, after: Option<AgreementId>, limit: i32) -> Result<Vec<AgreementId>, StoreError> {
        self.names(&keys::chains(), after.map(keys::listed_chain), limit).await
    }

    /// Keeps a chain: itself, the names of its agreements, its licence, its customer and the mark of the event that told
    /// the news, all or nothing, on the condition that nobody has changed it since it was read and the event is new.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn keep_chain(&self, change: KeepChain<'_>, along: &Along) -> Result<Committed, StoreError> {
        let KeepChain { before, after, absorbed, told_by, license, customer } = change;
        let mut transaction = self.license_writes(license)?;
        let item = items::write(&keys::chain(after.id), after)?;
        match before {
            Some(before) => transaction.put_if(item, at_version(before)),
            None => transaction.put_new(item).put_new(items::write(&keys::listed_chain(after.id), &LookUpItem {})?),
        };
        for agreement in &after.agreements {
            let known = before.and_then(|chain| chain.agreement(agreement.id));
            let moved = absorbed.filter(|chain| chain.agreement(agreement.id).is_some());
            for key in names(agreement).filter(|key| !known.is_some_and(|known| names(known).any(|name| name == *key)))
            {
                let mut free = Expression::default();
                free.if_absent_or_compares(&["chain"], "=", items::text(moved.map_or(after.id, |chain| chain.id)));
                transaction.put_if(items::write(&key, &AliasItem { chain: after.id })?, free);
            }
        }
        if let Some(absorbed) = absorbed {
            transaction
                .delete(keys::chain(absorbed.id), at_version(absorbed))
                .delete(keys::listed_chain(absorbed.id), Expression::default());
            // A licence that it gave and that is revoked is paid for by nobody.
            if let Some(revoked) = absorbed.license.filter(|license| after.license != Some(*license)) {
                transaction.delete(keys::alias(&Alias::License(revoked)), Expression::default());
            }
        }
        if let Some((license, paid)) =
            PaidItem::of(after).filter(|paid| before.and_then(PaidItem::of).as_ref() != Some(paid))
        {
            let item = items::write(&keys::alias(&Alias::License(license)), &paid)?;
            let made = before.and_then(|chain| chain.license).is_none();
            // Whoever changes the chain has its version: nobody else is at this item.
            if made {
                transaction.put_new(item)
            } else {
                transaction.put(item)
            };
        }
        if let Some(customer) = customer {
            let mut new = Along::default();
            new.add_customer(customer)?;
            transaction.along(&new);
        }
        if let Some(told) = told_by {
            let seen = SeenItem { expires_at: told.forget_at.unix() };
            transaction.put_new(items::write(&keys::seen(CLOUD, told.id), &seen)?);
        }
        transaction.along(along);
        let salt = after.id.to_bytes()[15];
        self.finish(transaction, salt).await
    }

    /// Whether an event of the cloud's has told its news already, and the chain of the agreement that it is about.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn told(&self, event: &str, agreement: &ExternalId) -> Result<(bool, Option<Chain>), StoreError> {
        let (mark, name) = (keys::seen(CLOUD, event), keys::alias(&Alias::External(CLOUD, agreement)));
        let found = self.items(&[mark.clone(), name.clone()]).await?;
        let of = |key: &Key| found.iter().find(|item| key.is_of(item));
        let chain = match of(&name) {
            Some(item) => self.chain(items::read::<AliasItem>(item)?.chain).await?,
            None => None,
        };
        Ok((of(&mark).is_some(), chain))
    }

    /// Parks an event until its agreement is known, on the condition that it is not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn park(
        &self,
        agreement: &ExternalId,
        id: &str,
        event: &str,
        expires_at: Timestamp,
    ) -> Result<Committed, StoreError> {
        let parked = ParkedItem { event: event.to_owned(), expires_at: expires_at.unix() };
        let mut transaction = Transaction::new(&self.table);
        // Parked twice it is the same event.
        transaction
            .put(items::write(&keys::parked(CLOUD, agreement, id), &parked)?)
            .check_absent(keys::alias(&Alias::External(CLOUD, agreement)));
        self.finish(transaction, id.len().to_le_bytes()[0]).await
    }

    /// The events that wait for this agreement, at most 100.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn parked(&self, agreement: &ExternalId) -> Result<Vec<Parked>, StoreError> {
        let waiting = keys::parked(CLOUD, agreement, "");
        let found = self.page(&waiting, None, 100).await?;
        let read = |item: &Item| {
            let place = item.get(keys::SK).and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
            items::read::<ParkedItem>(item).map(|parked| Parked { place, event: parked.event })
        };
        found.iter().map(read).collect()
    }

    /// A parked event has told its news.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn unpark(&self, agreement: &ExternalId, parked: &Parked) -> Result<(), StoreError> {
        let key = Key { sk: parked.place.clone(), ..keys::parked(CLOUD, agreement, "") };
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(key.attributes()));
        request.send().await.map(drop).map_err(StoreError::unavailable)
    }

    async fn chain_of(&self, alias: Alias<'_>) -> Result<Option<Chain>, StoreError> {
        let Some(item) = self.item(keys::alias(&alias), true).await? else { return Ok(None) };
        self.chain(items::read::<AliasItem>(&item)?.chain).await
    }

    fn license_writes(&self, license: LicenseChange<'_>) -> Result<Transaction<'_>, StoreError> {
        match license {
            LicenseChange::Nothing => Ok(Transaction::new(&self.table)),
            LicenseChange::Issue(issue) => self.issuing(issue),
            LicenseChange::Follow(change) => self.change(change),
        }
    }
}

fn at_version(chain: &Chain) -> Expression {
    let mut expression = Expression::default();
    expression.if_compares(&["version"], "=", items::number(chain.version));
    expression
}

/// Everything that an agreement is found by.
fn names(agreement: &Agreement) -> impl Iterator<Item = Key> {
    let license = agreement.license_arn.as_ref().map(marque_core::agreement::LicenseArn::key);
    let names = [
        Some(keys::alias(&Alias::Agreement(agreement.id))),
        Some(keys::alias(&Alias::External(CLOUD, &agreement.external_id))),
        license.map(|key| keys::alias(&Alias::CloudLicense(CLOUD, &key))),
    ];
    names.into_iter().flatten()
}
