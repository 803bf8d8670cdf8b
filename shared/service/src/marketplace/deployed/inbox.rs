//! The queue of events in SQS: what will never be handled goes to the dead letters with its reason, what may be comes
//! again, soon at first and hourly at last.

use serde_json::{Value, json};

use super::Shop;
use super::letters::{REASON, Sqs};
use crate::aws::Aws;
use crate::marketplace::queue::{EventCounts, NoBatch, Undone, Why};

/// A message comes again after so many seconds, doubled each time.
const FIRST_WAIT: u32 = 10;
const LONGEST_WAIT: u32 = 3600;
/// So many deliveries take a day. Then the message is given up, with the reason; the sweep mends what it has told.
const DELIVERIES: u32 = 30;
/// What an attribute may hold is more; nobody reads more.
const LONGEST_REASON: usize = 500;

/// A shop with its queue.
#[derive(Debug)]
pub struct Inbox {
    shop: Shop,
    sqs: Sqs,
    /// The queue of dead letters.
    letters: String,
}

impl Inbox {
    pub(super) fn new(shop: Shop, aws: &Aws, letters: String) -> Self {
        Self { shop, sqs: Sqs::new(aws), letters }
    }

    /// Handles a batch of SQS as Lambda delivers it: how many events fared how, and what Lambda is told, which messages are
    /// to stay in the queue.
    ///
    /// # Errors
    /// [`NoBatch`].
    pub async fn batch(&self, batch: &Value) -> Result<(EventCounts, Value), NoBatch> {
        let queue = queue_url(batch["Records"][0]["eventSourceARN"].as_str().unwrap_or_default());
        let handled = self.shop.batch(batch).await?;
        let mut stay = Vec::new();
        for undone in &handled.undone {
            let over = matches!(undone.why, Why::Refused(_)) || undone.deliveries >= DELIVERIES;
            if over && self.bury(undone).await {
                continue;
            }
            if let Some(queue) = &queue {
                self.put_off(undone, queue).await;
            }
            stay.push(json!({"itemIdentifier": undone.id}));
        }
        Ok((handled.counts, json!({"batchItemFailures": stay})))
    }

    /// Whether the message is among the dead letters now.
    async fn bury(&self, undone: &Undone) -> bool {
        let why = undone.why.to_string();
        let reason: String = why.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect();
        let body = json!({
            "QueueUrl": self.letters,
            "MessageBody": undone.body,
            "MessageAttributes": {REASON: {"DataType": "String", "StringValue": reason}},
        });
        tracing::error!(message = undone.id, reason, deliveries = undone.deliveries, "an event is a dead letter now");
        self.called("SendMessage", &body).await
    }

    /// Without this it comes again after the queue's own time, which is made for functions that die.
    async fn put_off(&self, undone: &Undone, queue: &str) {
        let body = json!({
            "QueueUrl": queue,
            "ReceiptHandle": undone.receipt,
            "VisibilityTimeout": wait(undone.deliveries),
        });
        self.called("ChangeMessageVisibility", &body).await;
    }

    async fn called(&self, operation: &'static str, request: &Value) -> bool {
        let called = self.sqs.call(operation, request).await;
        called.inspect_err(|error| tracing::error!(%error, "a message cannot be put where it belongs")).is_ok()
    }
}

/// Seconds until the next delivery.
fn wait(deliveries: u32) -> u32 {
    FIRST_WAIT.saturating_mul(1 << deliveries.saturating_sub(1).min(16)).min(LONGEST_WAIT)
}

/// The URL of a queue, by its ARN: `arn:aws:sqs:<region>:<account>:<name>`.
fn queue_url(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "sqs", region, account, name] = parts[..] else { return None };
    let suffix = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    Some(format!("https://sqs.{region}.{suffix}/{account}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_again_soon_at_first_and_for_a_day() {
        assert_eq!([1, 2, 3, 9, 10, 30].map(wait), [10, 20, 40, 2560, 3600, 3600]);
        let all: u32 = (1..DELIVERIES).map(wait).sum();
        assert!((20 * 3600..26 * 3600).contains(&all), "{all} s");
    }

    #[test]
    fn a_queue_has_the_address_that_its_arn_says() {
        let url = queue_url("arn:aws:sqs:eu-central-1:123456789012:marque-EventsQueue-1");
        assert_eq!(url.as_deref(), Some("https://sqs.eu-central-1.amazonaws.com/123456789012/marque-EventsQueue-1"));
        assert!(queue_url("").is_none() && queue_url("arn:aws:sns:a:b:c").is_none());
    }
}
