//! The shipped trust data.

use base64ct::{Base64, Encoding};
use marque_clouds::TrustData;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{at, vector_text};

fn document() -> Value {
    serde_json::from_str(include_str!("../../trust/trust.json")).unwrap()
}

fn digest(letters: &str) -> String {
    Sha256::digest(Base64::decode_vec(letters).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_certificate_has_the_digest_that_is_said() {
    let document = document();
    let aws = document["aws"].as_object().unwrap().values();
    let azure = &document["azure"];
    let azure = azure["roots"].as_array().unwrap().iter().chain(azure["intermediates"].as_array().unwrap());
    for entry in aws.chain(azure) {
        assert_eq!(entry["sha256"], digest(entry["certificate"].as_str().unwrap()));
    }
}

#[test]
fn shipped_certificates_are_those_of_the_vectors() {
    let document = document();
    for region in ["us-east-1", "us-east-2", "us-west-2"] {
        let Some(pem) = vector_text(&format!("aws/{region}.rsa2048.pem")) else { return };
        assert_eq!(document["aws"][region]["certificate"], letters(&pem), "{region}");
    }
    for (at, path) in [(0, "azure/root-digicert-global-g2.pem"), (1, "azure/root-microsoft-tls-rsa-g2.pem")] {
        assert_eq!(document["azure"]["roots"][at]["certificate"], letters(&vector_text(path).unwrap()), "{path}");
    }
}

fn letters(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).map(str::trim).collect()
}

#[test]
fn sovereign_regions_are_not_shipped() {
    let document = document();
    for region in document["aws"].as_object().unwrap().keys() {
        assert!(!["cn-", "us-gov-", "eusc-", "us-iso"].iter().any(|prefix| region.starts_with(prefix)), "{region}");
    }
    for region in document["oci"]["regions"].as_object().unwrap().values() {
        let region = region.as_str().unwrap();
        assert!(!region.contains("gov") && !region.contains("langley") && !region.contains("luke"), "{region}");
    }
}

#[test]
fn what_ends_first_is_told() {
    let trust = TrustData::shipped().unwrap();
    let nearest = trust.nearest_expiry().unwrap();
    assert!(nearest.name.starts_with("Microsoft"), "{nearest:?}");
    assert!(nearest.at > at("2029-01-01T00:00:00Z"), "{nearest:?}");
}
