//! A batch of a queue: what could not be handled goes back alone, to come again or to end among the dead letters.

use serde_json::{Value, json};

use super::events::{EventFault, Outcome};
use super::shop::Shop;

/// The event is no batch of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event is no batch of SQS: it has no Records, each with a messageId")]
pub struct NoBatch;

impl Shop {
    /// Handles a batch of SQS as Lambda delivers it, and answers which of its messages have failed. A message that will
    /// never be handled fails as well: after its tries it lies among the dead letters, its reason in the log.
    ///
    /// # Errors
    /// [`NoBatch`].
    pub async fn batch(&self, batch: &Value) -> Result<Value, NoBatch> {
        let records = batch["Records"].as_array().ok_or(NoBatch)?;
        let mut failures = Vec::new();
        for record in records {
            let id = record["messageId"].as_str().ok_or(NoBatch)?;
            if !self.message(id, &record["body"]).await {
                failures.push(json!({"itemIdentifier": id}));
            }
        }
        Ok(json!({"batchItemFailures": failures}))
    }

    /// Whether a message is done with.
    async fn message(&self, id: &str, body: &Value) -> bool {
        let event: Option<Value> = body.as_str().and_then(|body| serde_json::from_str(body).ok());
        let Some(event) = event else {
            tracing::error!(message = id, "a message is no event");
            return false;
        };
        match self.event(&event).await {
            Ok(outcome) => outcome != Outcome::Again,
            Err(EventFault::Failed(cause)) => {
                tracing::warn!(message = id, cause, "an event comes again");
                false
            }
            Err(EventFault::Refused(reason)) => {
                tracing::error!(message = id, reason, "an event will never be handled");
                false
            }
        }
    }
}
