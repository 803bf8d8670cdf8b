//! AWS: which documents are a machine's, and which are a forger's.

use base64ct::{Base64, Encoding};
use marque_clouds::{Freshness, Proof, ProofError};
use marque_core::Cloud;
use marque_simulators::proofs::{AwsDocument, sign_aws};
use serde_json::{Value, json};

use crate::support::{ANCHOR, OTHER, at, code, prove, verify};

fn content(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document = json!({
        "accountId": "123456789012",
        "instanceId": "i-0123456789abcdef0",
        "marketplaceProductCodes": ["ourproductcode"],
        "pendingTime": "2027-03-01T08:00:00Z",
        "region": "us-east-1",
    });
    change(&mut document);
    document.to_string().into_bytes()
}

fn proof(bytes: &[u8]) -> Proof {
    Proof::Aws { identity_document_rsa2048: Base64::encode_string(bytes) }
}

fn signed(document: &AwsDocument) -> Proof {
    proof(&sign_aws(document, &ANCHOR, at("2027-03-01T08:00:05Z")).unwrap())
}

#[tokio::test]
async fn a_signed_document_tells_the_machine() {
    let machine = verify(&prove(Cloud::Aws, "ourproductcode")).await.unwrap();
    assert_eq!(machine.product_claims, ["ourproductcode"]);
    assert_eq!(machine.account.len(), 12);
    assert_eq!(machine.freshness, Freshness::StartedAt(at("2027-03-01T08:00:00Z")));
}

#[tokio::test]
async fn product_codes_may_be_absent_null_none_others_or_several() {
    for (codes, expected) in [
        (json!(null), Ok(vec![])),
        (json!([]), Ok(vec![])),
        (json!(["theirs"]), Ok(vec!["theirs".to_owned()])),
        (json!(["theirs", "ours"]), Ok(vec!["theirs".to_owned(), "ours".to_owned()])),
        (json!("ours"), Err("PROOF_INVALID")),
        (json!([null]), Err("PROOF_INVALID")),
        (json!(["a b"]), Err("PROOF_INVALID")),
        (json!(vec!["x"; 17]), Err("PROOF_INVALID")),
    ] {
        let proof = signed(&AwsDocument::new(content(|document| document["marketplaceProductCodes"] = codes.clone())));
        let claims = verify(&proof).await.map(|machine| machine.product_claims).map_err(|error| error.code());
        assert_eq!(claims, expected, "{codes}");
    }
    let absent = AwsDocument::new(content(|document| {
        document.as_object_mut().unwrap().remove("marketplaceProductCodes");
    }));
    assert_eq!(verify(&signed(&absent)).await.unwrap().product_claims, Vec::<String>::new());
}

/// Signed by one, carried for another: the holes that other verifiers had.
#[tokio::test]
async fn only_the_content_that_was_signed_counts() {
    let good = AwsDocument::new(content(|_| {}));
    let other = content(|document| document["accountId"] = json!("999999999999"));
    for (carried, why) in [(Some(other), "CMS: attributes do not fit the content"), (None, "CMS: detached content")] {
        let document = AwsDocument { carried: Some(carried), ..good.clone() };
        assert_eq!(verify(&signed(&document)).await, Err(ProofError::Invalid(why)));
    }
    let bare = AwsDocument { bare: true, ..good };
    assert_eq!(code(&signed(&bare)).await, "PROOF_INVALID", "no signed attributes");
}

#[tokio::test]
async fn exactly_one_signer_and_nothing_else_in_the_bag() {
    let good = AwsDocument::new(content(|_| {}));
    for signers in [0, 2, 20] {
        assert_eq!(code(&signed(&AwsDocument { signers, ..good.clone() })).await, "PROOF_INVALID", "{signers} signers");
    }
    let certificate = crate::azure::leaf(&["metadata.azure.com"], &[1]);
    for (added, expected) in [
        (AwsDocument { certificates: vec![certificate], ..good.clone() }, "CMS: other certificates than expected"),
        (AwsDocument { unsigned: true, ..good.clone() }, "CMS: unsigned attributes"),
        (AwsDocument { revocations: true, ..good }, "CMS: revocation lists"),
    ] {
        assert_eq!(verify(&signed(&added)).await, Err(ProofError::Invalid(expected)));
    }
}

