//! What goes wrong, and when.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dynoxide::Database;

use crate::error::EmbeddedError;
use crate::fault::{Fault, Loss, Verdict};
use crate::operation::Operation;
use crate::request::Request;

/// Faults on demand. Those asked for wait in one queue; a request meets the first that is due, asks for its operation
/// and can happen to it, and each is used once. An attempt of the SDK is a request: a fault that the SDK retries is
/// seen by the caller only if it is there for every attempt.
pub struct Faults {
    database: Database,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Requests so far.
    seen: u64,
    queue: VecDeque<Planned>,
    crashed: bool,
    frozen: Option<Database>,
}

struct Planned {
    /// The number of the first request that may meet it.
    due: u64,
    operation: Option<Operation>,
    what: What,
}

enum What {
    Fault(Fault),
    /// A read is answered from this copy.
    Stale(Database),
}

impl Faults {
    /// Makes the next request of `operation`, or of any, meet `fault`.
    pub fn inject(&self, operation: Option<Operation>, fault: Fault) {
        self.lock().plan(1, operation, What::Fault(fault));
    }

    /// Makes the `n`-th request from now meet `fault`, the next one being the first: run once, see how many
    /// [`Calls`](crate::Calls) there were, then crash at each of them in turn.
    pub fn fail_nth(&self, n: u64, fault: Fault) {
        self.lock().plan(n.max(1), None, What::Fault(fault));
    }

    /// Makes the next read of `operation`, or of any, answer from the data as they are now, so that it does not see
    /// what is written until then. It is a read that does not ask for consistency: `GetItem`, `BatchGetItem`, `Query`
    /// (on the table or an index) or `Scan`. Costs a copy of the data.
    pub fn stale_read(&self, operation: Option<Operation>) -> Result<(), EmbeddedError> {
        let copy = copy(&self.database)?;
        self.lock().plan(1, operation, What::Stale(copy));
        Ok(())
    }

    /// As [`stale_read`](Self::stale_read), for all such reads until [`thaw_reads`](Self::thaw_reads). Freezing again
    /// moves them on to the data as they are by then.
    pub fn freeze_reads(&self) -> Result<(), EmbeddedError> {
        let copy = copy(&self.database)?;
        self.lock().frozen = Some(copy);
        Ok(())
    }

    /// Lets reads see everything again.
    pub fn thaw_reads(&self) {
        self.lock().frozen = None;
    }

    /// How many faults wait for their request: none, if all have been used.
    pub fn pending(&self) -> usize {
        self.lock().queue.len()
    }

    /// Whether a [`Fault::Crash`] has happened and has not been cleared.
    pub fn crashed(&self) -> bool {
        self.lock().crashed
    }

    /// Ends every fault: those that wait, a crash, frozen reads. What took effect stays.
    pub fn clear(&self) {
        let mut state = self.lock();
        *state = State { seen: state.seen, ..State::default() };
    }

    pub(crate) fn new(database: Database) -> Self {
        Self { database, state: Mutex::default() }
    }

    /// What becomes of `request`, which is counted.
    pub(crate) fn verdict(&self, request: &Request<'_>) -> Verdict {
        self.lock().verdict(request)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn plan(&mut self, n: u64, operation: Option<Operation>, what: What) {
        self.queue.push_back(Planned { due: self.seen.saturating_add(n), operation, what });
    }

    fn verdict(&mut self, request: &Request<'_>) -> Verdict {
        self.seen += 1;
        if self.crashed {
            return Verdict::Lose { applied: false, loss: Loss::Connection };
        }
        let met = self.queue.iter().position(|planned| planned.hits(self.seen, request));
        match met.and_then(|met| self.queue.remove(met)).map(|planned| planned.what) {
            Some(What::Fault(fault)) => {
                self.crashed = matches!(fault, Fault::Crash { .. });
                fault.verdict(request)
            }
            Some(What::Stale(copy)) => Verdict::ServeStale(copy),
            None => match &self.frozen {
                Some(copy) if request.may_be_stale() => Verdict::ServeStale(copy.clone()),
                _ => Verdict::Serve,
            },
        }
    }
}

impl Planned {
    fn hits(&self, number: u64, request: &Request<'_>) -> bool {
        self.due <= number
            && (self.operation.is_none() || self.operation == request.operation)
            && match &self.what {
                What::Fault(fault) => fault.fits(request),
                What::Stale(_) => request.may_be_stale(),
            }
    }
}

/// A copy in memory. The emulator copies by way of a file.
pub(crate) fn copy(database: &Database) -> Result<Database, EmbeddedError> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("copy");
    let path = path.to_str().ok_or_else(|| EmbeddedError::Path(path.clone()))?;
    database.vacuum_into(path)?;
    let copy = Database::memory()?;
    copy.restore_from(path)?;
    Ok(copy)
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Faults")
            .field("pending", &state.queue.len())
            .field("crashed", &state.crashed)
            .field("frozen", &state.frozen.is_some())
            .finish_non_exhaustive()
    }
}
