//! The simulated AWS Marketplace of a local run: the demo product's SaaS listing, on the service's clock.

use std::sync::Arc;

use marque_core::listing::{Effect, Listing as Sold, Mode};
use marque_core::{Cloud, Product};
use marque_marketplace_sim::{Dimension, DimensionKind, Listing, Marketplace, Seller};
use marque_service::clouds::{Fulfilment, Wiring};
use marque_service::marketplace::{Shop, Storefront};
use marque_service::{App, chance};

use super::data::Data;
use crate::output::Unusable;

/// The seller's account.
const SELLER: &str = "111122223333";
const SUPPORT: &str = "support@example.com";

/// Opens the marketplace, with a listing for each that the product has there.
pub(super) fn marketplace(data: &Data, app: &App, product: &Product) -> Result<Marketplace, Unusable> {
    let saas = |listing: &&Sold| listing.cloud == Cloud::Aws && listing.mode == Mode::Saas;
    let listings = product.marketplace.iter().filter(saas).map(|sold| listing(product, sold)).collect();
    let seller = Seller { account: SELLER.to_owned(), listings };
    let clock = app.clock().clone();
    let now = Arc::new(move || clock.now());
    let seed: String = chance::draw::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
    match data.file("marketplace.jsonl") {
        Some(path) => Marketplace::open(seller, now, &path, &seed).map_err(|error| {
            Unusable::new(format!(
                "{} cannot be used: {error}. Put back a copy, or start with another --data",
                path.display()
            ))
        }),
        None => Ok(Marketplace::memory(seller, now, &seed)),
    }
}

/// The shop in front of it.
pub(super) fn storefront(data: &Data, app: &App, market: &Marketplace) -> Storefront {
    let wiring = Wiring::simulated(market.http_client());
    Shop::new(app.clone(), Fulfilment::new(&wiring), SELLER.to_owned()).open(data.session_key(), SUPPORT)
}

fn listing(product: &Product, sold: &Sold) -> Listing {
    let dimensions = sold.dimensions.iter().map(|dimension| Dimension {
        name: dimension.name.to_string(),
        kind: match dimension.effect {
            Effect::Plan | Effect::Limit => DimensionKind::Entitled,
            Effect::Metered { .. } => DimensionKind::Metered,
        },
    });
    Listing {
        product_code: sold.claim.to_string(),
        product_id: sold.entity_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        title: product.name.clone(),
        dimensions: dimensions.collect(),
    }
}
