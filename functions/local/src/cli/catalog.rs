//! `marque product` and `marque plan`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use marque_core::Slug;
use marque_core::usage::Retention;

use super::publisher::{Publisher, WHERE};

#[derive(Debug, Args)]
#[command(after_help = WHERE)]
pub(crate) struct Product {
    #[command(subcommand)]
    pub(crate) command: ProductCommand,
    #[command(flatten)]
    pub(crate) publisher: Publisher,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProductCommand {
    /// List the products.
    List,
    /// Show a product.
    Show {
        /// The product.
        product: Slug,
    },
    /// Define a product, or change what is given of one that is there.
    #[command(after_help = "Example: marque product set backup --name 'Example Backup' --fingerprint-kind ad-domain")]
    Set {
        /// Its name in codes of programs: small letters, digits and hyphens.
        product: Slug,
        /// Its name for people.
        #[arg(long)]
        name: Option<String>,
        /// What its servers are bound by: `ad-domain`, or `custom` when the product makes its own fingerprint.
        #[arg(long, value_name = "KIND")]
        fingerprint_kind: Option<String>,
        /// A file with the `marketplace` list of the wire contract (JSON).
        #[arg(long, value_name = "FILE")]
        marketplace: Option<PathBuf>,
        /// How long hours of metered usage are kept once they are confirmed: P365D to P3650D, P400D unless it is set.
        #[arg(long, value_name = "DURATION")]
        usage_retention: Option<Retention>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = WHERE)]
pub(crate) struct Plan {
    #[command(subcommand)]
    pub(crate) command: PlanCommand,
    #[command(flatten)]
    pub(crate) publisher: Publisher,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Show a plan as it is sold now.
    Show {
        /// The product.
        product: Slug,
        /// The plan.
        plan: Slug,
    },
    /// Define a plan, or make a new revision of one that is there. Sold licences keep the revision that they were sold under.
    #[command(
        after_help = "What is not given stays as it is; a new plan starts from: sellable, starts at issue, 1 activation, 3 rebinds a\n\
        year, lease P14D, grace P14D for a subscription and none else, no discount, no features, no reminders.\n\
        Examples:\n  \
        marque plan set backup yearly --name Yearly --kind subscription --term P1Y --discount-max 50 --reminders 30,14,7,1\n  \
        marque plan set backup trial --name Trial --kind trial --term P30D --starts activation --trials-per-person 2\n  \
        marque plan set backup monthly --sale legacy"
    )]
    Set {
        /// The product.
        product: Slug,
        /// The plan.
        plan: Slug,
        #[command(flatten)]
        members: Box<PlanMembers>,
    },
}

/// The members of a plan, as the wire contract has them.
#[derive(Debug, Args)]
pub(crate) struct PlanMembers {
    /// Its name for people.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What is sold: `trial`, `subscription` or `perpetual`.
    #[arg(long, value_parser = ["trial", "subscription", "perpetual"])]
    pub(crate) kind: Option<String>,
    /// A period: P1M, P1Y, P30D, or `none` for a perpetual plan.
    #[arg(long, value_name = "PERIOD")]
    pub(crate) term: Option<String>,
    /// When its term starts.
    #[arg(long, value_parser = ["issue", "activation"])]
    pub(crate) starts: Option<String>,
    /// How long it works after the last paid day; at least P3D for a subscription.
    #[arg(long, value_name = "DURATION")]
    pub(crate) grace: Option<String>,
    /// How long a server runs without contact.
    #[arg(long, value_name = "DURATION")]
    pub(crate) lease: Option<String>,
    /// How many domains a licence works in: 1 to 8.
    #[arg(long, value_name = "N")]
    pub(crate) activations: Option<u32>,
    /// How often a licence may move to another domain in 365 days.
    #[arg(long, value_name = "N")]
    pub(crate) rebinds_per_year: Option<u32>,
    /// Whether it is on sale: `legacy` renews but is not sold, `hidden` is not shown either.
    #[arg(long, value_parser = ["sellable", "legacy", "hidden"])]
    pub(crate) sale: Option<String>,
    /// What it unlocks: a JSON object.
    #[arg(long, value_name = "JSON")]
    pub(crate) features: Option<String>,
    /// How many trials a person may have.
    #[arg(long, value_name = "N")]
    pub(crate) trials_per_person: Option<u32>,
    /// The highest discount, in percent.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) discount_max: Option<u32>,
    /// Days before the end at which the customer is reminded, such as 30,14,7,1.
    #[arg(long, value_name = "DAYS", value_delimiter = ',')]
    pub(crate) reminders: Option<Vec<u32>>,
}
