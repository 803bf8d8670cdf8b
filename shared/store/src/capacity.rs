//! What the calls of one piece of work cost, as DynamoDB told it.

use std::cell::Cell;

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Capacity units that were used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// Of reading: half a unit for 4 KB, one when read strongly.
    pub read_units: f64,
    /// Of writing: one for 1 KB, two inside a transaction.
    pub write_units: f64,
}

tokio::task_local! {
    static SPENT: Cell<Spent>;
}

/// Does some work and tells what its calls of the table cost.
pub async fn measured<F: Future>(work: F) -> (F::Output, Spent) {
    let outer = Cell::new(Spent::default());
    SPENT
        .scope(outer, async {
            let output = work.await;
            (output, SPENT.with(Cell::get))
        })
        .await
}

pub(crate) fn read(capacity: Option<&ConsumedCapacity>) {
    spend(|spent, units| spent.read_units += units, capacity);
}

pub(crate) fn wrote<'a>(capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) {
    for capacity in capacity {
        spend(|spent, units| spent.write_units += units, Some(capacity));
    }
}

fn spend(add: impl FnOnce(&mut Spent, f64), capacity: Option<&ConsumedCapacity>) {
    let Some(units) = capacity.and_then(|capacity| capacity.capacity_units) else { return };
    // Outside of measured work nobody asks.
    SPENT
        .try_with(|cell| {
            let mut spent = cell.get();
            add(&mut spent, units);
            cell.set(spent);
        })
        .unwrap_or_default();
}
