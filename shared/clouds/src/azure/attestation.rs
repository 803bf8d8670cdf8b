//! Who an Azure VM is: the attested document of its metadata service.
//!
//! - PKCS#7 in DER, *no* signed attributes: the signature is over the content. The digest is named by the identifier of a
//!   signature (`sha256WithRSAEncryption`), which strict libraries refuse and which tempts people to skip the check.
//! - The one certificate inside is the signer's; the chain is built from it and from no other, over shipped intermediates
//!   to pinned roots, and must hold now. Microsoft changes intermediates without notice, so an unknown one is fetched
//!   from Microsoft's hosts alone. Any public authority can be made to err: the names in the certificate are the lock.
//! - Names are the *alternative* names, `metadata.azure.com` or a subdomain of it, dot included; the subject's common
//!   name says nothing. Other domains are other clouds (US government, China), which are refused.
//! - `timeStamp` has two-digit years and American order, and six hours of life; `nonce` must be the binding.
//! - `plan` is filled for marketplace images only, and tells a BYOL plan from a billed one.

use marque_core::{Cloud, Timestamp};
use serde_json::{Map, Value};

use crate::cms::{Form, SignedContent};
use crate::fetch::Place;
use crate::proof::{Claimed, Expected, Freshness, Machine, ProofError};
use crate::text::{base64, checked_id, id, object, text};
use crate::trust::AzureTrust;
use crate::x509::{Certificate, ChainFault, Purpose, verify_chain};

const DOMAIN: &str = "metadata.azure.com";

/// A document that the certificate inside it signed; whose certificate that is comes next.
#[derive(Debug)]
pub(crate) struct SelfConsistent {
    claims: Map<String, Value>,
    signer: Certificate,
}

impl SelfConsistent {
    /// Reads a document and checks its signature.
    pub(crate) fn parse(document: &str) -> Result<Self, ProofError> {
        let signed = SignedContent::parse(&base64(document)?, Form::CertificateOnly)?;
        let inside = signed.certificate().ok_or(ProofError::Invalid("Azure: no certificate"))?;
        let signer = Certificate::from_der(inside).map_err(|fault| ProofError::Invalid(fault.0))?;
        if signed.signer().serial_number != *signer.serial() || signed.signer().issuer != *signer.issuer() {
            return Err(ProofError::Invalid("Azure: the certificate is not the signer's"));
        }
        let claims = object(signed.verify(signer.key())?)?;
        Ok(Self { claims, signer })
    }

    /// Checks the signer's chain. `Ok(false)`: its issuer is unknown.
    pub(crate) fn chains(&self, trust: &AzureTrust, more: &[Certificate], now: Timestamp) -> Result<bool, ProofError> {
        let intermediates: Vec<_> = trust.intermediates.iter().chain(more).collect();
        match verify_chain(&self.signer, &intermediates, &trust.roots, Purpose::Server, now) {
            Ok(()) => Ok(true),
            Err(ChainFault::UnknownIssuer) => Ok(false),
            Err(ChainFault::Broken) => Err(ProofError::Untrusted("Azure: the chain does not hold")),
        }
    }

    /// Where the certificate of the signer's issuer is, if that is one of Microsoft's places and the signer looks like
    /// one of Azure's.
    pub(crate) fn issuer_place(&self) -> Option<Place> {
        region(&self.signer).ok()?;
        Place::of_microsoft(&self.signer.issuer_location()?)
    }

    /// The machine, once [`SelfConsistent::chains`] was true.
    pub(crate) fn machine(self, expected: Expected<'_>, now: Timestamp) -> Result<Machine, ProofError> {
        let claims = &self.claims;
        let account = guid(claims, "subscriptionId")?;
        let instance = guid(claims, "vmId")?;
        let plan = plan(claims)?;
        let time = claims.get("timeStamp").and_then(Value::as_object);
        let time = time.ok_or(ProofError::Invalid("Azure: no timeStamp"))?;
        let (created, expires) = (date(text(time, "createdOn")?)?, date(text(time, "expiresOn")?)?);
        let nonce = text(claims, "nonce")?;
        let region = region(&self.signer)?;
        if now < created.before(SKEW) || now > expires {
            return Err(ProofError::Stale("Azure: now is not between createdOn and expiresOn"));
        }
        if nonce != expected.binding.as_str() {
            return Err(ProofError::ChallengeMismatch("Azure: another nonce"));
        }
        let product_claims = plan.into_iter().collect();
        Ok(Machine { cloud: Cloud::Azure, account, instance, region, product_claims, freshness: Freshness::Bound })
    }
}

