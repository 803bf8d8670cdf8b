//! What commands answer: an exit code for scripts, one JSON document on standard output with `--json`, words for people on
//! standard error.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use serde_json::Value;

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// How a command ended: the exit codes are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0: good.
    Good,
    /// 1: the verdict is no.
    Refused,
    /// 2: the command or its input cannot be used.
    Unusable,
    /// 3: nothing was decided; asked again later, it will be.
    Undecided,
    /// 4: the cloud gives this machine no proof.
    Unprovable,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Good => 0,
            Outcome::Refused => 1,
            Outcome::Unusable => 2,
            Outcome::Undecided => 3,
            Outcome::Unprovable => 4,
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

/// Prints a refusal for people.
pub(crate) fn refused(sentence: &str) {
    anstream::eprintln!("{YELLOW}refused:{YELLOW:#} {sentence}");
}

/// Prints for people why a command cannot do its work.
pub(crate) fn error(sentence: &str) {
    anstream::eprintln!("{RED}error:{RED:#} {sentence}");
}

/// Writes to standard output as it is. That nobody reads on is no failure.
pub(crate) fn raw(text: &str) -> Result<(), Unusable> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Unusable::new(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a file that holds codes or names: whole or not at all, and for its owner's eyes alone.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), Unusable> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written
        .and_then(|()| std::fs::rename(&draft, path))
        .map_err(|error| Unusable::new(format!("{} cannot be written: {error}", path.display())))
}

/// How many columns standard output has, if it is a terminal.
pub(crate) fn width() -> Option<u16> {
    let terminal = console::Term::stdout();
    terminal.is_term().then(|| terminal.size().1)
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
