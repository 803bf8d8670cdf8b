//! When something has happened at the cloud, and who says so.

use serde::{Deserialize, Serialize};

use crate::time::{Duration, Timestamp};

/// The cloud's clock and ours may differ by so much.
const CLOCKS_DIFFER: Duration = Duration::from_seconds(5 * 60);

/// Since when something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// The cloud has said when, by its clock.
    Said(Timestamp),
    /// A read that began then, by our clock, has found that it had happened.
    Found(Timestamp),
}

impl Since {
    /// Since when, as well as that is known.
    #[must_use]
    pub const fn at(self) -> Timestamp {
        match self {
            Self::Said(at) | Self::Found(at) => at,
        }
    }

    /// By when for certain, by the cloud's clock: whoever read may have a clock that is behind.
    #[must_use]
    pub fn surely_by(self) -> Timestamp {
        match self {
            Self::Said(at) => at,
            Self::Found(at) => at.after(CLOCKS_DIFFER),
        }
    }

    /// Both: the earliest. What was said counts against a read that our clock alone may have put before it; one that is
    /// earlier than that tells that what was said is of a later change. The order of the two makes no difference.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Said(one), Self::Said(other)) => Self::Said(one.min(other)),
            (Self::Found(one), Self::Found(other)) => Self::Found(one.min(other)),
            (said @ Self::Said(_), found @ Self::Found(_)) | (found @ Self::Found(_), said @ Self::Said(_)) => {
                if found.surely_by() < said.at() { found } else { said }
            }
        }
    }
}
