//! What the deployed functions of AWS Marketplace are made of: the shop, its seller's credentials, its queue.

mod inbox;
mod letters;
mod seller;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use marque_clouds::aws::{Fulfilment, Metering, Wiring};

pub use inbox::Inbox;
pub use letters::{DeadLetters, Letter, NotTaken};
pub use seller::{AssumedRole, NotAssumed};

use super::handle::SessionKeyError;
use super::shop::{Shop, Storefront};
use crate::App;
use crate::aws::Aws;
use crate::config::Config;
use crate::keyring::RingFault;
use crate::usage::meter::Meter;

/// Why a function of AWS Marketplace cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NoShop {
    /// A variable of the environment that this function needs.
    #[error("the environment is faulty: {0} is missing")]
    Missing(&'static str),
    /// The secret of sessions cannot be read.
    #[error("the secret of sessions: {0}")]
    Secret(#[from] RingFault),
    /// It is too short.
    #[error(transparent)]
    Short(#[from] SessionKeyError),
}

/// The shop that the environment describes. AWS Marketplace is not called yet.
///
/// # Errors
/// [`NoShop::Missing`].
pub fn shop(app: App, config: &Config) -> Result<Shop, NoShop> {
    let seller = config.seller.account.clone().ok_or(NoShop::Missing("MARQUE_SELLER"))?;
    Ok(Shop::new(app, fulfilment(config), seller))
}

/// The shop with its pages. The secret of sessions is read.
///
/// # Errors
/// [`NoShop`].
pub async fn storefront(app: App, config: &Config) -> Result<Storefront, NoShop> {
    let place = config.seller.session_key.as_ref().ok_or(NoShop::Missing("MARQUE_SESSION_KEY"))?;
    let secret = Aws::new(&config.aws).text(place).await?;
    let support = app.post().contact.clone();
    Ok(shop(app, config)?.open(secret.parse()?, &support))
}

/// The shop with its queue.
///
/// # Errors
/// [`NoShop::Missing`].
pub fn inbox(app: App, config: &Config) -> Result<Inbox, NoShop> {
    let letters = config.seller.dead_letters.clone().ok_or(NoShop::Missing("MARQUE_DEAD_LETTERS"))?;
    Ok(Inbox::new(shop(app, config)?, &Aws::new(&config.aws), letters))
}

/// What reports usage.
///
/// # Errors
/// [`NoShop::Missing`].
pub fn meter(app: App, config: &Config) -> Result<Meter, NoShop> {
    Ok(Meter::new(shop(app, config)?, Metering::new(&wiring(config))))
}

/// AWS Marketplace as the seller asks it: by the role in the seller's account, if there is one, else by our own.
#[must_use]
pub fn fulfilment(config: &Config) -> Fulfilment {
    Fulfilment::new(&wiring(config))
}

fn wiring(config: &Config) -> Wiring {
    let aws = Aws::new(&config.aws);
    let credentials = match &config.seller.role {
        Some(role) => SharedCredentialsProvider::new(AssumedRole::new(&aws, role, &config.issuer)),
        None => aws.credentials(),
    };
    Wiring {
        credentials,
        http: aws.connector().client(),
        sleep: SharedAsyncSleep::new(TokioSleep::new()),
        endpoint: config.aws.endpoint.clone(),
    }
}
