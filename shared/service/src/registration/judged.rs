//! What a registration has found out before a licence is touched.

use marque_clouds::{Freshness, Machine};
use marque_core::listing::Mode;
use marque_core::machine::Held;
use marque_core::{Cloud, FingerprintValue, KeyChange, LicenseId, Listing, Product, RegisteredMachine, Timestamp};
use marque_store::{Along, StoreError, Use};

use super::body::Registration;
use crate::problem::Error;

/// A registration whose challenge, signature and proof are good.
#[derive(Debug)]
pub(super) struct Judged<'r> {
    pub(super) request: &'r Registration,
    /// SHA-256 of the body.
    pub(super) digest: [u8; 32],
    pub(super) machine: &'r Machine,
    /// The machine as it registered last.
    pub(super) known: Option<RegisteredMachine>,
    /// Which licence its code is.
    pub(super) by_code: Option<LicenseId>,
    pub(super) listing: &'r Listing,
    /// The listing is not proven, only the machine (OCI without a token).
    pub(super) unproven: bool,
    pub(super) now: Timestamp,
}

impl Judged<'_> {
    /// The start that the proof tells, where proofs can be shown again.
    pub(super) fn started_at(&self) -> Option<Timestamp> {
        match self.machine.freshness {
            Freshness::StartedAt(at) => Some(at),
            Freshness::Bound => None,
        }
    }

    pub(super) fn domain(&self) -> &FingerprintValue {
        &self.request.caller.fingerprint.value
    }

    /// The machine as it registered last, if it is the same account's still.
    pub(super) fn known(&self) -> Option<&RegisteredMachine> {
        self.known.as_ref().filter(|known| known.account == self.machine.account)
    }

    /// What the request's key means, if the machine is known.
    pub(super) fn key_change(&self) -> Option<KeyChange> {
        self.known().map(|known| known.judge_key(&self.request.public_key, self.started_at()))
    }

    /// What the machine is billed for now, of this product, if it is anything.
    pub(super) fn holds(&self) -> Option<Held> {
        self.known().and_then(|known| known.holds.get(&self.request.caller.product)).copied()
    }

    /// The licence of this product that the machine has brought along, if it has.
    pub(super) fn brings(&self) -> Option<Held> {
        self.known().and_then(|known| known.brings.get(&self.request.caller.product)).copied()
    }

    /// Whether support has shut the machine out.
    pub(super) fn is_shut_out(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.revoked)
    }

    /// The machine as it registers now.
    pub(super) fn record(&self, license: LicenseId) -> RegisteredMachine {
        let Judged { request, machine, listing, now, .. } = self;
        let known = self.known();
        let product = &request.caller.product;
        let mut holds = known.map(|known| known.holds.clone()).unwrap_or_default();
        let mut brings = known.map(|known| known.brings.clone()).unwrap_or_default();
        let held = Held { license, domain: *self.domain(), compared: self.is_compared() };
        let of_this_mode = if listing.mode == Mode::Billed { &mut holds } else { &mut brings };
        of_this_mode.insert(product.clone(), held);
        let key = request.public_key;
        let previous_key = match known {
            Some(known) if known.key != key => Some(known.key),
            Some(known) => known.previous_key,
            None => None,
        };
        RegisteredMachine {
            cloud: machine.cloud,
            instance: machine.instance.clone(),
            account: machine.account.clone(),
            region: machine.region.clone(),
            claim: (!self.unproven).then(|| listing.claim.to_string()),
            mode: listing.mode,
            product: product.clone(),
            license,
            domain: *self.domain(),
            key,
            previous_key,
            started_at: self.started_at().max(known.and_then(|known| known.started_at)),
            registered_at: known.map_or(*now, |known| known.registered_at),
            proven_at: *now,
            confirmed: held.compared || self.proves_all(),
            holds,
            brings,
            revoked: false,
            version: self.known.as_ref().map_or(1, |known| known.version + 1),
        }
    }

    /// What support has compared was a machine of this product, paid for in this way: another is compared anew.
    fn is_compared(&self) -> bool {
        let had = if self.listing.mode == Mode::Billed { self.holds() } else { self.brings() };
        had.is_some_and(|had| had.compared)
    }

    /// Listing and freshness are proven, so nobody has to compare anything.
    fn proves_all(&self) -> bool {
        !self.unproven && self.started_at().is_none()
    }

    /// What goes along with every change: the challenge is used up, the machine is written.
    pub(super) fn along(&self, record: &RegisteredMachine) -> Result<Along, StoreError> {
        let mut along = self.along_challenge(record);
        along.machine(record, self.known.as_ref())?;
        Ok(along)
    }

    /// The challenge is used up; the machine stays as it is.
    pub(super) fn along_challenge(&self, record: &RegisteredMachine) -> Along {
        let by = Use {
            body: self.digest,
            license: record.license,
            instance: record.instance.clone(),
            mode: record.mode,
            claim: record.claim.clone(),
            confirmed: record.confirmed,
        };
        let mut along = Along::default();
        along.use_challenge(&self.request.challenge, &by, self.now);
        along
    }
}

/// Which of the product's listings a machine was started from, and whether that is proven. A claim of a listing that
/// brings no licence never unlocks one that does.
pub(super) fn listing_of<'p>(
    product: &'p Product,
    machine: &Machine,
    has_code: bool,
) -> Result<(&'p Listing, bool), Error> {
    let of_cloud = |mode: Mode| move |listing: &&Listing| listing.cloud == machine.cloud && listing.mode == mode;
    // What Oracle's token tells counts only where the publisher has switched it on; else it tells nothing.
    let told = machine.cloud != Cloud::Oci
        || product.marketplace.iter().any(|listing| listing.cloud == Cloud::Oci && listing.accept_token);
    let claims = if told { machine.product_claims.as_slice() } else { &[] };
    let claimed = |listing: &&Listing| {
        let proven = machine.cloud != Cloud::Oci || listing.accept_token;
        proven && claims.iter().any(|claim| claim == listing.claim.as_str())
    };
    for mode in [Mode::Billed, Mode::Byol] {
        if let Some(listing) = product.marketplace.iter().filter(of_cloud(mode)).find(claimed) {
            return Ok((listing, false));
        }
    }
    if machine.cloud != Cloud::Oci || !claims.is_empty() {
        return Err(Error::ProductNotListed);
    }
    // Oracle's certificate tells nothing of a listing: it is as good as bringing one's own licence.
    let mut byol = product.marketplace.iter().filter(of_cloud(Mode::Byol));
    let mut provisional =
        product.marketplace.iter().filter(of_cloud(Mode::Billed)).filter(|listing| listing.provisional);
    let found = match (byol.next(), provisional.next()) {
        (Some(byol), _) if has_code => Some(byol),
        (_, Some(provisional)) => Some(provisional),
        (byol, None) => byol,
    };
    found.map(|listing| (listing, true)).ok_or(Error::ProductNotListed)
}
