//! Items of machines: challenges, machines, what clouds bill, roots of regions.

use std::collections::BTreeMap;

use marque_core::listing::Mode;
use marque_core::machine::Held;
use marque_core::{Cloud, FingerprintValue, LicenseId, RegisteredMachine, Slug, Timestamp};
use serde::{Deserialize, Serialize};

use super::Item;
use super::bytes::{array, optional_array};
use crate::{Billed, Challenge, KeptRoots, StoreError, Use};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ChallengeItem {
    cloud: Cloud,
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none", default, with = "optional_array")]
    used: Option<[u8; 32]>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    license: Option<LicenseId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    instance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    claim: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    confirmed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MachineItem {
    cloud: Cloud,
    instance: String,
    account: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    claim: Option<String>,
    mode: Mode,
    product: Slug,
    license: LicenseId,
    #[serde(with = "array")]
    domain: [u8; 32],
    #[serde(with = "array")]
    key: [u8; 32],
    #[serde(skip_serializing_if = "Option::is_none", default, with = "optional_array")]
    previous_key: Option<[u8; 32]>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    started_at: Option<i64>,
    registered_at: i64,
    proven_at: i64,
    confirmed: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    holds: BTreeMap<Slug, HeldItem>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    brings: BTreeMap<Slug, HeldItem>,
    revoked: bool,
    version: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct HeldItem {
    license: LicenseId,
    #[serde(with = "array")]
    domain: [u8; 32],
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    compared: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BilledItem {
    license: LicenseId,
    instance: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RootsItem {
    region: String,
    certificates: Vec<String>,
    refresh_at: i64,
    expires_at: i64,
}

impl ChallengeItem {
    /// A challenge that nobody has used.
    pub(crate) fn new(challenge: &Challenge) -> Self {
        Self {
            cloud: challenge.cloud,
            expires_at: challenge.expires_at.unix(),
            used: None,
            license: None,
            instance: None,
            mode: None,
            claim: None,
            confirmed: false,
        }
    }

    /// The challenge of this text, whether it has lapsed or not.
    pub(crate) fn read(item: &Item, text: &str) -> Result<Challenge, StoreError> {
        let content: Self = super::read(item)?;
        let corrupt = |fault| StoreError::corrupt(item, fault);
        let expires_at = Timestamp::from_unix(content.expires_at).ok_or_else(|| corrupt("a time is out of range"))?;
        let used = match (content.used, content.license, content.instance, content.mode) {
            (Some(body), Some(license), Some(instance), Some(mode)) => {
                Some(Use { body, license, instance, mode, claim: content.claim, confirmed: content.confirmed })
            }
            (None, None, None, None) => None,
            _ => return Err(corrupt("a challenge is used by halves")),
        };
        Ok(Challenge { text: text.to_owned(), cloud: content.cloud, expires_at, used })
    }
}

impl BilledItem {
    /// The machine holds its licence.
    pub(crate) fn new(machine: &RegisteredMachine) -> Self {
        Self { license: machine.license, instance: machine.instance.clone() }
    }

    pub(crate) fn read(item: &Item) -> Result<Billed, StoreError> {
        let Self { license, instance } = super::read(item)?;
        Ok(Billed { license, instance })
    }
}

impl RootsItem {
    pub(crate) fn new(roots: &KeptRoots) -> Self {
        let refresh_at = roots.refresh_at.unix();
        let KeptRoots { region, certificates, .. } = roots.clone();
        // Whoever looks when they are to be fetched again needs them no more.
        Self { region, certificates, refresh_at, expires_at: refresh_at }
    }

    pub(crate) fn read(item: &Item) -> Result<KeptRoots, StoreError> {
        let Self { region, certificates, refresh_at, .. } = super::read(item)?;
        let refresh_at = Timestamp::from_unix(refresh_at);
        let refresh_at = refresh_at.ok_or_else(|| StoreError::corrupt(item, "a time is out of range"))?;
        Ok(KeptRoots { region, certificates, refresh_at })
    }
}

impl HeldItem {
    fn new(held: Held) -> Self {
        Self { license: held.license, domain: held.domain.0, compared: held.compared }
    }

    fn held(self) -> Held {
        Held { license: self.license, domain: FingerprintValue(self.domain), compared: self.compared }
    }

    fn all(held: BTreeMap<Slug, Held>) -> BTreeMap<Slug, Self> {
        held.into_iter().map(|(product, held)| (product, Self::new(held))).collect()
    }

    fn read(items: BTreeMap<Slug, Self>) -> BTreeMap<Slug, Held> {
        items.into_iter().map(|(product, held)| (product, held.held())).collect()
    }
}

impl MachineItem {
    pub(crate) fn new(machine: &RegisteredMachine) -> Self {
        let machine = machine.clone();
        Self {
            cloud: machine.cloud,
            instance: machine.instance,
            account: machine.account,
            region: machine.region,
            claim: machine.claim,
            mode: machine.mode,
            product: machine.product,
            license: machine.license,
            domain: machine.domain.0,
            key: machine.key,
            previous_key: machine.previous_key,
            started_at: machine.started_at.map(Timestamp::unix),
            registered_at: machine.registered_at.unix(),
            proven_at: machine.proven_at.unix(),
            confirmed: machine.confirmed,
            holds: HeldItem::all(machine.holds),
            brings: HeldItem::all(machine.brings),
            revoked: machine.revoked,
            version: machine.version,
        }
    }

    pub(crate) fn read(item: &Item) -> Result<RegisteredMachine, StoreError> {
        let content: Self = super::read(item)?;
        let instant =
            |seconds| Timestamp::from_unix(seconds).ok_or_else(|| StoreError::corrupt(item, "a time is out of range"));
        Ok(RegisteredMachine {
            cloud: content.cloud,
            instance: content.instance,
            account: content.account,
            region: content.region,
            claim: content.claim,
            mode: content.mode,
            product: content.product,
            license: content.license,
            domain: FingerprintValue(content.domain),
            key: content.key,
            previous_key: content.previous_key,
            started_at: content.started_at.map(instant).transpose()?,
            registered_at: instant(content.registered_at)?,
            proven_at: instant(content.proven_at)?,
            confirmed: content.confirmed,
            holds: HeldItem::read(content.holds),
            brings: HeldItem::read(content.brings),
            revoked: content.revoked,
            version: content.version,
        })
    }
}
