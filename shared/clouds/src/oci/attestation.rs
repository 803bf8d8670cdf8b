//! Who an OCI instance is: its certificate, what its key signed, and the marketplace's token.
//!
//! - The certificate's subject names instance, compartment and tenancy, each as a text with a prefix (`opc-instance:…`).
//!   It chains to roots of the instance's region. The list of those is handed out only to principals of OCI, so the
//!   instance signs that request beforehand; host and path are ours, from the fixed list of regions, and no others.
//! - The binding is signed by the instance's key with RSA-PSS: a fresh proof of possession, which the certificate alone
//!   is not.
//! - Nothing in the certificate tells of a listing. The attested metadata of the marketplace is a JWT whose claims Oracle
//!   does not document: `instanceId` and `listingId` are what is read, **unverified against a real one**, and a product
//!   must ask for it (`accept_token`). No key of it is shipped: as long as none is known, a token tells nothing, and the
//!   machine is what its certificate says.

use marque_core::{Cloud, Timestamp};
use serde_json::{Map, Value};

use crate::fetch::Place;
use crate::jwt::UnverifiedJwt;
use crate::oci::regions::{Region, Regions};
use crate::proof::{Claimed, Expected, Freshness, Machine, OciProof, ProofError, SignedRequest};
use crate::text::{base64url, checked_id, text};
use crate::trust::OciTrust;
use crate::x509::{Certificate, ChainFault, Purpose, verify_chain};

/// Certificates between an instance's and its root.
const MAX_INTERMEDIATES: usize = 2;
/// Letters of a signed header.
const MAX_HEADER: usize = 8 * 1024;

/// Names and values.
type Headers<'h> = Vec<(&'h str, &'h str)>;

/// An instance's certificate and what came with it; whose certificate it is comes next.
#[derive(Debug)]
pub(crate) struct UnverifiedInstance<'p> {
    proof: &'p OciProof,
    certificate: Certificate,
    intermediates: Vec<Certificate>,
    signature: Vec<u8>,
    tenancy: String,
    instance: String,
    region: Region,
}

impl<'p> UnverifiedInstance<'p> {
    /// Reads what was sent.
    pub(crate) fn parse(proof: &'p OciProof, regions: &Regions) -> Result<Self, ProofError> {
        let read = |pem: &String| Certificate::from_pem(pem).map_err(|fault| ProofError::Invalid(fault.0));
        if proof.intermediates.len() > MAX_INTERMEDIATES {
            return Err(ProofError::Invalid("OCI: too many intermediates"));
        }
        let certificate = read(&proof.instance_certificate)?;
        let intermediates = proof.intermediates.iter().map(read).collect::<Result<_, _>>()?;
        if subject(&certificate, "opc-certtype:")? != "instance" {
            return Err(ProofError::Invalid("OCI: not an instance's certificate"));
        }
        let tenancy = checked_id(&subject(&certificate, "opc-tenant:")?)?;
        let instance = checked_id(&subject(&certificate, "opc-instance:")?)?;
        let region = region(&instance, regions)?;
        let signature = base64url(&proof.binding_signature)?;
        Ok(Self { proof, certificate, intermediates, signature, tenancy, instance, region })
    }

    /// Where it runs, as it says itself; a region of the list.
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// Whose certificate it says it is.
    pub(crate) fn claimed(&self) -> Claimed {
        Claimed { account: self.tenancy.clone(), instance: self.instance.clone() }
    }

    /// Checks the chain to these roots. `Ok(false)`: the issuer is unknown.
    pub(crate) fn chains(&self, roots: &[Certificate], now: Timestamp) -> Result<bool, ProofError> {
        let intermediates: Vec<_> = self.intermediates.iter().collect();
        match verify_chain(&self.certificate, &intermediates, roots, Purpose::Client, now) {
            Ok(()) => Ok(true),
            Err(ChainFault::UnknownIssuer) => Ok(false),
            Err(ChainFault::Broken) => Err(ProofError::Untrusted("OCI: the chain does not hold")),
        }
    }

