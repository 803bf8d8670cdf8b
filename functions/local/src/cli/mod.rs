//! What the command line takes, a file for each family of commands.

mod agreement;
mod bulk;
mod catalog;
mod customer;
mod events;
mod keys;
mod license;
mod operator;
mod prove;
mod publisher;
mod serve;
mod tokens;
mod usage;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use self::agreement::{Agreements, AgreementsCommand};
pub(crate) use self::bulk::{Audit, AuditCommand, Export, Import};
pub(crate) use self::catalog::{Plan, PlanCommand, PlanMembers, Product, ProductCommand};
pub(crate) use self::customer::{Customer, CustomerCommand};
pub(crate) use self::events::{Events, EventsCommand, Letters};
pub(crate) use self::keys::{DutyName, Keys, KeysCommand, Rotate};
pub(crate) use self::license::{Licence, LicenceCommand};
pub(crate) use self::operator::{Cost, Doctor, Seed};
pub(crate) use self::prove::Prove;
pub(crate) use self::publisher::Publisher;
pub(crate) use self::serve::{LogLevel, Serve};
pub(crate) use self::tokens::{Code, CodeCommand, Inspect, Verify};
pub(crate) use self::usage::{Usage, UsageCommand};

/// Licensing: run everything on this machine, sell and look after licences, check tokens, keys and codes off line.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Without a command it serves: `marque serve --listen 127.0.0.1:8080 --data .marque`.\n\
                  product, plan, customer, licence, agreements, usage, import, export and audit speak to a deployment: see `marque licence --help`.\n\
                  Exit codes: 0 good, 1 refused (the verdict), 2 usage or input that cannot be read."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run every function on one port, over a database on this machine, with a demo product.
    Serve(Serve),
    /// Define products.
    Product(Product),
    /// Define plans, in revisions: what a licence is sold under.
    Plan(Plan),
    /// Look after customers: add, change, approve discounts, export and erase.
    Customer(Customer),
    /// Issue licences and see them through their life.
    #[command(visible_alias = "license")]
    Licence(Licence),
    /// Look at what was bought at marketplaces, and link what belongs together.
    Agreements(Agreements),
    /// Look at metered usage, report some, and send hours again that needed a person.
    Usage(Usage),
    /// Look at what AWS Marketplace told and could not be handled, and put it back.
    Events(Events),
    /// Take in customers and old codes from a CSV file, thousands at a time.
    Import(Import),
    /// Write every licence as CSV, in the columns that `import` reads.
    Export(Export),
    /// Verify histories, and print their heads for keeping elsewhere.
    Audit(Audit),
    /// Check a lease, a denial, a .lic file, a list of revocations or a key set, off line.
    Verify(Verify),
    /// Show what is in a token or a .lic file. Nothing of it is verified.
    Inspect(Inspect),
    /// Make a root, list the keys of a ring, rotate them.
    Keys(Keys),
    /// Look at licence codes.
    Code(Code),
    /// Register the machine of a cloud that this runs on: what images call at their first start, and daily.
    Prove(Prove),
    /// Say what is wrong with a deployed environment, and how to mend it.
    Doctor(Doctor),
    /// Write the demo product, its plans and one licence of each into a deployed table.
    Seed(Seed),
    /// Reckon what a deployment costs a month.
    Cost(Cost),
    /// Write a shell's completions to standard output.
    #[command(after_help = "bash:  marque completions bash > ~/.local/share/bash-completion/completions/marque\n\
                            zsh:   marque completions zsh > ~/.zfunc/_marque   (and `fpath+=~/.zfunc` before `compinit`)\n\
                            fish:  marque completions fish > ~/.config/fish/completions/marque.fish")]
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(Serve {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from(".marque"),
            info: None,
            log: LogLevel::Warn,
        })
    }
}
