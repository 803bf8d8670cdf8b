//! Marque's rules and tokens.
//!
//! No IO, no async, no clock, no randomness: `now` and fresh random bytes are arguments. What is here decides
//! ([`evaluate`], [`License::apply`]) and proves ([`token`]); storing, signing keys at rest and HTTP live elsewhere.
//!
//! The verifier in [`token`] is meant for embedding in other programs: the crate pulls in no AWS and no runtime.

pub mod calendar;
pub mod code;
pub mod fingerprint;
pub mod id;
pub mod slug;
pub mod time;
pub mod token;

pub use calendar::{Day, Period};
pub use fingerprint::{Fingerprint, FingerprintKind};
pub use id::{ActivationId, AgreementId, CustomerId, DiscountId, EventId, LicenseId, TokenId};
pub use slug::Slug;
pub use time::{Duration, Timestamp};
