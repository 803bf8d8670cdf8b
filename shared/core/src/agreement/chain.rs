//! A chain of agreements: the aggregate that is read, judged and written as one.

use serde::{Deserialize, Serialize};

use super::facts::{Entitlement, Facts, Pricing, Snapshot, State};
use super::names::{AccountId, ExternalId, LicenseArn};
use super::since::Since;
use crate::customer::PersonText;
use crate::id::{AgreementId, CustomerId, LicenseId};
use crate::slug::Slug;
use crate::time::Timestamp;

/// How many versions of what was bought are kept: usage of 35 days may still need them.
const VERSIONS: usize = 50;

/// An agreement and those that renew or replace it. One customer, one licence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    /// The agreement that it began with names it.
    pub id: AgreementId,
    /// What was bought.
    pub product: Slug,
    /// Who registered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer: Option<CustomerId>,
    /// What they were given, once it was paid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub license: Option<LicenseId>,
    /// Oldest first; never empty.
    pub agreements: Vec<Agreement>,
    /// Counts changes.
    pub version: u64,
}

/// One agreement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Ours.
    pub id: AgreementId,
    /// The cloud's.
    pub external_id: ExternalId,
    /// The product's code at the marketplace.
    pub product_code: String,
    /// The buyer's account, once it was said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<AccountId>,
    /// Its licence at the cloud, once it was said, in the best spelling that was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub license_arn: Option<LicenseArn>,
    /// How it is paid, once it was read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pricing: Option<Pricing>,
    /// The end of its term, as the cloud last said it: it moves with each renewal of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub term_end: Option<Timestamp>,
    /// What the cloud has said.
    pub facts: Facts,
    /// What was bought, oldest version first.
    pub versions: Vec<Snapshot>,
    /// The start of the last read of what was bought.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read_at: Option<Timestamp>,
    /// Who has linked it to its chain by hand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub linked: Option<LinkNote>,
}

/// A person has linked an agreement to a chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkNote {
    /// When.
    pub at: Timestamp,
    /// Who: a principal of the publisher's.
    pub by: String,
    /// Why.
    pub reason: PersonText,
}

/// Why two chains cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    /// Each has given out a licence.
    #[error("both chains have a licence: a chain has one")]
    TwoLicenses,
    /// They are of two products.
    #[error("the chains are of different products")]
    TwoProducts,
    /// They were registered by two customers.
    #[error("the chains were registered by different customers")]
    TwoCustomers,
}

impl Agreement {
    /// An agreement of which nothing is known but that it is there.
    #[must_use]
    pub fn new(id: AgreementId, external_id: ExternalId, product_code: &str, requested: Timestamp) -> Self {
        Self {
            id,
            external_id,
            product_code: product_code.to_owned(),
            account: None,
            license_arn: None,
            pricing: None,
            term_end: None,
            facts: Facts::new(requested),
            versions: Vec::new(),
            read_at: None,
            linked: None,
        }
    }

    /// What it is.
    #[must_use]
    pub fn state(&self) -> State {
        self.facts.state()
    }

    /// What was bought, as far as it was read.
    #[must_use]
    pub fn entitlements(&self) -> &[Entitlement] {
        self.versions.last().map_or(&[], |snapshot| &snapshot.entitlements)
    }

    /// Learns the licence's ARN. A whole one is kept, and another licence's never takes its place.
    pub fn learn_license(&mut self, arn: LicenseArn) {
        let better = match &self.license_arn {
            None => true,
            Some(known) => known.key() == arn.key() && !known.is_whole() && arn.is_whole(),
        };
        if better {
            self.license_arn = Some(arn);
        }
    }

