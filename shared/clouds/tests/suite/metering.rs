//! BatchMeterUsage on the wire: the gaps of the SDK are closed before the request is signed, and a test tells when the SDK
//! closes them itself.

use std::sync::{Arc, Mutex};

use aws_sdk_marketplacemetering::config::{BehaviorVersion, Builder};
use aws_sdk_marketplacemetering::types::UsageRecord;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_types::region::Region;
use hmac::{Hmac, KeyInit, Mac};
use marque_clouds::aws::{MOST_BYTES, MOST_RECORDS, Metering, Told, Wiring};
use marque_core::AgreementId;
use marque_core::usage::{EntryKey, Quantity, Reason, Record, Reply};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::at;

const ARN: &str = "arn:aws:license-manager::294406891311:license:l-0123456789abcdef0123456789abcdef";

/// Keeps what was sent, and answers what it is told to.
#[derive(Debug, Clone)]
struct Wire {
    sent: Arc<Mutex<Vec<HttpRequest>>>,
    answer: Answer,
}

#[derive(Debug, Clone)]
enum Answer {
    /// A status and a body.
    Of(u16, Value),
    /// Never.
    Never,
    /// The connection breaks.
    Broken,
}

impl Wire {
    fn answering(answer: Answer) -> Self {
        Self { sent: Arc::default(), answer }
    }

    fn client(&self) -> SharedHttpClient {
        self.clone().into_shared()
    }

    fn metering(&self) -> Metering {
        Metering::new(&Wiring::simulated(self.client()))
    }

