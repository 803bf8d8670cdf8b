//! Why a call did not do what was asked: in words that name the next step, and as the service's document for scripts.

use http::StatusCode;
use serde_json::Value;

use super::access::Access;
use crate::output::{Outcome, Unusable, plain};

/// A call that was refused, or a service that cannot be used.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Refused by the rules, or not usable at all.
    pub(crate) outcome: Outcome,
    /// For people.
    pub(crate) sentence: String,
    /// The problem document of the service, if it gave one.
    pub(crate) problem: Option<Value>,
}

impl From<Unusable> for Failure {
    fn from(Unusable(sentence): Unusable) -> Self {
        Self { outcome: Outcome::Unusable, sentence, problem: None }
    }
}

impl Failure {
    pub(super) fn unreachable(base: &str, error: &ureq::Error) -> Self {
        Unusable::new(format!("{base} does not answer: {error}. Look whether it runs there; asking again is harmless"))
            .into()
    }

    /// An answer that no deployment of Marque gives.
    pub(super) fn stranger(base: &str, what: &str) -> Self {
        Unusable::new(format!("{base} answered {what}: it is not the address of `admin`, or there is a proxy between"))
            .into()
    }

    /// An answer that is no success.
    pub(super) fn answered(base: &str, status: StatusCode, text: &str, access: &Access) -> Self {
        let problem: Option<Value> = serde_json::from_str(text).ok().filter(|it: &Value| it["code"].is_string());
        let Some(problem) = problem else {
            return match status {
                StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
                    Unusable::new(format!("{base} {}", access.refused())).into()
                }
                _ => Self::stranger(base, &format!("{status} and no problem document")),
            };
        };
        let outcome = match status {
            StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Outcome::Refused,
            _ => Outcome::Unusable,
        };
        let mut sentence = words(&problem);
        if status == StatusCode::UNAUTHORIZED {
            sentence = format!("{sentence}\n{base} {}", access.refused());
        }
        Self { outcome, sentence, problem: Some(problem) }
    }
}

/// A problem document for people: its code, its sentence, and each fault with its place.
fn words(problem: &Value) -> String {
    let member = |value: &Value, name: &str| plain(value[name].as_str().unwrap_or_default());
    let mut words = format!("{} ({})", member(problem, "detail"), member(problem, "code"));
    for fault in problem["errors"].as_array().into_iter().flatten() {
        words.push_str(&format!("\n  {}: {}", member(fault, "pointer"), member(fault, "detail")));
    }
    words
}
