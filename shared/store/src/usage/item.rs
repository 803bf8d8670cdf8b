//! An hour of the ledger as an item.

use marque_core::usage::{Attempts, Entry, EntryKey, Hour, Quantity, Receipt, Record, Sealed, State, StateName, Taken};
use marque_core::{AgreementId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::items::{self, Item};
use crate::keys::{self, Key};
use crate::{StoreError, TTL_ATTRIBUTE, due};

/// The attributes. An addition touches the first five alone.
pub(super) mod names {
    pub(crate) const STATE: &str = "state";
    pub(crate) const VERSION: &str = "version";
    pub(crate) const ACCEPTED: &str = "accepted";
    pub(crate) const CARRIED: &str = "carried";
    pub(crate) const RECORDS: &str = "records";
    pub(crate) const SEALED_AT: &str = "sealed_at";
    pub(crate) const LICENSE_ARN: &str = "license_arn";
    pub(crate) const ACCOUNT: &str = "account";
    pub(crate) const PRODUCT_CODE: &str = "product_code";
    pub(crate) const REGION: &str = "region";
    pub(crate) const TIMESTAMP: &str = "timestamp";
    pub(crate) const QUANTITY: &str = "quantity";
    pub(crate) const BROUGHT: &str = "brought";
    pub(crate) const INCLUDED: &str = "included";
    pub(crate) const LEFT: &str = "left";
    pub(crate) const ATTEMPTS: &str = "attempts";
    pub(crate) const UNRESOLVED: &str = "unresolved";
    pub(crate) const RECORD_ID: &str = "record_id";
    pub(crate) const CONFIRMED_AT: &str = "confirmed_at";
    pub(crate) const REASON: &str = "reason";
    pub(crate) const NEXT_TRY: &str = "next_try";
    pub(crate) const REPLAYS: &str = "replays";
}
use names as n;

/// An hour of the ledger with what the table knows beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHour {
    /// The hour.
    pub entry: Entry,
    /// Since when something is to be done about it; none when it is settled.
    pub due: Option<Timestamp>,
    /// Not to be sent again before this, while the marketplace does not know the subscription.
    pub next_try: Option<Timestamp>,
    /// When people have sent it again, oldest first.
    pub replays: Vec<Replay>,
    /// When it may be forgotten, once it is settled.
    pub forget_at: Option<Timestamp>,
}

/// A person has sent an hour again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// When.
    pub at: Timestamp,
    /// Who: a principal of the publisher's.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl KeptHour {
    /// The hour under this key, read.
    pub(super) fn read(key: EntryKey, item: &Item) -> Result<Self, StoreError> {
        let reader = Reader(item);
        let taken = Taken {
            accepted: reader.quantity(n::ACCEPTED)?,
            carried: reader.quantity(n::CARRIED)?,
            records: reader.number(n::RECORDS)?,
        };
        let state = match reader.word::<StateName>(n::STATE)? {
            StateName::Open => State::Open,
            StateName::Sealed => State::Sealed(reader.sealed()?),
            StateName::Sending => State::Sending(reader.sealed()?, reader.attempts()?),
            StateName::Held => State::Held(reader.sealed()?, reader.attempts()?),
            StateName::Confirmed => State::Confirmed(reader.sealed()?, reader.attempts()?, reader.receipt()?),
            StateName::Quarantined => State::Quarantined(reader.sealed()?, reader.attempts()?, reader.word(n::REASON)?),
            StateName::Expired => State::Expired(reader.sealed()?, reader.attempts()?, reader.word(n::REASON)?),
        };
        let replays = match item.get(n::REPLAYS) {
            None => Vec::new(),
            Some(_) => serde_json::from_str(&reader.text(n::REPLAYS)?).map_err(|fault| reader.fault(fault))?,
        };
        Ok(Self {
            entry: Entry { key, taken, state, version: reader.number(n::VERSION)? },
            due: due::of(item)?,
            next_try: item.contains_key(n::NEXT_TRY).then(|| reader.time(n::NEXT_TRY)).transpose()?,
            replays,
            forget_at: item.contains_key(TTL_ATTRIBUTE).then(|| reader.time(TTL_ATTRIBUTE)).transpose()?,
        })
    }

    /// The hour of an item of its own agreement's.
    pub(super) fn of_item(chain: AgreementId, agreement: AgreementId, item: &Item) -> Result<Self, StoreError> {
        let key = Key::of(item)?;
        let Some((_, Some((hour, dimension)))) = keys::usage_work(&key) else {
            return Err(StoreError::corrupt(item, "its key names no hour"));
        };
        Self::read(EntryKey { chain, agreement, hour, dimension: dimension.to_owned() }, item)
    }

    /// The update from this hour to that one: on the condition that nothing has changed it since it was read.
    pub(super) fn becomes(&self, after: &Self) -> Result<Expression, StoreError> {
        let mut update = Expression::default();
        let (before, entry) = (&self.entry, &after.entry);
        update.if_compares(&[n::STATE], "=", items::text(before.state.name())).if_compares(
            &[n::VERSION],
            "=",
            items::number(before.version),
        );
        if before.state == State::Open {
            // Additions leave the version alone.
            update.if_compares(&[n::RECORDS], "=", items::number(before.taken.records));
        }
        update.set(&[n::STATE], items::text(entry.state.name())).set(&[n::VERSION], items::number(entry.version));
        if before.state.sealed() != entry.state.sealed()
            && let Some(sealed) = entry.state.sealed()
        {
            seal(&mut update, sealed);
        }
        let Attempts { count, unresolved } = entry.state.attempts();
        if entry.state.attempts() != before.state.attempts() {
            update.set(&[n::ATTEMPTS], items::number(count)).set(&[n::UNRESOLVED], items::number(unresolved));
        }
        if let State::Confirmed(_, _, Receipt { record_id, at }) = &entry.state {
            update.set(&[n::CONFIRMED_AT], items::number(at.unix()));
            if let Some(id) = record_id {
                update.set(&[n::RECORD_ID], items::text(id));
            }
        }
        let or_remove = |update: &mut Expression, name: &str, value: Option<_>| match value {
            Some(value) => drop(update.set(&[name], value)),
            None => drop(update.remove(&[name])),
        };
        if before.state.reason() != entry.state.reason() {
            or_remove(&mut update, n::REASON, entry.state.reason().map(items::text));
        }
        if self.next_try != after.next_try {
            or_remove(&mut update, n::NEXT_TRY, after.next_try.map(|at| items::number(at.unix())));
        }
        if self.forget_at != after.forget_at {
            or_remove(&mut update, TTL_ATTRIBUTE, after.forget_at.map(|at| items::number(at.unix())));
        }
        if self.replays != after.replays {
            let text = serde_json::to_string(&after.replays).map_err(StoreError::unavailable)?;
            update.set(&[n::REPLAYS], items::text(text));
        }
        if self.due != after.due {
            due::move_in(&mut update, due::Shard::of_agreement(entry.key.agreement), after.due);
        }
        Ok(update)
    }
}

