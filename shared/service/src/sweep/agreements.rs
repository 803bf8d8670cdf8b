//! What the sweep does for AWS Marketplace, in the time that what is due leaves: agreements are compared.

use serde::Serialize;

use super::{Counts, run};
use crate::clock::Stopwatch;
use crate::marketplace::{Reconciled, Shop};
use crate::problem::Error;

/// What a run has done, agreements among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AllCounts {
    /// Notices and mails.
    #[serde(flatten)]
    pub due: Counts,
    /// Agreements.
    #[serde(flatten)]
    pub agreements: Reconciled,
}

/// [`run`], and then goes on with the comparison of agreements.
///
/// # Errors
/// As [`run`]'s, and when the table does not answer the comparison.
pub async fn run_with_agreements(shop: &Shop, milliseconds: f64) -> Result<AllCounts, Error> {
    let stopwatch = Stopwatch::start();
    let due = run(shop.app(), milliseconds).await?;
    let agreements = shop.reconcile(milliseconds - stopwatch.milliseconds()).await?;
    Ok(AllCounts { due, agreements })
}
