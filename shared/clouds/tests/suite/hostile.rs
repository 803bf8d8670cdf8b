//! What is sent to make a verifier work, rather than to be believed. Each answer is prompt: a test that hangs fails.

use base64ct::{Base64, Encoding};
use marque_clouds::{Proof, ProofError};
use marque_simulators::asn1::{SIGNED_DATA, context, seq};
use marque_simulators::proofs::{AwsDocument, AzureDocument, pem, sign_aws, sign_azure};
use marque_simulators::{Template, info, name};

use crate::support::{ANCHOR, OTHER, at, binding, code, verify};

fn azure(bytes: &[u8]) -> Proof {
    Proof::Azure { attested_document: Base64::encode_string(bytes) }
}

fn aws(bytes: &[u8]) -> Proof {
    Proof::Aws { identity_document_rsa2048: Base64::encode_string(bytes) }
}

#[tokio::test]
async fn a_proof_of_a_megabyte_is_refused_unread() {
    let letters = "A".repeat(1024 * 1024);
    for proof in [
        Proof::Aws { identity_document_rsa2048: letters.clone() },
        Proof::Azure { attested_document: letters.clone() },
        Proof::Gcp { identity_token: letters.clone() },
        Proof::Gcp { identity_token: format!("{letters}.{letters}.{letters}") },
    ] {
        assert_eq!(code(&proof).await, "PROOF_INVALID");
    }
    let long = Proof::Azure { attested_document: "A".repeat(24 * 1024 + 1) };
    assert_eq!(verify(&long).await, Err(ProofError::Invalid("base64: too long")), "it is not even decoded");
    let mut oci = marque_simulators::proofs::sign_oci(
        &marque_simulators::proofs::OciInstance {
            instance: "ocid1.instance.oc1.iad.a".to_owned(),
            tenancy: "t".to_owned(),
            region: "us-ashburn-1".to_owned(),
        },
        &ANCHOR,
        &OTHER,
        &binding(),
        at(crate::support::NOW),
    )
    .unwrap();
    oci.binding_signature = letters.clone();
    assert_ne!(code(&Proof::Oci(oci.clone())).await, "accepted");
    oci.instance_certificate = letters;
    assert_eq!(code(&Proof::Oci(oci)).await, "PROOF_INVALID");
}

#[tokio::test]
async fn ten_thousand_certificates_are_too_many() {
    let leaf = crate::azure::leaf(&["metadata.azure.com"], &[1]);
    for count in [2, 5, 10_000] {
        let document = AzureDocument {
            content: b"{}".to_vec(),
            certificates: vec![leaf.clone(); count],
            issuer: name("Simulated TLS Root", &[]),
            serial: vec![7],
        };
        assert_eq!(code(&azure(&sign_azure(&document, &OTHER).unwrap())).await, "PROOF_INVALID", "{count}");
    }
}

#[tokio::test]
async fn depth_is_bounded() {
    for depth in [20, 200, 4_000] {
        let nested = [[0x30, 0x80].repeat(depth), [0, 0].repeat(depth)].concat();
        assert_eq!(code(&aws(&nested)).await, "PROOF_INVALID");
        assert_eq!(code(&azure(&seq(&[SIGNED_DATA, &context(0, &[&nested])]))).await, "PROOF_INVALID");
        assert_eq!(code(&aws(&[0x24, 0x80].repeat(depth))).await, "PROOF_INVALID");
        assert_eq!(code(&aws(&[0x30, 0x80].repeat(depth))).await, "PROOF_INVALID");
    }
    let nested = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let document = AwsDocument::new(format!(r#"{{"region":"us-east-1","x":{nested}}}"#));
    let document = sign_aws(&document, &ANCHOR, at("2027-03-01T08:00:05Z")).unwrap();
    assert_eq!(code(&aws(&document)).await, "PROOF_INVALID");
}

/// Only the public half is needed to make a verifier reckon.
fn with_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let root = name("Simulated TLS Root", &[]);
    let subject = name("metadata.azure.com", &[]);
    let template = Template {
        serial: &[7],
        issuer: &root,
        subject: &subject,
        not_before: at("2027-03-01T00:00:00Z"),
        not_after: at("2027-06-01T00:00:00Z"),
        authority: false,
        usages: &[1],
        dns_names: &["metadata.azure.com"],
        issuer_location: None,
    };
    template.sign_info(&info(modulus, exponent), &ANCHOR).unwrap()
}

#[tokio::test]
async fn keys_are_rsa_of_2048_to_4096_bits_with_a_usual_exponent() {
    let modulus = |bits: usize| {
        let mut modulus = vec![0xff; bits / 8];
        modulus[0] = 0x80;
        modulus
    };
    let huge = modulus(2048);
    for (modulus, exponent) in [
        (modulus(512), &[1, 0, 1][..]),
        (modulus(1024), &[1, 0, 1]),
        (modulus(2040), &[1, 0, 1]),
        (modulus(4104), &[1, 0, 1]),
        (modulus(8192), &[1, 0, 1]),
        (modulus(16_384), &[1, 0, 1]),
        (modulus(2048), &[1]),
        (modulus(2048), &[2]),
        (modulus(2048), &[17]),
        (modulus(2048), &huge),
    ] {
        let document = AzureDocument {
            content: b"{}".to_vec(),
            certificates: vec![with_key(&modulus, exponent)],
            issuer: name("Simulated TLS Root", &[]),
            serial: vec![7],
        };
        let proof = azure(&sign_azure(&document, &OTHER).unwrap());
        let limit = "certificate: not RSA of 2048 to 4096 bits with exponent 3 or 65537";
        assert_eq!(verify(&proof).await, Err(ProofError::Invalid(limit)), "{} bits", modulus.len() * 8);
        let mut oci = match crate::support::prove(marque_core::Cloud::Oci, "") {
            Proof::Oci(oci) => oci,
            _ => unreachable!(),
        };
        oci.instance_certificate = pem(&with_key(&modulus, exponent));
        assert_eq!(verify(&Proof::Oci(oci)).await, Err(ProofError::Invalid(limit)));
    }
}

#[tokio::test]
async fn truncated_and_repeated_documents_are_refused() {
    let document = sign_aws(&AwsDocument::new("{}"), &ANCHOR, at("2027-03-01T08:00:05Z")).unwrap();
    for length in 0..document.len() {
        assert_ne!(code(&aws(&document[..length])).await, "accepted");
    }
    assert_eq!(code(&aws(&[document.clone(), document].concat())).await, "PROOF_INVALID");
}

/// Well formed and well signed, and still too much.
#[tokio::test]
async fn a_document_has_at_most_16_kib() {
    let signed = |length: usize| {
        let padding = "x".repeat(length);
        let content = format!(
            r#"{{"accountId":"1","instanceId":"i-1","pendingTime":"2027-03-01T08:00:00Z","region":"us-east-1","x":"{padding}"}}"#
        );
        aws(&sign_aws(&AwsDocument::new(content), &ANCHOR, at("2027-03-01T08:00:05Z")).unwrap())
    };
    assert_eq!(code(&signed(15_000)).await, "accepted");
    assert_eq!(verify(&signed(16_300)).await, Err(ProofError::Invalid("CMS: too large")));
}
