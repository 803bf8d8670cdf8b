//! What is fetched, how often, and that no address of a stranger is ever opened.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use base64ct::{Base64, Encoding};
use marque_clouds::{Expected, Fetcher, Proof, ProofError, RegionRoots, TrustData, Verified, Verifier};
use marque_core::{Cloud, Timestamp};
use marque_simulators::proofs::{AzureDocument, pem, sign_azure};
use marque_simulators::{Template, jwk, name};
use serde_json::json;

use crate::support::{ANCHOR, NOW, OTHER, PREFIX, SIMULATOR, at, binding, prove};

/// A status and a body; 599 for none at all.
type Answer = (u16, Vec<u8>);

/// Counts what is asked for and answers it from a list, the last answer for ever.
#[derive(Debug, Clone, Default)]
struct Network {
    asked: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
    calls: Arc<AtomicUsize>,
}

impl Network {
    fn answering(answers: Vec<Answer>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers)), ..Self::default() }
    }

    fn verifier(&self, trust: TrustData) -> Verifier {
        Verifier::new(trust, Fetcher::over(SharedHttpConnector::new(self.clone())))
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.asked.lock().unwrap().push(request.uri().to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer =
            if answers.len() > 1 { answers.remove(0) } else { answers.first().cloned().unwrap_or((599, vec![])) };
        if answer.0 == 599 {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("no network".into())));
        }
        let mut response = HttpResponse::new(StatusCode::try_from(answer.0).unwrap(), SdkBody::from(answer.1));
        response.headers_mut().insert("cache-control", "public, max-age=600, must-revalidate");
        response.headers_mut().insert("location", "https://example.com/");
        HttpConnectorFuture::ready(Ok(response))
    }
}

async fn verify(
    verifier: &Verifier,
    proof: &Proof,
    kept: Option<&RegionRoots>,
    now: Timestamp,
) -> Result<Verified, ProofError> {
    let binding = binding();
    verifier.verify(proof, Expected { binding: &binding, audience_prefix: PREFIX }, kept, now).await
}

fn google_keys(kid: &str) -> Vec<u8> {
    json!({ "keys": [jwk(&ANCHOR.public(kid))] }).to_string().into_bytes()
}

#[tokio::test]
async fn googles_keys_are_kept_and_asked_for_once_a_minute_at_most() {
    let network = Network::answering(vec![(200, google_keys("another")), (200, google_keys("simulated-google"))]);
    let verifier = network.verifier(TrustData::shipped().unwrap());
    let proof = prove(Cloud::Gcp, "1");
    let now = at(NOW);
    for _ in 0..5 {
        assert_eq!(verify(&verifier, &proof, None, now).await.unwrap_err().code(), "PROOF_UNTRUSTED");
    }
    assert_eq!(network.calls(), 1, "an unknown key is asked for once");
    let later = now.after(marque_core::Duration::from_seconds(60));
    for _ in 0..5 {
        verify(&verifier, &proof, None, later).await.unwrap();
    }
    assert_eq!(network.calls(), 2, "and again a minute later");
    assert_eq!(network.asked.lock().unwrap()[0], "https://www.googleapis.com/oauth2/v3/certs");
    let stale = later.after(marque_core::Duration::from_seconds(600));
    assert_eq!(verify(&verifier, &proof, None, stale).await.unwrap_err().code(), "PROOF_STALE");
    assert_eq!(network.calls(), 3, "a set is good as long as it was said to be");
}

#[tokio::test]
async fn a_source_that_fails_is_no_verdict() {
    for (status, body) in [
        (599, vec![]),
        (500, vec![]),
        (302, vec![]),
        (404, google_keys("simulated-google")),
        (200, b"<html>".to_vec()),
        (200, vec![b' '; 100_000]),
    ] {
        let network = Network::answering(vec![(status, body)]);
        let verifier = network.verifier(TrustData::shipped().unwrap());
        for proof in [prove(Cloud::Gcp, "1"), prove(Cloud::Oci, "")] {
            let error = verify(&verifier, &proof, None, at(NOW)).await.unwrap_err();
            assert_eq!(error.code(), "PROOF_SOURCE_UNAVAILABLE", "{status}");
        }
        assert_eq!(network.calls(), 2, "no redirect is followed");
    }
}