    fn request(&self) -> (Value, HttpRequest) {
        let mut sent = self.sent.lock().unwrap();
        assert_eq!(sent.len(), 1, "one attempt");
        let request = sent.pop().unwrap();
        (serde_json::from_slice(request.body().bytes().unwrap()).unwrap(), request)
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.sent.lock().unwrap().push(request);
        match self.answer.clone() {
            Answer::Of(status, body) => HttpConnectorFuture::ready(Ok(HttpResponse::new(
                StatusCode::try_from(status).unwrap(),
                SdkBody::from(body.to_string()),
            ))),
            Answer::Never => HttpConnectorFuture::new(std::future::pending()),
            Answer::Broken => {
                let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                HttpConnectorFuture::ready(Err(ConnectorError::io(broken.into())))
            }
        }
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn key(dimension: &str) -> EntryKey {
    let agreement = AgreementId::from_bytes([1; 16]);
    let hour = "2027-03-10T10:00:00Z".parse().unwrap();
    EntryKey { chain: agreement, agreement, hour, dimension: dimension.to_owned() }
}

fn record(quantity: &str) -> Record {
    Record {
        license_arn: ARN.to_owned(),
        account: "123456789012".to_owned(),
        product_code: "code".to_owned(),
        region: "us-east-1".to_owned(),
        timestamp: at("2027-03-10T10:59:59Z"),
        quantity: quantity.parse().unwrap(),
    }
}

fn sent(dimension: &str, quantity: &Value) -> Value {
    let mut sent = json!({
        "Timestamp": 1_804_676_399, "CustomerAWSAccountId": "123456789012", "Dimension": dimension, "LicenseArn": ARN,
    });
    let member = if quantity.is_string() { "QuantityAsDecimal" } else { "Quantity" };
    sent[member] = quantity.clone();
    sent
}

#[tokio::test]
async fn whole_quantities_are_integers_fractions_are_decimals_and_no_second_identity_is_sent() {
    let wire = Wire::answering(Answer::Of(200, json!({"Results": [], "UnprocessedRecords": []})));
    let keys = ["whole", "zero", "most", "decimal", "least"].map(key);
    let records = ["17", "0", "2147483647", "17.42", "0.000001"].map(record);
    let pairs: Vec<_> = keys.iter().zip(&records).collect();
    wire.metering().report("us-east-1", &pairs).await;
    let (body, request) = wire.request();
    let expected = json!({"UsageRecords": [
        sent("whole", &json!(17)),
        sent("zero", &json!(0)),
        sent("most", &json!(2_147_483_647)),
        sent("decimal", &json!("17.42")),
        sent("least", &json!("0.000001")),
    ]});
    assert_eq!(body, expected);
    assert_eq!(request.headers().get("x-amz-target"), Some("AWSMPMeteringService.BatchMeterUsage"));
    let length = request.body().bytes().unwrap().len().to_string();
    assert_eq!(request.headers().get("content-length"), Some(&*length));
}

/// By the specification of Signature Version 4, not by the SDK: what was mended is what was signed.
#[tokio::test]
async fn what_was_mended_is_what_was_signed() {
    let wire = Wire::answering(Answer::Of(200, json!({"Results": [], "UnprocessedRecords": []})));
    wire.metering().report("eu-west-1", &[(&key("requests"), &record("1.5"))]).await;
    let (_, request) = wire.request();
    let host = request.uri().trim_start_matches("https://").split('/').next().unwrap().to_owned();
    let header = |name: &str| match name {
        "host" => host.clone(),
        _ => request.headers().get(name).unwrap_or_default().to_owned(),
    };
    let authorization = header("authorization");
    let part = |name: &str| {
        let after = authorization.split(name).nth(1).unwrap();
        after.split(',').next().unwrap().trim().to_owned()
    };
    let scope = part("Credential=").strip_prefix("simulated/").unwrap().to_owned();
    let [date, region, service, end] = scope.split('/').collect::<Vec<_>>()[..] else { panic!("{scope}") };
    assert_eq!((region, service), ("eu-west-1", "aws-marketplace"));
    assert_eq!(host, "metering.marketplace.eu-west-1.amazonaws.com");
    let signed = part("SignedHeaders=");
    let headers: String = signed.split(';').map(|name| format!("{name}:{}\n", header(name))).collect();
    let digest = hex(&Sha256::digest(request.body().bytes().unwrap()));
    let canonical = format!("POST\n/\n\n{headers}\n{signed}\n{digest}");
    let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", header("x-amz-date"), hex(&Sha256::digest(canonical)));
    let key = [date, region, service, end].iter().fold(b"AWS4simulated".to_vec(), |key, part| mac(&key, part));
    assert_eq!(part("Signature="), hex(&mac(&key, &text)));
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// When one of these fails, the SDK has closed a gap: take the part of `Mend` away that closes it here.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the SDK as it is, without what mends it")]
async fn the_sdk_still_has_the_gaps() {
    let wire = Wire::answering(Answer::Of(200, json!({"Results": [], "UnprocessedRecords": []})));
    let config = Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Wiring::simulated(wire.client()).credentials)
        .http_client(wire.client())
        .build();
    let record =
        UsageRecord::builder().timestamp(DateTime::from_secs(0)).dimension("requests").quantity(1).license_arn(ARN);
    let client = aws_sdk_marketplacemetering::Client::from_conf(config);
    let call = client.batch_meter_usage().usage_records(record.build().unwrap());
    call.send().await.unwrap();
    let (body, _) = wire.request();
    assert_eq!(body["UsageRecords"][0]["CustomerIdentifier"], "", "the SDK leaves an empty CustomerIdentifier out now");
    let record = format!("{:?}", UsageRecord::builder());
    assert!(!record.to_lowercase().contains("decimal"), "the SDK knows decimals now: {record}");
}

#[tokio::test]
async fn each_record_gets_its_own_answer_whatever_their_order() {
    let result = |dimension: &str, status: &str| json!({"UsageRecord": sent(dimension, &json!(1)), "Status": status, "MeteringRecordId": dimension});
    let answer = json!({
        "Results": [
            result("new", "SomethingOfNextYear"),
            result("known", "DuplicateRecord"),
            result("early", "CustomerNotSubscribed"),
            result("good", "Success"),
        ],
        "UnprocessedRecords": [sent("later", &json!(1))],
    });
    let wire = Wire::answering(Answer::Of(200, answer));
    let keys = ["good", "known", "early", "new", "later", "forgotten"].map(key);
    let one = record("1");
    let pairs: Vec<_> = keys.iter().map(|key| (key, &one)).collect();
    let told = wire.metering().report("us-east-1", &pairs).await;
    let expected = [
        Reply::Success("good".to_owned()),
        Reply::Duplicate,
        Reply::NotSubscribed,
        Reply::UnknownStatus,
        Reply::NotTaken,
        Reply::Nothing,
    ];
    assert_eq!(told, Told::Each(expected.to_vec()));
}

async fn told(answer: Answer) -> Told {
    Wire::answering(answer).metering().report("us-east-1", &[(&key("requests"), &record("1"))]).await
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_apart_by_whether_something_may_have_been_taken() {
    let exception = |status, class: &str| Answer::Of(status, json!({"__type": class, "message": "m"}));
    for (class, reason) in [
        ("TimestampOutOfBoundsException", Reason::TimestampOutOfBounds),
        ("InvalidUsageDimensionException", Reason::InvalidUsageDimension),
        ("InvalidLicenseException", Reason::InvalidLicense),
        ("InvalidProductCodeException", Reason::InvalidProductCode),
        ("InvalidCustomerIdentifierException", Reason::InvalidCustomer),
        ("InvalidTagException", Reason::InvalidAllocations),
        ("InvalidUsageAllocationsException", Reason::InvalidAllocations),
        ("ValidationException", Reason::UnknownError),
        ("SomethingOfNextYearException", Reason::UnknownError),
    ] {
        assert_eq!(told(exception(400, class)).await, Told::Refused(reason, class.to_owned()));
    }
    for class in ["ThrottlingException", "DisabledApiException", "AccessDeniedException", "ExpiredTokenException"] {
        assert_eq!(told(exception(400, class)).await, Told::Stop(class.to_owned()));
    }
    for (status, class) in [(400, "RequestExpired"), (403, "NotAuthorized"), (403, "OfNextYear"), (429, "OfNextYear")] {
        assert_eq!(told(exception(status, class)).await, Told::Stop(class.to_owned()), "says nothing of a record");
    }
    for answer in [
        exception(408, "RequestTimeoutException"),
        exception(500, "InternalServiceErrorException"),
        exception(503, "SomethingOfNextYearException"),
        Answer::Of(200, json!("no document")),
        Answer::Of(403, json!("a proxy's page")),
        Answer::Broken,
        Answer::Never,
    ] {
        let begun = tokio::time::Instant::now();
        assert!(matches!(told(answer.clone()).await, Told::Nothing(_)), "{answer:?}");
        assert!(begun.elapsed().as_secs() <= 10, "ten seconds at most");
    }
}

#[test]
fn the_longest_records_fit_into_a_call() {
    let longest = json!({
        "Timestamp": 253_402_300_799_i64, "CustomerAWSAccountId": "9".repeat(255), "Dimension": "d".repeat(255),
        "LicenseArn": "a".repeat(255), "QuantityAsDecimal": Quantity::MAX_RECORD.to_string() + ".000001",
    });
    assert!(longest.to_string().len() * MOST_RECORDS + 100 < MOST_BYTES);
}
