//! A batch of a queue: each message is handled by itself, and what could not be is told apart.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::events::{EventFault, Outcome};
use super::shop::Shop;

/// The event is no batch of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event is no batch of SQS: it has no Records, each with a messageId")]
pub struct NoBatch;

/// What has become of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handled {
    /// How many events fared how.
    pub counts: EventCounts,
    /// The messages that are not done with.
    pub undone: Vec<Undone>,
}

/// A message that is not done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The queue's id of it.
    pub id: String,
    /// What the queue knows this delivery of it by.
    pub receipt: String,
    /// The how-manieth delivery this is, from 1.
    pub deliveries: u32,
    /// The message itself.
    pub body: String,
    /// Why.
    pub why: Why,
}

/// Why a message is not done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It never will be: it belongs among the dead letters.
    Refused(String),
    /// It may be, later.
    NotNow(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) | Self::NotNow(reason) => f.write_str(reason),
        }
    }
}

/// How events fared, for logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "each is an outcome, which has its words there")]
pub struct EventCounts {
    pub events_kept: u32,
    pub events_repeated: u32,
    pub events_parked: u32,
    /// Of other products of the seller's.
    pub events_dropped: u32,
    pub events_noted: u32,
    /// To come again: AWS or the table did not answer, or not everything yet.
    pub events_again: u32,
    /// Those that never will be handled.
    pub events_refused: u32,
}

impl EventCounts {
    fn count(&mut self, fared: &Result<Outcome, Why>) {
        *match fared {
            Ok(Outcome::Kept) => &mut self.events_kept,
            Ok(Outcome::Repeated) => &mut self.events_repeated,
            Ok(Outcome::Parked) => &mut self.events_parked,
            Ok(Outcome::Dropped) => &mut self.events_dropped,
            Ok(Outcome::Noted) => &mut self.events_noted,
            Ok(Outcome::Again) | Err(Why::NotNow(_)) => &mut self.events_again,
            Err(Why::Refused(_)) => &mut self.events_refused,
        } += 1;
    }
}

impl Shop {
    /// Handles a batch of SQS as Lambda delivers it, one message after the other.
    ///
    /// # Errors
    /// [`NoBatch`].
    pub async fn batch(&self, batch: &Value) -> Result<Handled, NoBatch> {
        let records = batch["Records"].as_array().ok_or(NoBatch)?;
        let mut handled = Handled::default();
        for record in records {
            let id = record["messageId"].as_str().ok_or(NoBatch)?;
            let fared = self.message(&record["body"]).await;
            handled.counts.count(&fared);
            if let Err(why) = fared {
                tracing::warn!(message = id, %why, "an event is not done with");
                handled.undone.push(Undone::of(record, id, why));
            }
        }
        Ok(handled)
    }

    async fn message(&self, body: &Value) -> Result<Outcome, Why> {
        let event: Option<Value> = body.as_str().and_then(|body| serde_json::from_str(body).ok());
        let event = event.ok_or_else(|| Why::Refused("the message is no JSON".to_owned()))?;
        match self.event(&event).await {
            Ok(Outcome::Again) => Err(Why::NotNow("AWS has not told everything yet".to_owned())),
            Ok(outcome) => Ok(outcome),
            Err(EventFault::Failed(cause)) => Err(Why::NotNow(cause)),
            Err(EventFault::Refused(reason)) => Err(Why::Refused(reason)),
        }
    }
}

impl Undone {
    fn of(record: &Value, id: &str, why: Why) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let deliveries = record["attributes"]["ApproximateReceiveCount"].as_str().and_then(|count| count.parse().ok());
        Self {
            id: id.to_owned(),
            receipt: text(&record["receiptHandle"]),
            deliveries: deliveries.unwrap_or(1),
            body: text(&record["body"]),
            why,
        }
    }
}
