//! Whom we trust, as data: regional certificates of AWS, roots and intermediates of Azure, regions of OCI.
//!
//! The data lies in `trust/trust.json` with its version and where it comes from; `cargo xtask trust update` renews it. What
//! signs for real is shipped; [`TrustData::with_anchors`] adds others, for a program that signs proofs itself.

use std::collections::{BTreeMap, HashMap};

use base64ct::{Base64, Encoding};
use marque_core::Timestamp;
use serde::Deserialize;

use crate::oci::regions::Regions;
use crate::rsa::RsaKey;
use crate::x509::{Certificate, CertificateFault};

const SHIPPED: &str = include_str!("../../trust/trust.json");

/// Everything that proofs are verified against.
#[derive(Debug, Clone)]
pub struct TrustData {
    version: String,
    aws: BTreeMap<String, Vec<Certificate>>,
    azure: AzureTrust,
    gcp: HashMap<String, RsaKey>,
    oci: OciTrust,
    expiries: Vec<Expiry>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct AzureTrust {
    pub(crate) roots: Vec<Certificate>,
    pub(crate) intermediates: Vec<Certificate>,
}

#[derive(Debug, Clone)]
pub(crate) struct OciTrust {
    pub(crate) regions: Regions,
    /// Roots that are good for every region. None is shipped: real ones are fetched region by region.
    pub(crate) roots: Vec<Certificate>,
    /// Keys of marketplace tokens. None is shipped: no real token has been seen yet.
    pub(crate) marketplace: HashMap<String, RsaKey>,
}

/// What of the trust data ends when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Whose certificate.
    pub name: String,
    /// Its last second.
    pub at: Timestamp,
}

/// Anchors of a program that signs proofs itself, as `marque serve` does.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    /// A certificate that signs for every region of AWS, in DER.
    pub aws: Option<Vec<u8>>,
    /// A root of Azure's chains, in DER.
    pub azure_root: Option<Vec<u8>>,
    /// An intermediate of Azure's chains, in DER.
    pub azure_intermediate: Option<Vec<u8>>,
    /// A key of GCP's tokens.
    pub gcp: Option<NamedKey>,
    /// A root of instances of OCI, in DER.
    pub oci_root: Option<Vec<u8>>,
    /// A key of OCI's marketplace tokens.
    pub oci_marketplace: Option<NamedKey>,
}

/// A public RSA key and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedKey {
    /// The `kid`.
    pub id: String,
    /// RSAPublicKey of RFC 8017, in DER.
    pub key: Vec<u8>,
}

/// Why trust data is refused.
#[derive(Debug, thiserror::Error)]
pub enum TrustFault {
    /// The document is not one.
    #[error("the trust data does not parse: {0}")]
    Document(#[from] serde_json::Error),
    /// A certificate or key is not one.
    #[error("{name}: {fault}")]
    Certificate {
        /// Whose.
        name: String,
        /// What is wrong with it.
        fault: CertificateFault,
    },
}

impl TrustData {
    /// What is shipped.
    ///
    /// # Errors
    /// When the shipped document is faulty, which a test rules out.
    pub fn shipped() -> Result<Self, TrustFault> {
        let document: Document = serde_json::from_str(SHIPPED)?;
        let mut expiries = Vec::new();
        let mut aws = BTreeMap::new();
        for (region, entry) in document.aws {
            let certificate = entry.read(&format!("AWS {region}"), &mut expiries)?;
            aws.insert(region, vec![certificate]);
        }
        let mut list = |entries: Vec<NamedEntry>| {
            entries.iter().map(|entry| entry.entry.read(&entry.name, &mut expiries)).collect::<Result<Vec<_>, _>>()
        };
        let azure =
            AzureTrust { roots: list(document.azure.roots)?, intermediates: list(document.azure.intermediates)? };
        let regions = Regions::new(document.oci.regions);
        let oci = OciTrust { regions, roots: Vec::new(), marketplace: HashMap::new() };
        Ok(Self { version: document.version, aws, azure, gcp: HashMap::new(), oci, expiries })
    }

    /// The same, trusting these as well.
    ///
    /// # Errors
    /// When an anchor is no certificate or key within the limits.
    pub fn with_anchors(mut self, anchors: &Anchors) -> Result<Self, TrustFault> {
        let certificate = |name: &str, der: &Option<Vec<u8>>| {
            let certificate = der.as_deref().map(Certificate::from_der).transpose();
            certificate.map_err(|fault| TrustFault::Certificate { name: name.to_owned(), fault })
        };
        if let Some(anchor) = certificate("anchor of AWS", &anchors.aws)? {
            self.aws.values_mut().for_each(|pinned| pinned.push(anchor.clone()));
        }
        self.azure.roots.extend(certificate("root of Azure", &anchors.azure_root)?);
        self.azure.intermediates.extend(certificate("intermediate of Azure", &anchors.azure_intermediate)?);
        self.oci.roots.extend(certificate("root of OCI", &anchors.oci_root)?);
        self.gcp.extend(anchors.gcp.as_ref().map(NamedKey::read).transpose()?);
        self.oci.marketplace.extend(anchors.oci_marketplace.as_ref().map(NamedKey::read).transpose()?);
        Ok(self)
    }

    /// The day the data was made.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What ends first. An end that comes before somebody has renewed the data stops registrations: alarm on it.
    #[must_use]
    pub fn nearest_expiry(&self) -> Option<&Expiry> {
        self.expiries.iter().min_by_key(|expiry| expiry.at)
    }

    /// Certificates that may sign for this region of AWS.
    pub(crate) fn aws(&self, region: &str) -> &[Certificate] {
        self.aws.get(region).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn azure(&self) -> &AzureTrust {
        &self.azure
    }

    /// A key of GCP that needs no fetching.
    pub(crate) fn gcp(&self, key_id: &str) -> Option<&RsaKey> {
        self.gcp.get(key_id)
    }

    pub(crate) fn oci(&self) -> &OciTrust {
        &self.oci
    }
}

impl NamedKey {
    fn read(&self) -> Result<(String, RsaKey), TrustFault> {
        let key = RsaKey::from_pkcs1(&self.key).map_err(|_| TrustFault::Certificate {
            name: self.id.clone(),
            fault: CertificateFault("not RSA of 2048 to 4096 bits with exponent 3 or 65537"),
        })?;
        Ok((self.id.clone(), key))
    }
}

/// `trust/trust.json`. Digests and dates in it are for people and for the update; what counts is the certificate.
#[derive(Deserialize)]
struct Document {
    version: String,
    aws: BTreeMap<String, Entry>,
    azure: AzureDocument,
    oci: OciDocument,
}

#[derive(Deserialize)]
struct AzureDocument {
    roots: Vec<NamedEntry>,
    intermediates: Vec<NamedEntry>,
}

#[derive(Deserialize)]
struct OciDocument {
    /// Short names as OCIDs have them, and the names in hosts.
    regions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Entry {
    certificate: String,
}

#[derive(Deserialize)]
struct NamedEntry {
    name: String,
    #[serde(flatten)]
    entry: Entry,
}

impl Entry {
    fn read(&self, name: &str, expiries: &mut Vec<Expiry>) -> Result<Certificate, TrustFault> {
        let bytes = Base64::decode_vec(&self.certificate).map_err(|_| CertificateFault("not base64"));
        let certificate = bytes
            .and_then(|bytes| Certificate::from_der(&bytes))
            .map_err(|fault| TrustFault::Certificate { name: name.to_owned(), fault })?;
        expiries.push(Expiry { name: name.to_owned(), at: certificate.not_after() });
        Ok(certificate)
    }
}