/// What sealing fixes, written once.
fn seal(update: &mut Expression, sealed: &Sealed) {
    let Sealed { at, record, brought, included, left } = sealed;
    let Record { license_arn, account, product_code, region, timestamp, quantity } = record;
    for (name, time) in [(n::SEALED_AT, at), (n::TIMESTAMP, timestamp)] {
        update.set(&[name], items::number(time.unix()));
    }
    let texts =
        [(n::LICENSE_ARN, license_arn), (n::ACCOUNT, account), (n::PRODUCT_CODE, product_code), (n::REGION, region)];
    for (name, text) in texts {
        update.set(&[name], items::text(text));
    }
    for (name, amount) in [(n::QUANTITY, quantity), (n::BROUGHT, brought), (n::INCLUDED, included), (n::LEFT, left)] {
        update.set(&[name], items::number(amount.millionths()));
    }
}

/// Where an hour is.
pub(super) fn key_of(key: &EntryKey) -> Key {
    keys::usage_hour(key.agreement, key.hour, &key.dimension)
}

/// Reads attributes of an item.
pub(super) struct Reader<'a>(pub(super) &'a Item);

impl Reader<'_> {
    pub(super) fn fault(&self, fault: impl ToString) -> StoreError {
        StoreError::corrupt(self.0, fault)
    }

    pub(super) fn text(&self, name: &str) -> Result<String, StoreError> {
        let text = self.0.get(name).and_then(|value| value.as_s().ok()).cloned();
        text.ok_or_else(|| self.fault(format!("{name} is no text")))
    }

    pub(super) fn word<T: std::str::FromStr<Err: ToString>>(&self, name: &str) -> Result<T, StoreError> {
        self.text(name)?.parse().map_err(|fault: T::Err| self.fault(format!("{name} {}", fault.to_string())))
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, StoreError> {
        let number = self.0.get(name).and_then(|value| value.as_n().ok()).and_then(|text| text.parse().ok());
        number.ok_or_else(|| self.fault(format!("{name} is no number that it can be")))
    }

    pub(super) fn quantity(&self, name: &str) -> Result<Quantity, StoreError> {
        Ok(Quantity::from_millionths(self.number(name)?))
    }

    pub(super) fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
        Timestamp::from_unix(self.number(name)?).ok_or_else(|| self.fault(format!("{name} is no time")))
    }

    pub(super) fn hour(&self, name: &str) -> Result<Hour, StoreError> {
        self.text(name)?.parse().map_err(|_| self.fault(format!("{name} is no hour")))
    }

    fn sealed(&self) -> Result<Sealed, StoreError> {
        Ok(Sealed {
            at: self.time(n::SEALED_AT)?,
            record: Record {
                license_arn: self.text(n::LICENSE_ARN)?,
                account: self.text(n::ACCOUNT)?,
                product_code: self.text(n::PRODUCT_CODE)?,
                region: self.text(n::REGION)?,
                timestamp: self.time(n::TIMESTAMP)?,
                quantity: self.quantity(n::QUANTITY)?,
            },
            brought: self.quantity(n::BROUGHT)?,
            included: self.quantity(n::INCLUDED)?,
            left: self.quantity(n::LEFT)?,
        })
    }

    fn attempts(&self) -> Result<Attempts, StoreError> {
        if !self.0.contains_key(n::ATTEMPTS) {
            return Ok(Attempts::default());
        }
        Ok(Attempts { count: self.number(n::ATTEMPTS)?, unresolved: self.number(n::UNRESOLVED)? })
    }

    fn receipt(&self) -> Result<Receipt, StoreError> {
        let record_id = self.0.contains_key(n::RECORD_ID).then(|| self.text(n::RECORD_ID)).transpose()?;
        Ok(Receipt { record_id, at: self.time(n::CONFIRMED_AT)? })
    }
}
