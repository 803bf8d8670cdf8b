//! The instance identity document, signed as `rsa2048`.

use base64ct::{Base64, Encoding};
use marque_clouds::Proof;
use marque_core::{Cloud, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::labels::{digits, hex};
use super::{FROM, Request, UNTIL, fixed};
use crate::asn1::{
    CONTENT_TYPE, DATA, MESSAGE_DIGEST, RSA_ENCRYPTION, SHA256, SIGNED_DATA, SIGNING_TIME, context, indefinite, int,
    null, octets, seq, set, tlv, utc_time,
};
use crate::certificate::{Template, name};
use crate::key::{Key, KeyFault};

const REGION: &str = "us-east-1";
const SERIAL: &[u8] = &[0x51, 0x4d, 0x55, 0x4c, 0x41, 0x54, 0x45, 0x44];
/// The signature is made some seconds after the start.
const SIGNED_AFTER: marque_core::Duration = marque_core::Duration::from_seconds(5);

/// A document and how it is to be wrapped: the usual, or with faults that a verifier must see.
#[derive(Debug, Clone)]
pub struct AwsDocument {
    /// What is signed.
    pub content: Vec<u8>,
    /// What the document carries, if it is not what was signed; `None` in it for detached content.
    pub carried: Option<Option<Vec<u8>>>,
    /// The signer's serial number.
    pub serial: Vec<u8>,
    /// So many signers, all the same.
    pub signers: usize,
    /// Certificates to add, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// Leave the signed attributes away: the signature is over the content.
    pub bare: bool,
    /// Add an attribute that nobody signed.
    pub unsigned: bool,
    /// Add a list of revocations to the bag.
    pub revocations: bool,
}

impl AwsDocument {
    /// A document as AWS writes it.
    #[must_use]
    pub fn new(content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        Self {
            content,
            carried: None,
            serial: SERIAL.to_vec(),
            signers: 1,
            certificates: Vec::new(),
            bare: false,
            unsigned: false,
            revocations: false,
        }
    }
}

pub(super) fn authority(anchor: &Key) -> Result<Vec<u8>, KeyFault> {
    let name = issuer();
    let template = Template {
        serial: SERIAL,
        issuer: &name,
        subject: &name,
        not_before: fixed(FROM),
        not_after: fixed(UNTIL),
        authority: false,
        usages: &[],
        dns_names: &[],
        issuer_location: None,
    };
    template.sign(anchor, anchor)
}

fn issuer() -> Vec<u8> {
    name("Simulated Web Services", &[])
}

pub(super) fn prove(anchor: &Key, request: Request<'_>) -> Result<Proof, KeyFault> {
    let labels = request.labels;
    let region = labels.region.unwrap_or(REGION);
    let codes = match request.product_claim {
        "" => Value::Null,
        code => json!([code]),
    };
    let content = json!({
        "accountId": digits("aws account", labels.account, 12),
        "architecture": "x86_64",
        "availabilityZone": format!("{region}a"),
        "billingProducts": ["bp-6fa54006"],
        "devpayProductCodes": null,
        "marketplaceProductCodes": codes,
        "imageId": format!("ami-{}", hex("aws image", request.product_claim, 17)),
        "instanceId": labels.instance_id(Cloud::Aws),
        "instanceType": "t3.large",
        "kernelId": null,
        "pendingTime": request.started_at.to_string(),
        "privateIp": "10.0.0.10",
        "ramdiskId": null,
        "region": region,
        "version": "2017-09-30",
    });
    let content = serde_json::to_string_pretty(&content).unwrap_or_default();
    let document = sign(&AwsDocument::new(content), anchor, request.started_at.after(SIGNED_AFTER))?;
    let letters = Base64::encode_string(&document);
    let lines: Vec<_> = letters.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect();
    Ok(Proof::Aws { identity_document_rsa2048: lines.join("\n") })
}

/// The document as PKCS#7, with indefinite lengths and the content in two chunks.
///
/// # Errors
/// [`KeyFault`].
pub fn sign(document: &AwsDocument, key: &Key, at: Timestamp) -> Result<Vec<u8>, KeyFault> {
    let attribute = |kind: &[u8], value: &[u8]| seq(&[kind, &set(&[value])]);
    let attributes = set(&[
        &attribute(CONTENT_TYPE, DATA),
        &attribute(SIGNING_TIME, &utc_time(at)),
        &attribute(MESSAGE_DIGEST, &octets(&Sha256::digest(&document.content))),
    ]);
    let covered = if document.bare { &document.content } else { &attributes };
    let signature = key.sign(covered)?;
    // Implicitly tagged [0] in the document, though it is a SET that is signed.
    let carried_attributes =
        if document.bare { Vec::new() } else { [&[0xa0], attributes.get(1..).unwrap_or_default()].concat() };
    let signer = seq(&[
        &int(&[1]),
        &seq(&[&issuer(), &int(&document.serial)]),
        &seq(&[SHA256, &null()]),
        &carried_attributes,
        &seq(&[RSA_ENCRYPTION, &null()]),
        &octets(&signature),
        &if document.unsigned { context(1, &[&attribute(SIGNING_TIME, &utc_time(at))]) } else { Vec::new() },
    ]);
    let carried = document.carried.as_ref().map_or(Some(&document.content), Option::as_ref);
    let content = carried.map_or_else(Vec::new, |content| {
        let (first, second) = content.split_at(content.len() / 2);
        indefinite(0xa0, &[&indefinite(0x24, &[&octets(first), &octets(second)])])
    });
    let certificates: Vec<_> = document.certificates.iter().map(Vec::as_slice).collect();
    let certificates = if certificates.is_empty() { Vec::new() } else { context(0, &certificates) };
    let signers: Vec<_> = std::iter::repeat_n(signer.as_slice(), document.signers).collect();
    let data = indefinite(
        0x30,
        &[
            &int(&[1]),
            &set(&[&seq(&[SHA256, &null()])]),
            &indefinite(0x30, &[DATA, &content]),
            &certificates,
            // OtherRevocationInfoFormat: the form that needs no authority.
            &if document.revocations { context(1, &[&context(1, &[&seq(&[DATA]), &null()])]) } else { Vec::new() },
            &tlv(0x31, &signers),
        ],
    );
    Ok(indefinite(0x30, &[SIGNED_DATA, &indefinite(0xa0, &[&data])]))
}
