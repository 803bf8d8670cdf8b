//! RSA keys as they may be: of 2048 to 4096 bits, with an exponent of 3 or 65537.
//!
//! What verifies a stranger's proof must not be made to work on a key of 16,384 bits, nor trust one of 1024.

use std::fmt;

use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
};
use der::asn1::UintRef;
use der::{Decode, Encode, Sequence};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::oid;

const MIN_BITS: usize = 2048;
const MAX_BITS: usize = 4096;
const EXPONENTS: [&[u8]; 2] = [&[3], &[1, 0, 1]];

/// A public key that passed the limits, ready to verify.
#[derive(Clone)]
pub(crate) struct RsaKey {
    /// RSAPublicKey of RFC 8017, appendix A.1.1: what keys are compared by.
    der: Box<[u8]>,
    pkcs1: ParsedPublicKey,
}

/// Modulus and exponent.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// The key is not RSA, or beyond the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not RSA of 2048 to 4096 bits with exponent 3 or 65537")]
pub(crate) struct KeyLimit;

impl RsaKey {
    /// The key of a certificate.
    pub(crate) fn from_spki(info: &SubjectPublicKeyInfoOwned) -> Result<Self, KeyLimit> {
        if info.algorithm.oid != oid::RSA_ENCRYPTION {
            return Err(KeyLimit);
        }
        Self::from_pkcs1(info.subject_public_key.as_bytes().ok_or(KeyLimit)?)
    }

    /// Modulus and exponent as big-endian integers, as a JWK has them.
    pub(crate) fn from_components(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyLimit> {
        let modulus = UintRef::new(modulus).map_err(|_| KeyLimit)?;
        let exponent = UintRef::new(exponent).map_err(|_| KeyLimit)?;
        Self::from_pkcs1(&RsaPublicKey { modulus, exponent }.to_der().map_err(|_| KeyLimit)?)
    }

    /// RSAPublicKey of RFC 8017.
    pub(crate) fn from_pkcs1(bytes: &[u8]) -> Result<Self, KeyLimit> {
        // The size is looked at before anything reckons with the key.
        let key = RsaPublicKey::from_der(bytes).map_err(|_| KeyLimit)?;
        let modulus = key.modulus.as_bytes();
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        if !(MIN_BITS..=MAX_BITS).contains(&bits) || !EXPONENTS.contains(&key.exponent.as_bytes()) {
            return Err(KeyLimit);
        }
        let pkcs1 = parse(&RSA_PKCS1_2048_8192_SHA256, bytes)?;
        Ok(Self { der: bytes.into(), pkcs1 })
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub(crate) fn verifies_pkcs1(&self, message: &[u8], signature: &[u8]) -> bool {
        self.pkcs1.verify_sig(message, signature).is_ok()
    }

    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    pub(crate) fn verifies_pss(&self, message: &[u8], signature: &[u8]) -> bool {
        parse(&RSA_PSS_2048_8192_SHA256, &self.der).is_ok_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

fn parse(algorithm: &'static dyn VerificationAlgorithm, der: &[u8]) -> Result<ParsedPublicKey, KeyLimit> {
    ParsedPublicKey::new(algorithm, der).map_err(|_| KeyLimit)
}

impl PartialEq for RsaKey {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaKey")
    }
}
