//! What must hold: the ledger against what was accepted, and against what the marketplace knows.

use std::collections::{BTreeMap, BTreeSet};

use marque_core::usage::{Entry, Hour, Quantity, Reason, Sealed, State, Sums};
use marque_core::{AgreementId, Duration, Timestamp};
use marque_marketplace_sim::Metered;
use marque_store::KeptHour;

use super::plan::DIMENSIONS;
use super::world::{Fate, Party, World};

/// An hour as the marketplace knows it.
type Place = (String, String, Hour);

/// Whatever was seen before: what was sealed stays as it was.
#[derive(Debug, Default)]
pub(super) struct Books {
    sealed: BTreeMap<(AgreementId, Hour, String), Sealed>,
    restored: bool,
}

impl Books {
    /// Holds the ledger to everything that must hold at every instant.
    pub(super) async fn check(&mut self, world: &World) -> Result<(), String> {
        world.keeps_what_was_added().await?;
        let hours = read(world).await?;
        let truth = truth(world);
        if world.restored && !self.restored {
            self.restored = true;
            self.sealed.clear();
        }
        for (party, hour) in &hours {
            self.fixed(&hour.entry, world.restored)?;
            confirmed(party, &hour.entry, &truth, world)?;
        }
        if !world.restored {
            known(&hours, &truth, world)?;
        }
        for chain in chains(world) {
            for dimension in DIMENSIONS {
                self.sums(world, &hours, chain, dimension, &truth).await?;
            }
        }
        Ok(())
    }

    /// What was sealed is never changed.
    fn fixed(&mut self, entry: &Entry, restored: bool) -> Result<(), String> {
        let Some(sealed) = entry.state.sealed() else { return Ok(()) };
        let key = (entry.key.agreement, entry.key.hour, entry.key.dimension.clone());
        match self.sealed.get(&key) {
            Some(before) if before != sealed && !restored => {
                Err(format!("{}: what was sealed has changed: {before:?}, now {sealed:?}", entry.key))
            }
            _ => {
                self.sealed.insert(key, sealed.clone());
                Ok(())
            }
        }
    }

    /// The sums hold, and accepted is what was accepted.
    async fn sums(
        &self,
        world: &World,
        hours: &[(Party, KeptHour)],
        chain: AgreementId,
        dimension: &str,
        truth: &BTreeMap<Place, Metered>,
    ) -> Result<(), String> {
        let sums = sums(world, hours, chain, dimension).await?;
        if !sums.hold() {
            return Err(format!("the sums of {dimension} do not hold: {sums:?}"));
        }
        let of_it = |fate: Fate| -> Quantity {
            let all = world.sent.values();
            let of_it = all.filter(|sent| sent.chain == chain && sent.dimension == dimension && sent.fate == fate);
            of_it.map(|sent| sent.quantity).sum()
        };
        let (counted, perhaps) = (of_it(Fate::Counted), of_it(Fate::Unknown));
        if !world.restored && (sums.accepted < counted || sums.accepted > counted + perhaps) {
            return Err(format!(
                "{dimension}: {counted} was accepted, perhaps {perhaps} more, and the ledger has {}",
                sums.accepted
            ));
        }
        let licenses: BTreeSet<_> =
            world.parties.iter().filter(|party| party.chain == chain).map(|party| &party.license_arn).collect();
        let billed: Quantity = truth
            .iter()
            .filter(|(place, _)| {
                licenses.contains(&place.0) && place.1 == dimension && !world.elsewhere.contains(*place)
            })
            .map(|(_, metered)| quantity(metered))
            .sum();
        // A restored remainder may be billed again: less than a unit.
        let slack = if world.restored { Quantity::units(1) } else { Quantity::ZERO };
        if billed > counted + perhaps + slack {
            return Err(format!("{dimension}: {billed} is billed, and {counted} was accepted, perhaps {perhaps} more"));
        }
        let elsewhere = |(party, hour): &&(Party, KeptHour)| {
            let place = (party.license_arn.clone(), hour.entry.key.dimension.clone(), hour.entry.key.hour);
            party.chain == chain && hour.entry.key.dimension == dimension && world.elsewhere.contains(&place)
        };
        let unknowable: Quantity = hours
            .iter()
            .filter(elsewhere)
            .filter(|(_, hour)| matches!(hour.entry.state, State::Confirmed(..)))
            .filter_map(|(_, hour)| hour.entry.state.sealed())
            .map(|sealed| sealed.record.quantity)
            .sum();
        if sums.confirmed > billed + unknowable && !world.restored {
            return Err(format!("{dimension}: {} is confirmed, and {billed} is billed", sums.confirmed));
        }
        Ok(())
    }
}

