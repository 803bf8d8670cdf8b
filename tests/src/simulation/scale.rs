//! A table and a marketplace with many agreements, for measuring.

use std::sync::Arc;

use marque_core::agreement::{Agreement, Chain, Since};
use marque_core::usage::{EntryKey, Hour, Quantity, Target};
use marque_core::{AgreementId, Duration, Timestamp};
use marque_embedded::Embedded;
use marque_marketplace_sim::{Marketplace, Order, Pricing};
use marque_service::Clock;
use marque_service::clouds::{Fulfilment, Wiring};
use marque_service::marketplace::Shop;
use marque_store::{Along, KeepChain, LicenseChange, NewUsage, Store};

use super::plan::DIMENSIONS;
use super::shop;
use crate::timed::Others;

/// When usage is reported, and when the meter runs.
const USED: &str = "2027-03-10T10:30:00Z";
const METERED: &str = "2027-03-10T11:05:00Z";

/// Agreements that have used something in an hour that is over.
#[derive(Debug)]
pub struct Scale {
    /// Their table.
    pub embedded: Embedded,
    /// Their marketplace.
    pub market: Marketplace,
    /// Tells the time at which the meter is to run.
    pub clock: Clock,
}

/// So many agreements, each with an hour of two dimensions.
///
/// # Errors
/// What went wrong.
async fn fill(agreements: usize) -> Result<Scale, String> {
    let used: Timestamp = USED.parse().map_err(|_| "no time")?;
    let metered: Timestamp = METERED.parse().map_err(|_| "no time")?;
    let clock = Clock::still(used.before(Duration::hours(2)));
    let told = clock.clone();
    let market = Marketplace::memory(shop::seller(), Arc::new(move || told.now()), "scale");
    let embedded = Embedded::memory().map_err(|error| error.to_string())?;
    let store = Store::new(embedded.client(), shop::TABLE);
    let failed = |error: marque_store::StoreError| error.to_string();
    store.create_table().await.map_err(failed)?;
    store.put_product(&shop::product()?).await.map_err(failed)?;
    for number in 0..agreements {
        let bought = market.purchase(Order::new(shop::CODE, Pricing::Subscription, Vec::new()));
        let bought = bought.map_err(|objection| objection.to_string())?;
        let now = clock.now();
        let mut random = [0; 10];
        random[2..].copy_from_slice(&(number as u64).to_be_bytes());
        let external = bought.agreement.parse().map_err(|_| "no id of an agreement")?;
        let mut agreement = Agreement::new(AgreementId::new(now, random), external, shop::CODE, now);
        agreement.learn_license(bought.license_arn.parse().map_err(|_| "no name of a licence")?);
        agreement.facts.provisioned = Some(Since::Said(now));
        agreement.account =
            bought.events[0]["detail"]["acceptor"]["accountId"].as_str().and_then(|text| text.parse().ok());
        let chain = Chain::new(shop::slug()?, agreement.clone());
        let change = KeepChain {
            before: None,
            after: &chain,
            absorbed: None,
            told_by: None,
            license: LicenseChange::Nothing,
            customer: None,
        };
        let _done = store.keep_chain(change, Along::NOTHING).await.map_err(failed)?;
        let targets = DIMENSIONS.map(|dimension| {
            let key = EntryKey {
                chain: chain.id,
                agreement: agreement.id,
                hour: Hour::of(used),
                dimension: dimension.to_owned(),
            };
            [Target { key, carried: false, due: metered }]
        });
        let quantity = Quantity::from_millionths(1_250_000 + number as u128);
        let records = [0, 1].map(|place| NewUsage {
            id: DIMENSIONS[place],
            at: used,
            dimension: DIMENSIONS[place],
            quantity,
            targets: &targets[place],
        });
        store.record_usage(chain.id, &[], &records, used).await.map_err(failed)?;
    }
    for event in market.waiting_events().map_err(|error| error.to_string())? {
        market.delivered(event["id"].as_str().unwrap_or_default()).map_err(|error| error.to_string())?;
    }
    clock.set(metered);
    Ok(Scale { embedded, market, clock })
}

/// Measures something at such a table: in virtual time, as the marketplace's rates want it.
#[derive(Debug)]
pub struct Measured {
    /// The table and the marketplace.
    pub scale: Scale,
    /// The shop over them.
    pub shop: Shop,
    /// Its way to the marketplace.
    pub wiring: Wiring,
    /// What the two take of the processor.
    pub others: Others,
}

impl Measured {
    /// A shop of so many agreements.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn new(agreements: usize) -> Result<Self, String> {
        let (others, scale) = (Others::default(), fill(agreements).await?);
        let wiring = Wiring::simulated(others.timed(scale.market.http_client()));
        let store = Store::new(others.table(&scale.embedded), shop::TABLE);
        let shop = shop::shop_over(&store, &scale.clock, Fulfilment::new(&wiring))?;
        Ok(Self { scale, shop, wiring, others })
    }
}

/// Runs a bench of so many agreements, or of as many as its first number asks for.
///
/// # Errors
/// What went wrong.
pub fn measure<F: Future<Output = ()>>(agreements: usize, bench: impl FnOnce(Measured) -> F) -> Result<(), String> {
    let agreements = std::env::args().find_map(|given| given.parse().ok()).unwrap_or(agreements);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        bench(Measured::new(agreements).await?).await;
        Ok(())
    })
}
