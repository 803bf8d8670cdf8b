//! The shop of a world: who sells what, and the service in front of it.

use axum::Router;

use marque_core::listing::{Dimension, Effect, ListingName, Mode};
use marque_core::token::RootKey;
use marque_core::usage::{Included, Retention, Unit};
use marque_core::{Cloud, FingerprintKind, Listing, Product, Slug};

use marque_marketplace_sim::{Dimension as Listed, DimensionKind, Listing as Shelf, Marketplace, Seller};
use marque_service::admin::{Access, LocalToken};
use marque_service::clouds::{Fulfilment, Wiring};
use marque_service::http::envelope;
use marque_service::keyring::{Keys, NewKey, RingDocument};
use marque_service::mail::{Kept, Post};
use marque_service::marketplace::{self, Shop};

use marque_service::{App, Clock};
use marque_store::Store;

use super::plan::DIMENSIONS;

pub(super) const TABLE: &str = "marque";
const SELLER: &str = "111122223333";
pub(super) const CODE: &str = "code";
const ISSUER: &str = "https://licensing.example.com";
pub(super) const TOKEN: &str = "token";

/// Who sells, and what.
pub(super) fn seller() -> Seller {
    let dimension = |name: &str, kind| Listed { name: name.to_owned(), kind };
    let mut dimensions: Vec<_> = DIMENSIONS.iter().map(|name| dimension(name, DimensionKind::Metered)).collect();
    dimensions.push(dimension("seats", DimensionKind::Entitled));
    let shelf =
        Shelf { product_code: CODE.to_owned(), product_id: "prod-1".to_owned(), title: "Demo".to_owned(), dimensions };
    Seller { account: SELLER.to_owned(), listings: vec![shelf] }
}

pub(super) fn shop(store: &Store, clock: &Clock, market: &Marketplace) -> Result<Shop, String> {
    shop_over(store, clock, Fulfilment::new(&Wiring::simulated(market.http_client())))
}

pub(super) fn shop_over(store: &Store, clock: &Clock, fulfilment: Fulfilment) -> Result<Shop, String> {
    let from = "2027-01-01T00:00:00Z".parse().map_err(|_| "no time")?;
    let root = RootKey::from_seed([9; 32]);
    let ring = RingDocument::first(&root, ISSUER, &NewKey::Seed([1; 32]), &NewKey::Seed([2; 32]), from, from);
    let keys =
        Keys::given(&ring.map_err(|error| error.to_string())?, clock.now()).map_err(|error| error.to_string())?;
    let post = Post::kept(Kept::in_memory(), ISSUER);
    let app = App::new(store.clone(), clock.clone(), keys, ISSUER.to_owned(), post);
    Ok(Shop::new(app, fulfilment, SELLER.to_owned()))
}

pub(super) fn router(shop: &Shop) -> Router {
    let access = Access::Token(LocalToken::new(TOKEN));
    envelope(Router::from(marketplace::admin_api(access)).with_state(shop.clone()))
}

pub(super) fn slug() -> Result<Slug, String> {
    "demo".parse().map_err(|_| "no slug".to_owned())
}

pub(super) fn product() -> Result<Product, String> {
    let name = |text: &str| text.parse::<ListingName>().map_err(str::to_owned);
    let units =
        [(Unit::Decimal, Included::None), (Unit::Integral, Included::None), (Unit::Integral, Included::PerHour)];
    let dimensions = DIMENSIONS.iter().zip(units).map(|(dimension, (unit, included))| {
        Ok(Dimension { name: name(dimension)?, effect: Effect::Metered { unit, included } })
    });
    let listing = Listing {
        cloud: Cloud::Aws,
        claim: name(CODE)?,
        mode: Mode::Saas,
        plan: slug()?,
        entity_id: Some(name("prod-1")?),
        provisional: false,
        accept_token: false,
        dimensions: dimensions.collect::<Result<_, String>>()?,
    };
    Ok(Product {
        slug: slug()?,
        name: "Demo".to_owned(),
        fingerprint_kind: FingerprintKind::AdDomain,
        marketplace: vec![listing],
        usage_retention: Retention::default(),
    })
}
