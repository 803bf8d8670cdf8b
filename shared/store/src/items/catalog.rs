//! Products and plans as items. They are read once and cached, so their names are whole words.

use marque_core::plan::{Activations, Percent, Sale, Starts, Terms};
use marque_core::{Duration, FingerprintKind, Kind, Offer, Period, Plan, PlanRef, Product, Slug};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Item;
use crate::StoreError;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ProductItem {
    product: Slug,
    name: String,
    fingerprint_kind: FingerprintKind,
}

impl ProductItem {
    pub(crate) fn new(product: &Product) -> Self {
        Self { product: product.slug.clone(), name: product.name.clone(), fingerprint_kind: product.fingerprint_kind }
    }

    pub(crate) fn read(item: &Item) -> Result<Product, StoreError> {
        let Self { product, name, fingerprint_kind } = super::read(item)?;
        Ok(Product { slug: product, name, fingerprint_kind })
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
