//! The attested document.

use base64ct::{Base64, Encoding};
use marque_clouds::Proof;
use marque_core::{Cloud, Duration, Timestamp};
use serde_json::json;

use super::labels::guid;
use super::{FROM, Request, UNTIL, fixed};
use crate::asn1::{DATA, RSA_ENCRYPTION, SHA256_WITH_RSA, SIGNED_DATA, context, int, null, octets, seq, set};
use crate::certificate::{Template, name};
use crate::key::{Key, KeyFault};

const REGION: &str = "westeurope";
const LIFE: Duration = Duration::hours(6);
/// A certificate of the metadata service lives so long.
const CERTIFICATE_LIFE: Duration = Duration::days(180);
const SERIAL: &[u8] = &[0x33, 1];

/// A document, its signer's certificate, and which certificate is said to be the signer's.
#[derive(Debug, Clone)]
pub struct AzureDocument {
    /// What is signed.
    pub content: Vec<u8>,
    /// Certificates in the bag, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// The signer's issuer.
    pub issuer: Vec<u8>,
    /// The signer's serial number.
    pub serial: Vec<u8>,
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
    name("Simulated TLS Root", &[])
}

pub(super) fn prove(anchor: &Key, machine: &Key, request: Request<'_>) -> Result<Proof, KeyFault> {
    let labels = request.labels;
    let mut plan = request.product_claim.splitn(3, '/');
    let mut part = || plan.next().unwrap_or_default();
    let (publisher, product, plan) = (part(), part(), part());
    let content = json!({
        "licenseType": "",
        "nonce": request.binding.as_str(),
        "plan": { "name": plan, "product": product, "publisher": publisher },
        "sku": plan,
        "subscriptionId": guid("azure subscription", labels.account),
        "timeStamp": { "createdOn": date(request.now), "expiresOn": date(request.now.after(LIFE)) },
        "vmId": labels.instance_id(Cloud::Azure),
    });
    let issuer = root_name();
    let regional = format!("{}.metadata.azure.com", labels.region.unwrap_or(REGION));
    let template = Template {
        serial: SERIAL,
        issuer: &issuer,
        subject: &name("metadata.azure.com", &[]),
        not_before: request.now.before(Duration::days(1)),
        not_after: request.now.after(CERTIFICATE_LIFE),
        authority: false,
        usages: &[1],
        dns_names: &[&regional, "metadata.azure.com"],
        issuer_location: None,
    };
    let certificates = vec![template.sign(machine, anchor)?];
    let document =
        AzureDocument { content: content.to_string().into_bytes(), certificates, issuer, serial: SERIAL.to_vec() };
    Ok(Proof::Azure { attested_document: Base64::encode_string(&sign(&document, machine)?) })
}

/// The document as PKCS#7 in DER: no signed attributes, the digest named by the signature's identifier.
///
/// # Errors
/// [`KeyFault`].
pub fn sign(document: &AzureDocument, key: &Key) -> Result<Vec<u8>, KeyFault> {
    let algorithm = seq(&[SHA256_WITH_RSA, &null()]);
    let signer = seq(&[
        &int(&[1]),
        &seq(&[&document.issuer, &int(&document.serial)]),
        &algorithm,
        &seq(&[RSA_ENCRYPTION, &null()]),
        &octets(&key.sign(&document.content)?),
    ]);
    let certificates: Vec<_> = document.certificates.iter().map(Vec::as_slice).collect();
    let data = seq(&[
        &int(&[1]),
        &set(&[&algorithm]),
        &seq(&[DATA, &context(0, &[&octets(&document.content)])]),
        &if certificates.is_empty() { Vec::new() } else { context(0, &certificates) },
        &set(&[&signer]),
    ]);
    Ok(seq(&[SIGNED_DATA, &context(0, &[&data])]))
}

/// `MM/DD/YY HH:MM:SS -0000`.
fn date(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{}/{}/{} {} -0000", &text[5..7], &text[8..10], &text[2..4], &text[11..19])
}
