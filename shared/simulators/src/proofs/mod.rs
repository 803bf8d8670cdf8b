//! Proofs as the clouds would sign them.

mod aws;
mod azure;
mod gcp;
mod labels;
mod oci;
mod written;

use marque_clouds::{Anchors, Proof};
use marque_core::{Cloud, ProofBinding, Timestamp};

pub use aws::{AwsDocument, sign as sign_aws};
pub use azure::{AzureDocument, sign as sign_azure};
pub use gcp::{GcpClaims, sign as sign_gcp};
pub use labels::Labels;
pub use oci::{OciInstance, pem, pem_block, sign as sign_oci};
pub use written::written;

use crate::key::{Key, KeyFault};

/// From when and until when simulated authorities are good.
const FROM: &str = "2020-01-01T00:00:00Z";
const UNTIL: &str = "2119-12-31T23:59:59Z";

/// Signs for all four clouds.
#[derive(Debug)]
pub struct Simulator {
    /// The one that is trusted: it signs certificates, AWS's documents, and tokens.
    anchor: Key,
    /// The one of machines and of Azure's metadata service.
    machine: Key,
}

/// What a proof is to say.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// A marketplace product; empty for none.
    pub product_claim: &'r str,
    /// What the proof is for.
    pub binding: &'r ProofBinding,
    /// What stands before the binding in Google's audience.
    pub audience_prefix: &'r str,
    /// Labels that ids of the cloud's form are derived from.
    pub labels: Labels<'r>,
    /// AWS's `pendingTime`.
    pub started_at: Timestamp,
    /// When it is signed.
    pub now: Timestamp,
}

impl Simulator {
    /// A simulator with these keys.
    #[must_use]
    pub fn new(anchor: Key, machine: Key) -> Self {
        Self { anchor, machine }
    }

    /// What somebody must trust to accept its proofs.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn anchors(&self) -> Result<Anchors, KeyFault> {
        Ok(Anchors {
            aws: Some(aws::authority(&self.anchor)?),
            azure_root: Some(azure::authority(&self.anchor)?),
            azure_intermediate: None,
            gcp: Some(self.anchor.public(gcp::KEY_ID)),
            oci_root: Some(oci::authority(&self.anchor)?),
            oci_marketplace: Some(self.anchor.public(oci::KEY_ID)),
        })
    }

    /// The key of machines: instances of Oracle's cloud can read theirs.
    #[must_use]
    pub fn machine_key(&self) -> &Key {
        &self.machine
    }

    /// A proof as this cloud would sign it.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn prove(&self, cloud: Cloud, request: Request<'_>) -> Result<Proof, KeyFault> {
        match cloud {
            Cloud::Aws => aws::prove(&self.anchor, request),
            Cloud::Azure => azure::prove(&self.anchor, &self.machine, request),
            Cloud::Gcp => gcp::prove(&self.anchor, request),
            Cloud::Oci => oci::prove(&self.anchor, &self.machine, request),
        }
    }
}

/// A time that is written in this crate.
fn fixed(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::EPOCH)
}
