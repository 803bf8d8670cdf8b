//! What a machine brings along, and what is known once it is verified.

use std::borrow::Cow;

use marque_core::{Cloud, ProofBinding, Timestamp};

/// Bytes of a CMS document.
pub const MAX_CMS: usize = 16 * 1024;
/// Letters of one member of a proof: 16 KiB in base64, with line breaks.
pub const MAX_MEMBER: usize = 24 * 1024;

/// A proof as a stranger sends it: nothing of it is known to be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// AWS.
    Aws {
        /// `rsa2048` of the metadata service: PKCS#7 in base64, line breaks allowed.
        identity_document_rsa2048: String,
    },
    /// Azure.
    Azure {
        /// `signature` of the attested document: PKCS#7 in base64.
        attested_document: String,
    },
    /// Google Cloud.
    Gcp {
        /// The identity token, `format=full&licenses=TRUE`.
        identity_token: String,
    },
    /// Oracle Cloud.
    Oci(OciProof),
}

/// An Oracle instance's certificate, and what its key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciProof {
    /// The certificate in PEM.
    pub instance_certificate: String,
    /// What is between it and the region's roots, in PEM.
    pub intermediates: Vec<String>,
    /// RSA-PSS with SHA-256 and a salt of 32 bytes over the binding's 32 letters; base64url without padding.
    pub binding_signature: String,
    /// A request for the region's root certificates, signed by the instance.
    pub roots_request: SignedRequest,
    /// The attested metadata of the marketplace, a JWT.
    pub marketplace_token: Option<String>,
}

/// A request that somebody else signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// Where to.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
}

impl Proof {
    /// Whose proof it is.
    #[must_use]
    pub fn cloud(&self) -> Cloud {
        match self {
            Self::Aws { .. } => Cloud::Aws,
            Self::Azure { .. } => Cloud::Azure,
            Self::Gcp { .. } => Cloud::Gcp,
            Self::Oci(_) => Cloud::Oci,
        }
    }
}

/// What a proof must have been made for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Challenge and key.
    pub binding: &'a ProofBinding,
    /// What stands in front of the binding in the audience of Google's token.
    pub audience_prefix: &'a str,
}

/// A machine, as its cloud has signed it. Only the verifiers of this crate make one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Machine {
    /// Which cloud it runs in.
    pub cloud: Cloud,
    /// Whose it is: account, subscription, project number or tenancy.
    pub account: String,
    /// Which machine: instance, VM id or OCID.
    pub instance: String,
    /// Where it runs, if the proof says so.
    pub region: Option<String>,
    /// Marketplace products that it was started from: product codes, `publisher/product/plan`, licence ids, a listing.
    pub product_claims: Vec<String>,
    /// How the proof tells that it is not an old one.
    pub freshness: Freshness,
}

/// Who a proof says that the machine is, before anything is verified: good for looking up, and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Whose it would be.
    pub account: String,
    /// Which machine.
    pub instance: String,
}

/// What tells an old proof from a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The cloud signed the binding: the proof was made for this challenge and this key.
    Bound,
    /// AWS has no place for a binding: the same document is good for ever. All that it tells is when the machine was
    /// started.
    StartedAt(Timestamp),
}

/// Why a proof is refused. The reason is for the log; it holds nothing of the proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It does not parse, or its signature does not fit.
    #[error("{0}")]
    Invalid(&'static str),
    /// Signed, but not by whom we trust.
    #[error("{0}")]
    Untrusted(&'static str),
    /// Signed too long ago.
    #[error("{0}")]
    Stale(&'static str),
    /// Made for another challenge, key or service.
    #[error("{0}")]
    ChallengeMismatch(&'static str),
    /// A key set or certificate that is needed cannot be fetched now.
    #[error("{0}")]
    SourceUnavailable(Cow<'static, str>),
}

impl ProofError {
    /// Why, for the log.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Invalid(reason) | Self::Untrusted(reason) | Self::Stale(reason) | Self::ChallengeMismatch(reason) => {
                reason
            }
            Self::SourceUnavailable(reason) => reason,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "PROOF_INVALID",
            Self::Untrusted(_) => "PROOF_UNTRUSTED",
            Self::Stale(_) => "PROOF_STALE",
            Self::ChallengeMismatch(_) => "CHALLENGE_MISMATCH",
            Self::SourceUnavailable(_) => "PROOF_SOURCE_UNAVAILABLE",
        }
    }
}
