//! The service's clock: read once a request, and the only place that reads the machine's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use marque_core::Timestamp;

/// Tells the time. Cheap to clone; clones share what was set.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    /// The machine's clock, moved by so many seconds.
    Shifted(AtomicI64),
    /// Stands still until it is set.
    Still(AtomicI64),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::shifted(0)
    }

    /// The machine's clock, moved by `seconds`.
    #[must_use]
    pub fn shifted(seconds: i64) -> Self {
        Self(Arc::new(Source::Shifted(AtomicI64::new(seconds))))
    }

    /// A clock that stands still at `now` until it is set: for tests.
    #[must_use]
    pub fn still(now: Timestamp) -> Self {
        Self(Arc::new(Source::Still(AtomicI64::new(now.unix()))))
    }

    /// The time, in whole seconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let seconds = match &*self.0 {
            Source::Shifted(offset) => machine_seconds().saturating_add(offset.load(Ordering::Relaxed)),
            Source::Still(now) => now.load(Ordering::Relaxed),
        };
        Timestamp::from_unix(seconds.max(0)).unwrap_or(Timestamp::MAX)
    }

    /// Sets the time; it runs on from there, if it runs.
    pub fn set(&self, now: Timestamp) {
        match &*self.0 {
            Source::Shifted(offset) => offset.store(now.unix() - machine_seconds(), Ordering::Relaxed),
            Source::Still(still) => still.store(now.unix(), Ordering::Relaxed),
        }
    }

    /// How many seconds it is ahead of the machine's clock; 0 for one that stands still.
    #[must_use]
    pub fn offset(&self) -> i64 {
        match &*self.0 {
            Source::Shifted(offset) => offset.load(Ordering::Relaxed),
            Source::Still(_) => 0,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where the machine's clock is read")]
fn machine_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

/// Measures how long something takes, in real time.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "durations are measured here")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the start.
    #[must_use]
    pub fn milliseconds(self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1000.0
    }
}
