//! Machines of clouds that have registered, and what a registration may change.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::Cloud;
use crate::fingerprint::FingerprintValue;
use crate::id::{ActivationId, LicenseId};
use crate::license::{License, Paid};
use crate::listing::Mode;
use crate::plan::{Plan, PlanRef};
use crate::slug::Slug;
use crate::time::{Duration, Timestamp};

/// A proof pays so far: machines that are billed by their cloud prove themselves daily.
pub const PROOF_PAYS: Duration = Duration::days(3);
/// A machine that nobody has confirmed yet, where a product allows it, is paid for so long, once.
pub const PROVISIONAL: Duration = Duration::days(7);
/// Whoever has not checked in for so long may be replaced without counting it.
pub const AWAY: Duration = Duration::hours(24);

/// At most so many machines that were replaced are told so: the latest ones.
const REPLACED_KEYS: usize = 8;

/// A machine as it registered last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredMachine {
    /// Which cloud it runs in.
    pub cloud: Cloud,
    /// The cloud's id of it.
    pub instance: String,
    /// Whose it is there.
    pub account: String,
    /// Where it runs, if its proof says so.
    pub region: Option<String>,
    /// The listing that it was started from; none where only the machine is proven.
    pub claim: Option<String>,
    /// How the listing is paid for.
    pub mode: Mode,
    /// The product that it runs.
    pub product: Slug,
    /// The licence that it was given.
    pub license: LicenseId,
    /// The domain that it is in.
    pub domain: FingerprintValue,
    /// Its Ed25519 key.
    pub key: [u8; 32],
    /// The key before, which may always take its machine back where a proof cannot tell the two apart.
    pub previous_key: Option<[u8; 32]>,
    /// The latest start that a proof told, where proofs can be shown again (AWS).
    pub started_at: Option<Timestamp>,
    /// When it was registered first.
    pub registered_at: Timestamp,
    /// When it proved itself last.
    pub proven_at: Timestamp,
    /// Listing and freshness are proven, or support has compared them with the cloud's usage report.
    pub confirmed: bool,
    /// What its cloud bills it for, by product: at most one domain's licence each.
    pub holds: BTreeMap<Slug, Held>,
    /// The licences that it brought along by their codes, by product.
    pub brings: BTreeMap<Slug, Held>,
    /// Support has shut it out.
    pub revoked: bool,
    /// Counts changes.
    pub version: u64,
}

/// A licence of a machine, and the domain that it holds it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The licence.
    pub license: LicenseId,
    /// The domain.
    pub domain: FingerprintValue,
    /// Support has compared it with the cloud's usage report: that outlasts proofs which prove less.
    pub compared: bool,
}

/// What a registration with a key means for a machine that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyChange {
    /// It is the machine's key.
    Same,
    /// It takes the machine's key's place: the cloud signed it into the proof, the machine was started again since, or
    /// it is the key before, which takes its machine back.
    Replaces,
    /// The proof may be a copy of one that was shown before.
    Refused,
}

impl RegisteredMachine {
    /// Judges a key that came with a proof. `started_at`: the start that the proof tells, where proofs can be shown again;
    /// none where the cloud signed the key into it.
    #[must_use]
    pub fn judge_key(&self, key: &[u8; 32], started_at: Option<Timestamp>) -> KeyChange {
        match started_at {
            _ if self.key == *key => KeyChange::Same,
            None => KeyChange::Replaces,
            Some(_) if self.previous_key.as_ref() == Some(key) => KeyChange::Replaces,
            Some(started) if self.started_at.is_none_or(|latest| started > latest) => KeyChange::Replaces,
            Some(_) => KeyChange::Refused,
        }
    }
}

impl RegisteredMachine {
    /// Every licence that it has to do with, each once.
    #[must_use]
    pub fn licenses(&self) -> BTreeSet<LicenseId> {
        let held = self.holds.values().chain(self.brings.values()).map(|held| held.license);
        held.chain([self.license]).collect()
    }

    /// Support has compared it, and all that it has, with the cloud's usage report.
    #[must_use]
    pub fn compared(mut self) -> Self {
        self.confirmed = true;
        self.holds.values_mut().chain(self.brings.values_mut()).for_each(|held| held.compared = true);
        self
    }
}

