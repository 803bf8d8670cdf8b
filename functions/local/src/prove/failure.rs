//! Why a machine is not registered: what the exit code of an unattended start hangs on.

use std::time::Duration;

use serde_json::Value;

use crate::output::{self, Answer, Outcome, Unusable, plain};

/// Why a try did not end well.
#[derive(Debug)]
pub(super) enum Failure {
    /// The service has judged: asked again, it would say the same.
    Refused {
        /// For people.
        sentence: String,
        /// The service's document.
        problem: Box<Value>,
    },
    /// Nothing is decided: somebody did not answer, or said *later*.
    Later {
        /// For people.
        sentence: String,
        /// Not before.
        after: Option<Duration>,
    },
    /// The cloud gives this machine no proof.
    Unprovable(String),
    /// Something on this machine cannot be used.
    Unusable(Unusable),
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        Self::Unusable(unusable)
    }
}

impl Failure {
    pub(super) fn later(sentence: impl Into<String>) -> Self {
        Self::Later { sentence: sentence.into(), after: None }
    }

    /// The service's document, if it gave one.
    pub(super) fn problem(&self) -> Option<&Value> {
        match self {
            Self::Refused { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// A problem document (RFC 9457): refused, or to be asked for again.
    pub(super) fn of_problem(problem: Value, after: Option<Duration>) -> Self {
        let member = |value: &Value, name: &str| plain(value[name].as_str().unwrap_or_default());
        let mut sentence = format!("{} ({})", member(&problem, "detail"), member(&problem, "code"));
        for fault in problem["errors"].as_array().into_iter().flatten() {
            sentence.push_str(&format!("\n  {}: {}", member(fault, "pointer"), member(fault, "detail")));
        }
        let status = problem["status"].as_u64().unwrap_or_default();
        // A challenge lapses while a machine waits: the next try has a new one.
        let again = status == 429 || status >= 500 || problem["code"] == "CHALLENGE_UNKNOWN";
        if again {
            return Self::Later { sentence, after };
        }
        Self::Refused { sentence, problem: Box::new(problem) }
    }

    /// Tells people, and ends the command.
    pub(super) fn tell(self) -> Answer {
        let (outcome, sentence) = match self {
            Self::Unusable(unusable) => return Err(unusable),
            Self::Refused { sentence, .. } => {
                output::refused(&sentence);
                return Ok(Outcome::Refused);
            }
            Self::Later { sentence, .. } => (Outcome::Undecided, sentence),
            Self::Unprovable(sentence) => (Outcome::Unprovable, sentence),
        };
        output::error(&sentence);
        Ok(outcome)
    }
}
