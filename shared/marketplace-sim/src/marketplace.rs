//! The marketplace as its owner holds it: what buyers do, what is known, what goes wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use marque_core::{Duration, Timestamp};
use serde_json::Value;

use crate::fault::{Fault, Faults};
use crate::listing::Listing;
use crate::operation::Operation;
use crate::truth::Truth;
use crate::world::{Change, World};

/// Tells the time, as the service under test knows it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A simulated AWS Marketplace. Clones are handles on the same one.
#[derive(Clone)]
pub struct Marketplace(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) seller: Seller,
    pub(crate) clock: Clock,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) faults: Faults,
    pub(crate) knobs: Knobs,
    /// How often each call was made, and in which second the last ones were.
    pub(crate) calls: BTreeMap<Operation, Calls>,
}

/// How often a call was made.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Calls {
    pub(crate) all: usize,
    pub(crate) second: Option<Timestamp>,
    pub(crate) in_second: u32,
}

/// The seller whose marketplace this is.
#[derive(Debug, Clone)]
pub struct Seller {
    /// Its AWS account.
    pub account: String,
    /// What it lists.
    pub listings: Vec<Listing>,
}

/// How strict and how late the marketplace is. By default it is neither late nor limited.
#[derive(Debug, Clone, Copy, Default)]
pub struct Knobs {
    /// Calls beyond the published rates are throttled, by seconds of the clock.
    pub limits_rates: bool,
    /// How long after an event GetEntitlements tells of it.
    pub entitlement_lag: Duration,
    /// How long after License Updated usage is answered with `CustomerNotSubscribed`.
    pub subscription_lag: Duration,
    /// An identical record sent again is answered with `DuplicateRecord`, not with `Success`: AWS says both.
    pub identical_is_duplicate: bool,
    /// GetEntitlements gives an empty page first, which goes on.
    pub empty_pages: bool,
    /// The calls of the Agreement API are denied, as they may be to sellers.
    pub agreements_denied: bool,
}

impl Marketplace {
    /// A marketplace in memory; ids are drawn from `seed`.
    #[must_use]
    pub fn memory(seller: Seller, clock: Clock, seed: &str) -> Self {
        Self::new(seller, clock, World::new(seed))
    }

    /// The marketplace in the journal at `path`, made if it is not there. Whatever was acknowledged is kept, also when
    /// the process is killed. `seed` must be a fresh one each time.
    ///
    /// # Errors
    /// When the file cannot be read, or is no journal.
    pub fn open(seller: Seller, clock: Clock, path: &Path, seed: &str) -> io::Result<Self> {
        World::open(path, seed).map(|world| Self::new(seller, clock, world))
    }

    /// Lets the next `times` requests of `operation` meet `fault`, after those that were ordered before; none at all
    /// ends every fault that was ordered for it.
    pub fn order_fault(&self, operation: Operation, fault: Fault, times: usize) {
        self.lock().faults.order(operation, fault, times);
    }

    /// Turns knobs.
    pub fn set(&self, turn: impl FnOnce(&mut Knobs)) {
        turn(&mut self.lock().knobs);
    }

    /// What the metering service knows.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.lock().world.truth.clone()
    }

    /// How often a call was made.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> usize {
        self.lock().calls.get(&operation).map_or(0, |calls| calls.all)
    }

    /// The events that wait to be delivered, oldest first. They wait until [`Self::delivered`] says that they need not.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn waiting_events(&self) -> io::Result<Vec<Value>> {
        let mut state = self.lock();
        self.lapse(&mut state)?;
        Ok(state.world.events.iter().cloned().collect())
    }

    /// The event of this id has reached whom it was for.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn delivered(&self, id: &str) -> io::Result<()> {
        self.lock().world.commit(vec![Change::Delivered(id.to_owned())])
    }

    /// Lets an event of one's own wait to be delivered among the others.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn send(&self, event: Value) -> io::Result<()> {
        self.lock().world.commit(vec![Change::Event(event)])
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new(seller: Seller, clock: Clock, world: World) -> Self {
        let state = State { world, faults: Faults::default(), knobs: Knobs::default(), calls: BTreeMap::new() };
        Self(Arc::new(Shared { seller, clock, state: Mutex::new(state) }))
    }
}

impl Shared {
    pub(crate) fn listing(&self, product_code: &str) -> Option<&Listing> {
        self.seller.listings.iter().find(|listing| listing.product_code == product_code)
    }
}

impl fmt::Debug for Marketplace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Marketplace").field("seller", &self.0.seller.account).finish_non_exhaustive()
    }
}
