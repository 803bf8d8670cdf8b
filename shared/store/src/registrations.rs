//! What a registration reads: all that its body names in one request, and the licences that this leads to in another.

use marque_core::code::CodeDigest;
use marque_core::{Cloud, FingerprintValue, License, LicenseId, Product, RegisteredMachine, Slug, Timestamp};

use crate::items::{self, BilledItem, ChallengeItem, Item, LicenseItem, MachineItem, ProductItem, RootsItem};
use crate::keys::{self, Key};
use crate::licenses::CodeItem;
use crate::{Billed, Challenge, KeptRoots, Store, StoreError};

/// What the body of a registration names.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The challenge.
    pub challenge: &'a str,
    /// The product.
    pub product: &'a Slug,
    /// The domain.
    pub domain: &'a FingerprintValue,
    /// The machine as its proof names it; none if that cannot be read.
    pub machine: Option<NamedMachine<'a>>,
    /// The code of a licence, if there is one.
    pub code: Option<&'a CodeDigest>,
    /// The region whose roots the proof is to be verified against, if any are needed.
    pub region: Option<&'a str>,
}

/// A machine's name.
#[derive(Debug, Clone, Copy)]
pub struct NamedMachine<'a> {
    /// Which cloud it runs in.
    pub cloud: Cloud,
    /// Whose it is.
    pub account: &'a str,
    /// Which one.
    pub instance: &'a str,
}

/// What was found of that.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The challenge, if it has not lapsed: DynamoDB deletes late, so the time is looked at.
    pub challenge: Option<Challenge>,
    /// The product.
    pub product: Option<Product>,
    /// The machine as it registered last.
    pub machine: Option<RegisteredMachine>,
    /// The licence that the machine's account has for the product in the domain, billed by its cloud.
    pub billed: Option<Billed>,
    /// Which licence the code is.
    pub license: Option<LicenseId>,
    /// Roots of the region.
    pub roots: Option<KeptRoots>,
}

/// A domain for which a cloud may bill an account.
#[derive(Debug, Clone, Copy)]
pub struct BilledFor<'a> {
    /// Which cloud.
    pub cloud: Cloud,
    /// Whose.
    pub account: &'a str,
    /// For which product.
    pub product: &'a Slug,
    /// In which domain.
    pub domain: &'a FingerprintValue,
}

impl Store {
    /// All that a registration names, in one request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn named(&self, named: Named<'_>, now: Timestamp) -> Result<Found, StoreError> {
        let challenge = keys::challenge(named.challenge);
        let product = keys::product(named.product);
        let machine = named.machine.map(|machine| keys::machine(machine.cloud, machine.instance));
        let billed =
            named.machine.map(|machine| keys::billed(machine.cloud, machine.account, named.product, named.domain));
        let code = named.code.map(keys::code);
        let roots = named.region.map(keys::roots);
        let optional = [&machine, &billed, &code, &roots].into_iter().flatten();
        let wanted: Vec<_> = [&challenge, &product].into_iter().chain(optional).cloned().collect();
        let items = self.items(&wanted).await?;
        let found = |key: Option<&Key>| key.and_then(|key| items.iter().find(|item| key.is_of(item)));
        let challenge = found(Some(&challenge)).map(|item| ChallengeItem::read(item, named.challenge)).transpose()?;
        Ok(Found {
            challenge: challenge.filter(|challenge| now < challenge.expires_at),
            product: found(Some(&product)).map(ProductItem::read).transpose()?,
            machine: found(machine.as_ref()).map(MachineItem::read).transpose()?,
            billed: found(billed.as_ref()).map(BilledItem::read).transpose()?,
            license: found(code.as_ref()).map(|item| items::read::<CodeItem>(item).map(|of| of.license)).transpose()?,
            roots: found(roots.as_ref()).map(RootsItem::read).transpose()?,
        })
    }

    /// These licences, in no order, and what an account is billed for in a domain, in one request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn licenses_and_billed(
        &self,
        licenses: &[LicenseId],
        billed: Option<BilledFor<'_>>,
    ) -> Result<(Vec<License>, Option<Billed>), StoreError> {
        let mut wanted: Vec<_> = licenses.iter().map(|id| keys::license(*id)).collect();
        wanted.dedup();
        let guard = billed.map(|of| keys::billed(of.cloud, of.account, of.product, of.domain));
        wanted.extend(guard.clone());
        let (guards, licenses): (Vec<Item>, Vec<Item>) =
            self.items(&wanted).await?.into_iter().partition(|item| guard.as_ref().is_some_and(|key| key.is_of(item)));
        let licenses = licenses.iter().map(LicenseItem::read).collect::<Result<_, _>>()?;
        Ok((licenses, guards.first().map(BilledItem::read).transpose()?))
    }
}
