//! The one way to a [`Machine`].

use marque_core::Timestamp;

use crate::azure::attestation::SelfConsistent;
use crate::azure::issuers::Issuers;
use crate::fetch::{FetchFault, Fetcher};
use crate::gcp::keys::KeySet;
use crate::jwt::UnverifiedJwt;
use crate::oci::attestation::UnverifiedInstance;
use crate::oci::roots::RegionRoots;
use crate::proof::{Claimed, Expected, Machine, OciProof, Proof, ProofError};
use crate::trust::TrustData;
use crate::{aws, azure, gcp};

/// Verifies proofs. Made once; keeps what it has fetched as long as that is good.
#[derive(Debug)]
pub struct Verifier {
    trust: TrustData,
    fetcher: Fetcher,
    google: KeySet,
    microsoft: Issuers,
}

/// A machine, and what was learnt on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Who it is.
    pub machine: Machine,
    /// Roots that were fetched: keep them, and hand them in until their `refresh_at`.
    pub learned: Option<RegionRoots>,
}

impl Verifier {
    /// A verifier with this trust, which may fetch over this network.
    #[must_use]
    pub fn new(trust: TrustData, fetcher: Fetcher) -> Self {
        Self { trust, fetcher, google: KeySet::default(), microsoft: Issuers::default() }
    }

    /// What it trusts.
    #[must_use]
    pub fn trust(&self) -> &TrustData {
        &self.trust
    }

    /// The region whose roots the caller should look for and hand in; none when the proof needs none.
    #[must_use]
    pub fn region_needed(&self, proof: &Proof) -> Option<String> {
        let Proof::Oci(proof) = proof else { return None };
        // Without a network there are no roots but those that are trusted already.
        if self.fetcher.is_none() {
            return None;
        }
        let instance = UnverifiedInstance::parse(proof, &self.trust.oci().regions).ok()?;
        Some(instance.region().as_str().to_owned())
    }

    /// Who the machine is, as its proof says: where to look while nothing is verified. None when it cannot be read.
    #[must_use]
    pub fn claimed(&self, proof: &Proof) -> Option<Claimed> {
        match proof {
            Proof::Aws { identity_document_rsa2048 } => aws::attestation::claimed(identity_document_rsa2048).ok(),
            Proof::Azure { attested_document } => azure::attestation::claimed(attested_document).ok(),
            Proof::Gcp { identity_token } => gcp::attestation::claimed(identity_token).ok(),
            Proof::Oci(proof) => {
                UnverifiedInstance::parse(proof, &self.trust.oci().regions).ok().map(|instance| instance.claimed())
            }
        }
    }

    /// Verifies a proof at `now`. `kept`: roots of [`Verifier::region_needed`], if the caller has them.
    ///
    /// At most six signatures are checked, and at most one place is fetched, none for AWS.
    ///
    /// # Errors
    /// [`ProofError`].
    pub async fn verify(
        &self,
        proof: &Proof,
        expected: Expected<'_>,
        kept: Option<&RegionRoots>,
        now: Timestamp,
    ) -> Result<Verified, ProofError> {
        let machine = match proof {
            Proof::Aws { identity_document_rsa2048 } => {
                aws::attestation::verify(identity_document_rsa2048, &self.trust)?
            }
            Proof::Azure { attested_document } => {
                let document = SelfConsistent::parse(attested_document)?;
                self.microsoft.check_chain(&document, self.trust.azure(), &self.fetcher, now).await?;
                document.machine(expected, now)?
            }
            Proof::Gcp { identity_token } => {
                let token = UnverifiedJwt::parse(identity_token)?;
                let key = match self.trust.gcp(token.key_id()) {
                    Some(key) => key.clone(),
                    None => self.google.key(token.key_id(), &self.fetcher, now).await?,
                };
                gcp::attestation::verify(&token, &key, expected, now)?
            }
            Proof::Oci(proof) => return self.verify_oci(proof, expected, kept, now).await,
        };
        Ok(Verified { machine, learned: None })
    }

    async fn verify_oci(
        &self,
        proof: &OciProof,
        expected: Expected<'_>,
        kept: Option<&RegionRoots>,
        now: Timestamp,
    ) -> Result<Verified, ProofError> {
        let trust = self.trust.oci();
        let instance = UnverifiedInstance::parse(proof, &trust.regions)?;
        if instance.chains(&trust.roots, now)? {
            return Ok(Verified { machine: instance.machine(trust, expected, now)?, learned: None });
        }
        let kept = kept.filter(|roots| roots.region == instance.region().as_str() && now < roots.refresh_at);
        if let Some(roots) = kept {
            check_roots(&instance, roots, now)?;
            return Ok(Verified { machine: instance.machine(trust, expected, now)?, learned: None });
        }
        let roots = self.fetch_roots(&instance, now).await?;
        check_roots(&instance, &roots, now)?;
        Ok(Verified { machine: instance.machine(trust, expected, now)?, learned: Some(roots) })
    }

    async fn fetch_roots(&self, instance: &UnverifiedInstance<'_>, now: Timestamp) -> Result<RegionRoots, ProofError> {
        let (place, headers) = instance.roots_request()?;
        let unavailable = |why: String| ProofError::SourceUnavailable(format!("OCI: roots: {why}").into());
        let fetched = self.fetcher.get(&place, &headers).await.map_err(|fault| match fault {
            FetchFault::NoNetwork => ProofError::Untrusted("OCI: unknown root"),
            FetchFault::Failed(why) => unavailable(why),
        })?;
        RegionRoots::parse(instance.region(), &fetched.body, now)
            .ok_or_else(|| unavailable("no list of roots".to_owned()))
    }
}

fn check_roots(instance: &UnverifiedInstance<'_>, roots: &RegionRoots, now: Timestamp) -> Result<(), ProofError> {
    if instance.chains(&roots.certificates(), now)? {
        Ok(())
    } else {
        Err(ProofError::Untrusted("OCI: no root of the region has issued it"))
    }
}
