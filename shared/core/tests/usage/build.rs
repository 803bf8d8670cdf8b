//! Chains, hours and records.

use marque_core::usage::{
    Activated, Chain, Dimension, Entitled, Entry, EntryKey, Hour, Included, Metered, Quantity, Sealing, Taken, Unit,
    Usage,
};
use marque_core::{AgreementId, Duration, Timestamp};

pub(crate) const START: &str = "2027-03-01T10:20:30Z";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn hour(text: &str) -> Hour {
    text.parse().unwrap()
}

pub(crate) fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

pub(crate) fn agreement_id(number: u8) -> AgreementId {
    AgreementId::new(time("2027-03-01T10:00:00Z"), [number; 10])
}

pub(crate) fn agreement(number: u8, start: Option<&str>, end: Option<&str>) -> Metered {
    Metered {
        id: agreement_id(number),
        activated: start.map(|start| Activated {
            start: time(start),
            surely_by: time(start),
            license_arn: format!("arn:aws:license-manager::294406891311:license:l-{number:032x}"),
            account: "123456789012".to_owned(),
            product_code: "code".to_owned(),
            region: "us-east-1".to_owned(),
        }),
        end: end.map(time),
        left: None,
        entitled: Vec::new(),
    }
}

/// A chain that meters `requests` in decimals, `servers` in whole units, and `seats` in whole units beyond what is bought.
pub(crate) fn chain(agreements: Vec<Metered>) -> Chain {
    let dimension = |name: &str, unit, included| Dimension { name: name.to_owned(), unit, included };
    Chain {
        id: agreement_id(1),
        product: "kopicloud-ad-api".parse().unwrap(),
        agreements,
        dimensions: vec![
            dimension("requests", Unit::Decimal, Included::None),
            dimension("servers", Unit::Integral, Included::None),
            dimension("seats", Unit::Integral, Included::PerHour),
        ],
        retention: Duration::days(400),
    }
}

pub(crate) fn running() -> Chain {
    chain(vec![agreement(1, Some(START), None)])
}

pub(crate) fn entitled(dimension: &str, units: u64, from: &str, until: Option<&str>) -> Entitled {
    Entitled {
        dimension: dimension.to_owned(),
        quantity: Quantity::units(units),
        from: time(from),
        until: until.map(time),
    }
}

pub(crate) fn usage(dimension: &str, quantity: &str, at: &str) -> Usage {
    Usage { dimension: dimension.to_owned(), quantity: quantity.to_owned(), at: time(at) }
}

pub(crate) fn key(dimension: &str, at: &str) -> EntryKey {
    EntryKey { chain: agreement_id(1), agreement: agreement_id(1), hour: hour(at), dimension: dimension.to_owned() }
}

pub(crate) fn open(dimension: &str, at: &str, accepted: Quantity) -> Entry {
    Entry::open(key(dimension, at), Taken { accepted, carried: Quantity::ZERO, records: 1 })
}

/// The hour as it is sealed, and what it leaves.
pub(crate) fn sealed(chain: &Chain, entry: &Entry, brought: Quantity, now: &str) -> (Entry, Quantity) {
    match entry.seal(chain, brought, time(now)) {
        Sealing::Sealed { entry, remainder, .. } => (*entry, remainder),
        other => panic!("{other:?}"),
    }
}
