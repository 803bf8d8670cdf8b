//! What the metering service knows, and what was refused: the truth that a ledger is held to.

use marque_core::Timestamp;
use serde::{Deserialize, Serialize};

/// Usage that was accepted, and will be billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metered {
    /// The agreement: `agmt-…`.
    pub external_id: String,
    /// Its licence.
    pub license_arn: String,
    /// The dimension.
    pub dimension: String,
    /// As it was sent.
    pub timestamp: Timestamp,
    /// As a decimal.
    pub quantity: String,
    /// What AWS calls it.
    pub metering_record_id: String,
    /// The region that it was sent to: hours are known by region.
    pub region: String,
}

/// A request, or records of one, that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The call.
    pub operation: String,
    /// The exception's class, or the records' status.
    pub error: String,
    /// The records, for `BatchMeterUsage`.
    pub records: Vec<RefusedRecord>,
}

/// A record that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRecord {
    /// The licence that it named.
    pub license_arn: Option<String>,
    /// The dimension that it named.
    pub dimension: Option<String>,
    /// When the usage was.
    pub timestamp: Option<Timestamp>,
    /// As a decimal.
    pub quantity: Option<String>,
}

/// Everything that the metering service knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// In the order of acceptance.
    pub accepted: Vec<Metered>,
    /// In the order of refusal.
    pub refused: Vec<Refused>,
}
