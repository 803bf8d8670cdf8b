//! What was sent, and what it cost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::answer::Answer;
use crate::operation::Operation;
use crate::request::Request;

/// The requests that reached the connector: each attempt of the SDK is one, whether or not it was answered.
#[derive(Debug, Default)]
pub struct Calls {
    count: AtomicU64,
    recording: AtomicBool,
    recorded: Mutex<VecDeque<Call>>,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `None` if it is not one that is served.
    pub operation: Option<Operation>,
    /// The table, the first one if it names several.
    pub table: Option<String>,
    /// Read units, if the request asked for `ConsumedCapacity`.
    pub read_units: f64,
    /// Write units, if the request asked for `ConsumedCapacity`.
    pub write_units: f64,
    /// How it ended for the caller.
    pub outcome: Outcome,
}

/// How a request ended for the caller.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It was granted.
    Granted,
    /// It was refused with an error of this class, such as `ConditionalCheckFailedException`.
    Refused(String),
    /// No answer came; a fault says whether it took effect.
    Lost,
}

impl Calls {
    /// At most so many calls are kept; the oldest go first.
    pub const KEPT: usize = 100_000;

    /// How many requests there have been so far, recorded or not.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Starts recording, or stops it; off at first, since recording reads each body once more.
    pub fn record(&self, on: bool) {
        self.recording.store(on, Ordering::Relaxed);
    }

    /// Takes what has been recorded, oldest first.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.recorded.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }

    /// Counts a request and gives its number.
    pub(crate) fn begin(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Records a request with its answer, `None` if that was lost.
    pub(crate) fn end(&self, request: &Request<'_>, answer: Option<&Answer>) {
        if !self.recording.load(Ordering::Relaxed) {
            return;
        }
        let call = Call::new(request, answer);
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        if recorded.len() == Self::KEPT {
            recorded.pop_front();
        }
        recorded.push_back(call);
    }
}

impl Call {
    fn new(request: &Request<'_>, answer: Option<&Answer>) -> Self {
        let (outcome, (read_units, write_units)) = match answer.map(Answer::read) {
            Some(Ok(body)) => (Outcome::Granted, units(request.operation, &body["ConsumedCapacity"])),
            Some(Err(class)) => (Outcome::Refused(class), (0.0, 0.0)),
            None => (Outcome::Lost, (0.0, 0.0)),
        };
        let table = request.table().map(str::to_owned);
        Self { operation: request.operation, table, read_units, write_units, outcome }
    }
}

/// Read and write units in a `ConsumedCapacity`: an object, or one for each table. Transactions tell the two apart (one
/// that is answered from its token has read only); elsewhere the operation does.
fn units(operation: Option<Operation>, capacity: &Value) -> (f64, f64) {
    let one = std::slice::from_ref(capacity);
    let tables = capacity.as_array().map_or(one, Vec::as_slice);
    tables.iter().fold((0.0, 0.0), |(read, write), table| {
        let units = |name: &str| table[name].as_f64();
        let (more_read, more_write) = match (units("ReadCapacityUnits"), units("WriteCapacityUnits")) {
            (None, None) if operation.is_some_and(Operation::reads) => (units("CapacityUnits"), None),
            (None, None) => (None, units("CapacityUnits")),
            told_apart => told_apart,
        };
        (read + more_read.unwrap_or(0.0), write + more_write.unwrap_or(0.0))
    })
}
