//! Entries of a licence's history as items.

use marque_core::{Actor, Event, EventId, LicenseId, NoteText, PersonText, Timestamp, What};
use serde::{Deserialize, Serialize};

use super::Item;
use super::bytes::{array as serde_bytes_32, optional_array};
use crate::StoreError;

/// A person's text beside an entry.
pub(crate) const NOTE_TEXT: &str = "note_text";
/// Its salt.
pub(crate) const NOTE_SALT: &str = "note_salt";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventItem {
    id: EventId,
    license: LicenseId,
    seq: u64,
    at: Timestamp,
    /// As JSON text, like `what`: the very text that is hashed.
    by: String,
    what: String,
    #[serde(with = "serde_bytes_32")]
    prev: [u8; 32],
    #[serde(with = "serde_bytes_32")]
    hash: [u8; 32],
    /// Beside the entry, not hashed: a person's text and its salt, until they are erased.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "optional_array")]
    note_salt: Option<[u8; 16]>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note_text: Option<PersonText>,
}

impl EventItem {
    pub(crate) fn new(event: &Event) -> Result<Self, StoreError> {
        let json = |value: serde_json::Result<String>| value.map_err(StoreError::unavailable);
        Ok(Self {
            id: event.id,
            license: event.license,
            seq: event.seq,
            at: event.at,
            by: json(serde_json::to_string(&event.by))?,
            what: json(serde_json::to_string(&event.what))?,
            prev: event.prev,
            hash: event.hash,
            note_salt: event.note.as_ref().map(|note| note.salt),
            note_text: event.note.as_ref().map(|note| note.text.clone()),
        })
    }

    pub(crate) fn read(item: &Item) -> Result<Event, StoreError> {
        let content: Self = super::read(item)?;
        let Self { id, license, seq, at, by, what, prev, hash, note_salt, note_text } = content;
        let by: Actor = serde_json::from_str(&by).map_err(|error| StoreError::corrupt(item, error))?;
        let what: What = serde_json::from_str(&what).map_err(|error| StoreError::corrupt(item, error))?;
        let note = note_salt.zip(note_text).map(|(salt, text)| NoteText { salt, text });
        Ok(Event { id, license, seq, at, by, what, prev, hash, note })
    }
}
