//! What can go wrong with the table.

use std::error::Error;

/// Why the table did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB is throttled, unreachable or refuses: worth another try later.
    #[error("the table does not answer: {0}")]
    Unavailable(String),
    /// Others kept changing the same item until we gave up: worth another try later.
    #[error("others kept changing {item} at the same time")]
    Contention {
        /// Which item.
        item: String,
    },
    /// An item holds as much as it can: it needs a person.
    #[error("{item} is full")]
    Full {
        /// Which item.
        item: String,
    },
    /// An item holds what the code cannot have written: it needs a person.
    #[error("item {item} is corrupt: {fault}")]
    Corrupt {
        /// Which item, as `pk/sk`.
        item: String,
        /// What is wrong with it.
        fault: String,
    },
}

impl StoreError {
    /// Keeps the chain of causes as text: an SDK error alone prints "service error".
    pub(crate) fn unavailable(error: impl Error) -> Self {
        Self::Unavailable(causes(&error))
    }

    pub(crate) fn corrupt(item: &crate::items::Item, fault: impl ToString) -> Self {
        let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
        Self::Corrupt { item: format!("{}/{}", part(crate::keys::PK), part(crate::keys::SK)), fault: fault.to_string() }
    }
}

/// An error and its causes, each in its own words. The SDK's fuller form repeats the whole answer, with whatever the item
/// holds.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    words.dedup();
    words.join(": ")
}
