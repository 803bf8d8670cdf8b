//! The database: opening it, and the ways into it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use dynoxide::Database;

use crate::calls::Calls;
use crate::client;
use crate::connector::Connector;
use crate::error::EmbeddedError;
use crate::faults::{Faults, copy};

/// A DynamoDB in this process. Clones are handles on the same database, its faults and its calls.
#[derive(Clone)]
pub struct Embedded {
    shared: Arc<Shared>,
}

/// What all handles and all clients of one database share.
pub(crate) struct Shared {
    pub(crate) database: Database,
    pub(crate) faults: Faults,
    pub(crate) calls: Calls,
}

impl Embedded {
    /// An empty database in memory.
    pub fn memory() -> Result<Self, EmbeddedError> {
        Ok(Self::new(Database::memory()?))
    }

    /// The database in the file at `path`, made if it is not there; its folder must exist.
    pub fn open(path: &Path) -> Result<Self, EmbeddedError> {
        let database = Database::new(path.to_str().ok_or_else(|| EmbeddedError::Path(path.to_owned()))?)?;
        // The emulator's name for `synchronous = NORMAL`: the write-ahead log is written at each commit and flushed at
        // checkpoints only, so a commit survives the process at once and the machine a little later.
        database.disable_bulk_loading()?;
        Ok(Self::new(database))
    }

    /// A client with three attempts, a millisecond apart.
    pub fn client(&self) -> Client {
        self.client_with(
            RetryConfig::standard()
                .with_max_attempts(3)
                .with_initial_backoff(Duration::from_millis(1))
                .with_max_backoff(Duration::from_millis(5)),
        )
    }

    /// A client with retries of its own, such as [`RetryConfig::disabled`].
    pub fn client_with(&self, retry: RetryConfig) -> Client {
        client::build(Connector::new(Arc::clone(&self.shared)), retry)
    }

    /// Another handle on the same database, with faults and calls of its own: for those who look on.
    pub fn aside(&self) -> Self {
        Self::new(self.shared.database.clone())
    }

    /// A database in memory that is what this one is now: a backup, or one to be restored from it.
    pub fn copy(&self) -> Result<Self, EmbeddedError> {
        copy(&self.shared.database).map(Self::new)
    }

    /// The way in below the client: a front of one's own (an HTTP server that is DynamoDB for another process) hands it
    /// requests as they came, and they are served, counted and made to fail like those of a client.
    pub fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector::new(Arc::clone(&self.shared)))
    }

    /// What goes wrong, and when.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What was sent, and what it cost.
    pub fn calls(&self) -> &Calls {
        &self.shared.calls
    }

    fn new(database: Database) -> Self {
        let faults = Faults::new(database.clone());
        Self { shared: Arc::new(Shared { database, faults, calls: Calls::default() }) }
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("faults", self.faults()).field("calls", self.calls()).finish_non_exhaustive()
    }
}
