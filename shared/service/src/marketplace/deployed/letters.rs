//! The dead letters: events that cannot be handled, each with its reason, looked at and put back.
//!
//! SQS in AWS JSON 1.0 (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html>).

use serde::Serialize;
use serde_json::{Value, json};

use crate::aws::{Aws, SignedService};
use crate::config::AwsSettings;

/// The attribute that tells why the function gave a message up.
pub(super) const REASON: &str = "reason";
/// And those by which EventBridge tells why it could not deliver an event.
const OF_EVENTBRIDGE: [&str; 2] = ["ERROR_CODE", "ERROR_MESSAGE"];
/// Whoever looks at letters hides them from others so long, in seconds.
const LOOKED_AT: u32 = 120;
/// SQS gives as many at once.
const MOST: u32 = 10;

/// SQS in the region of a queue.
#[derive(Debug, Clone)]
pub(super) struct Sqs(SignedService);

/// Why SQS has not taken a call, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("SQS has not taken {operation}: {reason}")]
pub struct NotTaken {
    operation: &'static str,
    reason: String,
}

impl Sqs {
    pub(super) fn new(aws: &Aws) -> Self {
        Self(aws.service("sqs", "sqs"))
    }

    /// One call, made once.
    pub(super) async fn call(&self, operation: &'static str, request: &Value) -> Result<Value, NotTaken> {
        let failed = |reason: String| NotTaken { operation, reason };
        let target = format!("AmazonSQS.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
        let answer = self.0.send("/", &headers, request.to_string().into_bytes()).await;
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status == 200 {
            return Ok(document);
        }
        let kind = document["__type"].as_str().unwrap_or(&answer.error);
        Err(failed(format!("{} {}", answer.status, kind.rsplit('#').next().unwrap_or_default())))
    }
}

/// A queue of dead letters.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    sqs: Sqs,
    url: String,
}

/// A dead letter.
#[derive(Debug, Clone, Serialize)]
pub struct Letter {
    /// SQS's id of the message.
    pub message: String,
    /// What the event is called, and of which agreement it tells; none when it is no event.
    pub kind: Option<String>,
    /// The agreement at the cloud.
    pub agreement: Option<String>,
    /// When it happened, as the event says.
    pub at: Option<String>,
    /// Why it was given up; none when it was left by a function that died.
    pub reason: Option<String>,
    #[serde(skip)]
    body: String,
    #[serde(skip)]
    receipt: String,
}

impl DeadLetters {
    /// The queue at this URL, in whose region the settings are. Nothing is called yet.
    #[must_use]
    pub fn new(settings: &AwsSettings, url: &str) -> Self {
        let region = url.split("//sqs.").nth(1).and_then(|rest| rest.split('.').next());
        let settings = AwsSettings { region: region.unwrap_or(&settings.region).to_owned(), ..settings.clone() };
        Self { sqs: Sqs::new(&Aws::new(&settings)), url: url.to_owned() }
    }

    /// Up to ten letters that nobody looks at. For two minutes nobody else sees them.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn take(&self) -> Result<Vec<Letter>, NotTaken> {
        let request = json!({
            "QueueUrl": self.url,
            "MaxNumberOfMessages": MOST,
            "VisibilityTimeout": LOOKED_AT,
            "MessageAttributeNames": ["All"],
        });
        let answer = self.sqs.call("ReceiveMessage", &request).await?;
        Ok(answer["Messages"].as_array().into_iter().flatten().map(Letter::read).collect())
    }

    /// Lets others see a letter that was looked at.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn leave(&self, letter: &Letter) -> Result<(), NotTaken> {
        let request = json!({"QueueUrl": self.url, "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0});
        self.sqs.call("ChangeMessageVisibility", &request).await.map(drop)
    }

    /// The queue that these are the dead letters of; none when there is none, or more than one.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn source(&self) -> Result<Option<String>, NotTaken> {
        let answer = self.sqs.call("ListDeadLetterSourceQueues", &json!({"QueueUrl": self.url})).await?;
        let urls = answer["queueUrls"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(if let [url] = urls { url.as_str().map(str::to_owned) } else { None })
    }

    /// Puts a letter into a queue, to be handled again: first there, then away from here. Should it be put twice, an event
    /// that has told its news tells them no more.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn replay(&self, letter: &Letter, queue: &str) -> Result<(), NotTaken> {
        self.sqs.call("SendMessage", &json!({"QueueUrl": queue, "MessageBody": letter.body})).await?;
        let request = json!({"QueueUrl": self.url, "ReceiptHandle": letter.receipt});
        self.sqs.call("DeleteMessage", &request).await.map(drop)
    }
}

impl Letter {
    fn read(message: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let attribute = |name: &str| text(&message["MessageAttributes"][name]["StringValue"]);
        let of_eventbridge: Vec<String> = OF_EVENTBRIDGE.into_iter().filter_map(attribute).collect();
        let reason = attribute(REASON).or_else(|| (!of_eventbridge.is_empty()).then(|| of_eventbridge.join(": ")));
        let body = text(&message["Body"]).unwrap_or_default();
        let event: Value = serde_json::from_str(&body).unwrap_or_default();
        Self {
            message: text(&message["MessageId"]).unwrap_or_default(),
            kind: text(&event["detail-type"]),
            agreement: text(&event["detail"]["agreement"]["id"]),
            at: text(&event["time"]),
            reason,
            body,
            receipt: text(&message["ReceiptHandle"]).unwrap_or_default(),
        }
    }
}
