//! One licence's history, read from the service and hashed here.

use marque_core::event::Head;
use marque_core::{Actor, Event, FingerprintValue, LicenseId, Note, Timestamp, What};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::admin::{Admin, Failure};
use crate::output::Outcome;

/// A head that was kept elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) license_id: LicenseId,
    /// The number of the entry.
    pub(super) seq: u64,
    /// Its hash, as the service writes it.
    pub(super) hash: String,
}

/// A history as far as it holds.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) license: LicenseId,
    /// The last entry that follows from all before it.
    pub(super) head: Head,
    /// Its entries, as the service gave them.
    pub(super) items: Vec<Value>,
    /// Where it breaks.
    pub(super) fault: Option<Fault>,
}

/// Where a history breaks, and how.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) seq: u64,
    pub(super) reason: String,
}

impl Fault {
    /// For scripts.
    pub(super) fn document(&self, license: LicenseId) -> Value {
        json!({"license_id": license, "seq": self.seq, "reason": self.reason})
    }
}

impl Chain {
    /// Walks a history from its first entry to its end, or to where it breaks. The head that the licence itself names must be
    /// in it, and one that was kept elsewhere.
    pub(super) fn walk(admin: &Admin, license: LicenseId, kept: Option<&Kept>) -> Result<Self, Failure> {
        let mut chain = Self { license, head: Head::START, items: Vec::new(), fault: None };
        let mut heads: Vec<Kept> = kept.cloned().into_iter().collect();
        // Asked for first: the history may only grow beyond it meanwhile.
        match admin.get(&format!("/licenses/{license}")) {
            Ok(found) => heads.extend(own_head(license, &found)),
            // It was there when its head was kept.
            Err(failure) if failure.outcome == Outcome::Refused && kept.is_some() => {
                chain.break_off("the licence is not there any more, and its entries neither");
                return Ok(chain);
            }
            Err(failure) => return Err(failure),
        }
        for item in admin.list(&format!("/licenses/{license}/events")) {
            let item = item?;
            let step = chain.step(&item, &heads);
            chain.items.push(item);
            if let Err(reason) = step {
                chain.break_off(reason);
                return Ok(chain);
            }
        }
        let promised = heads.iter().map(|head| head.seq).max().unwrap_or(1);
        if chain.head.seq < promised {
            chain.break_off(format!("it ends before, but had {promised}: entries were removed"));
        }
        Ok(chain)
    }

    fn break_off(&mut self, reason: impl Into<String>) {
        self.fault = Some(Fault { seq: self.head.seq + 1, reason: reason.into() });
    }

    /// The end of it as the service writes it, for keeping elsewhere.
    pub(super) fn kept(&self) -> Kept {
        let hash = self.items.last().and_then(|item| item["hash"].as_str()).unwrap_or_default().to_owned();
        Kept { license_id: self.license, seq: self.head.seq, hash }
    }

    fn step(&mut self, item: &Value, heads: &[Kept]) -> Result<(), String> {
        let event = read(self.license, item)
            .ok_or("it cannot be read: a newer service may write what this command does not know")?;
        if event.seq != self.head.seq + 1 {
            return Err(format!("entry {} comes next: entries were removed", event.seq));
        }
        if event.prev != self.head.hash {
            return Err("it does not hold the hash of the entry before".to_owned());
        }
        if !event.follows(self.head) {
            return Err("it was changed: its hash is not that of what it says".to_owned());
        }
        if !says_what_was_said(&item["detail"]["reason"]) {
            return Err("the words beside it are not those that it names by their digest".to_owned());
        }
        let other = |head: &Kept| head.seq == event.seq && Some(head.hash.as_str()) != item["hash"].as_str();
        if heads.iter().any(other) {
            return Err("it is another than was kept: the history was rewritten".to_owned());
        }
        self.head = event.head();
        Ok(())
    }
}

/// The head that a licence names as its own.
fn own_head(license: LicenseId, found: &Value) -> Option<Kept> {
    let head = &found["head"];
    Some(Kept { license_id: license, seq: head["seq"].as_u64()?, hash: head["hash"].as_str()?.to_owned() })
}

/// Whether a person's words are those that the entry names by a salted digest; erased words are.
fn says_what_was_said(reason: &Value) -> bool {
    let [digest, salt, text] = ["digest", "salt", "text"].map(|name| reason[name].as_str());
    let (Some(salt), Some(text)) = (salt, text) else { return true };
    let salt: Option<Vec<u8>> =
        (0..salt.len()).step_by(2).map(|at| u8::from_str_radix(salt.get(at..at + 2)?, 16).ok()).collect();
    let salt = salt.and_then(|salt| <[u8; 16]>::try_from(salt).ok());
    salt.is_some_and(|salt| Some(Note::new(&salt, text).digest.as_str()) == digest)
}

/// An entry as the service gave it.
fn read(license: LicenseId, item: &Value) -> Option<Event> {
    let member = |name: &str| item[name].as_str();
    let by = match member("by")? {
        "system" => Actor::System,
        "holder" => Actor::Holder,
        principal => Actor::Principal(principal.to_owned()),
    };
    let mut what = item["detail"].clone();
    what["type"] = json!(member("type")?);
    Some(Event {
        id: member("id")?.parse().ok()?,
        license,
        seq: item["seq"].as_u64()?,
        at: member("at")?.parse::<Timestamp>().ok()?,
        by,
        what: serde_json::from_value::<What>(what).ok()?,
        prev: hash(member("prev")?)?,
        hash: hash(member("hash")?)?,
        note: None,
    })
}

fn hash(text: &str) -> Option<[u8; 32]> {
    text.parse::<FingerprintValue>().ok().map(|value| value.0)
}
