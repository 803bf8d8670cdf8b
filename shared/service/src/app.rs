//! What every handler shares, made once at start.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use marque_clouds::Verifier;
use marque_core::{License, Offer, Plan, PlanRef, Plans, Slug, Timestamp};
use marque_store::{Store, StoreError};

use crate::clock::Clock;
use crate::keyring::Keys;
use crate::mail::Post;
use crate::problem::Error;

/// The table, the clock, the keys, and what is cached. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    clock: Clock,
    keys: Keys,
    issuer: String,
    post: Post,
    plans: RwLock<HashMap<(Slug, PlanRef), Arc<Plan>>>,
    signed_list: RwLock<Option<SignedList>>,
    verifier: OnceLock<Verifier>,
}

impl App {
    /// An application over this table, clock and keys, whose tokens carry `issuer` and whose mails go by `post`.
    #[must_use]
    pub fn new(store: Store, clock: Clock, keys: Keys, issuer: String, post: Post) -> Self {
        let (plans, signed_list, verifier) = (RwLock::default(), RwLock::default(), OnceLock::new());
        Self(Arc::new(Shared { store, clock, keys, issuer, post, plans, signed_list, verifier }))
    }

    /// The table.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The clock: read once a request.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The key ring.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The `iss` of every token.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// What carries mails.
    #[must_use]
    pub fn post(&self) -> &Post {
        &self.0.post
    }

    /// Lets machines prove themselves to `verifier`, from now on; a second one changes nothing. Only functions that register
    /// machines have one: the others need not read trust data at their start.
    pub fn verify_proofs_with(&self, verifier: Verifier) {
        self.0.verifier.get_or_init(|| verifier);
    }

    /// What verifies machines' proofs.
    pub(crate) fn verifier(&self) -> Result<&Verifier, Error> {
        let missing = || Error::Unavailable { cause: "this function verifies no proofs".to_owned() };
        self.0.verifier.get().ok_or_else(missing)
    }

    /// The plans of a licence's terms. Revisions never change, so each is read once and kept.
    pub(crate) async fn plans(&self, license: &License) -> Result<LicensePlans, Error> {
        let next = match &license.next {
            Some(term) => Some(self.plan(&license.product, &term.plan).await?),
            None => None,
        };
        Ok(LicensePlans { running: self.plan(&license.product, &license.running.plan).await?, next })
    }

    /// The list of revocations that was signed last.
    pub(crate) fn signed_list(&self) -> Option<SignedList> {
        self.0.signed_list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a signed list for the next callers.
    pub(crate) fn keep_signed_list(&self, list: SignedList) {
        *self.0.signed_list.write().unwrap_or_else(PoisonError::into_inner) = Some(list);
    }

    /// Keeps a plan's revision that was read strongly: a licence is about to name it.
    pub(crate) fn keep_plan(&self, product: &Slug, offer: &Offer) {
        let key = (product.clone(), offer.reference.clone());
        self.0.plans.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::new(offer.plan.clone()));
    }

    /// A plan's revision, read once and kept.
    pub(crate) async fn plan(&self, product: &Slug, reference: &PlanRef) -> Result<Arc<Plan>, Error> {
        let key = (product.clone(), reference.clone());
        if let Some(plan) = self.0.plans.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(plan));
        }
        let found = self.0.store.plan_revision(product, reference).await?.ok_or_else(|| StoreError::Corrupt {
            item: format!("plan {reference} of {product}"),
            fault: "a licence names this revision and it is not there".to_owned(),
        })?;
        let plan = Arc::new(found.plan);
        self.0.plans.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&plan));
        Ok(plan)
    }
}

/// The plans of one licence's terms, kept alive while it is judged.
#[derive(Debug, Clone)]
pub(crate) struct LicensePlans {
    running: Arc<Plan>,
    next: Option<Arc<Plan>>,
}

impl LicensePlans {
    pub(crate) fn as_ref(&self) -> Plans<'_> {
        Plans { running: &self.running, next: self.next.as_deref() }
    }
}

/// A list of revocations that was signed, and may be handed out for a while.
#[derive(Debug, Clone)]
pub(crate) struct SignedList {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) token: String,
}