#[tokio::test]
async fn aws_needs_no_network() {
    let network = Network::default();
    let trust = TrustData::shipped().unwrap().with_anchors(&SIMULATOR.anchors().unwrap()).unwrap();
    verify(&network.verifier(trust), &prove(Cloud::Aws, "code"), None, at(NOW)).await.unwrap();
    assert_eq!(network.calls(), 0);
}

fn roots() -> Vec<u8> {
    let root = SIMULATOR.anchors().unwrap().oci_root.unwrap();
    json!({ "certificates": [pem(&root)], "refreshIn": "2027-03-11T09:30:00Z" }).to_string().into_bytes()
}

#[tokio::test]
async fn a_regions_roots_are_fetched_once_and_then_kept_by_the_caller() {
    let network = Network::answering(vec![(200, roots())]);
    let verifier = network.verifier(TrustData::shipped().unwrap());
    let proof = prove(Cloud::Oci, "");
    assert_eq!(verifier.region_needed(&proof).as_deref(), Some("us-ashburn-1"));
    let learned = verify(&verifier, &proof, None, at(NOW)).await.unwrap().learned.unwrap();
    assert_eq!(learned.refresh_at, at("2027-03-11T09:30:00Z"));
    assert_eq!(
        network.asked.lock().unwrap()[0],
        "https://auth.us-ashburn-1.oraclecloud.com/v1/instancePrincipalRootCACertificates"
    );
    assert_eq!(verify(&verifier, &proof, Some(&learned), at(NOW)).await.unwrap().learned, None);
    assert_eq!(network.calls(), 1);
    let other = RegionRoots { region: "us-phoenix-1".to_owned(), ..learned.clone() };
    verify(&verifier, &proof, Some(&other), at(NOW)).await.unwrap();
    let old = RegionRoots { refresh_at: at(NOW), ..learned };
    verify(&verifier, &proof, Some(&old), at(NOW)).await.unwrap();
    assert_eq!(network.calls(), 3, "roots of another region, or old ones, are none");
}

#[tokio::test]
async fn the_request_for_roots_is_that_one_and_no_other() {
    let network = Network::answering(vec![(200, roots())]);
    let verifier = network.verifier(TrustData::shipped().unwrap());
    let Proof::Oci(good) = prove(Cloud::Oci, "") else { unreachable!() };
    for url in [
        "http://auth.us-ashburn-1.oraclecloud.com/v1/instancePrincipalRootCACertificates",
        "https://auth.us-phoenix-1.oraclecloud.com/v1/instancePrincipalRootCACertificates",
        "https://auth.us-ashburn-1.oraclecloud.com/v1/instancePrincipalRootCACertificates?x=1",
        "https://auth.us-ashburn-1.oraclecloud.com:443/v1/instancePrincipalRootCACertificates",
        "https://auth.us-ashburn-1.oraclecloud.com@example.com/v1/instancePrincipalRootCACertificates",
        "https://auth.us-ashburn-1.oraclecloud.com/v1/../x",
        "https://169.254.169.254/latest/meta-data/",
        "",
    ] {
        let mut proof = good.clone();
        proof.roots_request.url = url.to_owned();
        assert_eq!(
            verify(&verifier, &Proof::Oci(proof), None, at(NOW)).await.unwrap_err().code(),
            "PROOF_UNTRUSTED",
            "{url}"
        );
    }
    for (name, value) in [
        ("accept", "application/json"),
        ("host", "example.com"),
        ("authorization", "Signature twice"),
        ("Authorization", "Signature twice"),
        ("x-forwarded-for", "127.0.0.1"),
        ("date", "a\r\nb: c"),
    ] {
        let mut proof = good.clone();
        proof.roots_request.headers.push((name.to_owned(), value.to_owned()));
        assert_eq!(
            verify(&verifier, &Proof::Oci(proof), None, at(NOW)).await.unwrap_err().code(),
            "PROOF_UNTRUSTED",
            "{name}"
        );
    }
    let mut unsigned = good;
    unsigned.roots_request.headers.clear();
    assert_eq!(verify(&verifier, &Proof::Oci(unsigned), None, at(NOW)).await.unwrap_err().code(), "PROOF_UNTRUSTED");
    assert_eq!(network.calls(), 0);
}

