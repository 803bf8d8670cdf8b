//! `marque keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use marque_core::{Duration, Timestamp};

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a root: the key that products embed and that signs key sets. Keep its file off line.
    Root {
        /// Where to write the secret half (mode 0600); it must not be there yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// One JSON document on standard output.
        #[arg(long)]
        json: bool,
    },
    /// List the keys of a ring.
    List {
        /// The key ring's document.
        #[arg(long, value_name = "FILE")]
        ring: PathBuf,
        /// One JSON document on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Rotate the key of a duty, or make a first ring. The new key is listed now, signs 48 hours later, and the old one
    /// ends 24 hours after that.
    #[command(
        after_help = "First ring:  marque keys rotate --ring ring.json --root root.json --issuer https://licences.example.com\n\
                            Rotation:    marque keys rotate --ring ring.json --root root.json --duty lease\n\
                            File key in KMS:  aws kms get-public-key --key-id ARN > file-key.json, then --duty file --kms file-key.json\n\
                            Then store ring.json as the secret that MARQUE_KEY_RING names, and delete the file."
    )]
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The key ring's document; made when it is not there.
    #[arg(long, value_name = "FILE")]
    pub(crate) ring: PathBuf,
    /// The root's secret half, as `marque keys root` wrote it.
    #[arg(long, value_name = "FILE")]
    pub(crate) root: PathBuf,
    /// Which key to rotate.
    #[arg(long, value_enum, default_value_t = DutyName::Lease)]
    pub(crate) duty: DutyName,
    /// The new file key is in KMS: what `aws kms get-public-key --key-id ARN` answered.
    #[arg(long, value_name = "FILE")]
    pub(crate) kms: Option<PathBuf>,
    /// The issuer of a first ring.
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// How long the longest lease of any plan lasts: lease keys stay listed for so long after their end.
    #[arg(long, value_name = "DURATION", default_value = "P14D")]
    pub(crate) longest_lease: Duration,
    /// Reckon as of this time instead of now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DutyName {
    /// Leases and denials.
    Lease,
    /// Files, and lists of revocations where no key has them as its own duty.
    File,
    /// Lists of revocations alone: needed beside a file key in KMS, which signs at most some thirty entries.
    List,
}
