//! The key ring: what signs, and what the world may know of it.
//!
//! *Lease keys* are in memory and sign `lease+jwt` and `denial+jwt`; *file keys* sign `license+jwt` and `crl+jwt` and may
//! be in KMS. The set of their public halves is signed by the root, whose secret half is never here.

mod ceremony;
mod document;
mod file_key;
mod keys;

pub use ceremony::{Duty, LISTED_BEFORE, NewKey, OVERLAP, RootDocument};
pub use document::{RingDocument, RingFault, Secret, SecretSeed};
pub use file_key::FileKey;
#[cfg(feature = "aws")]
pub use file_key::KmsKey;
pub use keys::{KeyRing, Keys, RingSource};
