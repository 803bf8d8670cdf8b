//! What the command line takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use marque_core::{Duration, FingerprintValue, Slug, Timestamp};

/// Licensing: run everything on this machine, and check tokens, keys and codes off line.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Without a command it serves: `marque serve --listen 127.0.0.1:8080 --data .marque`.\n\
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
    /// Check a lease, a denial, a .lic file, a list of revocations or a key set, off line.
    Verify(Verify),
    /// Show what is in a token or a .lic file. Nothing of it is verified.
    Inspect(Inspect),
    /// Make a root, list the keys of a ring, rotate them.
    Keys(Keys),
    /// Look at licence codes.
    Code(Code),
    /// Say what is wrong with a deployed environment, and how to mend it.
    Doctor(Doctor),
    /// Write the demo product, its plans and one licence of each into a deployed table.
    Seed(Seed),
    /// Reckon what a deployment costs a month.
    Cost(Cost),
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

#[derive(Debug, Args)]
#[command(after_help = "Example: marque serve --listen 127.0.0.1:0 --data :memory: --info info.json\n\
                        The first line on standard output is the address; logs go to standard error.")]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The folder that keeps everything, or `:memory:` to keep nothing.
    #[arg(long, value_name = "FOLDER", default_value = ".marque")]
    pub(crate) data: PathBuf,
    /// Also write address, token and demo codes to this file (mode 0600).
    #[arg(long, value_name = "FILE")]
    pub(crate) info: Option<PathBuf>,
    /// What to log to standard error.
    #[arg(long, value_enum, env = "MARQUE_LOG", default_value_t = LogLevel::Warn)]
    pub(crate) log: LogLevel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    marque verify server.lic --keys https://licences.example.com/.well-known/jwks.json\n  \
    marque verify lease.jwt --root root.json --key-set keys.jwt --aud kopicloud-ad-api\n  \
    marque verify server.lic --keys jwks.json --crl revocations.jwt --json\n\
    Exit codes: 0 good, 1 refused, 2 input that cannot be read.")]
pub(crate) struct Verify {
    /// The token or .lic file; `-` reads standard input.
    #[arg(value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    /// A JWKS: a file, or an address to fetch it from.
    #[arg(long, value_name = "FILE|URL", conflicts_with = "key_set")]
    pub(crate) keys: Option<String>,
    /// The root's public key (a JWK): what a product embeds.
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,
    /// The key set (keys+jwt) that the root signed.
    #[arg(long, value_name = "FILE", requires = "root")]
    pub(crate) key_set: Option<PathBuf>,
    /// The issuer that the token must be of.
    #[arg(long, value_name = "ISSUER")]
    pub(crate) iss: Option<String>,
    /// The product that the token must be for.
    #[arg(long, value_name = "PRODUCT")]
    pub(crate) aud: Option<Slug>,
    /// The domain that the token must be for: 64 hexadecimal digits.
    #[arg(long, value_name = "HEX")]
    pub(crate) fingerprint: Option<FingerprintValue>,
    /// Judge as of this time instead of now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    /// A list of revocations (crl+jwt, or the answer of /v1/revocations).
    #[arg(long, value_name = "FILE")]
    pub(crate) crl: Option<PathBuf>,
    /// One JSON document on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The token or .lic file; `-` reads standard input.
    #[arg(value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    /// One JSON document on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

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
                            Then store ring.json as the secret that MARQUE_KEY_RING names, and delete the file."
    )]
    Rotate {
        /// The key ring's document; made when it is not there.
        #[arg(long, value_name = "FILE")]
        ring: PathBuf,
        /// The root's secret half, as `marque keys root` wrote it.
        #[arg(long, value_name = "FILE")]
        root: PathBuf,
        /// Which key to rotate.
        #[arg(long, value_enum, default_value_t = DutyName::Lease)]
        duty: DutyName,
        /// The issuer of a first ring.
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// How long the longest lease of any plan lasts: lease keys stay listed for so long after their end.
        #[arg(long, value_name = "DURATION", default_value = "P14D")]
        longest_lease: Duration,
        /// Reckon as of this time instead of now.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DutyName {
    /// Leases and denials.
    Lease,
    /// Files and lists of revocations.
    File,
}

#[derive(Debug, Args)]
pub(crate) struct Code {
    #[command(subcommand)]
    pub(crate) command: CodeCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CodeCommand {
    /// Say whether a code can be one, without asking anybody. Whether it was issued only the service knows.
    Check {
        /// The code as it was given; case, spaces and hyphens do not matter.
        code: String,
        /// One JSON document on standard output.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Settings that are not given are taken from the environment, as a function takes them: MARQUE_TABLE, MARQUE_ISSUER,\n\
                        MARQUE_KEY_RING, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.\n\
                        Credentials of the AWS CLI: eval \"$(aws configure export-credentials --format env)\"\n\
                        Exit codes: 0 well (warnings or none), 1 something failed, 2 usage."
)]
pub(crate) struct Doctor {
    /// The table's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The region.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The issuer of the tokens.
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// Where the key ring is: secretsmanager:NAME, ssm:NAME or file:PATH.
    #[arg(long, value_name = "PLACE")]
    pub(crate) ring: Option<String>,
    /// The service's address: also look at it from outside.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// One JSON document on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Doctor {
    /// What was given on the command line for a variable of the environment.
    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        match name {
            "MARQUE_TABLE" => self.table.clone(),
            "AWS_REGION" => self.region.clone(),
            "MARQUE_ISSUER" => self.issuer.clone(),
            "MARQUE_KEY_RING" => self.ring.clone(),
            _ => None,
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Settings that are not given are taken from the environment: MARQUE_TABLE, AWS_REGION, AWS_ACCESS_KEY_ID,\n\
                        AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.\n\
                        Credentials of the AWS CLI: eval \"$(aws configure export-credentials --format env)\""
)]
pub(crate) struct Seed {
    /// The table's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The region.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// One JSON document on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Seed {
    /// What was given on the command line for a variable of the environment.
    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        match name {
            "MARQUE_TABLE" => self.table.clone(),
            "AWS_REGION" => self.region.clone(),
            _ => None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Cost {
    /// How many licences check in.
    #[arg(long, visible_alias = "licences", value_name = "N")]
    pub(crate) licenses: u64,
    /// How often a licence checks in a day.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub(crate) checks_a_day: f64,
    /// One JSON document on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}