/// Whatever is confirmed, the marketplace has, and as it was sealed.
fn confirmed(party: &Party, entry: &Entry, truth: &BTreeMap<Place, Metered>, world: &World) -> Result<(), String> {
    let State::Confirmed(sealed, ..) = &entry.state else { return Ok(()) };
    let place = (party.license_arn.clone(), entry.key.dimension.clone(), entry.key.hour);
    match truth.get(&place) {
        None => Err(format!("{} is confirmed, and the marketplace has nothing of it", entry.key)),
        // An attempt of unknown outcome may have been the one that was taken: nobody can tell.
        Some(_) if world.elsewhere.contains(&place) && entry.state.attempts().count > 1 => Ok(()),
        Some(_) if world.elsewhere.contains(&place) => {
            Err(format!("{} is confirmed, and somebody else has reported it", entry.key))
        }
        Some(metered) if quantity(metered) != sealed.record.quantity => Err(format!(
            "{} is confirmed with {}, and the marketplace has {}",
            entry.key, sealed.record.quantity, metered.quantity
        )),
        Some(_) => Ok(()),
    }
}

/// Whatever the marketplace has of ours was sealed so, and its attempt was counted. Each hour has one payload for ever.
fn known(hours: &[(Party, KeptHour)], truth: &BTreeMap<Place, Metered>, world: &World) -> Result<(), String> {
    let place = |party: &Party, entry: &Entry| (party.license_arn.clone(), entry.key.dimension.clone(), entry.key.hour);
    let by_place: BTreeMap<Place, &Entry> =
        hours.iter().map(|(party, hour)| (place(party, &hour.entry), &hour.entry)).collect();
    for (place, metered) in truth {
        if world.elsewhere.contains(place) {
            continue;
        }
        let entry =
            by_place.get(place).ok_or_else(|| format!("the marketplace has {metered:?}, and the ledger nothing"))?;
        let Some(sealed) = entry.state.sealed() else {
            return Err(format!("the marketplace has {metered:?}, and the hour is open"));
        };
        if quantity(metered) != sealed.record.quantity || metered.timestamp != sealed.record.timestamp {
            return Err(format!("the marketplace has {metered:?}, and sealed was {:?}", sealed.record));
        }
        if entry.state.attempts().count == 0 {
            return Err(format!("the marketplace has {metered:?}, and no attempt was counted"));
        }
    }
    Ok(())
}

