//! Where a product is listed in the clouds' marketplaces, as plain data: what a cloud's claim stands for.

use std::fmt;
use std::str::FromStr;

use crate::cloud::Cloud;
use crate::slug::Slug;
use crate::usage::{Included, Unit};
use crate::words::words;

words! {
    /// How a listing is paid for.
    Mode, "must be `byol`, `billed` or `saas`" {
        /// Bring your own licence: the code was bought elsewhere.
        Byol = "byol",
        /// The cloud meters the machine.
        Billed = "billed",
        /// An agreement of the marketplace grants the licence.
        Saas = "saas",
    }
}

/// One listing of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// In which cloud.
    pub cloud: Cloud,
    /// What the cloud's proofs and agreements call it: a product code, or Azure's `publisher/product/plan`.
    pub claim: ListingName,
    /// How it is paid for.
    pub mode: Mode,
    /// The plan of its licences.
    pub plan: Slug,
    /// The listing's entity in the cloud's catalogue.
    pub entity_id: Option<ListingName>,
    /// A machine may run for a while before the cloud confirms it.
    pub provisional: bool,
    /// The cloud's token for its marketplace proves the listing (OCI).
    pub accept_token: bool,
    /// What agreements grant and meter.
    pub dimensions: Vec<Dimension>,
}

/// A dimension of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// As the marketplace calls it.
    pub name: ListingName,
    /// What it does.
    pub effect: Effect,
}

/// What an entitlement to a dimension does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It names the plan.
    Plan,
    /// Its value goes into the licence's features.
    Limit,
    /// Its use is reported.
    Metered {
        /// What quantities look like.
        unit: Unit,
        /// How much is included.
        included: Included,
    },
}

impl Effect {
    /// The effect's name, as the wire and the table write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Limit => "limit",
            Self::Metered { .. } => "metered",
        }
    }

    /// The effect of this name. Whatever is metered must say its unit, and nothing else may.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(name: &str, unit: Option<Unit>, included: Option<Included>) -> Result<Self, &'static str> {
        match (name, unit, included) {
            ("plan", None, None) => Ok(Self::Plan),
            ("limit", None, None) => Ok(Self::Limit),
            ("plan" | "limit", ..) => Err("only a `metered` dimension has `unit` and `included`"),
            ("metered", Some(unit), included) => {
                Ok(Self::Metered { unit, included: included.unwrap_or(Included::None) })
            }
            ("metered", None, _) => Err("a `metered` dimension has a `unit`: `integral` or `decimal`"),
            _ => Err("must be `plan`, `limit` or `metered`"),
        }
    }
}

/// A marketplace's name of something: 1 to 200 printable ASCII characters without spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListingName(Box<str>);

impl ListingName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ListingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ListingName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let fits = (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.into())) } else { Err("must be 1 to 200 printable ASCII characters without spaces") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_metered_has_a_unit() {
        assert_eq!(Effect::new("plan", None, None), Ok(Effect::Plan));
        let metered = Effect::Metered { unit: Unit::Decimal, included: Included::None };
        assert_eq!(Effect::new("metered", Some(Unit::Decimal), None), Ok(metered));
        assert!(Effect::new("metered", None, None).is_err());
        assert!(Effect::new("limit", Some(Unit::Integral), None).is_err());
        assert!(Effect::new("other", None, None).is_err());
    }
}
