//! Reporting usage to AWS Marketplace: BatchMeterUsage, and the gaps of its SDK closed.
//!
//! The limits: at most 25 records and 1 MB a call, of one product, to one region; 10 calls a second and account
//! (<https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-metering_BatchMeterUsage.html>).

use std::time::Duration;

use aws_sdk_marketplacemetering::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_marketplacemetering::config::{Builder, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_marketplacemetering::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_marketplacemetering::operation::batch_meter_usage::{BatchMeterUsageError, BatchMeterUsageOutput};
use aws_sdk_marketplacemetering::types::{UsageRecord, UsageRecordResultStatus as Status};
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;
use marque_core::usage::{EntryKey, Quantity, Reason, Record, Reply};
use serde_json::Value;

use super::wire::{self, Wiring};

/// The most records of a call.
pub const MOST_RECORDS: usize = 25;
/// The most bytes of a call. [`MOST_RECORDS`] of ours, which carry no tags, are far from it.
pub const MOST_BYTES: usize = 1_000_000;
/// A call that is not answered by then has an unknown outcome.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A second attempt is counted like the first one: the ledger makes it, not the SDK.
const ATTEMPTS: u32 = 1;

/// AWS Marketplace as usage is reported to it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metering {
    client: aws_sdk_marketplacemetering::Client,
}

/// What a call has told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Something of each record, in their order.
    Each(Vec<Reply>),
    /// Nothing was taken, because of one of the records.
    Refused(Reason, String),
    /// Nothing was taken, and nothing will be now: throttled, denied or disabled.
    Stop(String),
    /// There was no answer, or a fault of AWS's: all, some or nothing may have been taken.
    Nothing(String),
}

impl Metering {
    /// The client. Nothing is called yet.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the clients of AWS Marketplace are made here")]
    pub fn new(wiring: &Wiring) -> Self {
        Self { client: wire::client!(wiring, aws_sdk_marketplacemetering, wire::home(), ATTEMPTS) }
    }

    /// Reports records of one product to one region, at most [`MOST_RECORDS`]. One attempt.
    pub async fn report(&self, region: &str, records: &[(&EntryKey, &Record)]) -> Told {
        let usage = match records.iter().map(|(key, record)| usage_record(key, record)).collect::<Result<_, _>>() {
            Ok(usage) => usage,
            Err(fault) => return Told::Refused(Reason::UnknownError, format!("{fault}")),
        };
        let mend = Mend { decimals: records.iter().map(|(_, record)| decimal(record.quantity)).collect() };
        let limits = TimeoutConfig::builder().operation_timeout(TIMEOUT).operation_attempt_timeout(TIMEOUT).build();
        let here = Builder::new().region(Region::new(region.to_owned())).timeout_config(limits);
        let call = self.client.batch_meter_usage().set_usage_records(Some(usage));
        match call.customize().interceptor(mend).config_override(here).send().await {
            Ok(answer) => Told::Each(replies(records, &answer)),
            Err(error) => told(&error),
        }
    }
}

/// No ProductCode and no CustomerIdentifier: with the licence's ARN they bill the hour a second time.
fn usage_record(
    key: &EntryKey,
    record: &Record,
) -> Result<UsageRecord, aws_smithy_types::error::operation::BuildError> {
    UsageRecord::builder()
        .timestamp(DateTime::from_secs(record.timestamp.unix()))
        .dimension(&key.dimension)
        .set_quantity(whole(record.quantity))
        .customer_aws_account_id(&record.account)
        .license_arn(&record.license_arn)
        .build()
}

/// A quantity without a fraction.
fn whole(quantity: Quantity) -> Option<i32> {
    let units = i32::try_from(quantity.whole().millionths() / 1_000_000).ok();
    units.filter(|_| quantity.whole() == quantity)
}

/// The text of a quantity that [`whole`] cannot carry: always the same one for the same quantity.
fn decimal(quantity: Quantity) -> Option<String> {
    whole(quantity).is_none().then(|| quantity.to_string())
}

/// Closes the gaps of the SDK, before the request is signed: it sends an empty `CustomerIdentifier`, which AWS takes for
/// another identity beside the licence's, and it does not know `QuantityAsDecimal`. A test tells when it does.
#[derive(Debug)]
struct Mend {
    /// For each record, if it has a fraction.
    decimals: Vec<Option<String>>,
}

