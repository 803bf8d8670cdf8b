//! Marque's rules and tokens.
//!
//! No IO, no async, no clock, no randomness: `now` and fresh random bytes are arguments. What is here decides
//! ([`evaluate`], the transitions of [`License`]) and proves ([`token`]); storing, signing keys at rest and HTTP live
//! elsewhere.
//!
//! The verifier in [`token`] is meant for embedding in other programs: the crate pulls in no AWS and no runtime.

pub mod agreement;
mod binding;
pub mod calendar;
pub mod cloud;
pub mod code;
pub mod customer;
pub mod discount;
pub mod event;
pub mod fingerprint;
pub mod id;
mod language;
pub mod letter;
pub mod license;
pub mod listing;
pub mod machine;
pub mod notice;
pub mod plan;
mod proof_binding;
mod sale;
pub mod slug;
pub mod time;
pub mod token;
pub mod transition;
pub mod usage;
pub mod verdict;
mod words;

pub use binding::Binding;
pub use calendar::{Day, Period};
pub use cloud::Cloud;
pub use code::LicenseCode;
pub use customer::{Customer, Email, Language, PersonText};
pub use discount::{Discount, DiscountKind};
pub use event::{Actor, Event, Note, NoteText, What};
pub use fingerprint::{Fingerprint, FingerprintKind, FingerprintValue};
pub use id::{ActivationId, AgreementId, AskId, CustomerId, DiscountId, EventId, LicenseId, MailId, TokenId};
pub use letter::Letter;
pub use license::{Activation, License, Paid, Pending, Plans, Position, Seen, Standing, State, Term};
pub use listing::{Listing, ListingName, Mode};
pub use machine::{KeyChange, RegisteredMachine};
pub use notice::Notice;
pub use plan::{Kind, Offer, Plan, PlanRef, Product};
pub use proof_binding::{ProofBinding, ProofBindingError};
pub use slug::Slug;
pub use time::{Duration, Timestamp};
pub use transition::{Action, Refusal, Released};
pub use verdict::{Check, Outcome, Purpose, Reason, Verdict, evaluate};