    /// The headers for the request for the region's roots, if the request is exactly that one.
    pub(crate) fn roots_request(&self) -> Result<(Place, Headers<'p>), ProofError> {
        let place = self.region.roots();
        let SignedRequest { url, headers } = &self.proof.roots_request;
        if *url != place.to_string() {
            return Err(ProofError::Untrusted("OCI: the signed request is not for the roots of the instance's region"));
        }
        signed_headers(headers, place.host())
            .map(|headers| (place, headers))
            .ok_or(ProofError::Untrusted("OCI: the signed request has other headers than it must"))
    }

    /// The machine, once [`UnverifiedInstance::chains`] was true.
    pub(crate) fn machine(
        self,
        trust: &OciTrust,
        expected: Expected<'_>,
        now: Timestamp,
    ) -> Result<Machine, ProofError> {
        let token = self.proof.marketplace_token.as_deref().filter(|_| !trust.marketplace.is_empty());
        let listing = token.map(|token| listing(token, &self.instance, trust, now)).transpose()?;
        if !self.certificate.key().verifies_pss(expected.binding.as_str().as_bytes(), &self.signature) {
            return Err(ProofError::ChallengeMismatch("OCI: the instance's key did not sign this binding"));
        }
        Ok(Machine {
            cloud: Cloud::Oci,
            account: self.tenancy,
            instance: self.instance,
            region: Some(self.region.as_str().to_owned()),
            product_claims: listing.into_iter().collect(),
            freshness: Freshness::Bound,
        })
    }
}

/// The one text of the subject with this prefix, without it.
fn subject(certificate: &Certificate, prefix: &str) -> Result<String, ProofError> {
    let mut values = certificate.subject_texts().filter_map(|text| text.strip_prefix(prefix));
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.to_owned()),
        _ => Err(ProofError::Invalid("OCI: the subject does not name each thing once")),
    }
}

/// `ocid1.instance.oc1.<region>.<unique>`: the commercial realm, and a region of the list.
fn region(ocid: &str, regions: &Regions) -> Result<Region, ProofError> {
    let parts: Vec<_> = ocid.split('.').collect();
    let ["ocid1", "instance", realm, region, unique] = parts[..] else {
        return Err(ProofError::Invalid("OCI: no OCID of an instance"));
    };
    if realm != "oc1" || unique.is_empty() {
        return Err(ProofError::Untrusted("OCI: another realm"));
    }
    regions.find(region).ok_or(ProofError::Untrusted("OCI: a region that is not on the list"))
}

/// A signature of OCI (draft-cavage) and what it is over; not a header more, and none twice.
fn signed_headers<'h>(headers: &'h [(String, String)], host: &str) -> Option<Headers<'h>> {
    let mut kept: Headers<'_> = Vec::new();
    for (name, value) in headers {
        let plain = value.len() <= MAX_HEADER && value.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        let name =
            ["authorization", "date", "x-date", "host"].into_iter().find(|known| name.eq_ignore_ascii_case(known))?;
        let good = match name {
            "authorization" => value.starts_with("Signature "),
            "host" => value == host,
            _ => true,
        };
        if !plain || !good || kept.iter().any(|(seen, _)| *seen == name) {
            return None;
        }
        kept.push((name, value));
    }
    kept.iter().any(|(name, _)| *name == "authorization").then_some(kept)
}

fn listing(token: &str, instance: &str, trust: &OciTrust, now: Timestamp) -> Result<String, ProofError> {
    let token = UnverifiedJwt::parse(token)?;
    let key = trust.marketplace.get(token.key_id());
    let claims = token.verify(key.ok_or(ProofError::Untrusted("OCI: unknown key of a marketplace token"))?)?;
    if text(&claims, "instanceId")? != instance {
        return Err(ProofError::Untrusted("OCI: the marketplace token is another instance's"));
    }
    if expiry(&claims)?.is_some_and(|expires| now > expires) {
        return Err(ProofError::Stale("OCI: the marketplace token has expired"));
    }
    checked_id(text(&claims, "listingId")?)
}

/// `exp`, which may be absent as far as anybody knows, but not faulty.
fn expiry(claims: &Map<String, Value>) -> Result<Option<Timestamp>, ProofError> {
    const FAULT: ProofError = ProofError::Invalid("OCI: exp is no NumericDate");
    claims.get("exp").map(|value| value.as_i64().and_then(Timestamp::from_unix).ok_or(FAULT)).transpose()
}
