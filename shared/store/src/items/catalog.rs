//! Products and plans as items. They are read once and cached, so their names are whole words.

use marque_core::listing::{Dimension, Effect};
use marque_core::plan::{Activations, Percent, Sale, Starts, Terms};
use marque_core::usage::{Included, Retention, Unit};
use marque_core::{
    Cloud, Duration, FingerprintKind, Kind, Listing, ListingName, Mode, Offer, Period, Plan, PlanRef, Product, Slug,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Item;
use crate::StoreError;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ProductItem {
    product: Slug,
    name: String,
    fingerprint_kind: FingerprintKind,
    #[serde(default)]
    marketplace: Vec<ListingItem>,
    /// Absent when it is the default.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    usage_retention: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ListingItem {
    cloud: Cloud,
    claim: String,
    mode: Mode,
    plan: Slug,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    entity_id: Option<String>,
    provisional: bool,
    accept_token: bool,
    dimensions: Vec<DimensionItem>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DimensionItem {
    name: String,
    effect: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    unit: Option<Unit>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    included: Option<Included>,
}

impl ListingItem {
    fn new(listing: &Listing) -> Self {
        Self {
            cloud: listing.cloud,
            claim: listing.claim.to_string(),
            mode: listing.mode,
            plan: listing.plan.clone(),
            entity_id: listing.entity_id.as_ref().map(ListingName::to_string),
            provisional: listing.provisional,
            accept_token: listing.accept_token,
            dimensions: listing.dimensions.iter().map(DimensionItem::new).collect(),
        }
    }

    fn listing(self) -> Result<Listing, &'static str> {
        Ok(Listing {
            cloud: self.cloud,
            claim: self.claim.parse()?,
            mode: self.mode,
            plan: self.plan,
            entity_id: self.entity_id.map(|id| id.parse()).transpose()?,
            provisional: self.provisional,
            accept_token: self.accept_token,
            dimensions: self.dimensions.into_iter().map(DimensionItem::dimension).collect::<Result<_, _>>()?,
        })
    }
}

impl DimensionItem {
    fn new(dimension: &Dimension) -> Self {
        let (unit, included) = match dimension.effect {
            Effect::Metered { unit, included } => (Some(unit), Some(included)),
            Effect::Plan | Effect::Limit => (None, None),
        };
        Self { name: dimension.name.to_string(), effect: dimension.effect.as_str().to_owned(), unit, included }
    }

    fn dimension(self) -> Result<Dimension, &'static str> {
        Ok(Dimension { name: self.name.parse()?, effect: Effect::new(&self.effect, self.unit, self.included)? })
    }
}

impl ProductItem {
    pub(crate) fn new(product: &Product) -> Self {
        Self {
            product: product.slug.clone(),
            name: product.name.clone(),
            fingerprint_kind: product.fingerprint_kind,
            marketplace: product.marketplace.iter().map(ListingItem::new).collect(),
            usage_retention: Some(product.usage_retention)
                .filter(|retention| *retention != Retention::default())
                .map(|retention| retention.to_string()),
        }
    }

    pub(crate) fn read(item: &Item) -> Result<Product, StoreError> {
        let Self { product, name, fingerprint_kind, marketplace, usage_retention } = super::read(item)?;
        let marketplace: Result<_, _> = marketplace.into_iter().map(ListingItem::listing).collect();
        let marketplace = marketplace.map_err(|fault| StoreError::corrupt(item, fault))?;
        let usage_retention = usage_retention.map_or_else(|| Ok(Retention::default()), |text| text.parse());
        let usage_retention = usage_retention.map_err(|fault| StoreError::corrupt(item, fault))?;
        Ok(Product { slug: product, name, fingerprint_kind, marketplace, usage_retention })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanItem {
    plan: Slug,
    revision: u32,
    name: String,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    term: Option<Period>,
    starts: Starts,
    grace: Duration,
    lease: Duration,
    activations: u8,
    rebinds_per_year: u8,
    sale: Sale,
    /// As JSON text: the publisher's own, carried as it is.
    features: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    trials_per_person: Option<u16>,
    discount_max: u8,
    reminders: Vec<u16>,
}

impl PlanItem {
    pub(crate) fn new(offer: &Offer) -> Self {
        let plan = &offer.plan;
        Self {
            plan: offer.reference.plan.clone(),
            revision: offer.reference.revision,
            name: plan.name.clone(),
            kind: plan.kind(),
            term: plan.period(),
            starts: plan.starts(),
            grace: plan.grace(),
            lease: plan.lease,
            activations: plan.activations.get(),
            rebinds_per_year: plan.rebinds_per_year,
            sale: plan.sale,
            features: Value::Object(plan.features.clone()).to_string(),
            trials_per_person: plan.trials_per_person,
            discount_max: plan.discount_max.get(),
            reminders: plan.reminders.clone(),
        }
    }

    pub(crate) fn read(item: &Item) -> Result<Offer, StoreError> {
        let content: Self = super::read(item)?;
        content.offer().map_err(|fault| StoreError::corrupt(item, fault))
    }

    fn offer(self) -> Result<Offer, &'static str> {
        let terms = match (self.kind, self.term) {
            (Kind::Trial, Some(length)) => Terms::Trial { length, starts: self.starts, grace: self.grace },
            (Kind::Trial, None) => return Err("a trial has no length"),
            (Kind::Subscription, period) => Terms::Subscription { period, starts: self.starts, grace: self.grace },
            (Kind::Perpetual, _) => Terms::Perpetual,
        };
        let plan = Plan {
            name: self.name,
            terms,
            lease: self.lease,
            activations: Activations::new(self.activations.into()).ok_or("a plan allows 1 to 8 activations")?,
            rebinds_per_year: self.rebinds_per_year,
            sale: self.sale,
            features: serde_json::from_str::<Map<String, Value>>(&self.features)
                .map_err(|_| "the features are no JSON object")?,
            trials_per_person: self.trials_per_person,
            discount_max: Percent::new(self.discount_max.into()).ok_or("a discount is at most 50 percent")?,
            reminders: self.reminders,
        };
        Ok(Offer { reference: PlanRef { plan: self.plan, revision: self.revision }, plan })
    }
}
