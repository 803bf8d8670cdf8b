//! Intermediates that were not shipped: fetched from Microsoft, and kept once a chain over them held.

use marque_core::{Duration, Timestamp};
use tokio::sync::Mutex;

use crate::azure::attestation::SelfConsistent;
use crate::fetch::{FetchFault, Fetcher, Place};
use crate::proof::ProofError;
use crate::trust::AzureTrust;
use crate::x509::Certificate;

/// Never asked for twice within.
const PAUSE: Duration = Duration::from_seconds(60);
/// Places asked within that time: anybody can sign a document that names another one.
const MAX_ASKED: usize = 10;
const MAX_KEPT: usize = 32;

/// What was fetched so far.
#[derive(Debug, Default)]
pub(crate) struct Issuers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    certificates: Vec<Certificate>,
    asked: Vec<(Place, Timestamp)>,
}

impl Issuers {
    /// Checks the chain of a document's signer, over what is shipped, what was fetched before, and at most one certificate
    /// that is fetched now.
    pub(crate) async fn check_chain(
        &self,
        document: &SelfConsistent,
        trust: &AzureTrust,
        fetcher: &Fetcher,
        now: Timestamp,
    ) -> Result<(), ProofError> {
        const UNKNOWN: ProofError = ProofError::Untrusted("Azure: unknown issuer");
        if document.chains(trust, &[], now)? {
            return Ok(());
        }
        let place = document.issuer_place().ok_or(UNKNOWN)?;
        let mut kept = self.0.lock().await;
        if document.chains(trust, &kept.certificates, now)? {
            return Ok(());
        }
        kept.note(&place, now)?;
        let fetched = match fetcher.get(&place, &[]).await {
            Ok(fetched) => fetched,
            Err(FetchFault::NoNetwork) => return Err(UNKNOWN),
            Err(FetchFault::Failed(why)) => {
                return Err(ProofError::SourceUnavailable(format!("Azure: issuer: {why}").into()));
            }
        };
        let issuer = Certificate::from_der(&fetched.body).map_err(|_| UNKNOWN)?;
        if !document.chains(trust, std::slice::from_ref(&issuer), now)? {
            return Err(UNKNOWN);
        }
        if kept.certificates.len() == MAX_KEPT {
            kept.certificates.remove(0);
        }
        kept.certificates.push(issuer);
        Ok(())
    }
}

impl Kept {
    fn note(&mut self, place: &Place, now: Timestamp) -> Result<(), ProofError> {
        self.asked.retain(|(_, at)| now.since(*at) < PAUSE);
        if self.asked.len() >= MAX_ASKED || self.asked.iter().any(|(asked, _)| asked == place) {
            return Err(ProofError::SourceUnavailable("Azure: issuer: asked for too often within a minute".into()));
        }
        self.asked.push((place.clone(), now));
        Ok(())
    }
}
