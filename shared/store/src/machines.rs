//! Machines of clouds: challenges that are used once, machines that have registered, the licences that clouds bill.

use marque_core::listing::Mode;
use marque_core::machine::Held;
use marque_core::{ActivationId, Cloud, Event, FingerprintValue, LicenseId, RegisteredMachine, Slug, Timestamp};
use serde::Serialize;

use crate::expression::Expression;
use crate::items::{self, BilledItem, ChallengeItem, EventItem, Item, MachineItem, RootsItem};
use crate::transaction::Write;
use crate::{Along, Store, StoreError, TTL_ATTRIBUTE, keys};

const USED: &str = "used";

/// What a machine must have its proof made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// 32 of `A-Za-z0-9`.
    pub text: String,
    /// For machines of this cloud.
    pub cloud: Cloud,
    /// From here on it is unknown.
    pub expires_at: Timestamp,
    /// The registration that has used it up.
    pub used: Option<Use>,
}

/// Which registration has used a challenge, so that the same bytes get the same licence again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// SHA-256 of its body.
    pub body: [u8; 32],
    /// The licence that it was given.
    pub license: LicenseId,
    /// The machine.
    pub instance: String,
    /// How its listing is paid for.
    pub mode: Mode,
    /// The listing, if it was proven.
    pub claim: Option<String>,
    /// Whether listing and freshness were certain.
    pub confirmed: bool,
}

/// The licence that a cloud bills: it belongs to an account, for a product, in a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billed {
    /// The licence.
    pub license: LicenseId,
    /// The machine that holds it.
    pub instance: String,
}

/// Roots of a region of Oracle's cloud, kept until they are to be fetched again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRoots {
    /// The region's name.
    pub region: String,
    /// Certificates in PEM.
    pub certificates: Vec<String>,
    /// When they are to be fetched again.
    pub refresh_at: Timestamp,
}

#[derive(Debug, Serialize)]
struct LookUpItem {}

#[derive(Debug, Serialize)]
struct OfLicenseItem {
    license: LicenseId,
}

impl Store {
    /// Writes a new challenge, which must not be there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn give_challenge(&self, challenge: &Challenge) -> Result<(), StoreError> {
        let content = ChallengeItem::new(challenge);
        let mut absent = Expression::default();
        absent.if_absent(&[keys::PK]);
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(items::write(&keys::challenge(&challenge.text), &content)?))
            .set_condition_expression(absent.condition())
            .set_expression_attribute_names(absent.names())
            .send()
            .await
            .map(drop)
            .map_err(StoreError::unavailable)
    }

    /// A machine that has registered.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn machine(&self, cloud: Cloud, instance: &str) -> Result<Option<RegisteredMachine>, StoreError> {
        let item = self.item(keys::machine(cloud, instance), true).await?;
        item.map(|item| MachineItem::read(&item)).transpose()
    }

    /// The machines of a cloud, of one account or of all, by account and id, at most `limit` of them after `after`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn machines(
        &self,
        cloud: Cloud,
        account: Option<&str>,
        after: Option<&ListedMachine>,
        limit: i32,
    ) -> Result<Vec<ListedMachine>, StoreError> {
        let after = after.map(|listed| keys::listed_machine(cloud, &listed.account, &listed.instance));
        let found = self.page(&keys::machines(cloud, account), after, limit).await?;
        let listed = |item: &Item| {
            let name = item.get(keys::SK).and_then(|sk| sk.as_s().ok());
            let name = name.and_then(|sk| sk.strip_prefix(keys::MACHINE_PREFIX)).and_then(|name| name.parse().ok());
            name.ok_or_else(|| StoreError::corrupt(item, "its key names no machine"))
        };
        found.iter().map(listed).collect()
    }

    /// The licence that an account has for a product in a domain, billed by its cloud.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn billed(
        &self,
        cloud: Cloud,
        account: &str,
        product: &Slug,
        domain: &FingerprintValue,
    ) -> Result<Option<Billed>, StoreError> {
        let item = self.item(keys::billed(cloud, account, product, domain), true).await?;
        item.map(|item| BilledItem::read(&item)).transpose()
    }

    /// Whether an account had its provisional time for a product.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn had_provisional(&self, cloud: Cloud, account: &str, product: &Slug) -> Result<bool, StoreError> {
        Ok(self.item(keys::provisional(cloud, account, product), true).await?.is_some())
    }

    /// Keeps the roots of a region, in place of older ones.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn keep_roots(&self, roots: &KeptRoots) -> Result<(), StoreError> {
        let item = items::write(&keys::roots(&roots.region), &RootsItem::new(roots))?;
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.map(drop).map_err(StoreError::unavailable)
    }
}