impl License {
    /// Paid until `until` by a proof of a machine whose listing is sold under the plan `listed`. What is paid further, by a
    /// term that support has sold or for ever, stays so, under its own plan.
    #[must_use]
    pub fn proven(mut self, until: Timestamp, listed: &PlanRef) -> Self {
        let last = self.next.as_mut().unwrap_or(&mut self.running);
        let further = match last.paid {
            Paid::Forever => true,
            Paid::NotStarted => false,
            Paid::Through { .. } | Paid::Until(_) => last.paid.end().is_some_and(|end| end >= until),
        };
        if !further {
            last.paid = Paid::Until(until);
        }
        if matches!(last.paid, Paid::Until(_)) && last.plan.plan != listed.plan {
            last.plan = listed.clone();
        }
        self.changed()
    }

    /// Nothing but the history changes.
    #[must_use]
    pub fn noted(self) -> Self {
        self.changed()
    }

    /// Whether another rebind is allowed this year.
    #[must_use]
    pub fn rebind_remains(&self, plan: &Plan, now: Timestamp) -> bool {
        self.bindings.rebinds_in_a_year(now) < usize::from(plan.rebinds_per_year)
    }

    /// The activation of `domain` is held by `key` from now on. `replaced`: by another machine, so that whoever still
    /// signs with the old key is told; else the old key is dead. `counted`: it uses up a rebind.
    #[must_use]
    pub fn held_by(
        mut self,
        domain: &FingerprintValue,
        key: [u8; 32],
        replaced: bool,
        counted: bool,
        now: Timestamp,
    ) -> Self {
        if let Some(activation) = self.activations.get_mut(domain) {
            let old = activation.public_key.filter(|_| replaced);
            let others = activation.replaced_keys.iter().copied().filter(|replaced| Some(*replaced) != old);
            activation.replaced_keys =
                old.into_iter().chain(others).filter(|old| *old != key).take(REPLACED_KEYS).collect();
            activation.public_key = Some(key);
        }
        if counted { self.rebound(now) } else { self.changed() }
    }

    fn rebound(mut self, now: Timestamp) -> Self {
        self.bindings.count_rebind(now);
        self.changed()
    }

    /// The machine that held it in `domain` has gone to another domain; it waits for the next one.
    #[must_use]
    pub fn left(mut self, domain: &FingerprintValue) -> Self {
        self.activations.remove(domain);
        self.changed()
    }

    /// Binds a machine's domain. `counted`: it uses up a rebind, also while the plan has free seats; never two.
    #[must_use]
    pub fn bind_machine(
        self,
        domain: FingerprintValue,
        id: ActivationId,
        key: [u8; 32],
        plan: &Plan,
        counted: bool,
        now: Timestamp,
    ) -> Self {
        let by_rule = self.bindings.is_rebind(&domain, plan);
        let bound = self.bind(domain, id, Some(key), plan, now);
        if counted && !by_rule { bound.rebound(now) } else { bound }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(started_at: Option<&str>) -> RegisteredMachine {
        RegisteredMachine {
            cloud: Cloud::Aws,
            instance: "i-1".to_owned(),
            account: "1".to_owned(),
            region: None,
            claim: None,
            mode: Mode::Billed,
            product: "a-product".parse().unwrap(),
            license: "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            domain: FingerprintValue([1; 32]),
            key: [1; 32],
            previous_key: Some([2; 32]),
            started_at: started_at.map(|at| at.parse().unwrap()),
            registered_at: Timestamp::EPOCH,
            proven_at: Timestamp::EPOCH,
            confirmed: false,
            holds: BTreeMap::new(),
            brings: BTreeMap::new(),
            revoked: false,
            version: 0,
        }
    }

    #[test]
    fn a_proof_that_can_be_shown_again_replaces_a_key_after_a_later_start_alone() {
        let machine = machine(Some("2027-03-10T09:00:00Z"));
        for (key, started, expected) in [
            (1, "2027-03-10T09:00:00Z", KeyChange::Same),
            (1, "2027-03-01T09:00:00Z", KeyChange::Same),
            (2, "2027-03-01T09:00:00Z", KeyChange::Replaces),
            (3, "2027-03-10T09:00:00Z", KeyChange::Refused),
            (3, "2027-03-10T08:59:59Z", KeyChange::Refused),
            (3, "2027-03-10T09:00:01Z", KeyChange::Replaces),
        ] {
            assert_eq!(machine.judge_key(&[key; 32], Some(started.parse().unwrap())), expected, "{key} {started}");
        }
    }

    #[test]
    fn a_proof_made_for_a_key_replaces_the_old_one() {
        let machine = machine(None);
        assert_eq!(machine.judge_key(&[1; 32], None), KeyChange::Same);
        assert_eq!(machine.judge_key(&[2; 32], None), KeyChange::Replaces);
        assert_eq!(machine.judge_key(&[3; 32], None), KeyChange::Replaces);
    }
}