/// Whose document it says it is.
pub(crate) fn claimed(document: &str) -> Result<Claimed, ProofError> {
    let signed = SignedContent::parse(&base64(document)?, Form::CertificateOnly)?;
    let claims = object(signed.unverified_content())?;
    Ok(Claimed { account: guid(&claims, "subscriptionId")?, instance: guid(&claims, "vmId")? })
}

/// Azure's clock may be ahead of ours.
const SKEW: marque_core::Duration = marque_core::Duration::from_seconds(120);

/// The region that the names in the certificate tell, if one does; an error when none of them is Azure's.
fn region(signer: &Certificate) -> Result<Option<String>, ProofError> {
    let names = signer.dns_names();
    let subdomain = |name: &str| name.strip_suffix(DOMAIN)?.strip_suffix('.').map(str::to_owned);
    let of_region = names.iter().find_map(|name| subdomain(name)).filter(|label| checked_id(label).is_ok());
    match of_region {
        Some(region) => Ok(Some(region)),
        None if names.iter().any(|name| name == DOMAIN) => Ok(None),
        None => Err(ProofError::Untrusted("Azure: the certificate is not for metadata.azure.com")),
    }
}

/// `publisher/product/plan`; none for images that are not of the marketplace.
fn plan(claims: &Map<String, Value>) -> Result<Option<String>, ProofError> {
    let plan = claims.get("plan").and_then(Value::as_object).ok_or(ProofError::Invalid("Azure: no plan"))?;
    let (publisher, product, name) = (text(plan, "publisher")?, text(plan, "product")?, text(plan, "name")?);
    if publisher.is_empty() && product.is_empty() && name.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!("{}/{}/{}", checked_id(publisher)?, checked_id(product)?, checked_id(name)?)))
}

fn guid(claims: &Map<String, Value>, name: &str) -> Result<String, ProofError> {
    let text = id(claims, name)?.to_ascii_lowercase();
    let groups: Vec<_> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    let hex = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if hex && lengths.eq([8, 4, 4, 4, 12]) { Ok(text) } else { Err(ProofError::Invalid("Azure: an id is no GUID")) }
}

/// `MM/DD/YY HH:MM:SS -0000`, nothing else.
fn date(text: &str) -> Result<Timestamp, ProofError> {
    const FAULT: ProofError = ProofError::Invalid("Azure: a time is not MM/DD/YY HH:MM:SS -0000");
    let shape = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    if !shape.eq(*b"00/00/00 00:00:00 -0000") || !text.ends_with(" -0000") {
        return Err(FAULT);
    }
    let (month, day, year, time) = (&text[0..2], &text[3..5], &text[6..8], &text[9..17]);
    format!("20{year}-{month}-{day}T{time}Z").parse().map_err(|_| FAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digit_dates_are_read_strictly() {
        assert_eq!(date("10/02/23 12:33:11 -0000").unwrap().to_string(), "2023-10-02T12:33:11Z");
        for text in [
            "",
            "13/02/23 12:33:11 -0000",
            "02/30/23 12:33:11 -0000",
            "10/02/2023 12:33:11 -0000",
            "10/02/23 12:33:11 +0000",
            "10/02/23 12:33:11 -0100",
            "10/02/23 12:33:11",
            " 10/02/23 12:33:11 -0000",
            "10/02/23 25:33:11 -0000",
            "١0/02/23 12:33:11 -0000",
        ] {
            assert!(date(text).is_err(), "{text}");
        }
    }
}
