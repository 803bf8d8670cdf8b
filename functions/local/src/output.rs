//! What commands answer: an exit code for scripts, one JSON document on standard output with `--json`, words for people on
//! standard error.

use std::process::ExitCode;

use serde_json::Value;

/// How a command ended: the exit codes are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0: good.
    Good,
    /// 1: the verdict is no.
    Refused,
    /// 2: the command or its input cannot be used.
    Unusable,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Good => 0,
            Outcome::Refused => 1,
            Outcome::Unusable => 2,
        })
    }
}

/// Why a command cannot do its work: a sentence that names the cure.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unusable(pub(crate) String);

/// What every command of this program answers.
pub(crate) type Answer = Result<Outcome, Unusable>;

impl Unusable {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Prints one JSON document for scripts.
pub(crate) fn json(document: &Value) {
    anstream::println!("{document:#}");
}

/// Prints a line for people.
pub(crate) fn say(line: impl AsRef<str>) {
    anstream::eprintln!("{}", line.as_ref());
}

/// A table for people, without lines that get in the way of copying.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table.set_header(header.map(str::to_uppercase));
    table
}

/// Foreign text made safe for a terminal: no control characters, so no escape sequences.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
