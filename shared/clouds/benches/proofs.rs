//! What verifying a proof costs with warm trust data, beside a bare verification of RSA-2048: parsing, digests, chains and
//! claims are the rest.
//!
//! `cargo bench -p marque-clouds --bench proofs`

#![expect(clippy::unwrap_used, reason = "a bench without its keys cannot go on")]

use std::hint::black_box;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64ct::{Base64, Encoding};
use criterion::{Criterion, criterion_group, criterion_main};
use marque_clouds::{Anchors, Expected, Fetcher, OciProof, Proof, TrustData, Verifier};
use marque_core::{Cloud, ProofBinding, Timestamp};
use marque_simulators::proofs::{AzureDocument, Labels, Request, Simulator, sign_azure};
use marque_simulators::{Key, Template, name};
use serde_json::json;

const PREFIX: &str = "https://licences.example.com/registrations/";
const SERIAL: &[u8] = &[0x33, 7];

fn now() -> Timestamp {
    "2027-03-10T09:30:00Z".parse().unwrap()
}

fn certificate(subject: &[u8], issuer: &[u8], authority: bool, key: &Key, issuer_key: &Key) -> Vec<u8> {
    let template = Template {
        serial: SERIAL,
        issuer,
        subject,
        not_before: "2027-03-01T00:00:00Z".parse().unwrap(),
        not_after: "2027-06-01T00:00:00Z".parse().unwrap(),
        authority,
        usages: if authority { &[] } else { &[1] },
        dns_names: if authority { &[] } else { &["westeurope.metadata.azure.com"] },
        issuer_location: None,
    };
    template.sign(key, issuer_key).unwrap()
}

/// A document whose chain has an intermediate, as Azure's have: three signatures in all.
fn azure(binding: &ProofBinding, intermediate: &[u8], anchor: &Key, machine: &Key) -> Proof {
    let content = json!({
        "licenseType": "",
        "nonce": binding.as_str(),
        "plan": { "name": "billed", "product": "ad-api", "publisher": "kopicloud" },
        "sku": "billed",
        "subscriptionId": "6a73742d-8c0a-4b2d-9c60-67c592a0df50",
        "timeStamp": { "createdOn": "03/10/27 09:29:00 -0000", "expiresOn": "03/10/27 15:29:00 -0000" },
        "vmId": "6277b885-20b1-43ba-81a2-ee4e94e7c0af",
    });
    let document = AzureDocument {
        content: content.to_string().into_bytes(),
        certificates: vec![certificate(&name("metadata.azure.com", &[]), intermediate, false, machine, anchor)],
        issuer: intermediate.to_vec(),
        serial: SERIAL.to_vec(),
    };
    Proof::Azure { attested_document: Base64::encode_string(&sign_azure(&document, machine).unwrap()) }
}

fn proofs(criterion: &mut Criterion) {
    let (anchor, machine) = (Key::generate().unwrap(), Key::generate().unwrap());
    let copy = |key: &Key| Key::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
    let simulator = Simulator::new(copy(&anchor), copy(&machine));
    let intermediate = name("Simulated Intermediate", &[]);
    let anchors = Anchors {
        azure_intermediate: Some(certificate(&intermediate, &name("Simulated TLS Root", &[]), true, &anchor, &anchor)),
        ..simulator.anchors().unwrap()
    };
    let trust = TrustData::shipped().unwrap().with_anchors(&anchors).unwrap();
    let verifier = Verifier::new(trust, Fetcher::none());
    let binding = ProofBinding::of("abcdefghijklmnopqrstuvwxyz012345", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    let simulated = |cloud| {
        let request = Request {
            product_claim: "product",
            binding: &binding,
            audience_prefix: PREFIX,
            labels: Labels { account: "account", instance: "instance", region: None },
            started_at: "2027-03-01T08:00:00Z".parse().unwrap(),
            now: now(),
        };
        simulator.prove(cloud, request).unwrap()
    };
    let Proof::Oci(oci) = simulated(Cloud::Oci) else { unreachable!("it is asked for") };
    let expected = Expected { binding: &binding, audience_prefix: PREFIX };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();

    let message = [0x5a; 475];
    let signature = anchor.sign(&message).unwrap();
    let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, anchor.public("").key).unwrap();
    let mut group = criterion.benchmark_group("proofs");
    group.bench_function("bare RSA-2048", |bencher| {
        bencher.iter(|| key.verify_sig(black_box(&message), black_box(&signature)).unwrap());
    });
    for (title, proof) in [
        ("aws", simulated(Cloud::Aws)),
        ("azure, two certificates and a root", azure(&binding, &intermediate, &anchor, &machine)),
        ("gcp", simulated(Cloud::Gcp)),
        ("oci, certificate alone", Proof::Oci(OciProof { marketplace_token: None, ..oci.clone() })),
        ("oci, with a marketplace token", Proof::Oci(oci)),
    ] {
        group.bench_function(title, |bencher| {
            bencher.iter(|| runtime.block_on(verifier.verify(black_box(&proof), expected, None, now())).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, proofs);
criterion_main!(benches);
