//! Faults on order: first in, first out for each call, one for each HTTP request.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;

use crate::operation::Operation;

/// What may happen to a request instead of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `ThrottlingException`; no effect.
    Throttle,
    /// An error of the service, status 500; no effect.
    Internal,
    /// No answer; no effect.
    Timeout,
    /// The request takes effect, then the connection breaks.
    LostResponse,
    /// `BatchMeterUsage` hands every second record back, beginning with the first, and processes the others. Other calls
    /// are answered as ever.
    Unprocessed,
}

impl Fault {
    const NAMES: [(&'static str, Self); 5] = [
        ("throttle", Self::Throttle),
        ("internal", Self::Internal),
        ("timeout", Self::Timeout),
        ("lost-response", Self::LostResponse),
        ("unprocessed", Self::Unprocessed),
    ];
}

/// No fault of this name can be ordered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of throttle, internal, timeout, lost-response and unprocessed")]
pub struct FaultError;

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        Self::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, fault)| fault).ok_or(FaultError)
    }
}

/// The faults that were ordered and have not happened.
#[derive(Debug, Default)]
pub(crate) struct Faults(BTreeMap<Operation, VecDeque<Fault>>);

impl Faults {
    pub(crate) fn order(&mut self, operation: Operation, fault: Fault, times: usize) {
        let queue = self.0.entry(operation).or_default();
        if times == 0 {
            queue.clear();
        }
        queue.extend(std::iter::repeat_n(fault, times));
    }

    pub(crate) fn next(&mut self, operation: Operation) -> Option<Fault> {
        self.0.get_mut(&operation)?.pop_front()
    }
}
