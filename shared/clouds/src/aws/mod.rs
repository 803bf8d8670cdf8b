//! Amazon Web Services.

pub(crate) mod attestation;
#[cfg(feature = "marketplace")]
mod events;
#[cfg(feature = "marketplace")]
mod fulfilment;
#[cfg(feature = "marketplace")]
mod metering;
#[cfg(feature = "marketplace")]
mod wire;

#[cfg(feature = "marketplace")]
pub use events::{Notice, Said, Unreadable, read as read_event};
#[cfg(feature = "marketplace")]
pub use fulfilment::{Described, Fulfilment, Page, Provision, ResolveFailure, Resolved, Standing};
#[cfg(feature = "marketplace")]
pub use metering::{MOST_BYTES, MOST_RECORDS, Metering, Told};
#[cfg(feature = "marketplace")]
pub use wire::{Failure, HOME_REGION, Wiring};
