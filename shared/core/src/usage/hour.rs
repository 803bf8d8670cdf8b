//! Hours of UTC, and when the marketplace closes the door on them.

use std::fmt;
use std::str::FromStr;

use crate::time::{Duration, Timestamp, TimestampError};

/// Usage is taken for a day after it happened (BatchMeterUsage, since July 2026).
pub(super) const WINDOW: Duration = Duration::hours(24);
/// On the first of a month at this hour of UTC the month before is closed.
const MONTH_CLOSES_AT: Duration = Duration::hours(6);
/// An ended agreement is metered for about an hour more.
const DOOR: Duration = Duration::hours(1);

/// An hour of UTC, named by its first second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(Timestamp);

impl Hour {
    /// The hour that an instant lies in.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let into = u32::try_from(at.unix().rem_euclid(3600)).unwrap_or_default();
        Self(at.before(Duration::from_seconds(into)))
    }

    /// Its first second.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        self.0
    }

    /// The first second after it.
    #[must_use]
    pub fn end(self) -> Timestamp {
        self.0.after(Duration::hours(1))
    }

    /// The hour after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.end())
    }

    /// When the marketplace closes the month that an instant lies in: at 06:00 on the first of the next.
    #[must_use]
    pub fn month_close(at: Timestamp) -> Timestamp {
        at.day().next_month().start().after(MONTH_CLOSES_AT)
    }

    /// Until when usage with this time is taken: a day, or until its month is closed. It must be sent before.
    #[must_use]
    pub fn deadline(at: Timestamp) -> Timestamp {
        at.after(WINDOW).min(Self::month_close(at))
    }

    /// When an agreement's door shuts that ended at `end`: what is sent by then still counts.
    #[must_use]
    pub fn door(end: Timestamp) -> Timestamp {
        end.after(DOOR)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Hour {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let at: Timestamp = text.parse()?;
        let hour = Self::of(at);
        if hour.0 == at { Ok(hour) } else { Err(TimestampError) }
    }
}
