//! What goes along with a change in its transaction: the answer under an `Idempotency-Key`, a mail to be sent.

use crate::expression::Expression;
use crate::items::Item;
use crate::transaction::Write;

/// Writes that are made together with a change, or not at all. Each kind has a method of its own, beside its item.
#[derive(Debug, Clone, Default)]
pub struct Along {
    pub(crate) writes: Vec<Write>,
}

impl Along {
    /// Nothing goes along.
    pub const NOTHING: &'static Self = &Self { writes: Vec::new() };

    /// Whether nothing goes along.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Puts an item that must not be there.
    pub(crate) fn put_new(&mut self, item: Item) {
        self.writes.push(Write::put_new(item));
    }

    /// Puts an item under a condition.
    pub(crate) fn put_if(&mut self, item: Item, condition: Expression) {
        self.writes.push(Write::Put(item, condition));
    }
}
