//! `marque customer`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use marque_core::CustomerId;

use super::publisher::{Publisher, WHERE};

#[derive(Debug, Args)]
#[command(after_help = WHERE)]
pub(crate) struct Customer {
    #[command(subcommand)]
    pub(crate) command: CustomerCommand,
    #[command(flatten)]
    pub(crate) publisher: Publisher,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CustomerCommand {
    /// Add a customer.
    #[command(
        after_help = "Example: marque customer add --name 'Ann Lee' --company 'Example Org' --email ann.lee@example.org"
    )]
    Add {
        /// The person to write to.
        #[arg(long)]
        name: String,
        /// Their company.
        #[arg(long)]
        company: String,
        /// Where to write.
        #[arg(long)]
        email: String,
        /// The language to write in; English unless given.
        #[arg(long, value_parser = ["en", "es"])]
        language: Option<String>,
    },
    /// List customers.
    List {
        /// Only those with this address.
        #[arg(long)]
        email: Option<String>,
    },
    /// Show a customer.
    Show {
        /// The customer: cus_….
        customer: CustomerId,
    },
    /// Change what is given.
    #[command(after_help = "Example: marque customer change cus_01M87R9YRRM4WXK2FFTFFDCPR8 --email ann@example.org")]
    Change {
        /// The customer: cus_….
        customer: CustomerId,
        /// The person to write to.
        #[arg(long)]
        name: Option<String>,
        /// Their company.
        #[arg(long)]
        company: Option<String>,
        /// Where to write.
        #[arg(long)]
        email: Option<String>,
        /// The language to write in.
        #[arg(long, value_parser = ["en", "es"])]
        language: Option<String>,
    },
    /// Approve a discount for a year. It is used with `licence issue`, `renew` and `change-plan` by its id.
    #[command(
        after_help = "Example: marque customer discount cus_01M87R9YRRM4WXK2FFTFFDCPR8 --kind education --percent 50 \\\n           \
                      --note 'letter of the university, 2027-01-12'"
    )]
    Discount {
        /// The customer: cus_….
        customer: CustomerId,
        /// Why they are given one.
        #[arg(long, value_parser = ["education", "non-profit"])]
        kind: String,
        /// How much, in percent: at most 50, and at most what the plan allows.
        #[arg(long)]
        percent: u32,
        /// What proves it.
        #[arg(long)]
        note: String,
    },
    /// Write everything that is known about a customer, as JSON Lines.
    Export {
        /// The customer: cus_….
        customer: CustomerId,
        /// Where to write it (mode 0600); standard output unless given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Remove the person for good: name, company, address and every word about them. Licences and histories stay.
    Erase {
        /// The customer: cus_….
        customer: CustomerId,
        /// Why. This stays, so it should not name the person.
        #[arg(long)]
        reason: String,
        /// Yes: it cannot be undone.
        #[arg(long)]
        yes: bool,
    },
}
