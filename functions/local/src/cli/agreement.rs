//! `marque agreements`.

use clap::{Args, Subcommand};
use marque_core::{AgreementId, LicenseId};

use super::publisher::{Publisher, WHERE};

#[derive(Debug, Args)]
#[command(after_help = WHERE)]
pub(crate) struct Agreements {
    #[command(subcommand)]
    pub(crate) command: AgreementsCommand,
    #[command(flatten)]
    pub(crate) publisher: Publisher,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgreementsCommand {
    /// List what was bought at marketplaces: agreements with those that renew or replace them.
    List {
        /// Only the one with this id at the cloud: agmt-….
        #[arg(long, value_name = "ID")]
        external: Option<String>,
        /// Only those that pay for this licence: lic_….
        #[arg(long, visible_alias = "licence", value_name = "LICENCE")]
        license: Option<LicenseId>,
    },
    /// Show an agreement with those that belong to it.
    Show {
        /// The agreement: agr_….
        agreement: AgreementId,
    },
    /// Join an agreement to those of another: one customer, one licence.
    #[command(
        after_help = "Example: marque agreements link agr_01M87R9YRRM4WXK2FFTFFDCPR8 --to agr_01M87R9YRRM4WXK2FFTFFDCPR9 \\\n           \
                      --reason 'renewed through a partner'"
    )]
    Link {
        /// The agreement: agr_….
        agreement: AgreementId,
        /// An agreement that it belongs to.
        #[arg(long, value_name = "AGREEMENT")]
        to: AgreementId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}
