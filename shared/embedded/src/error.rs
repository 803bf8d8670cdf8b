//! Why a database could not be opened or copied.

use std::path::PathBuf;

use dynoxide::DynoxideError;

/// A database that could not be opened or copied.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The emulator opens paths as text.
    #[error("the path {0:?} is not UTF-8")]
    Path(PathBuf),
    /// The file is not a database, is locked, or could not be read or written.
    #[error("the database refused: {0}")]
    Database(#[from] DynoxideError),
    /// There was no room for the copy that stale reads are answered from.
    #[error("no place for a copy of the data")]
    Copy(#[from] std::io::Error),
}
