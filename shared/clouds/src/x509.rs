//! Certificates (RFC 5280) and chains of them, within bounds.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use der::Decode;
use marque_core::Timestamp;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AuthorityInfoAccessSyntax, SubjectAltName};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;

use crate::oid;
use crate::rsa::RsaKey;

/// Bytes of one certificate.
const MAX_CERTIFICATE: usize = 8 * 1024;
/// Certificates of a chain, leaf and root among them.
const MAX_CHAIN: usize = 4;
/// Every signature of a chain is RSA: other keys do not get as far as here.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
    webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
];

/// A certificate with a key within the limits. Nothing of it is verified.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Certificate {
    der: CertificateDer<'static>,
    parsed: x509_cert::Certificate,
    key: RsaKey,
}

/// Why bytes are no certificate for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CertificateFault(pub(crate) &'static str);

impl Certificate {
    pub(crate) fn from_der(bytes: &[u8]) -> Result<Self, CertificateFault> {
        if bytes.len() > MAX_CERTIFICATE {
            return Err(CertificateFault("certificate: too large"));
        }
        let parsed =
            x509_cert::Certificate::from_der(bytes).map_err(|_| CertificateFault("certificate: does not parse"))?;
        let key = RsaKey::from_spki(parsed.tbs_certificate().subject_public_key_info())
            .map_err(|_| CertificateFault("certificate: not RSA of 2048 to 4096 bits with exponent 3 or 65537"))?;
        Ok(Self { der: CertificateDer::from(bytes.to_vec()), parsed, key })
    }

    /// One certificate in PEM (RFC 7468), and nothing around it but white space.
    pub(crate) fn from_pem(text: &str) -> Result<Self, CertificateFault> {
        const FAULT: CertificateFault = CertificateFault("certificate: not one PEM block");
        if text.len() > MAX_CERTIFICATE * 2 {
            return Err(FAULT);
        }
        let inside = text.trim().strip_prefix("-----BEGIN CERTIFICATE-----");
        let inside = inside.and_then(|text| text.strip_suffix("-----END CERTIFICATE-----")).ok_or(FAULT)?;
        let letters: String = inside.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
        Self::from_der(&Base64::decode_vec(&letters).map_err(|_| FAULT)?)
    }

    pub(crate) fn key(&self) -> &RsaKey {
        &self.key
    }

    pub(crate) fn serial(&self) -> &SerialNumber {
        self.parsed.tbs_certificate().serial_number()
    }

    pub(crate) fn issuer(&self) -> &Name {
        self.parsed.tbs_certificate().issuer()
    }

    pub(crate) fn subject(&self) -> &Name {
        self.parsed.tbs_certificate().subject()
    }

    /// Its last second.
    pub(crate) fn not_after(&self) -> Timestamp {
        let seconds = self.parsed.tbs_certificate().validity().not_after.to_unix_duration().as_secs();
        i64::try_from(seconds).ok().and_then(Timestamp::from_unix).unwrap_or(Timestamp::MAX)
    }

    /// DNS names of the subject's alternative names, as they are written.
    pub(crate) fn dns_names(&self) -> Vec<String> {
        let Ok(Some((_, names))) = self.parsed.tbs_certificate().get_extension::<SubjectAltName>() else {
            return Vec::new();
        };
        let dns = |name| match name {
            GeneralName::DnsName(name) => Some(name.to_string()),
            _ => None,
        };
        names.0.into_iter().filter_map(dns).collect()
    }

    /// Where it says its issuer's certificate is.
    pub(crate) fn issuer_location(&self) -> Option<String> {
        let access = self.parsed.tbs_certificate().get_extension::<AuthorityInfoAccessSyntax>().ok()??.1;
        access.0.into_iter().filter(|access| access.access_method == oid::CA_ISSUERS).find_map(|access| {
            match access.access_location {
                GeneralName::UniformResourceIdentifier(url) => Some(url.to_string()),
                _ => None,
            }
        })
    }

    /// Every value in the subject's name, in order, as text.
    pub(crate) fn subject_texts(&self) -> impl Iterator<Item = &str> {
        self.subject().iter().filter_map(|attribute| std::str::from_utf8(attribute.value.value()).ok())
    }
}

/// What a leaf must be good for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Server,
    Client,
}

/// Why a chain does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainFault {
    /// The issuer of the last certificate that was found is unknown.
    UnknownIssuer,
    /// Too long, expired, not signed, or not meant for this.
    Broken,
}

/// Verifies the one chain from `leaf` over `intermediates` to `roots` at `now`. The path is found by names, without
/// reckoning: whatever is offered, at most [`MAX_CHAIN`] − 1 signatures are checked.
pub(crate) fn verify_chain(
    leaf: &Certificate,
    intermediates: &[&Certificate],
    roots: &[Certificate],
    purpose: Purpose,
    now: Timestamp,
) -> Result<(), ChainFault> {
    let mut path: Vec<&Certificate> = Vec::new();
    let root = loop {
        let issuer = path.last().map_or(leaf, |last| *last).issuer();
        if let Some(root) = roots.iter().find(|root| root.subject() == issuer) {
            break root;
        }
        if path.len() + 2 >= MAX_CHAIN {
            return Err(ChainFault::UnknownIssuer);
        }
        let next = intermediates.iter().find(|next| next.subject() == issuer && !path.contains(next));
        path.push(next.ok_or(ChainFault::UnknownIssuer)?);
    };
    let anchor = anchor_from_trusted_cert(&root.der).map_err(|_| ChainFault::Broken)?;
    let between: Vec<CertificateDer<'_>> = path.iter().map(|certificate| certificate.der.clone()).collect();
    let seconds = u64::try_from(now.unix()).map_err(|_| ChainFault::Broken)?;
    let usage = match purpose {
        Purpose::Server => KeyUsage::server_auth(),
        Purpose::Client => KeyUsage::client_auth(),
    };
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    // Roots end, too; an anchor does not tell.
    if now > root.not_after() {
        return Err(ChainFault::Broken);
    }
    let end = EndEntityCert::try_from(&leaf.der).map_err(|_| ChainFault::Broken)?;
    end.verify_for_usage(ALGORITHMS, &[anchor], &between, time, usage, None, None)
        .map(|_| ())
        .map_err(|_| ChainFault::Broken)
}
