//! `marque usage`.

use clap::{Args, Subcommand};
use marque_core::usage::{Hour, Quantity};
use marque_core::{AgreementId, Timestamp};

use super::publisher::{Publisher, WHERE};

#[derive(Debug, Args)]
#[command(after_help = WHERE)]
pub(crate) struct Usage {
    #[command(subcommand)]
    pub(crate) command: UsageCommand,
    #[command(flatten)]
    pub(crate) publisher: Publisher,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsageCommand {
    /// Show what became of an agreement's usage: sums, then a line an hour.
    #[command(
        after_help = "What was accepted is always the sum of the rest. An hour is open, sealed, sending, held, confirmed,\n\
                            quarantined (it needs a person) or expired (lost): docs/metering.md says what to do."
    )]
    Show {
        /// The agreement: agr_….
        agreement: AgreementId,
        /// Hours from this time on; 35 days unless given.
        #[arg(long, value_name = "TIME")]
        from: Option<Timestamp>,
        /// Hours before this time.
        #[arg(long, value_name = "TIME")]
        to: Option<Timestamp>,
        /// Only hours that are not confirmed.
        #[arg(long)]
        unsettled: bool,
        /// The hours as CSV on standard output, for a spreadsheet.
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// Report usage in the name of an agreement's servers. The same id again is counted once.
    #[command(
        after_help = "Example: marque usage report agr_01M87R9YRRM4WXK2FFTFFDCPR8 requests 12.5 --id correction-7"
    )]
    Report {
        /// The agreement: agr_….
        agreement: AgreementId,
        /// The dimension's API name.
        dimension: String,
        /// How much: a decimal with at most 6 places.
        quantity: Quantity,
        /// Names the record: 1 to 64 characters, never used again for something else.
        #[arg(long)]
        id: String,
        /// When it happened; now unless given.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
    },
    /// Send an hour again, as it was sealed, that is quarantined or held: once what it waits for was mended.
    #[command(
        after_help = "Example: marque usage replay agr_01M87R9YRRM4WXK2FFTFFDCPR8 2027-03-10T10:00:00Z requests \\\n           \
                            --quantity 12.5 --reason 'the dimension was added to the listing'"
    )]
    Replay {
        /// The agreement: agr_….
        agreement: AgreementId,
        /// The hour, by its first second.
        hour: Hour,
        /// The dimension's API name.
        dimension: String,
        /// The hour's quantity, as `show` tells it: whoever sends it again has looked.
        #[arg(long)]
        quantity: Quantity,
        /// What was mended.
        #[arg(long)]
        reason: String,
    },
}