    /// Takes what a read that began at `read_at` has told. A read that began before the last one tells nothing new, and
    /// an empty answer is no statement: both leave what is known.
    pub fn learn_entitlements(&mut self, mut entitlements: Vec<Entitlement>, read_at: Timestamp) {
        if self.read_at.is_some_and(|last| read_at < last) {
            return;
        }
        self.read_at = Some(read_at);
        if entitlements.is_empty() {
            return;
        }
        entitlements.sort_by(|one, other| one.dimension.cmp(&other.dimension));
        // What was paid for is provisioned, whether its event came or not.
        self.facts =
            self.facts.and(&Facts { provisioned: Some(Since::Found(read_at)), ..Facts::new(self.facts.requested) });
        if self.entitlements() != entitlements {
            self.versions.push(Snapshot { entitlements, from: read_at });
            self.versions.drain(..self.versions.len().saturating_sub(VERSIONS));
        }
    }
}

impl Chain {
    /// A chain of one agreement.
    #[must_use]
    pub fn new(product: Slug, first: Agreement) -> Self {
        Self { id: first.id, product, customer: None, license: None, agreements: vec![first], version: 0 }
    }

    /// The agreement of this id at the cloud.
    #[must_use]
    pub fn external(&self, id: &ExternalId) -> Option<&Agreement> {
        self.agreements.iter().find(|agreement| agreement.external_id == *id)
    }

    /// As [`external`](Self::external), to learn of it.
    pub fn external_mut(&mut self, id: &ExternalId) -> Option<&mut Agreement> {
        self.agreements.iter_mut().find(|agreement| agreement.external_id == *id)
    }

    /// The agreement of this id.
    #[must_use]
    pub fn agreement(&self, id: AgreementId) -> Option<&Agreement> {
        self.agreements.iter().find(|agreement| agreement.id == id)
    }

    /// The agreement that counts: the newest that works, else the newest that ever did, else the newest.
    #[must_use]
    pub fn current(&self) -> &Agreement {
        let rank = |agreement: &&Agreement| {
            let works = matches!(agreement.state(), State::Active { .. } | State::Suspended { .. });
            let worked = agreement.facts.provisioned.is_some();
            // Until the one that takes its place is here.
            let works_on =
                worked && matches!(agreement.state(), State::Ending { .. }) && !self.has_successor(agreement);
            let newest = (agreement.facts.requested, agreement.id);
            (works, works_on, worked, newest)
        };
        // A chain is never empty: it is made of one agreement and only grows.
        self.agreements.iter().max_by_key(rank).unwrap_or(&self.agreements[0])
    }

    /// Whether that one knows nothing else: when the cloud was asked last, and how often was written, say nothing.
    #[must_use]
    pub fn knows_as_much_as(&self, other: &Self) -> bool {
        let essence = |chain: &Self| {
            let mut chain = Self { version: 0, ..chain.clone() };
            chain.agreements.iter_mut().for_each(|agreement| agreement.read_at = None);
            chain
        };
        essence(self) == essence(other)
    }

    /// The chain, if this licence is revoked: it stands for nobody any more, and may go on under another customer's.
    #[must_use]
    pub fn without(mut self, revoked: Option<LicenseId>) -> Self {
        if self.license.is_some() && self.license == revoked {
            (self.license, self.customer) = (None, None);
        }
        self
    }

    /// This chain and that one as one: the one that has the licence stays, else the older one.
    ///
    /// # Errors
    /// [`LinkRefusal`].
    pub fn join(self, other: Self) -> Result<Self, LinkRefusal> {
        if self.product != other.product {
            return Err(LinkRefusal::TwoProducts);
        }
        if self.license.is_some() && other.license.is_some() {
            return Err(LinkRefusal::TwoLicenses);
        }
        if self.customer.zip(other.customer).is_some_and(|(one, other)| one != other) {
            return Err(LinkRefusal::TwoCustomers);
        }
        let keeps = |chain: &Self| (chain.license.is_none(), chain.customer.is_none(), chain.id);
        let (mut stays, goes) = if keeps(&self) <= keeps(&other) { (self, other) } else { (other, self) };
        stays.customer = stays.customer.or(goes.customer);
        stays.agreements.extend(goes.agreements);
        stays.agreements.sort_by_key(|agreement| (agreement.facts.requested, agreement.id));
        Ok(stays)
    }
}
