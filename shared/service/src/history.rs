//! Entries of a licence's history, as handlers make them.

use marque_core::{Actor, Event, EventId, License, NoteText, PersonText, Timestamp, What};

use crate::chance;

/// The next entry of a licence's history.
pub(crate) fn new_event(license: &License, by: Actor, what: What, now: Timestamp) -> Event {
    Event::after(license.head, EventId::new(now, chance::draw()), license.id, now, by, what)
}

/// A person's text with a fresh salt.
pub(crate) fn note(text: &PersonText) -> NoteText {
    NoteText { salt: chance::draw(), text: text.clone() }
}
