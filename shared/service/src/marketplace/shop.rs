//! What the marketplace's handlers share.

use std::sync::{Arc, PoisonError, RwLock};

use marque_clouds::aws::Fulfilment;
use marque_core::listing::{Listing, Mode};
use marque_core::{Cloud, Duration, Product, Timestamp};

use super::handle::SessionKey;
use crate::App;
use crate::problem::Error;

/// How long the list of products is taken as read.
const PRODUCTS_KEPT: Duration = Duration::from_seconds(60);
/// The most products that are looked through.
const MOST_PRODUCTS: i32 = 100;

/// The application, and the seller's way to AWS Marketplace. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shop(Arc<Shared>);

/// A shop that buyers visit: it has pages, and keeps sessions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Storefront {
    shop: Shop,
    sessions: SessionKey,
    /// Where buyers may ask: an address for mail or of a page.
    support: Arc<str>,
}

#[derive(Debug)]
struct Shared {
    app: App,
    fulfilment: Fulfilment,
    /// The seller's account: events of another are not ours.
    seller: String,
    products: RwLock<Option<(Timestamp, Arc<[Product]>)>>,
}

/// A product and the listing that was bought.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) product: Product,
    pub(super) listing: Listing,
}

impl Shop {
    /// A shop of this seller's account.
    #[must_use]
    pub fn new(app: App, fulfilment: Fulfilment, seller: String) -> Self {
        Self(Arc::new(Shared { app, fulfilment, seller, products: RwLock::default() }))
    }

    /// The shop with its pages: sessions are signed with this key, questions go to `support`.
    #[must_use]
    pub fn open(self, sessions: SessionKey, support: &str) -> Storefront {
        Storefront { shop: self, sessions, support: support.into() }
    }

    /// The application behind it.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.0.app
    }

    pub(super) fn fulfilment(&self) -> &Fulfilment {
        &self.0.fulfilment
    }

    pub(super) fn seller(&self) -> &str {
        &self.0.seller
    }

    /// The product whose SaaS listing has this code, or this entity.
    pub(super) async fn listed(
        &self,
        code: Option<&str>,
        entity: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Listed>, Error> {
        let products = self.products(now).await?;
        let wanted = |listing: &&Listing| {
            let named = code == Some(listing.claim.as_str())
                || (entity.is_some() && listing.entity_id.as_ref().map(|id| id.as_str()) == entity);
            listing.cloud == Cloud::Aws && listing.mode == Mode::Saas && named
        };
        let found = products.iter().find_map(|product| {
            let listing = product.marketplace.iter().find(wanted)?;
            Some(Listed { product: product.clone(), listing: listing.clone() })
        });
        Ok(found)
    }

    /// Whether anything is listed in the marketplace.
    pub(super) async fn sells(&self, now: Timestamp) -> Result<bool, Error> {
        let products = self.products(now).await?;
        let mut listings = products.iter().flat_map(|product| &product.marketplace);
        Ok(listings.any(|listing| listing.cloud == Cloud::Aws && listing.mode == Mode::Saas))
    }

    /// Reads the list of products anew when it is wanted next, unless that was done in this very second.
    pub(crate) fn forget_products(&self, now: Timestamp) {
        let mut kept = self.0.products.write().unwrap_or_else(PoisonError::into_inner);
        *kept = kept.take().filter(|(read_at, _)| *read_at == now);
    }

    async fn products(&self, now: Timestamp) -> Result<Arc<[Product]>, Error> {
        let kept = self.0.products.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read_at, products)) = kept
            && read_at <= now
            && now.since(read_at) < PRODUCTS_KEPT
        {
            return Ok(products);
        }
        let mut products = Vec::new();
        for slug in self.app().store().products(None, MOST_PRODUCTS).await? {
            products.extend(self.app().store().product(&slug).await?);
        }
        let products: Arc<[Product]> = products.into();
        *self.0.products.write().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&products)));
        Ok(products)
    }
}

impl Storefront {
    /// The shop behind the pages.
    #[must_use]
    pub fn shop(&self) -> &Shop {
        &self.shop
    }

    pub(super) fn app(&self) -> &App {
        self.shop.app()
    }

    pub(super) fn sessions(&self) -> &SessionKey {
        &self.sessions
    }

    pub(super) fn support(&self) -> &str {
        &self.support
    }
}
