//! What the simulated seller lists.

use serde::{Deserialize, Serialize};

/// The account that issues the licences of the marketplace.
pub(crate) const ISSUER_ACCOUNT: &str = "294406891311";

/// A SaaS product of the marketplace.
#[derive(Debug, Clone)]
pub struct Listing {
    /// What tokens and entitlements name it by.
    pub product_code: String,
    /// What agreements name it by: `prod-…`.
    pub product_id: String,
    /// Its title.
    pub title: String,
    /// Its dimensions.
    pub dimensions: Vec<Dimension>,
}

/// A dimension of a listing, by its API name, which is case-sensitive.
#[derive(Debug, Clone)]
pub struct Dimension {
    /// The API name.
    pub name: String,
    /// What it is for.
    pub kind: DimensionKind,
}

/// What a dimension is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DimensionKind {
    /// Bought up front.
    Entitled,
    /// Metered, and billed afterwards.
    Metered,
}

/// How an agreement is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pricing {
    /// Up front, for a term.
    Contract,
    /// By usage alone.
    Subscription,
    /// Up front, and what exceeds it by usage.
    ContractWithConsumption,
}

impl Pricing {
    pub(crate) const fn is_metered(self) -> bool {
        !matches!(self, Self::Contract)
    }

    pub(crate) const fn is_entitled(self) -> bool {
        !matches!(self, Self::Subscription)
    }
}

impl Listing {
    pub(crate) fn has(&self, dimension: &str, kind: DimensionKind) -> bool {
        self.dimensions.iter().any(|known| known.name == dimension && known.kind == kind)
    }
}
