//! Signed data of CMS (RFC 5652), in the two narrow forms that clouds use.
//!
//! The signature is not checked here: [`SignedContent`] says what it covers, by whom it claims to be, and
//! [`SignedContent::verify`] opens the content to whoever has the signer's key, and to nobody else.

mod ber;

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{Any, ObjectIdentifier, OctetString};
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use x509_cert::attr::Attributes;

use crate::oid;
use crate::proof::{MAX_CMS, ProofError};
use crate::rsa::RsaKey;

/// How a cloud writes signed data. Which form it is comes from the cloud, never from the document: with the other form
/// the same signature would cover other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Signed attributes, and no certificates.
    AttributesOnly,
    /// The signature is over the content itself, and the signer's certificate is inside.
    CertificateOnly,
}

/// Signed data that is of the right form; who signed it, and whether, is not known yet.
#[derive(Debug)]
pub(crate) struct SignedContent {
    content: Vec<u8>,
    /// What the signature is over.
    covered: Vec<u8>,
    signature: Vec<u8>,
    signer: IssuerAndSerialNumber,
    certificate: Option<Vec<u8>>,
}

impl SignedContent {
    /// Reads one document.
    ///
    /// # Errors
    /// [`ProofError::Invalid`] for anything that is not exactly one signer's signed data of this form.
    pub(crate) fn parse(bytes: &[u8], form: Form) -> Result<Self, ProofError> {
        if bytes.len() > MAX_CMS {
            return Err(ProofError::Invalid("CMS: too large"));
        }
        let der = ber::to_der(bytes).map_err(|_| ProofError::Invalid("CMS: not one BER value"))?;
        let data = signed_data(&der).map_err(|_| ProofError::Invalid("CMS: not signed data"))?;
        let content = content(&data)?;
        if data.crls.is_some() {
            return Err(ProofError::Invalid("CMS: revocation lists"));
        }
        let [signer] = data.signer_infos.0.as_slice() else {
            return Err(ProofError::Invalid("CMS: not exactly one signer"));
        };
        let certificate = certificate(&data, form)?;
        let covered = covered(signer, &content, form)?;
        let SignerIdentifier::IssuerAndSerialNumber(id) = &signer.sid else {
            return Err(ProofError::Invalid("CMS: signer not named by issuer and serial number"));
        };
        let signature = signer.signature.as_bytes().to_vec();
        Ok(Self { content, covered, signature, signer: id.clone(), certificate })
    }

    /// Who claims to have signed.
    pub(crate) fn signer(&self) -> &IssuerAndSerialNumber {
        &self.signer
    }

    /// The certificate that lies inside, in the form that has one.
    pub(crate) fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// The content before anything was verified: good for choosing a key, and for nothing else.
    pub(crate) fn unverified_content(&self) -> &[u8] {
        &self.content
    }

    /// The content, which `key` signed.
    ///
    /// # Errors
    /// [`ProofError::Invalid`] when it did not.
    pub(crate) fn verify(&self, key: &RsaKey) -> Result<&[u8], ProofError> {
        if key.verifies_pkcs1(&self.covered, &self.signature) {
            Ok(&self.content)
        } else {
            Err(ProofError::Invalid("CMS: the signature does not fit"))
        }
    }
}

fn signed_data(der: &[u8]) -> Result<SignedData, der::Error> {
    let info = ContentInfo::from_der(der)?;
    if info.content_type != oid::SIGNED_DATA {
        return Err(der::ErrorKind::Failed.into());
    }
    info.content.decode_as()
}

/// Embedded, of type data: a detached signature says nothing of what it is over.
fn content(data: &SignedData) -> Result<Vec<u8>, ProofError> {
    let content = data.encap_content_info.econtent.as_ref().ok_or(ProofError::Invalid("CMS: detached content"))?;
    if data.encap_content_info.econtent_type != oid::DATA {
        return Err(ProofError::Invalid("CMS: content of another type"));
    }
    let content: OctetString = content.decode_as().map_err(|_| ProofError::Invalid("CMS: content is no octets"))?;
    Ok(content.into_bytes().into_vec())
}

fn certificate(data: &SignedData, form: Form) -> Result<Option<Vec<u8>>, ProofError> {
    let bag = data.certificates.as_ref().map_or(&[][..], |bag| bag.0.as_slice());
    match (form, bag) {
        (Form::AttributesOnly, []) => Ok(None),
        (Form::CertificateOnly, [CertificateChoices::Certificate(certificate)]) => {
            certificate.to_der().map(Some).map_err(|_| ProofError::Invalid("CMS: certificate"))
        }
        _ => Err(ProofError::Invalid("CMS: other certificates than expected")),
    }
}

/// What the signature must be over: the content (RFC 5652, section 5.4), or the attributes as a SET OF in DER, one of
/// which is the content's digest.
fn covered(signer: &SignerInfo, content: &[u8], form: Form) -> Result<Vec<u8>, ProofError> {
    let digest = signer.digest_alg.oid;
    let signature = signer.signature_algorithm.oid;
    // Azure names the digest by the signature's identifier.
    let sha256 = digest == oid::SHA256 || (form == Form::CertificateOnly && digest == oid::SHA256_WITH_RSA);
    if !sha256 || ![oid::RSA_ENCRYPTION, oid::SHA256_WITH_RSA].contains(&signature) {
        return Err(ProofError::Invalid("CMS: not RSA with SHA-256"));
    }
    if signer.unsigned_attrs.is_some() {
        return Err(ProofError::Invalid("CMS: unsigned attributes"));
    }
    match (form, &signer.signed_attrs) {
        (Form::CertificateOnly, None) => Ok(content.to_vec()),
        (Form::AttributesOnly, Some(attributes)) => {
            check_attributes(attributes, content)
                .ok_or(ProofError::Invalid("CMS: attributes do not fit the content"))?;
            attributes.to_der().map_err(|_| ProofError::Invalid("CMS: attributes"))
        }
        _ => Err(ProofError::Invalid("CMS: signed attributes in the wrong form")),
    }
}

fn check_attributes(attributes: &Attributes, content: &[u8]) -> Option<()> {
    let digest: OctetString = single(attributes, oid::MESSAGE_DIGEST)?.decode_as().ok()?;
    let content_type: ObjectIdentifier = single(attributes, oid::CONTENT_TYPE)?.decode_as().ok()?;
    let fits = digest.as_bytes() == Sha256::digest(content).as_slice() && content_type == oid::DATA;
    fits.then_some(())
}

/// The one value of the one attribute of this type.
fn single(attributes: &Attributes, kind: ObjectIdentifier) -> Option<&Any> {
    let mut of_kind = attributes.iter().filter(|attribute| attribute.oid == kind);
    let (Some(attribute), None) = (of_kind.next(), of_kind.next()) else { return None };
    let [value] = attribute.values.as_slice() else { return None };
    Some(value)
}