/// After the recovery every hour is confirmed, but for those that a history itself has lost.
pub(super) async fn settled(world: &World, since: Timestamp) -> Result<(), String> {
    let hours = read(world).await?;
    for (party, hour) in &hours {
        let excused = match &hour.entry.state {
            State::Confirmed(..) => true,
            State::Expired(sealed, ..) if sealed.record.quantity.is_zero() => true,
            State::Expired(_, _, Reason::AfterEnd) => {
                let goes_on = world.parties.iter().any(|other| other.chain == party.chain && other.end.is_none());
                !goes_on && party.end.is_some_and(|end| end <= hour.entry.key.hour.start())
            }
            State::Expired(sealed, ..) => was_late(party, sealed, since),
            State::Quarantined(sealed, _, Reason::TimestampOutOfBounds) => was_late(party, sealed, since),
            State::Quarantined(_, _, Reason::ReportedElsewhere) => {
                let place = (party.license_arn.clone(), hour.entry.key.dimension.clone(), hour.entry.key.hour);
                world.restored || world.elsewhere.contains(&place)
            }
            State::Quarantined(sealed, _, Reason::BeforeStart) => {
                hour.entry.key.hour.end() <= party.start
                    || party.end.is_some_and(|end| end <= sealed.record.timestamp.after(Duration::from_seconds(1)))
            }
            // The end was heard of after the hour was sealed.
            State::Quarantined(sealed, _, Reason::InvalidLicense) => {
                party.end.is_some_and(|end| sealed.record.timestamp > end)
            }
            State::Open | State::Sealed(_) | State::Sending(..) | State::Held(..) | State::Quarantined(..) => false,
        };
        if !excused {
            return Err(format!(
                "{} is {} ({:?}) though everything was well since {since}",
                hour.entry.key,
                hour.entry.state.name(),
                hour.entry.state.reason()
            ));
        }
    }
    if world.restored {
        return Ok(());
    }
    if let Some((id, _)) = world.sent.iter().find(|(_, sent)| sent.fate == Fate::Unknown) {
        return Err(format!("{id} was sent again, and is still not answered"));
    }
    for chain in chains(world) {
        let goes_on = world.parties.iter().any(|party| party.chain == chain && party.end.is_none());
        for (place, dimension) in DIMENSIONS.iter().enumerate() {
            let left = sums(world, &hours, chain, dimension).await?.remainder;
            let most = if place == 0 { Quantity::ZERO } else { Quantity::from_millionths(999_999) };
            if goes_on && left > most {
                return Err(format!("{left} of {dimension} is left, and was never reported"));
            }
        }
    }
    Ok(())
}

/// Whether nothing is under way any more.
pub(super) async fn are_settled(world: &World) -> Result<bool, String> {
    let hours = read(world).await?;
    Ok(hours.iter().all(|(_, hour)| {
        matches!(hour.entry.state, State::Confirmed(..) | State::Expired(..) | State::Quarantined(..))
    }))
}

/// Whether an hour was lost, or nearly, before everything was well again.
fn was_late(party: &Party, sealed: &Sealed, since: Timestamp) -> bool {
    let deadline = Hour::deadline(sealed.record.timestamp);
    let deadline = party.end.map_or(deadline, |end| deadline.min(Hour::door(end)));
    deadline <= since.after(Duration::from_seconds(1200))
}

async fn read(world: &World) -> Result<Vec<(Party, KeptHour)>, String> {
    let store = world.aside();
    let mut hours = Vec::new();
    for party in &world.parties {
        let from = Hour::of(Timestamp::EPOCH);
        let found = store.usage_hours_between(party.chain, party.agreement, from, None).await;
        hours.extend(found.map_err(|error| error.to_string())?.into_iter().map(|hour| (party.clone(), hour)));
    }
    Ok(hours)
}

fn truth(world: &World) -> BTreeMap<Place, Metered> {
    let accepted = world.market.truth().accepted.into_iter();
    accepted
        .map(|metered| ((metered.license_arn.clone(), metered.dimension.clone(), Hour::of(metered.timestamp)), metered))
        .collect()
}

fn chains(world: &World) -> BTreeSet<AgreementId> {
    world.parties.iter().map(|party| party.chain).collect()
}

async fn sums(world: &World, hours: &[(Party, KeptHour)], chain: AgreementId, dimension: &str) -> Result<Sums, String> {
    let merged: Vec<_> = world
        .parties
        .iter()
        .filter(|party| party.chain == chain && party.agreement != chain)
        .map(|party| party.agreement)
        .collect();
    let remainder =
        world.aside().usage_remainder(chain, &merged, dimension).await.map_err(|error| error.to_string())?;
    let of_it = |(party, hour): &&(Party, KeptHour)| party.chain == chain && hour.entry.key.dimension == dimension;
    Ok(Sums::of(hours.iter().filter(of_it).map(|(_, hour)| &hour.entry), remainder.total()))
}

fn quantity(metered: &Metered) -> Quantity {
    metered.quantity.parse().unwrap_or_default()
}
