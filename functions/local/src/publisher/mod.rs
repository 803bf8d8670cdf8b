//! The publisher's commands: each asks a deployment, and shows what it answers to people or to scripts.

mod agreement;
mod audit;
mod chain;
mod customer;
mod each;
mod export;
mod flight;
mod import;
mod license;
mod plan;
mod product;
mod show;
mod usage;

use serde_json::Value;

use crate::admin::Failure;
use crate::output::{self, Answer, Outcome};

pub(crate) use self::{
    agreement::run as agreements, audit::run as audit, customer::run as customer, export::run as export,
    import::run as import, license::run as license, plan::run as plan, product::run as product, usage::run as usage,
};

/// What a command of the publisher answers: how it ended, or why it could not do it.
type Done = Result<Outcome, Failure>;

/// Ends a command: a refusal is told to people, and with `--json` also to scripts as the service's own document.
fn end(json: bool, done: Done) -> Answer {
    let failure = match done {
        Ok(outcome) => return Ok(outcome),
        Err(failure) => failure,
    };
    if let (true, Some(problem)) = (json, &failure.problem) {
        output::json(problem);
    }
    match failure.outcome {
        Outcome::Refused => output::refused(&failure.sentence),
        _ => output::error(&failure.sentence),
    }
    Ok(failure.outcome)
}

/// A body without the members that were not given.
fn given(mut body: Value) -> Value {
    if let Value::Object(members) = &mut body {
        members.retain(|_, value| !value.is_null());
    }
    body
}

/// Something that was changed: the document for scripts, a sentence for people.
fn told(json: bool, document: &Value, sentence: impl FnOnce() -> String) -> Outcome {
    if json {
        output::json(document);
    } else {
        output::say(sentence());
    }
    Outcome::Good
}