impl Intercept for Mend {
    fn name(&self) -> &'static str {
        "Mend"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let mut document: Value = serde_json::from_slice(request.body().bytes().ok_or("the body is not there")?)?;
        let records = document["UsageRecords"].as_array_mut().ok_or("the body has no records")?;
        if records.len() != self.decimals.len() {
            return Err("the body has other records".into());
        }
        for (record, decimal) in records.iter_mut().zip(&self.decimals) {
            let members = record.as_object_mut().ok_or("a record is no structure")?;
            if members.get("CustomerIdentifier").is_some_and(|identifier| identifier == "") {
                members.remove("CustomerIdentifier");
            }
            if let Some(decimal) = decimal {
                members.remove("Quantity");
                members.insert("QuantityAsDecimal".to_owned(), decimal.as_str().into());
            }
        }
        let body = serde_json::to_vec(&document)?;
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body);
        Ok(())
    }
}

/// What the answer says of each record. One that it does not mention may have been taken.
fn replies(records: &[(&EntryKey, &Record)], answer: &BatchMeterUsageOutput) -> Vec<Reply> {
    let is = |(key, record): &(&EntryKey, &Record), sent: &UsageRecord| {
        sent.license_arn.as_deref() == Some(&*record.license_arn)
            && sent.dimension == key.dimension
            && sent.timestamp.secs() == record.timestamp.unix()
    };
    let reply = |record: &(&EntryKey, &Record)| {
        let of_it = |sent: Option<&UsageRecord>| sent.is_some_and(|sent| is(record, sent));
        if let Some(result) = answer.results().iter().find(|result| of_it(result.usage_record())) {
            return match &result.status {
                Some(Status::Success) => Reply::Success(result.metering_record_id.clone().unwrap_or_default()),
                Some(Status::DuplicateRecord) => Reply::Duplicate,
                Some(Status::CustomerNotSubscribed) => Reply::NotSubscribed,
                _ => Reply::UnknownStatus,
            };
        }
        let unprocessed = answer.unprocessed_records().iter().any(|sent| of_it(Some(sent)));
        if unprocessed { Reply::NotTaken } else { Reply::Nothing }
    };
    records.iter().map(reply).collect()
}

/// What a failure of the whole call says. Only what AWS has refused in so many words was surely not taken.
fn told(error: &SdkError<BatchMeterUsageError>) -> Told {
    let Some(service) = error.as_service_error() else {
        let text = match error {
            SdkError::ConstructionFailure(_) => return Told::Stop("the request cannot be made".to_owned()),
            SdkError::TimeoutError(_) => "no answer in time",
            SdkError::DispatchFailure(_) => "the connection failed",
            _ => "the answer cannot be read",
        };
        return Told::Nothing(text.to_owned());
    };
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let code = service.code().unwrap_or("an error without a code");
    let refused = |reason| Told::Refused(reason, code.to_owned());
    match code {
        "TimestampOutOfBoundsException" => refused(Reason::TimestampOutOfBounds),
        "InvalidUsageDimensionException" => refused(Reason::InvalidUsageDimension),
        "InvalidLicenseException" => refused(Reason::InvalidLicense),
        "InvalidProductCodeException" => refused(Reason::InvalidProductCode),
        "InvalidCustomerIdentifierException" => refused(Reason::InvalidCustomer),
        "InvalidTagException" | "InvalidUsageAllocationsException" => refused(Reason::InvalidAllocations),
        "ThrottlingException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "DisabledApiException"
        | "AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "ExpiredTokenException"
        | "Throttling"
        | "AccessDenied"
        | "ExpiredToken"
        | "NotAuthorized"
        | "OptInRequired"
        | "RequestExpired" => Told::Stop(code.to_owned()),
        "InternalServiceErrorException" | "RequestTimeoutException" | "RequestTimeout" => {
            Told::Nothing(code.to_owned())
        }
        _ if status == 408 || status >= 500 => Told::Nothing(code.to_owned()),
        // Whatever says no to the caller, or gives no reason, says nothing of a record.
        _ if matches!(status, 401 | 403 | 429) || service.code().is_none() => Told::Stop(code.to_owned()),
        _ => refused(Reason::UnknownError),
    }
}