#[tokio::test]
async fn the_region_and_the_serial_number_choose_the_key() {
    let good = AwsDocument::new(content(|_| {}));
    assert_eq!(code(&signed(&good)).await, "accepted");
    let other = sign_aws(&good, &OTHER, at("2027-03-01T08:00:05Z")).unwrap();
    assert_eq!(code(&proof(&other)).await, "PROOF_INVALID", "another key under the pinned serial number");
    let serial = AwsDocument { serial: vec![9], ..good };
    assert_eq!(code(&signed(&serial)).await, "PROOF_UNTRUSTED", "another serial number");
    for region in ["mars-north-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"] {
        let document = AwsDocument::new(content(|document| document["region"] = json!(region)));
        assert_eq!(code(&signed(&document)).await, "PROOF_UNTRUSTED", "{region}");
    }
}

#[tokio::test]
async fn a_document_has_one_reading() {
    for text in [
        r#"{"accountId":"1","accountId":"2","instanceId":"i-1","region":"us-east-1","pendingTime":"2027-03-01T08:00:00Z"}"#,
        r#"{"AccountId":"1","instanceId":"i-1","region":"us-east-1","pendingTime":"2027-03-01T08:00:00Z"}"#,
        r#"{"accountId":1,"instanceId":"i-1","region":"us-east-1","pendingTime":"2027-03-01T08:00:00Z"}"#,
        r#"{"accountId":"1","instanceId":"i-1/..","region":"us-east-1","pendingTime":"2027-03-01T08:00:00Z"}"#,
        r#"{"accountId":"1","instanceId":"i-1","region":"us-east-1","pendingTime":"yesterday"}"#,
        r#"{"accountId":"1","instanceId":"i-1","region":"us-east-1","pendingTime":"2027-03-01T08:00:00Z"} "x""#,
        "[]",
        "",
    ] {
        assert_eq!(code(&signed(&AwsDocument::new(text))).await, "PROOF_INVALID", "{text}");
    }
}

#[tokio::test]
async fn nothing_follows_the_document() {
    let document = sign_aws(&AwsDocument::new(content(|_| {})), &ANCHOR, at("2027-03-01T08:00:05Z")).unwrap();
    for tail in [&[0][..], &[0, 0], &[0x30, 0], b"\n"] {
        assert_eq!(code(&proof(&[document.as_slice(), tail].concat())).await, "PROOF_INVALID");
    }
    let text = Base64::encode_string(&document);
    let broken = Proof::Aws { identity_document_rsa2048: format!("\n{}\r\n{}\n", &text[..64], &text[64..]) };
    assert_eq!(code(&broken).await, "accepted", "line breaks are allowed");
    for text in [format!("{text}===="), format!("{text}.."), text.replace('+', "-") + "-"] {
        assert_eq!(code(&Proof::Aws { identity_document_rsa2048: text }).await, "PROOF_INVALID");
    }
}

/// Everything but RSA with SHA-256: MD5, SHA-1, other lengths. The names have the same length, so they are put in place.
#[tokio::test]
async fn algorithms_are_not_the_documents_choice() {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
    const DIGEST: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];
    let good = sign_aws(&AwsDocument::new(content(|_| {})), &ANCHOR, at("2027-03-01T08:00:05Z")).unwrap();
    let renamed = |prefix: &[u8], number: u8| {
        let mut document = good.clone();
        let places: Vec<_> = good.windows(prefix.len()).enumerate().filter(|(_, part)| *part == prefix).collect();
        places.iter().for_each(|(place, _)| document[place + prefix.len()] = number);
        assert!(!places.is_empty());
        proof(&document)
    };
    assert_eq!(code(&renamed(RSA, 11)).await, "accepted", "both spellings are in use");
    for number in [2, 4, 5, 7, 10, 12, 13] {
        assert_eq!(code(&renamed(RSA, number)).await, "PROOF_INVALID", "1.2.840.113549.1.1.{number}");
    }
    for number in [2, 3, 4, 7] {
        assert_eq!(code(&renamed(DIGEST, number)).await, "PROOF_INVALID", "2.16.840.1.101.3.4.2.{number}");
    }
}
