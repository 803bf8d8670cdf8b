//! The list of what is no longer good, as one item: 22 bytes an entry, so that an item of at most 400 KB holds 18,000.

use marque_core::token::{Revoked, Subject};
use marque_core::{LicenseId, Timestamp, TokenId};
use serde::{Deserialize, Serialize};

use super::Item;
use super::bytes::blob;
use crate::StoreError;

/// So many entries fit into the item, with room for its keys.
pub const MAX_REVOKED: usize = 18_000;

/// The list, with a number that rises with each change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// 1 is the empty list.
    pub seq: u64,
    /// What is on it, oldest first.
    pub revoked: Vec<Revoked>,
}

/// One byte for what it is about and one for why, the id, and the second.
const ENTRY: usize = 22;
const LICENSE: u8 = b'l';
const TOKEN: u8 = b't';
/// Why, by its place: entries are written by this service alone.
const REASONS: [&str; 3] = ["revoked", "moved", "replaced"];

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RevocationsItem {
    seq: u64,
    #[serde(with = "blob")]
    entries: Vec<u8>,
}

impl RevocationsItem {
    pub(crate) fn new(list: &RevocationList) -> Result<Self, StoreError> {
        let entries: Result<Vec<_>, &str> = list.revoked.iter().map(write).collect();
        let entries = entries.map_err(|fault| StoreError::Unavailable(fault.to_owned()))?.concat();
        Ok(Self { seq: list.seq, entries })
    }

    pub(crate) fn read(item: Option<&Item>) -> Result<RevocationList, StoreError> {
        let Some(item) = item else { return Ok(RevocationList { seq: 1, revoked: Vec::new() }) };
        let Self { seq, entries } = super::read(item)?;
        let revoked: Option<Vec<_>> = entries.chunks(ENTRY).map(read).collect();
        let revoked = revoked.ok_or_else(|| StoreError::corrupt(item, "an entry of the list cannot be read"))?;
        Ok(RevocationList { seq, revoked })
    }
}

fn write(entry: &Revoked) -> Result<Vec<u8>, &'static str> {
    let (kind, id) = match entry.subject {
        Subject::License(id) => (LICENSE, id.to_bytes()),
        Subject::Token(id) => (TOKEN, id.to_bytes()),
    };
    let reason = REASONS.iter().position(|known| *known == entry.reason);
    let reason = reason.and_then(|at| u8::try_from(at).ok()).ok_or("an entry of the list has no known reason")?;
    let at = u32::try_from(entry.at.unix()).map_err(|_| "an entry of the list is too late")?;
    Ok([&[kind, reason], id.as_slice(), &at.to_be_bytes()].concat())
}

fn read(bytes: &[u8]) -> Option<Revoked> {
    let [kind, reason, rest @ ..] = bytes else { return None };
    let (id, at) = rest.split_at_checked(16)?;
    let id: [u8; 16] = id.try_into().ok()?;
    let at = u32::from_be_bytes(at.try_into().ok()?);
    let subject = match *kind {
        LICENSE => Subject::License(LicenseId::from_bytes(id)),
        TOKEN => Subject::Token(TokenId::from_bytes(id)),
        _ => return None,
    };
    let reason = (*REASONS.get(usize::from(*reason))?).to_owned();
    Some(Revoked { subject, at: Timestamp::from_unix(at.into())?, reason })
}
