//! The operator's tools: `doctor`, `seed`, `cost`.

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Settings that are not given are taken from the environment, as a function takes them: MARQUE_TABLE, MARQUE_ISSUER,\n\
                        MARQUE_KEY_RING, MARQUE_SELLER, MARQUE_SELLER_ROLE, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.\n\
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
    /// The role in the account that sells on AWS Marketplace, when that is another one: also assume it, and ask.
    #[arg(long, value_name = "ARN")]
    pub(crate) seller_role: Option<String>,
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
            "MARQUE_SELLER_ROLE" => self.seller_role.clone(),
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