/// A document whose signer names its issuer's place.
fn azure_with(location: &str, issuer: &[u8]) -> Proof {
    let template = Template {
        serial: &[7],
        issuer,
        subject: &name("metadata.azure.com", &[]),
        not_before: at("2027-03-01T00:00:00Z"),
        not_after: at("2027-06-01T00:00:00Z"),
        authority: false,
        usages: &[1],
        dns_names: &["metadata.azure.com"],
        issuer_location: Some(location),
    };
    let content = json!({
        "nonce": binding().as_str(),
        "plan": { "name": "", "product": "", "publisher": "" },
        "subscriptionId": "6a73742d-8c0a-4b2d-9c60-67c592a0df50",
        "timeStamp": { "createdOn": "03/10/27 09:29:00 -0000", "expiresOn": "03/10/27 15:29:00 -0000" },
        "vmId": "6277b885-20b1-43ba-81a2-ee4e94e7c0af",
    });
    let document = AzureDocument {
        content: content.to_string().into_bytes(),
        certificates: vec![template.sign(&OTHER, &OTHER).unwrap()],
        issuer: issuer.to_vec(),
        serial: vec![7],
    };
    Proof::Azure { attested_document: Base64::encode_string(&sign_azure(&document, &OTHER).unwrap()) }
}

#[tokio::test]
async fn a_hundred_hostile_addresses_open_no_socket() {
    let network = Network::answering(vec![(200, vec![])]);
    let verifier = network.verifier(TrustData::shipped().unwrap());
    let hosts = [
        "http://169.254.169.254/",
        "https://example.com/pkiops/certs/x.crt",
        "http://www.microsoft.com.example.com/pkiops/certs/x",
        "http://www.microsoft.com@example.com/pkiops/certs/x",
        "http://www.microsoft.com:8080/pkiops/certs/x",
        "file:///etc/passwd",
        "http://www.microsoft.com/other/x",
        "http://www.microsoft.com/pkiops/certs/../../x",
        "http://www.microsoft.com/pkiops/certs/x?y=z",
        "http://www.microsoft.com/pkiops/certs/x#y",
        "ftp://www.microsoft.com/pkiops/certs/x",
        "http://WWW.MICROSOFT.COM/pkiops/certs/x",
        "//www.microsoft.com/pkiops/certs/x",
        "http://www.microsoft.com",
        "http:///pkiops/certs/x",
        "http://www.microsoft.com\\.example.com/pkiops/certs/x",
        "http://localhost/pkiops/certs/x",
        "http://[::1]/pkiops/certs/x",
        "http://microsoft.com/pkiops/certs/x",
        "",
    ];
    for round in 0..5 {
        for host in hosts {
            let proof =
                azure_with(&format!("{host}{}", "x".repeat(round * 300)), &name(&format!("Issuer {round}"), &[]));
            let error = verify(&verifier, &proof, None, at(NOW)).await.unwrap_err();
            // A longer tail makes one of them a place of Microsoft's with a longer path, which is refused as well.
            assert_eq!(error.code(), "PROOF_UNTRUSTED", "{host}");
        }
    }
    assert_eq!(network.calls(), 0);
}

#[tokio::test]
async fn an_unknown_intermediate_is_fetched_from_microsoft_and_kept() {
    let intermediate = name("Simulated Intermediate", &[]);
    let template = Template {
        serial: &[5],
        issuer: &name("Simulated TLS Root", &[]),
        subject: &intermediate,
        not_before: at("2027-01-01T00:00:00Z"),
        not_after: at("2028-01-01T00:00:00Z"),
        authority: true,
        usages: &[],
        dns_names: &[],
        issuer_location: None,
    };
    let certificate = template.sign(&OTHER, &ANCHOR).unwrap();
    let network = Network::answering(vec![(200, certificate)]);
    let trust = TrustData::shipped().unwrap().with_anchors(&SIMULATOR.anchors().unwrap()).unwrap();
    let verifier = network.verifier(trust);
    let proof = azure_with("http://www.microsoft.com/pkiops/certs/Simulated%20Intermediate.crt", &intermediate);
    for _ in 0..3 {
        verify(&verifier, &proof, None, at(NOW)).await.unwrap();
    }
    assert_eq!(*network.asked.lock().unwrap(), ["https://www.microsoft.com/pkiops/certs/Simulated%20Intermediate.crt"]);
    // Others name more places, each of which is asked once a minute, and ten in all.
    for number in 0..30 {
        let place = format!("http://www.microsoft.com/pkiops/certs/{number}.crt");
        let proof = azure_with(&place, &name("Another", &[]));
        assert!(verify(&verifier, &proof, None, at(NOW)).await.is_err());
    }
    assert_eq!(network.calls(), 10);
}
