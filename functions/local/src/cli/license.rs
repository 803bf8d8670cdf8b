//! `marque licence`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use marque_core::{ActivationId, CustomerId, FingerprintValue, LicenseId, Slug, Timestamp};

use super::publisher::{Publisher, WHERE};

#[derive(Debug, Args)]
#[command(after_help = WHERE)]
pub(crate) struct Licence {
    #[command(subcommand)]
    pub(crate) command: LicenceCommand,
    #[command(flatten)]
    pub(crate) publisher: Publisher,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LicenceCommand {
    /// Sell a licence: its code is shown, and mailed to the customer.
    #[command(
        after_help = "Example: marque licence issue kopicloud-ad-api yearly --customer cus_01M87R9YRRM4WXK2FFTFFDCPR8"
    )]
    Issue {
        /// The product.
        product: Slug,
        /// The plan.
        plan: Slug,
        /// For whom: cus_….
        #[arg(long, value_name = "ID")]
        customer: CustomerId,
        /// With which approved discount: dis_….
        #[arg(long, value_name = "ID")]
        discount: Option<String>,
        /// When the term started; not in the future. Now unless given.
        #[arg(long, value_name = "TIME")]
        starts_at: Option<Timestamp>,
    },
    /// List the licences of a customer, of a month, or of a mail address.
    #[command(after_help = "Examples:\n  \
        marque licence list --email ann.lee@example.org\n  \
        marque licence list --month 2027-01 --json")]
    List {
        #[command(flatten)]
        of: Whose,
    },
    /// Show a licence.
    Show {
        /// The licence: lic_….
        licence: LicenseId,
    },
    /// Add paid periods. In time or in the grace nothing is lost; later, the new term starts today.
    Renew {
        /// The licence: lic_….
        licence: LicenseId,
        /// How many periods.
        #[arg(short = 'n', long = "periods", value_name = "N")]
        periods: Option<u32>,
        /// With which approved discount: dis_….
        #[arg(long, value_name = "ID")]
        discount: Option<String>,
    },
    /// Change the plan: upwards at once, with unused days kept; yearly to monthly when the term is renewed.
    ChangePlan {
        /// The licence: lic_….
        licence: LicenseId,
        /// The plan that it changes to.
        plan: Slug,
        /// With which approved discount: dis_….
        #[arg(long, value_name = "ID")]
        discount: Option<String>,
    },
    /// Take back a change or a cancellation that has not taken effect yet.
    WithdrawChange {
        /// The licence: lic_….
        licence: LicenseId,
    },
    /// End a subscription with its paid time.
    Cancel {
        /// The licence: lic_….
        licence: LicenseId,
        /// Why, if it was told.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Stop a licence for a while: at their next check servers are told to stop.
    Suspend {
        /// The licence: lic_….
        licence: LicenseId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// End a suspension. The whole days lost are given back.
    Reinstate {
        /// The licence: lic_….
        licence: LicenseId,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Do not give back the days lost.
        #[arg(long)]
        consume: bool,
    },
    /// End a licence for good.
    Revoke {
        /// The licence: lic_….
        licence: LicenseId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Lengthen a trial.
    #[command(
        after_help = "Example: marque licence extend lic_01M87R9YRRM4WXK2FFTFFDCPR8 --days 10 --reason 'waits for their hardware'"
    )]
    Extend {
        /// The licence: lic_….
        licence: LicenseId,
        /// By how many days.
        #[arg(long)]
        days: u32,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Free the domain of a server that is gone, also after a .lic file was made for it.
    Release {
        /// The licence: lic_….
        licence: LicenseId,
        /// Which activation, when there are several: act_….
        #[arg(long, value_name = "ID")]
        activation: Option<ActivationId>,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Write the .lic file of a perpetual licence: all that a site without internet needs.
    #[command(
        after_help = "For a site without internet, the customer gives the domain's fingerprint from any other machine of the domain:\n  \
        marque licence file lic_01M87R9YRRM4WXK2FFTFFDCPR8 --fingerprint c3809b…5ae9 --out server.lic\n\
        Asked again, it is the same file."
    )]
    File {
        /// The licence: lic_….
        licence: LicenseId,
        /// Bind this domain first, 64 hexadecimal digits; else the domain that is bound already.
        #[arg(long, value_name = "HEX")]
        fingerprint: Option<FingerprintValue>,
        /// Where to write it; `-` is standard output.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show what happened to a licence, by whom, and verify that nothing of it was changed.
    #[command(visible_alias = "history")]
    Log {
        /// The licence: lic_….
        licence: LicenseId,
    },
}

/// Which licences: one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whose {
    /// Those of a customer: cus_….
    #[arg(long, value_name = "ID")]
    pub(crate) customer: Option<CustomerId>,
    /// Those issued in a month.
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) month: Option<String>,
    /// Those of everybody with this address.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
}
