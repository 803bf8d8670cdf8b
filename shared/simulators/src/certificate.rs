//! Certificates (RFC 5280).

use marque_core::Timestamp;

use crate::asn1::{RSA_ENCRYPTION, SHA256_WITH_RSA, bits, context, int, null, octets, seq, set, time, tlv, utc_time};
use crate::key::{Key, KeyFault};

const COMMON_NAME: u8 = 3;
const ORGANIZATIONAL_UNIT: u8 = 11;
const YEAR_2050: &str = "2050-01-01T00:00:00Z";

/// What a certificate says.
#[derive(Debug)]
pub struct Template<'t> {
    /// The serial number, big-endian.
    pub serial: &'t [u8],
    /// The issuer's name, from [`name`].
    pub issuer: &'t [u8],
    /// The subject's name.
    pub subject: &'t [u8],
    /// Its first second.
    pub not_before: Timestamp,
    /// Its last second.
    pub not_after: Timestamp,
    /// It may issue others.
    pub authority: bool,
    /// What a leaf is for: `serverAuth` (1), `clientAuth` (2).
    pub usages: &'t [u8],
    /// DNS names.
    pub dns_names: &'t [&'t str],
    /// Where the issuer's certificate is.
    pub issuer_location: Option<&'t str>,
}

/// A name: a common name, then organizational units.
#[must_use]
pub fn name(common_name: &str, units: &[&str]) -> Vec<u8> {
    let attribute = |kind: u8, text: &str| set(&[&seq(&[&[0x06, 3, 0x55, 4, kind], &tlv(0x0c, &[text.as_bytes()])])]);
    let mut parts = vec![attribute(COMMON_NAME, common_name)];
    parts.extend(units.iter().map(|unit| attribute(ORGANIZATIONAL_UNIT, unit)));
    seq(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

impl Template<'_> {
    /// The certificate of `subject`'s public key, in DER, signed by `issuer`.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn sign(&self, subject: &Key, issuer: &Key) -> Result<Vec<u8>, KeyFault> {
        self.sign_info(&subject.info(), issuer)
    }

    /// The same for a public key that is given as SubjectPublicKeyInfo, whatever is in it.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn sign_info(&self, info: &[u8], issuer: &Key) -> Result<Vec<u8>, KeyFault> {
        let algorithm = seq(&[SHA256_WITH_RSA, &null()]);
        let extensions = self.extensions();
        let extensions: Vec<_> = extensions.iter().map(Vec::as_slice).collect();
        let body = seq(&[
            &context(0, &[&int(&[2])]),
            &int(self.serial),
            &algorithm,
            self.issuer,
            &seq(&[&date(self.not_before), &date(self.not_after)]),
            self.subject,
            info,
            &if extensions.is_empty() { Vec::new() } else { context(3, &[&seq(&extensions)]) },
        ]);
        let signature = issuer.sign(&body)?;
        Ok(seq(&[&body, &algorithm, &bits(&signature)]))
    }

    fn extensions(&self) -> Vec<Vec<u8>> {
        let mut extensions = Vec::new();
        if self.authority {
            let yes = tlv(0x01, &[&[0xff]]);
            extensions.push(extension(&[0x55, 0x1d, 19], &yes, &seq(&[&yes])));
        }
        if !self.usages.is_empty() {
            let usages: Vec<_> =
                self.usages.iter().map(|usage| tlv(0x06, &[&[0x2b, 6, 1, 5, 5, 7, 3, *usage]])).collect();
            extensions.push(extension(&[0x55, 0x1d, 37], &[], &seq(&slices(&usages))));
        }
        if !self.dns_names.is_empty() {
            let names: Vec<_> = self.dns_names.iter().map(|name| tlv(0x82, &[name.as_bytes()])).collect();
            extensions.push(extension(&[0x55, 0x1d, 17], &[], &seq(&slices(&names))));
        }
        if let Some(location) = self.issuer_location {
            let access = seq(&[&tlv(0x06, &[&[0x2b, 6, 1, 5, 5, 7, 0x30, 2]]), &tlv(0x86, &[location.as_bytes()])]);
            extensions.push(extension(&[0x2b, 6, 1, 5, 5, 7, 1, 1], &[], &seq(&[&access])));
        }
        extensions
    }
}

/// `critical` is an encoded BOOLEAN, or nothing.
fn extension(oid: &[u8], critical: &[u8], value: &[u8]) -> Vec<u8> {
    seq(&[&tlv(0x06, &[oid]), critical, &octets(value)])
}

/// UTCTime until 2049, then GeneralizedTime (RFC 5280, section 4.1.2.5).
fn date(at: Timestamp) -> Vec<u8> {
    if at.to_string().as_str() < YEAR_2050 { utc_time(at) } else { time(at) }
}

fn slices(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

/// SubjectPublicKeyInfo of any modulus and exponent: no such private key need exist.
#[must_use]
pub fn info(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    seq(&[&seq(&[RSA_ENCRYPTION, &null()]), &bits(&seq(&[&int(modulus), &int(exponent)]))])
}
