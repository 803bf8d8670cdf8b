//! The fixed list of regions: what no list names is no host to speak to.

use std::collections::BTreeMap;

use crate::fetch::Place;

/// Regions of the commercial realm, by short name.
#[derive(Debug, Clone)]
pub(crate) struct Regions(BTreeMap<String, String>);

/// A region that is on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region(String);

impl Regions {
    pub(crate) fn new(by_short_name: BTreeMap<String, String>) -> Self {
        Self(by_short_name)
    }

    /// The region of an OCID, which names it by its short or its long name.
    pub(crate) fn find(&self, name: &str) -> Option<Region> {
        let long = self.0.get(name).or_else(|| self.0.values().find(|long| *long == name))?;
        Some(Region(long.clone()))
    }
}

impl Region {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the region lists its roots.
    pub(crate) fn roots(&self) -> Place {
        Place::of_oracle(&format!("auth.{}.oraclecloud.com", self.0), "/v1/instancePrincipalRootCACertificates")
    }
}
