//! What every command that speaks to a deployment takes: where it is, as whom, how to answer.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// Shown below the help of each family of commands.
pub(super) const WHERE: &str = "Which deployment: `--url` with credentials of AWS (the environment's, else those the AWS CLI finds: a profile, a role, a\n\
    single sign-on), or a local one by its token. With none of these, the `marque serve` whose data are in .marque of this folder.\n\
    Exit codes: 0 good, 1 refused by the service, 2 usage, or the service cannot be used.";

#[derive(Debug, Args)]
pub(crate) struct Publisher {
    /// One JSON document on standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The address of `admin`: the stack's output AdminUrl, or where `marque serve` listens.
    #[arg(long, global = true, env = "MARQUE_URL", value_name = "URL", help_heading = "Deployment")]
    pub(crate) url: Option<String>,
    /// The file that `marque serve --info FILE` wrote: address and token of a local one.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Deployment")]
    pub(crate) info: Option<PathBuf>,
    /// The admin token of a local one.
    #[arg(
        long,
        global = true,
        env = "MARQUE_ADMIN_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        help_heading = "Deployment"
    )]
    pub(crate) token: Option<Secret>,
    /// The profile of the AWS configuration to take credentials from, rather than from the environment.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Deployment")]
    pub(crate) profile: Option<String>,
    /// The region of the deployment; read from a function URL unless given.
    #[arg(long, global = true, value_name = "REGION", help_heading = "Deployment")]
    pub(crate) region: Option<String>,
    /// Makes a change happen once: the same key and command answer the same again for 24 hours.
    #[arg(long, global = true, value_name = "KEY", help_heading = "Deployment")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) aws: AwsEnvironment,
}

/// What the environment says of AWS. These are read from variables; as options they are not for people.
#[derive(Debug, Args)]
pub(crate) struct AwsEnvironment {
    #[arg(long = "aws-access-key-id", global = true, env = "AWS_ACCESS_KEY_ID", hide = true)]
    pub(crate) access_key_id: Option<String>,
    #[arg(long = "aws-secret-access-key", global = true, env = "AWS_SECRET_ACCESS_KEY", hide = true)]
    pub(crate) secret_access_key: Option<Secret>,
    #[arg(long = "aws-session-token", global = true, env = "AWS_SESSION_TOKEN", hide = true)]
    pub(crate) session_token: Option<Secret>,
    #[arg(long = "aws-region", global = true, env = "AWS_REGION", hide = true)]
    pub(crate) aws_region: Option<String>,
}

/// Text that is not printed.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}
