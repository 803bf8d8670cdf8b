//! The instance's certificate, what its key signs, and the marketplace's token.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use marque_clouds::{OciProof, Proof, SignedRequest};
use marque_core::{Cloud, Duration, ProofBinding, Timestamp};
use serde_json::json;

use super::gcp::{GcpClaims, sign as sign_token};
use super::labels::hex;
use super::{FROM, Request, UNTIL, fixed};
use crate::certificate::{Template, name};
use crate::key::{Key, KeyFault};

/// The name of the key that signs marketplace tokens.
pub(super) const KEY_ID: &str = "simulated-marketplace";
pub(super) const REGION: &str = "us-ashburn-1";
const LIFE: Duration = Duration::hours(1);

/// What the certificate of an instance says.
#[derive(Debug, Clone)]
pub struct OciInstance {
    /// The instance's OCID.
    pub instance: String,
    /// The tenancy's OCID.
    pub tenancy: String,
    /// Its region's long name.
    pub region: String,
}

pub(super) fn authority(anchor: &Key) -> Result<Vec<u8>, KeyFault> {
    let name = root_name();
    let template = Template {
        serial: &[1],
        issuer: &name,
        subject: &name,
        not_before: fixed(FROM),
        not_after: fixed(UNTIL),
        authority: true,
        usages: &[],
        dns_names: &[],
        issuer_location: None,
    };
    template.sign(anchor, anchor)
}

fn root_name() -> Vec<u8> {
    name("Simulated Instance Root", &[])
}

pub(super) fn prove(anchor: &Key, machine: &Key, request: Request<'_>) -> Result<Proof, KeyFault> {
    let labels = request.labels;
    let region = labels.region.unwrap_or(REGION);
    let instance = OciInstance {
        instance: labels.instance_id(Cloud::Oci),
        tenancy: format!("ocid1.tenancy.oc1..{}", hex("oci tenancy", labels.account, 60)),
        region: region.to_owned(),
    };
    let mut proof = sign(&instance, anchor, machine, request.binding, request.now)?;
    if !request.product_claim.is_empty() {
        let claims = json!({
            "exp": request.now.after(LIFE).unix(),
            "iat": request.now.unix(),
            "instanceId": instance.instance,
            "listingId": request.product_claim,
        });
        let header = json!({ "alg": "RS256", "kid": KEY_ID, "typ": "JWT" });
        proof.marketplace_token = Some(sign_token(&GcpClaims { header, claims }, anchor)?);
    }
    Ok(Proof::Oci(proof))
}

/// A proof without a marketplace token.
///
/// # Errors
/// [`KeyFault`].
pub fn sign(
    instance: &OciInstance,
    anchor: &Key,
    machine: &Key,
    binding: &ProofBinding,
    now: Timestamp,
) -> Result<OciProof, KeyFault> {
    let units = [
        "opc-certtype:instance".to_owned(),
        "opc-compartment:ocid1.compartment.oc1..simulated".to_owned(),
        format!("opc-instance:{}", instance.instance),
        format!("opc-tenant:{}", instance.tenancy),
    ];
    let units: Vec<_> = units.iter().map(String::as_str).collect();
    let template = Template {
        serial: &[2],
        issuer: &root_name(),
        subject: &name("simulated", &units),
        not_before: now.before(LIFE),
        not_after: now.after(LIFE),
        authority: false,
        usages: &[2],
        dns_names: &[],
        issuer_location: None,
    };
    let certificate = template.sign(machine, anchor)?;
    let signature = machine.sign_pss(binding.as_str().as_bytes())?;
    Ok(OciProof {
        instance_certificate: pem(&certificate),
        intermediates: Vec::new(),
        binding_signature: Base64UrlUnpadded::encode_string(&signature),
        roots_request: SignedRequest {
            url: format!("https://auth.{}.oraclecloud.com/v1/instancePrincipalRootCACertificates", instance.region),
            headers: vec![
                ("date".to_owned(), now.to_string()),
                ("authorization".to_owned(), "Signature version=\"1\",keyId=\"simulated\"".to_owned()),
            ],
        },
        marketplace_token: None,
    })
}

/// A certificate in PEM (RFC 7468).
#[must_use]
pub fn pem(certificate: &[u8]) -> String {
    pem_block("CERTIFICATE", certificate)
}

/// PEM of any label.
#[must_use]
pub fn pem_block(label: &str, der: &[u8]) -> String {
    let letters = Base64::encode_string(der);
    let lines: Vec<_> = letters.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
