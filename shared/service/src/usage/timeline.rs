//! An hour of the ledger as the publisher sees it.

use marque_core::usage::{Reason, State, StateName};
use marque_core::{AgreementId, Timestamp};
use marque_store::KeptHour;
use serde::Serialize;
use utoipa::ToSchema;

/// An hour of a dimension. Quantities are exact decimals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageHour)]
pub(super) struct HourAnswer {
    /// Its first second.
    #[schema(format = DateTime)]
    hour: String,
    /// The agreement that is billed.
    #[schema(value_type = String)]
    agreement_id: AgreementId,
    /// `open`, `sealed`, `sending`, `held`, `confirmed`, `quarantined` or `expired`.
    #[schema(value_type = String)]
    state: StateName,
    /// What was added to it.
    accepted: String,
    /// Of that, what happened in another hour.
    carried: String,
    /// How many records that was.
    records: u64,
    /// What is reported; null while it is open.
    #[schema(required = true)]
    quantity: Option<String>,
    /// What the contract includes of it.
    #[schema(required = true)]
    included: Option<String>,
    /// What earlier hours had left for it.
    #[schema(required = true)]
    brought: Option<String>,
    /// What it left for later ones.
    #[schema(required = true)]
    left: Option<String>,
    /// The time that is reported.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    timestamp: Option<Timestamp>,
    /// How often it was sent.
    attempts: u32,
    /// What the marketplace calls it.
    #[schema(required = true)]
    record_id: Option<String>,
    /// When it was confirmed.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    confirmed_at: Option<Timestamp>,
    /// Why it is not confirmed.
    #[schema(value_type = Option<String>, required = true)]
    reason: Option<Reason>,
    /// Who has sent it again.
    replays: Vec<ReplayAnswer>,
}

/// A person has sent an hour again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageReplay)]
struct ReplayAnswer {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    by: String,
    reason: String,
}

impl HourAnswer {
    pub(super) fn new(kept: &KeptHour) -> Self {
        let entry = &kept.entry;
        let sealed = entry.state.sealed();
        let receipt = match &entry.state {
            State::Confirmed(_, _, receipt) => Some(receipt),
            _ => None,
        };
        let replays = kept.replays.iter();
        Self {
            hour: entry.key.hour.to_string(),
            agreement_id: entry.key.agreement,
            state: entry.state.name(),
            accepted: entry.taken.accepted.to_string(),
            carried: entry.taken.carried.to_string(),
            records: entry.taken.records,
            quantity: sealed.map(|sealed| sealed.record.quantity.to_string()),
            included: sealed.map(|sealed| sealed.included.to_string()),
            brought: sealed.map(|sealed| sealed.brought.to_string()),
            left: sealed.map(|sealed| sealed.left.to_string()),
            timestamp: sealed.map(|sealed| sealed.record.timestamp),
            attempts: entry.state.attempts().count,
            record_id: receipt.and_then(|receipt| receipt.record_id.clone()).filter(|id| !id.is_empty()),
            confirmed_at: receipt.map(|receipt| receipt.at),
            reason: entry.state.reason(),
            replays: replays
                .map(|replay| ReplayAnswer { at: replay.at, by: replay.by.clone(), reason: replay.reason.clone() })
                .collect(),
        }
    }
}
