//! Whom a deployed function trusts: what is shipped, and what it fetches from the clouds.

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use marque_clouds::{Fetcher, TrustData, TrustFault, Verifier};

use crate::App;
use crate::aws::Connector;

/// Lets machines prove themselves by what is shipped. No simulated cloud is among it.
///
/// # Errors
/// When the shipped trust data is faulty, which a test rules out.
pub fn trust_the_clouds(app: &App) -> Result<(), TrustFault> {
    let trust = TrustData::shipped()?;
    if let Some(nearest) = trust.nearest_expiry() {
        let days = nearest.at.since(app.clock().now()).whole_days();
        tracing::info!(version = trust.version(), first = nearest.name, days, "trust data");
    }
    app.verify_proofs_with(Verifier::new(trust, Fetcher::over(SharedHttpConnector::new(Connector::default()))));
    Ok(())
}
