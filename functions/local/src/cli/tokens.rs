//! Tokens and codes, off line: `verify`, `inspect`, `code`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use marque_core::{FingerprintValue, Slug, Timestamp};

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
