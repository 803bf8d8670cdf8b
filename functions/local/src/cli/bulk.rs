//! What goes through many licences: `import`, `export`, `audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use marque_core::LicenseId;

use super::publisher::{Publisher, WHERE};

#[derive(Debug, Args)]
#[command(after_help = "The file: a heading line, then a licence a line. Columns in any order, by name:\n  \
    code, product, plan, name, company, email   and, if wanted,   starts_at, fingerprint\n\
    `code` is the old code, 25 hexadecimal digits in groups of five, and is kept. `fingerprint` binds a domain at once.\n\
    The whole file is read first: with a fault in it, nothing is sent. A line is taken in whole or not at all, and a line\n\
    that is there already is left alone, so running it again goes on where it stopped.\n\
    Examples:\n  \
    marque import old-codes.csv --dry-run\n  \
    marque import old-codes.csv")]
pub(crate) struct Import {
    /// The CSV file, in UTF-8.
    #[arg(value_name = "FILE.csv")]
    pub(crate) file: PathBuf,
    /// Report every fault by line, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) publisher: Publisher,
}

#[derive(Debug, Args)]
#[command(after_help = WHERE)]
pub(crate) struct Export {
    /// Where to write it (mode 0600: it holds codes and names); standard output unless given.
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) publisher: Publisher,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Each entry of a licence's history holds the hash of the one before. Whoever can write the table could rewrite a\n\
    history from any entry to its end, and every hash would fit again. Only a head that was kept elsewhere shows it:\n  \
    marque audit head --out heads-2027-01-31.json         once a day or week, to a place that the deployment cannot write\n  \
    marque audit verify --heads heads-2027-01-31.json     every kept head must still be in its history"
)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
    #[command(flatten)]
    pub(crate) publisher: Publisher,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk histories from their first entry, and say where one breaks.
    Verify {
        #[command(flatten)]
        chains: Chains,
        /// Heads that were kept elsewhere, as `audit head` wrote them: each must still be in its history.
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
    },
    /// Print the end of each history: its number and hash.
    Head {
        #[command(flatten)]
        chains: Chains,
        /// Where to write them as JSON, for `audit verify --heads`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Which histories: all of them unless some are named.
#[derive(Debug, Args)]
pub(crate) struct Chains {
    /// These licences: lic_….
    #[arg(value_name = "LICENCE")]
    pub(crate) licences: Vec<LicenseId>,
}
