//! `BatchMeterUsage`: the whole call is refused by a rule, or each record has a result.

mod batch;
mod quantity;
pub mod rules;

use marque_core::Timestamp;
use serde_json::{Value, json};

use self::batch::{Batch, Record};
use crate::marketplace::{Marketplace, State};
use crate::operation::Operation;
use crate::purchase::Subscribed;
use crate::reply::{Answer, Exception};
use crate::request::Request;
use crate::serve::note_refusal;
use crate::truth::{Metered, RefusedRecord};
use crate::world::{Change, Hour};

/// What a record's result says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Success,
    CustomerNotSubscribed,
    DuplicateRecord,
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::CustomerNotSubscribed => "CustomerNotSubscribed",
            Self::DuplicateRecord => "DuplicateRecord",
        }
    }
}

pub(crate) fn batch_meter_usage(
    marketplace: &Marketplace,
    state: &mut State,
    request: &Request,
    unprocessed: bool,
) -> Result<Answer, Exception> {
    let now = marketplace.now();
    let batch = Batch::read(&request.document)?;
    let case = rules::Case { batch: &batch, marketplace: marketplace.shared(), world: &state.world, now };
    rules::check(&case)?;
    let (mut results, mut back) = (Vec::new(), Vec::new());
    for (place, record) in batch.records.iter().enumerate() {
        if unprocessed && place % 2 == 0 {
            back.push(record.sent.clone());
            continue;
        }
        results.push(
            take(state, record, &request.region, now)
                .map_err(|_| Exception::with_status(500, "InternalServiceErrorException", "Internal error"))?,
        );
    }
    Ok(Answer::json(&json!({"Results": results, "UnprocessedRecords": back})))
}

/// Takes one record: the first one of its hour is billed, and nothing else of that hour ever is.
fn take(state: &mut State, record: &Record, region: &str, now: Timestamp) -> std::io::Result<Value> {
    let metered = Metered {
        external_id: record.agreement(&state.world),
        license_arn: record.license_arn.clone(),
        dimension: record.dimension.clone(),
        timestamp: record.timestamp,
        quantity: record.quantity.to_string(),
        metering_record_id: state.world.draw("metering record")[..32].to_owned(),
        region: region.to_owned(),
    };
    let purchase = state.world.by_license_arn(&record.license_arn);
    let subscribed = purchase.map(|purchase| purchase.subscribed(now, state.knobs.subscription_lag));
    let known = state.world.hours.get(&Hour::of(&metered)).map(|place| &state.world.truth.accepted[*place]);
    let (status, id) = match (subscribed, known) {
        (_, Some(known)) if known.quantity == metered.quantity && !state.knobs.identical_is_duplicate => {
            (Status::Success, Some(known.metering_record_id.clone()))
        }
        (_, Some(known)) => (Status::DuplicateRecord, Some(known.metering_record_id.clone())),
        (Some(Subscribed::Yes), None) => {
            let id = metered.metering_record_id.clone();
            state.world.commit(vec![Change::Metered(metered)])?;
            (Status::Success, Some(id))
        }
        _ => (Status::CustomerNotSubscribed, None),
    };
    if status != Status::Success {
        note_refusal(state, Operation::BatchMeterUsage, status.name(), vec![refused(&record.sent)])?;
    }
    let mut result = json!({"UsageRecord": record.sent, "Status": status.name()});
    if let Some(id) = id {
        result["MeteringRecordId"] = id.into();
    }
    Ok(result)
}

/// The records of a request that was refused whole, as far as they can be read.
pub(crate) fn as_refused(document: &Value) -> Vec<RefusedRecord> {
    document["UsageRecords"].as_array().into_iter().flatten().map(refused).collect()
}

fn refused(record: &Value) -> RefusedRecord {
    let text = |name: &str| record[name].as_str().map(str::to_owned);
    RefusedRecord {
        license_arn: text("LicenseArn"),
        dimension: text("Dimension"),
        timestamp: batch::timestamp(&record["Timestamp"]),
        quantity: text("QuantityAsDecimal")
            .or_else(|| record["Quantity"].as_i64().map(|quantity| quantity.to_string())),
    }
}
