//! A batch as it was sent, read into types; what no model of the service allows is refused here.

use marque_core::Timestamp;
use serde_json::Value;

use super::quantity::Quantity;
use crate::reply::Exception;
use crate::world::World;

/// A batch whose members have the types of the model.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) product_code: Option<String>,
    pub(crate) records: Vec<Record>,
}

/// A record of a batch.
#[derive(Debug)]
pub(crate) struct Record {
    /// The record as it was sent: results repeat it.
    pub(crate) sent: Value,
    pub(crate) timestamp: Timestamp,
    pub(crate) dimension: String,
    pub(crate) quantity: Quantity,
    pub(crate) customer_identifier: Option<String>,
    pub(crate) account: Option<String>,
    /// Empty when there is none.
    pub(crate) license_arn: String,
    pub(crate) allocations: Option<Vec<Allocation>>,
}

/// A part of a record's quantity, with its tags.
#[derive(Debug)]
pub(crate) struct Allocation {
    pub(crate) quantity: Quantity,
    pub(crate) tags: Vec<(String, String)>,
}

impl Batch {
    pub(crate) fn read(document: &Value) -> Result<Self, Exception> {
        let records = document["UsageRecords"].as_array().ok_or_else(|| invalid("UsageRecords is required"))?;
        if records.len() > 25 {
            return Err(invalid("Member must have length less than or equal to 25"));
        }
        let product_code = match &document["ProductCode"] {
            Value::Null => None,
            Value::String(code) if code.len() <= 255 => Some(code.clone()),
            _ => return Err(invalid("ProductCode must be a text of at most 255 characters")),
        };
        Ok(Self { product_code, records: records.iter().map(Record::read).collect::<Result<_, _>>()? })
    }
}

impl Record {
    fn read(sent: &Value) -> Result<Self, Exception> {
        const KNOWN: [&str; 8] = [
            "Timestamp",
            "Dimension",
            "Quantity",
            "QuantityAsDecimal",
            "CustomerIdentifier",
            "CustomerAWSAccountId",
            "LicenseArn",
            "UsageAllocations",
        ];
        let members = sent.as_object().ok_or_else(|| invalid("a record is a structure"))?;
        if let Some(unknown) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(invalid(format!("{unknown} is no member of a record")));
        }
        let text = |name: &str| match &sent[name] {
            Value::Null => Ok(None),
            Value::String(text) if text.len() <= 255 => Ok(Some(text.clone())),
            _ => Err(invalid(format!("{name} must be a text of at most 255 characters"))),
        };
        let allocations = match &sent["UsageAllocations"] {
            Value::Null => None,
            Value::Array(parts) if (1..=2500).contains(&parts.len()) => {
                Some(parts.iter().map(Allocation::read).collect::<Result<_, _>>()?)
            }
            _ => return Err(invalid("UsageAllocations must have 1 to 2500 members")),
        };
        Ok(Self {
            timestamp: timestamp(&sent["Timestamp"]).ok_or_else(|| invalid("Timestamp is required"))?,
            dimension: text("Dimension")?
                .filter(|name| !name.is_empty())
                .ok_or_else(|| invalid("Dimension is required"))?,
            quantity: quantity(sent, "Quantity", "QuantityAsDecimal")?.unwrap_or(Quantity::ZERO),
            customer_identifier: text("CustomerIdentifier")?,
            account: text("CustomerAWSAccountId")?,
            license_arn: text("LicenseArn")?.unwrap_or_default(),
            allocations,
            sent: sent.clone(),
        })
    }

    pub(crate) fn agreement(&self, world: &World) -> String {
        world.by_license_arn(&self.license_arn).map(|purchase| purchase.agreement.clone()).unwrap_or_default()
    }
}

impl Allocation {
    fn read(sent: &Value) -> Result<Self, Exception> {
        let quantity = quantity(sent, "AllocatedUsageQuantity", "AllocatedUsageQuantityAsDecimal")?;
        let tags = sent["Tags"].as_array().into_iter().flatten().map(|tag| {
            let part = |name: &str| tag[name].as_str().map(str::to_owned);
            part("Key").zip(part("Value")).ok_or_else(|| invalid("a tag has a Key and a Value"))
        });
        Ok(Self {
            quantity: quantity.ok_or_else(|| invalid("AllocatedUsageQuantity is required"))?,
            tags: tags.collect::<Result<_, _>>()?,
        })
    }
}

/// Seconds since 1970, with or without a fraction.
pub(super) fn timestamp(value: &Value) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "what is out of range is no time")]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))?;
    Timestamp::from_unix(seconds)
}

/// An integer or a decimal, never both.
fn quantity(sent: &Value, whole: &str, decimal: &str) -> Result<Option<Quantity>, Exception> {
    let read = match (&sent[whole], &sent[decimal]) {
        (Value::Null, Value::Null) => return Ok(None),
        (Value::Number(units), Value::Null) => units.as_i64().and_then(Quantity::whole),
        (Value::Null, Value::String(text)) => Quantity::decimal(text),
        _ => None,
    };
    let must = format!("either {whole}, from 0 to 2147483647, or {decimal}, with at most 6 decimals");
    read.map(Some).ok_or_else(|| invalid(must))
}

fn invalid(message: impl Into<String>) -> Exception {
    Exception::new("ValidationException", format!("1 validation error detected: {}", message.into()))
}
