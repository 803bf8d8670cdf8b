//! The marketplace behind the official clients: what AWS takes is taken, what it refuses is refused.

mod agreements;
mod entitlements;
mod faults;
mod journal;
mod metering;
mod purchases;
mod support;
