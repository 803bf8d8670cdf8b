//! SQS in AWS JSON 1.0, as far as a queue of events needs it. Messages that were received are invisible for as long as is
//! said, by a clock of their own that a test moves.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Refusal, lock};

/// How long messages stay invisible unless something else is said.
const VISIBILITY: u64 = 720;
/// No message is invisible longer.
const LONGEST: u64 = 43_200;

/// Queues by their URL.
#[derive(Debug, Default)]
pub struct Queues(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    now: u64,
    drawn: u64,
    queues: HashMap<String, Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    dead_letters: Option<String>,
}

/// A message.
#[derive(Debug, Clone)]
struct Message {
    id: String,
    body: String,
    attributes: Value,
    deliveries: u32,
    visible_at: u64,
    receipt: String,
}

impl Queues {
    /// Makes a queue whose dead letters go to another.
    pub fn make(&self, url: &str, dead_letters: Option<&str>) {
        lock(&self.0)
            .queues
            .insert(url.to_owned(), Queue { dead_letters: dead_letters.map(str::to_owned), ..Queue::default() });
    }

    /// Puts a message, as a rule of EventBridge does.
    pub fn put(&self, url: &str, body: &str) {
        drop(lock(&self.0).send(url, body, json!({})));
    }

    /// Lets so many seconds pass for invisible messages.
    pub fn pass(&self, seconds: u64) {
        lock(&self.0).now += seconds;
    }

    /// What is in a queue, visible or not: each body with its attribute `reason`, if it has one.
    #[must_use]
    pub fn messages(&self, url: &str) -> Vec<(String, Option<String>)> {
        let state = lock(&self.0);
        let messages = state.queues.get(url).into_iter().flat_map(|queue| &queue.messages);
        let reason = |message: &Message| message.attributes["reason"]["StringValue"].as_str().map(str::to_owned);
        messages.map(|message| (message.body.clone(), reason(message))).collect()
    }

    /// The next batch as Lambda delivers it; none when nothing is visible.
    #[must_use]
    pub fn batch(&self, url: &str, arn: &str, most: usize) -> Option<Value> {
        let mut state = lock(&self.0);
        let messages = state.receive(url, most, VISIBILITY);
        let records: Vec<Value> = messages
            .iter()
            .map(|message| {
                json!({
                    "messageId": message.id, "receiptHandle": message.receipt, "body": message.body,
                    "attributes": {"ApproximateReceiveCount": message.deliveries.to_string(), "SentTimestamp": "1804672800000"},
                    "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": arn, "awsRegion": super::REGION,
                })
            })
            .collect();
        (!records.is_empty()).then(|| json!({"Records": records}))
    }

    /// Deletes what a batch was done with: everything but the failures of the answer.
    pub fn settle(&self, url: &str, batch: &Value, answer: &Value) {
        let failed = |id: &Value| {
            answer["batchItemFailures"].as_array().into_iter().flatten().any(|failure| failure["itemIdentifier"] == *id)
        };
        let mut state = lock(&self.0);
        let Some(queue) = state.queues.get_mut(url) else { return };
        for record in batch["Records"].as_array().into_iter().flatten().filter(|record| !failed(&record["messageId"])) {
            queue.messages.retain(|message| record["messageId"] != *message.id);
        }
    }

    /// One call.
    pub(super) fn call(&self, action: &str, request: &Value) -> Result<Value, Refusal> {
        let mut state = lock(&self.0);
        let url = request["QueueUrl"].as_str().unwrap_or_default().to_owned();
        if !state.queues.contains_key(&url) {
            let message = "The specified queue does not exist.";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "com.amazonaws.sqs#QueueDoesNotExist", message));
        }
        match action {
            "SendMessage" => {
                let body = request["MessageBody"].as_str().filter(|body| !body.is_empty());
                let body = body.ok_or_else(|| Refusal::malformed("MessageBody"))?;
                let attributes = request["MessageAttributes"].clone();
                for (_, attribute) in attributes.as_object().into_iter().flatten() {
                    if attribute["DataType"] != "String" || attribute["StringValue"].as_str().is_none_or(str::is_empty)
                    {
                        return Err(Refusal::malformed("MessageAttributes"));
                    }
                }
                let id = state.send(&url, body, attributes);
                Ok(json!({"MessageId": id, "MD5OfMessageBody": "e4e68fb7bd0e697a0ae8f1bb342846b3"}))
            }
            "ReceiveMessage" => {
                let most = request["MaxNumberOfMessages"].as_u64().unwrap_or(1);
                if !(1..=10).contains(&most) {
                    return Err(Refusal::malformed("MaxNumberOfMessages"));
                }
                let invisible = request["VisibilityTimeout"].as_u64().unwrap_or(VISIBILITY);
                let messages = state.receive(&url, usize::try_from(most).unwrap_or(1), invisible);
                let shown = messages.iter().map(|message| {
                    json!({"MessageId": message.id, "ReceiptHandle": message.receipt, "Body": message.body,
                        "MessageAttributes": message.attributes})
                });
                let shown: Vec<Value> = shown.collect();
                Ok(if shown.is_empty() { json!({}) } else { json!({"Messages": shown}) })
            }
            "DeleteMessage" => {
                let queue = state.queues.get_mut(&url);
                queue
                    .into_iter()
                    .for_each(|queue| queue.messages.retain(|message| request["ReceiptHandle"] != *message.receipt));
                Ok(json!({}))
            }
            "ChangeMessageVisibility" => {
                let seconds = request["VisibilityTimeout"].as_u64().filter(|seconds| *seconds <= LONGEST);
                let until = state.now + seconds.ok_or_else(|| Refusal::malformed("VisibilityTimeout"))?;
                let found = state.queues.get_mut(&url).and_then(|queue| {
                    queue.messages.iter_mut().find(|message| request["ReceiptHandle"] == *message.receipt)
                });
                found.ok_or_else(|| Refusal::malformed("ReceiptHandle"))?.visible_at = until;
                Ok(json!({}))
            }
            "ListDeadLetterSourceQueues" => {
                let sources =
                    state.queues.iter().filter(|(_, queue)| queue.dead_letters.as_deref() == Some(url.as_str()));
                let sources: Vec<&String> = sources.map(|(url, _)| url).collect();
                Ok(json!({"queueUrls": sources}))
            }
            _ => Err(Refusal::malformed(format!("no action {action} is served"))),
        }
    }
}

impl State {
    fn send(&mut self, url: &str, body: &str, attributes: Value) -> String {
        self.drawn += 1;
        let id = format!("059f36b4-87a3-44ab-83d2-{:012x}", self.drawn);
        let (body, attributes) = (body.to_owned(), if attributes.is_null() { json!({}) } else { attributes });
        let message =
            Message { id: id.clone(), body, attributes, deliveries: 0, visible_at: self.now, receipt: String::new() };
        self.queues.entry(url.to_owned()).or_default().messages.push_back(message);
        id
    }

    fn receive(&mut self, url: &str, most: usize, invisible: u64) -> Vec<Message> {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(url) else { return Vec::new() };
        let visible = queue.messages.iter_mut().filter(|message| message.visible_at <= now).take(most);
        let mut received = Vec::new();
        for message in visible {
            self.drawn += 1;
            message.deliveries += 1;
            message.visible_at = now + invisible;
            message.receipt = format!("AQEB{:012x}", self.drawn);
            received.push(message.clone());
        }
        received
    }
}
