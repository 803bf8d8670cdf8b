//! Azure: whose certificate signed, what it is for, and when.

use base64ct::{Base64, Encoding};
use marque_clouds::Proof;
use marque_core::Cloud;
use marque_simulators::proofs::{AzureDocument, sign_azure};
use marque_simulators::{Template, name};
use serde_json::{Value, json};

use crate::support::{ANCHOR, NOW, OTHER, at, binding, code, prove, trust, verify, verify_at};

const SERIAL: &[u8] = &[0x33, 7];

fn template<'t>(issuer: &'t [u8], subject: &'t [u8], dns_names: &'t [&'t str], usages: &'t [u8]) -> Template<'t> {
    Template {
        serial: SERIAL,
        issuer,
        subject,
        not_before: at("2027-03-01T00:00:00Z"),
        not_after: at("2027-06-01T00:00:00Z"),
        authority: false,
        usages,
        dns_names,
        issuer_location: None,
    }
}

fn root() -> Vec<u8> {
    name("Simulated TLS Root", &[])
}

/// A certificate that the simulated root issued to the other key.
pub(crate) fn leaf(dns_names: &[&str], usages: &[u8]) -> Vec<u8> {
    template(&root(), &name("metadata.azure.com", &[]), dns_names, usages).sign(&OTHER, &ANCHOR).unwrap()
}

fn content(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document = json!({
        "nonce": binding().as_str(),
        "plan": { "name": "billed", "product": "ad-api", "publisher": "kopicloud" },
        "subscriptionId": "6a73742d-8c0a-4b2d-9c60-67c592a0df50",
        "timeStamp": { "createdOn": "03/10/27 09:29:00 -0000", "expiresOn": "03/10/27 15:29:00 -0000" },
        "vmId": "6277b885-20b1-43ba-81a2-ee4e94e7c0af",
    });
    change(&mut document);
    document.to_string().into_bytes()
}

fn document(content: Vec<u8>, certificates: Vec<Vec<u8>>) -> AzureDocument {
    AzureDocument { content, certificates, issuer: root(), serial: SERIAL.to_vec() }
}

fn signed(document: &AzureDocument) -> Proof {
    Proof::Azure { attested_document: Base64::encode_string(&sign_azure(document, &OTHER).unwrap()) }
}

fn good() -> AzureDocument {
    document(content(|_| {}), vec![leaf(&["metadata.azure.com"], &[1])])
}

#[tokio::test]
async fn a_signed_document_tells_the_machine() {
    let machine = verify(&signed(&good())).await.unwrap();
    assert_eq!(machine.account, "6a73742d-8c0a-4b2d-9c60-67c592a0df50");
    assert_eq!(machine.instance, "6277b885-20b1-43ba-81a2-ee4e94e7c0af");
    assert_eq!(machine.product_claims, ["kopicloud/ad-api/billed"]);
    assert_eq!(machine.region, None);
    let simulated = verify(&prove(Cloud::Azure, "a/b/c")).await.unwrap();
    assert_eq!(simulated.region.as_deref(), Some("westeurope"));
}

/// CVE-like: chain checked, signature never.
#[tokio::test]
async fn a_good_chain_does_not_make_up_for_a_missing_signature() {
    let bytes = sign_azure(&good(), &ANCHOR).unwrap();
    let proof = Proof::Azure { attested_document: Base64::encode_string(&bytes) };
    assert_eq!(code(&proof).await, "PROOF_INVALID");
}

/// Chain checked for the first certificate in the bag, signature by another signer.
#[tokio::test]
async fn the_certificate_inside_is_the_signers_and_the_only_one() {
    let stranger = root_of_a_stranger();
    let two = document(content(|_| {}), vec![leaf(&["metadata.azure.com"], &[1]), stranger.clone()]);
    assert_eq!(code(&signed(&two)).await, "PROOF_INVALID");
    let another = AzureDocument { serial: vec![8], ..good() };
    assert_eq!(code(&signed(&another)).await, "PROOF_INVALID", "the certificate is not the one that is named");
    let none = document(content(|_| {}), Vec::new());
    assert_eq!(code(&signed(&none)).await, "PROOF_INVALID");
}

fn root_of_a_stranger() -> Vec<u8> {
    let own = name("A Stranger", &[]);
    template(&own, &own, &["metadata.azure.com"], &[1]).sign(&OTHER, &OTHER).unwrap()
}