impl Along {
    /// Uses a challenge up, once: on the condition that nobody has, and that it has not lapsed.
    pub fn use_challenge(&mut self, challenge: &str, by: &Use, now: Timestamp) -> &mut Self {
        let mut once = Expression::default();
        once.set(&[USED], items::binary(&by.body))
            .set(&["license"], items::text(by.license))
            .set(&["instance"], items::text(&by.instance))
            .set(&["mode"], items::text(by.mode))
            .set(&["confirmed"], items::boolean(by.confirmed))
            .if_exists(&[keys::PK])
            .if_absent(&[USED])
            .if_compares(&[TTL_ATTRIBUTE], ">", items::number(now.unix()));
        if let Some(claim) = &by.claim {
            once.set(&["claim"], items::text(claim));
        }
        self.writes.push(Write::Update(keys::challenge(challenge), once));
        self
    }

    /// Writes a machine with its place in the list, on the condition that nobody has changed it since `before` was read.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written as an item.
    pub fn machine(
        &mut self,
        machine: &RegisteredMachine,
        before: Option<&RegisteredMachine>,
    ) -> Result<&mut Self, StoreError> {
        let mut unchanged = Expression::default();
        match before {
            Some(before) => unchanged.if_compares(&["version"], "=", items::number(before.version)),
            None => unchanged.if_absent(&[keys::PK]),
        };
        let listed = keys::listed_machine(machine.cloud, &machine.account, &machine.instance);
        let item = items::write(&keys::machine(machine.cloud, &machine.instance), &MachineItem::new(machine))?;
        self.put_if(item, unchanged);
        self.put_if(items::write(&listed, &LookUpItem {})?, Expression::default());
        Ok(self)
    }

    /// Says which machine holds the licence that its cloud bills, on the condition that `before` is still so.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written as an item.
    pub fn billed(&mut self, machine: &RegisteredMachine, before: Option<&Billed>) -> Result<&mut Self, StoreError> {
        let key = keys::billed(machine.cloud, &machine.account, &machine.product, &machine.domain);
        let mut unchanged = Expression::default();
        match before {
            Some(before) => unchanged.if_compares(&["license"], "=", items::text(before.license)).if_compares(
                &["instance"],
                "=",
                items::text(&before.instance),
            ),
            None => unchanged.if_absent(&[keys::PK]),
        };
        self.put_if(items::write(&key, &BilledItem::new(machine))?, unchanged);
        Ok(self)
    }

    /// A product's licence is not billed any more for the domain that the machine held it in, on the condition that it
    /// still did.
    pub fn not_billed(&mut self, machine: &RegisteredMachine, product: &Slug, left: &Held) -> &mut Self {
        let key = keys::billed(machine.cloud, &machine.account, product, &left.domain);
        let mut held = Expression::default();
        held.if_compares(&["license"], "=", items::text(left.license)).if_compares(
            &["instance"],
            "=",
            items::text(&machine.instance),
        );
        self.writes.push(Write::Delete(key, held));
        self
    }

    /// An account has its provisional time for a product, once.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written as an item.
    pub fn provisional(&mut self, machine: &RegisteredMachine) -> Result<&mut Self, StoreError> {
        let key = keys::provisional(machine.cloud, &machine.account, &machine.product);
        self.writes.push(Write::put_new(items::write(&key, &OfLicenseItem { license: machine.license })?));
        Ok(self)
    }

    /// The look-up of an activation that a licence is issued or changed with.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written as an item.
    pub fn activation(&mut self, activation: ActivationId, license: LicenseId) -> Result<&mut Self, StoreError> {
        let item = items::write(&keys::activation(activation), &OfLicenseItem { license })?;
        self.writes.push(Write::put_new(item));
        Ok(self)
    }

    /// A further entry of the history of the licence that is changed.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written as an item.
    pub fn event(&mut self, event: &Event) -> Result<&mut Self, StoreError> {
        let item = items::write(&keys::event(event.license, event.seq), &EventItem::new(event)?)?;
        self.writes.push(Write::put_new(item));
        Ok(self)
    }
}

/// A machine as the list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMachine {
    /// Whose it is.
    pub account: String,
    /// Which one.
    pub instance: String,
}

impl std::fmt::Display for ListedMachine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.account, self.instance)
    }
}

impl std::str::FromStr for ListedMachine {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (account, instance) = text.split_once('#').ok_or("must be an account and a machine")?;
        Ok(Self { account: account.to_owned(), instance: instance.to_owned() })
    }
}
