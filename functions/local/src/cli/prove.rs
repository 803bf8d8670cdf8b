//! `marque prove`.

use std::path::PathBuf;

use clap::Args;
use marque_core::{Cloud, Duration, FingerprintKind, FingerprintValue, Slug};

use super::publisher::Secret;

/// Where a machine keeps its key unless it is told otherwise.
const STATE: &str = if cfg!(windows) { r"C:\ProgramData\Marque" } else { "/var/lib/marque" };

#[derive(Debug, Args)]
#[command(
    after_help = "Asks the metadata service of the machine that it runs on for a proof, and registers with it. Repeat it daily: that pays a billed\n\
    machine on, and is harmless. The machine's key and the last answer, lease and all, are in the folder --state.\n\
    At the first start, unattended:\n  \
    marque prove --cloud azure --url https://… --product kopicloud-ad-api --sid S-1-5-21-… --guid 3f2504e0-… --retry\n\
    Exit codes: 0 registered, and the licence runs; 1 refused: somebody has to look; 2 usage, or a file that cannot be used;\n\
    3 not decided: start it again later; 4 the cloud gives this machine no proof as it is set up. See docs/images.md."
)]
pub(crate) struct Prove {
    /// The cloud that this machine runs in: aws, azure, gcp or oci.
    #[arg(long, value_name = "CLOUD")]
    pub(crate) cloud: Cloud,
    /// The address of `register`: the stack's output RegisterUrl, or where `marque serve` listens.
    #[arg(long, env = "MARQUE_REGISTER_URL", value_name = "URL")]
    pub(crate) url: String,
    /// The product.
    #[arg(long, value_name = "PRODUCT")]
    pub(crate) product: Slug,
    /// What the licence is bound to: 64 hexadecimal digits.
    #[arg(long, value_name = "HEX", required_unless_present = "sid", conflicts_with_all = ["sid", "guid"])]
    pub(crate) fingerprint: Option<FingerprintValue>,
    /// The kind of fingerprint that the product asks for: ad-domain or custom.
    #[arg(long, value_name = "KIND", default_value = "ad-domain")]
    pub(crate) fingerprint_kind: FingerprintKind,
    /// The domain's objectSid, in the place of a fingerprint; nothing of it but a digest is sent.
    #[arg(long, value_name = "S-1-…", requires = "guid")]
    pub(crate) sid: Option<String>,
    /// The domain's objectGUID.
    #[arg(long, value_name = "GUID", requires = "sid")]
    pub(crate) guid: Option<String>,
    /// The licence's code, for machines whose listing brings no licence.
    #[arg(long, env = "MARQUE_CODE", hide_env_values = true, value_name = "CODE")]
    pub(crate) code: Option<Secret>,
    /// The product's version, for the publisher's statistics.
    #[arg(long, value_name = "VERSION")]
    pub(crate) product_version: Option<String>,
    /// The folder that keeps the machine's key and the last answer.
    #[arg(long, value_name = "FOLDER", default_value = STATE)]
    pub(crate) state: PathBuf,
    /// Print the signed request instead of sending it: one JSON document with method, url, headers and body.
    #[arg(long, conflicts_with_all = ["retry", "json"])]
    pub(crate) print: bool,
    /// Try again as long as nothing is decided: for so long, a day unless given.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "P1D")]
    pub(crate) retry: Option<Duration>,
    /// One JSON document on standard output: the service's answer.
    #[arg(long)]
    pub(crate) json: bool,
    /// Another metadata service than the machine's own, for tests: `marque serve` has one for each simulated machine.
    #[arg(long, env = "MARQUE_METADATA", hide = true, value_name = "URL")]
    pub(crate) metadata: Option<String>,
}