#[tokio::test]
async fn a_self_signed_certificate_with_the_right_names_is_not_trusted() {
    let own = name("A Stranger", &[]);
    let document = AzureDocument { issuer: own, ..document(content(|_| {}), vec![root_of_a_stranger()]) };
    assert_eq!(code(&signed(&document)).await, "PROOF_UNTRUSTED");
    // Under the root's own name, but not signed by it.
    let (root, subject) = (root(), name("metadata.azure.com", &[]));
    let forged = template(&root, &subject, &["metadata.azure.com"], &[1]).sign(&OTHER, &OTHER).unwrap();
    let forged = AzureDocument { issuer: root, certificates: vec![forged], ..document };
    assert_eq!(code(&signed(&forged)).await, "PROOF_UNTRUSTED");
}

#[tokio::test]
async fn alternative_names_count_dot_and_all() {
    for (names, expected) in [
        (&["metadata.azure.com"][..], "accepted"),
        (&["northeurope.metadata.azure.com"], "accepted"),
        (&["a.example.com", "metadata.azure.com"], "accepted"),
        (&["evilmetadata.azure.com"], "PROOF_UNTRUSTED"),
        (&["metadata.azure.com.example.com"], "PROOF_UNTRUSTED"),
        (&["metadata.azure.us"], "PROOF_UNTRUSTED"),
        (&["metadata.azure.cn"], "PROOF_UNTRUSTED"),
        (&[".metadata.azure.com"], "PROOF_UNTRUSTED"),
        (&["*.example.com"], "PROOF_UNTRUSTED"),
        (&[], "PROOF_UNTRUSTED"),
    ] {
        let document = document(content(|_| {}), vec![leaf(names, &[1])]);
        assert_eq!(code(&signed(&document)).await, expected, "{names:?}");
    }
}

#[tokio::test]
async fn the_certificate_must_be_for_servers_and_hold_now() {
    let client = document(content(|_| {}), vec![leaf(&["metadata.azure.com"], &[2])]);
    assert_eq!(code(&signed(&client)).await, "PROOF_UNTRUSTED");
    let late = content(|document| {
        document["timeStamp"] =
            json!({ "createdOn": "06/01/27 09:29:00 -0000", "expiresOn": "06/01/27 15:29:00 -0000" });
    });
    let late = signed(&document(late, vec![leaf(&["metadata.azure.com"], &[1])]));
    assert_eq!(verify_at(trust(), &late, "2027-06-01T10:00:00Z").await.unwrap_err().code(), "PROOF_UNTRUSTED");
}

#[tokio::test]
async fn time_and_nonce_are_judged_last_and_in_this_order() {
    let stale = json!({ "createdOn": "03/09/27 09:29:00 -0000", "expiresOn": "03/09/27 15:29:00 -0000" });
    let early = json!({ "createdOn": "03/10/27 09:33:00 -0000", "expiresOn": "03/10/27 15:29:00 -0000" });
    for (change, expected) in [
        (json!({ "nonce": "another" }), "CHALLENGE_MISMATCH"),
        (json!({ "nonce": "" }), "CHALLENGE_MISMATCH"),
        (json!({ "timeStamp": stale }), "PROOF_STALE"),
        (json!({ "timeStamp": early }), "PROOF_STALE"),
        (json!({ "timeStamp": stale, "nonce": "another" }), "PROOF_STALE"),
        (json!({ "timeStamp": { "createdOn": "2027-03-10", "expiresOn": "2027-03-11" } }), "PROOF_INVALID"),
        (json!({ "vmId": "1" }), "PROOF_INVALID"),
        (json!({ "subscriptionId": null }), "PROOF_INVALID"),
        (json!({ "plan": null }), "PROOF_INVALID"),
        (json!({ "plan": { "name": "a/b", "product": "c", "publisher": "d" } }), "PROOF_INVALID"),
        (json!({ "plan": { "name": "", "product": "", "publisher": "" } }), "accepted"),
    ] {
        let content = content(|document| {
            let change = change.as_object().unwrap().clone();
            document.as_object_mut().unwrap().extend(change);
        });
        let document = document(content, vec![leaf(&["metadata.azure.com"], &[1])]);
        assert_eq!(code(&signed(&document)).await, expected, "{change} at {NOW}");
    }
}

#[tokio::test]
async fn a_document_has_one_reading() {
    let good = String::from_utf8(content(|_| {})).unwrap();
    for text in [
        good.replacen('{', r#"{"vmId":"00000000-0000-4000-8000-000000000000","#, 1),
        good.replace(r#""name""#, r#""name":"byol","name""#),
        good.replace("vmId", "vmid"),
        format!("{good}{good}"),
    ] {
        let document = document(text.clone().into_bytes(), vec![leaf(&["metadata.azure.com"], &[1])]);
        assert_eq!(code(&signed(&document)).await, "PROOF_INVALID", "{text}");
    }
}
