//! The body of a registration.

use std::convert::Infallible;

use marque_clouds::{MAX_MEMBER, OciProof, Proof, SignedRequest};
use marque_core::{Cloud, LicenseCode};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::{Fields, FromBody, UnknownMembers};
use crate::validate::{Caller, FingerprintSchema, read_public_key};

/// A machine that wants a licence.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(super) challenge: String,
    pub(super) caller: Caller,
    pub(super) code: Code,
    /// The key as it was written: the binding is over the text.
    pub(super) public_key_text: String,
    pub(super) public_key: [u8; 32],
    pub(super) proof: Proof,
}

/// The code of a licence that was bought elsewhere.
#[derive(Debug, Clone)]
pub(super) enum Code {
    Absent,
    Mistyped,
    Given(LicenseCode),
}

/// The body of a registration.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Registration)]
#[expect(dead_code, reason = "the schema of what `Registration` reads")]
pub(crate) struct RegistrationSchema {
    /// From `POST /v1/challenges`.
    challenge: String,
    #[schema(pattern = "^[a-z0-9-]{1,40}$")]
    product: String,
    fingerprint: FingerprintSchema,
    /// The UUID that the server made at its first start: a statistic.
    #[schema(pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    instance_id: String,
    /// Fresh for each call; the signed answer repeats it.
    #[schema(pattern = "^[A-Za-z0-9_-]{16,64}$")]
    nonce: String,
    /// A statistic.
    product_version: Option<String>,
    /// The licence's code, for machines whose listing brings none.
    code: Option<String>,
    /// The machine's Ed25519 key in base64url: this call is signed with it.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    public_key: String,
    proof: ProofSchema,
}

/// What the cloud signed; which members there are depends on the cloud.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Proof)]
#[expect(dead_code, reason = "the schema of what `proof` reads")]
pub(crate) struct ProofSchema {
    #[schema(pattern = "^(aws|azure|gcp|oci)$")]
    cloud: String,
    /// AWS: `rsa2048` of the metadata service.
    identity_document_rsa2048: Option<String>,
    /// Azure: `signature` of the attested document.
    attested_document: Option<String>,
    /// GCP: the identity token.
    identity_token: Option<String>,
    /// OCI: the instance's certificate in PEM.
    instance_certificate: Option<String>,
    /// OCI: what is between it and the region's roots, in PEM.
    intermediates: Option<Vec<String>>,
    /// OCI: RSA-PSS over the binding, in base64url.
    binding_signature: Option<String>,
    /// OCI: `{url, headers}` of the signed request for the region's roots.
    #[schema(value_type = Option<Object>)]
    roots_request: Option<Value>,
    /// OCI: the attested metadata of the marketplace.
    marketplace_token: Option<String>,
}

impl FromBody for Registration {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let challenge = fields.required("challenge", |text| Ok::<_, Infallible>(text.to_owned()));
        let caller = Caller::read(fields);
        // A mistyped code is an answer of its own, in its place in the order of refusals.
        let code =
            fields.optional("code", |text| Ok::<_, Infallible>(text.parse().map_or(Code::Mistyped, Code::Given)));
        let key = fields.required("public_key", |text| read_public_key(text).map(|key| (key, text.to_owned())));
        let proof = fields.object("proof", proof);
        let (public_key, public_key_text) = key?;
        let code = code.unwrap_or(Code::Absent);
        Some(Self { challenge: challenge?, caller: caller?, code, public_key_text, public_key, proof: proof? })
    }
}

fn proof(fields: &mut Fields<'_>) -> Option<Proof> {
    let cloud: Cloud = fields.required("cloud", str::parse)?;
    match cloud {
        Cloud::Aws => member(fields, "identity_document_rsa2048")
            .map(|identity_document_rsa2048| Proof::Aws { identity_document_rsa2048 }),
        Cloud::Azure => member(fields, "attested_document").map(|attested_document| Proof::Azure { attested_document }),
        Cloud::Gcp => member(fields, "identity_token").map(|identity_token| Proof::Gcp { identity_token }),
        Cloud::Oci => oci(fields).map(Proof::Oci),
    }
}

fn oci(fields: &mut Fields<'_>) -> Option<OciProof> {
    let instance_certificate = member(fields, "instance_certificate");
    let intermediates = fields.texts("intermediates", bounded);
    let binding_signature = member(fields, "binding_signature");
    let roots_request = fields.object("roots_request", |fields| {
        let url = member(fields, "url");
        let headers = fields.carried("headers")?;
        let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
        let headers: Option<Vec<_>> = headers.into_iter().map(text).collect();
        let Some(headers) = headers else { return fields.fault("headers", "must be an object of texts") };
        Some(SignedRequest { url: url?, headers })
    });
    let marketplace_token = fields.optional("marketplace_token", bounded);
    Some(OciProof {
        instance_certificate: instance_certificate?,
        intermediates: intermediates?,
        binding_signature: binding_signature?,
        roots_request: roots_request?,
        marketplace_token,
    })
}

fn member(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    fields.required(name, bounded)
}

/// Longer ones are let through to be refused as proofs: the body's own limit bounds them.
fn bounded(text: &str) -> Result<String, Infallible> {
    Ok(text.get(..MAX_MEMBER + 1).unwrap_or(text).to_owned())
}
