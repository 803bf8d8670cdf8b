//! The faults, and what becomes of a request they hit.

use dynoxide::Database;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::operation::Operation;
use crate::request::Request;

/// What may happen to a request instead of its answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// `ProvisionedThroughputExceededException`; no effect. The SDK tries again.
    Throttle,
    /// `InternalServerError`, status 500; no effect. The SDK tries again.
    Internal,
    /// A write of one item meets a transaction: `TransactionConflictException`. A transaction meets another write:
    /// `TransactionCanceledException` with that reason for the item at `index` (the last one if there are fewer). No
    /// effect, and the SDK does not try again. Happens to nothing else.
    TransactionConflict {
        /// Which item of a transaction; means nothing for a write of one item.
        index: usize,
    },
    /// `TransactionInProgressException`: the same token is at work; no effect. The SDK tries again. Happens to
    /// `TransactWriteItems` only.
    TransactionInProgress,
    /// The connector gives up waiting, at once; no effect. The SDK tries again.
    Timeout,
    /// The request takes effect, then the connection breaks. The SDK tries again.
    LostAnswer,
    /// The process dies: this request and all later ones fail with a broken connection, until
    /// [`Faults::clear`](crate::Faults::clear).
    Crash {
        /// Whether this request takes effect; the later ones do not.
        applied: bool,
    },
}

/// What the connector does with a request.
pub(crate) enum Verdict {
    Serve,
    ServeStale(Database),
    Refuse(Answer),
    Lose { applied: bool, loss: Loss },
}

/// How the connector fails.
pub(crate) enum Loss {
    Timeout,
    Connection,
}

impl Fault {
    /// Whether it can happen to `request`.
    pub(crate) fn fits(self, request: &Request<'_>) -> bool {
        match self {
            Self::TransactionConflict { .. } => {
                request.operation.is_some_and(|operation| operation.writes_one_item() || operation.transacts())
            }
            Self::TransactionInProgress => request.operation == Some(Operation::TransactWriteItems),
            Self::Throttle | Self::Internal | Self::Timeout | Self::LostAnswer | Self::Crash { .. } => true,
        }
    }

    /// What becomes of `request`.
    pub(crate) fn verdict(self, request: &Request<'_>) -> Verdict {
        match self {
            Self::Throttle => Verdict::Refuse(Answer::error(
                400,
                "ProvisionedThroughputExceededException",
                message("The level of configured provisioned throughput for the table was exceeded."),
            )),
            Self::Internal => {
                Verdict::Refuse(Answer::error(500, "InternalServerError", message("Internal server error")))
            }
            Self::TransactionConflict { index } => Verdict::Refuse(conflict(request, index)),
            Self::TransactionInProgress => Verdict::Refuse(Answer::error(
                400,
                "TransactionInProgressException",
                json!({"Message": "Transaction is in progress for the specified idempotency token"}),
            )),
            Self::Timeout => Verdict::Lose { applied: false, loss: Loss::Timeout },
            Self::LostAnswer => Verdict::Lose { applied: true, loss: Loss::Connection },
            Self::Crash { applied } => Verdict::Lose { applied, loss: Loss::Connection },
        }
    }
}

fn conflict(request: &Request<'_>, index: usize) -> Answer {
    const ONGOING: &str = "Transaction is ongoing for the item";

    let Some(last) = request.transaction_len().checked_sub(1) else {
        return Answer::error(400, "TransactionConflictException", message(ONGOING));
    };
    let mut codes = vec!["None"; last + 1];
    codes[index.min(last)] = "TransactionConflict";
    let reasons: Vec<Value> = codes
        .iter()
        .map(|&code| if code == "None" { json!({"Code": code}) } else { json!({"Code": code, "Message": ONGOING}) })
        .collect();
    let text =
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
    Answer::error(400, "TransactionCanceledException", json!({"Message": text, "CancellationReasons": reasons}))
}

fn message(text: &str) -> Value {
    json!({"message": text})
}
