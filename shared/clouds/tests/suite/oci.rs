//! OCI: the chain, the region, the key's proof, and the marketplace's token.

use marque_clouds::{Anchors, OciProof, Proof, TrustData};
use marque_core::{Cloud, ProofBinding};
use marque_simulators::proofs::{GcpClaims, OciInstance, pem, sign_gcp, sign_oci};
use marque_simulators::{Template, name};
use serde_json::json;

use crate::support::{ANCHOR, NOW, OTHER, SIMULATOR, at, binding, code, prove, verify, verify_at};

fn instance(ocid: &str) -> OciInstance {
    OciInstance {
        instance: ocid.to_owned(),
        tenancy: "ocid1.tenancy.oc1..aaaa".to_owned(),
        region: "us-ashburn-1".to_owned(),
    }
}

fn proof(ocid: &str, binding: &ProofBinding) -> OciProof {
    sign_oci(&instance(ocid), &ANCHOR, &OTHER, binding, at(NOW)).unwrap()
}

const OCID: &str = "ocid1.instance.oc1.iad.aaaa";

#[tokio::test]
async fn a_certificate_and_a_signature_tell_the_machine() {
    let machine = verify(&Proof::Oci(proof(OCID, &binding()))).await.unwrap();
    assert_eq!(machine.account, "ocid1.tenancy.oc1..aaaa");
    assert_eq!(machine.instance, OCID);
    assert_eq!(machine.region.as_deref(), Some("us-ashburn-1"));
    assert_eq!(machine.product_claims, Vec::<String>::new());
    let listed = verify(&prove(Cloud::Oci, "ocid1.listing")).await.unwrap();
    assert_eq!(listed.product_claims, ["ocid1.listing"]);
}

#[tokio::test]
async fn the_region_is_one_of_the_list() {
    for (ocid, expected) in [
        ("ocid1.instance.oc1.eu-frankfurt-1.aaaa", "accepted"),
        ("ocid1.instance.oc1.evil.example.com.aaaa", "PROOF_INVALID"),
        ("ocid1.instance.oc1.attacker-1.aaaa", "PROOF_UNTRUSTED"),
        ("ocid1.instance.oc2.us-langley-1.aaaa", "PROOF_UNTRUSTED"),
        ("ocid1.instance.oc2.iad.aaaa", "PROOF_UNTRUSTED"),
        ("ocid1.instance.oc1.us-langley-1.aaaa", "PROOF_UNTRUSTED"),
        ("ocid1.tenancy.oc1.iad.aaaa", "PROOF_INVALID"),
        ("ocid1.instance.oc1.iad.", "PROOF_UNTRUSTED"),
        ("", "PROOF_INVALID"),
    ] {
        assert_eq!(code(&Proof::Oci(proof(ocid, &binding()))).await, expected, "{ocid}");
    }
}

#[tokio::test]
async fn the_binding_is_signed_by_the_instances_key() {
    let other = ProofBinding::of("another", "binding");
    assert_eq!(code(&Proof::Oci(proof(OCID, &other))).await, "CHALLENGE_MISMATCH");
    let mut stolen = proof(OCID, &binding());
    stolen.binding_signature =
        sign_oci(&instance(OCID), &ANCHOR, &ANCHOR, &binding(), at(NOW)).unwrap().binding_signature;
    assert_eq!(code(&Proof::Oci(stolen)).await, "CHALLENGE_MISMATCH");
    let mut faulty = proof(OCID, &binding());
    faulty.binding_signature.push('=');
    assert_eq!(code(&Proof::Oci(faulty)).await, "PROOF_INVALID");
}

#[tokio::test]
async fn a_chain_of_another_root_is_not_trusted() {
    let forged = sign_oci(&instance(OCID), &OTHER, &OTHER, &binding(), at(NOW)).unwrap();
    assert_eq!(code(&Proof::Oci(forged)).await, "PROOF_UNTRUSTED");
    let old = sign_oci(&instance(OCID), &ANCHOR, &OTHER, &binding(), at("2027-03-10T07:00:00Z")).unwrap();
    assert_eq!(code(&Proof::Oci(old)).await, "PROOF_UNTRUSTED", "the certificate has ended");
    let mut long = proof(OCID, &binding());
    long.intermediates = vec![long.instance_certificate.clone(); 3];
    assert_eq!(code(&Proof::Oci(long)).await, "PROOF_INVALID");
}

#[tokio::test]
async fn a_marketplace_token_is_this_instances_and_lives() {
    let now = at(NOW).unix();
    for (claims, kid, expected) in [
        (json!({ "instanceId": OCID, "listingId": "ocid1.listing" }), "simulated-marketplace", "accepted"),
        (json!({ "instanceId": OCID, "listingId": "ocid1.listing", "exp": now }), "simulated-marketplace", "accepted"),
        (
            json!({ "instanceId": OCID, "listingId": "ocid1.listing", "exp": now - 1 }),
            "simulated-marketplace",
            "PROOF_STALE",
        ),
        (
            json!({ "instanceId": OCID, "listingId": "ocid1.listing", "exp": "1" }),
            "simulated-marketplace",
            "PROOF_INVALID",
        ),
        (json!({ "instanceId": "ocid1.other", "listingId": "x" }), "simulated-marketplace", "PROOF_UNTRUSTED"),
        (json!({ "instanceId": OCID }), "simulated-marketplace", "PROOF_INVALID"),
        (json!({ "instanceId": OCID, "listingId": "x" }), "simulated-google", "PROOF_UNTRUSTED"),
    ] {
        let mut proof = proof(OCID, &binding());
        let header = json!({ "alg": "RS256", "kid": kid });
        proof.marketplace_token = Some(sign_gcp(&GcpClaims { header, claims: claims.clone() }, &ANCHOR).unwrap());
        assert_eq!(code(&Proof::Oci(proof)).await, expected, "{claims}");
    }
}

/// Every machine sends its token, and nobody knows Oracle's keys of it: that stops no machine, and proves no listing.
#[tokio::test]
async fn a_marketplace_token_tells_nothing_while_no_key_of_it_is_known() {
    let anchors = Anchors { oci_marketplace: None, ..SIMULATOR.anchors().unwrap() };
    let trust = TrustData::shipped().unwrap().with_anchors(&anchors).unwrap();
    let machine = verify_at(trust, &prove(Cloud::Oci, "ocid1.listing"), NOW).await.unwrap();
    assert!(machine.product_claims.is_empty(), "{machine:?}");
}

/// The subject names one instance of one tenancy, and says that it is one: users and services have certificates, too.
#[tokio::test]
async fn the_subject_says_what_it_is_and_says_it_once() {
    let instance = format!("opc-instance:{OCID}");
    let tenancy = "opc-tenant:ocid1.tenancy.oc1..aaaa";
    for (units, expected) in [
        (&["opc-certtype:instance", &instance, tenancy][..], "accepted"),
        (&["opc-certtype:service", &instance, tenancy], "PROOF_INVALID"),
        (&[&instance, tenancy], "PROOF_INVALID"),
        (&["opc-certtype:instance", &instance], "PROOF_INVALID"),
        (&["opc-certtype:instance", &instance, tenancy, "opc-tenant:ocid1.tenancy.oc1..bbbb"], "PROOF_INVALID"),
        (&["opc-certtype:instance", "opc-certtype:service", &instance, tenancy], "PROOF_INVALID"),
    ] {
        let template = Template {
            serial: &[2],
            issuer: &name("Simulated Instance Root", &[]),
            subject: &name("an instance", units),
            not_before: at("2027-03-10T09:00:00Z"),
            not_after: at("2027-03-10T10:00:00Z"),
            authority: false,
            usages: &[2],
            dns_names: &[],
            issuer_location: None,
        };
        let instance_certificate = pem(&template.sign(&OTHER, &ANCHOR).unwrap());
        let proof = OciProof { instance_certificate, ..proof(OCID, &binding()) };
        assert_eq!(code(&Proof::Oci(proof)).await, expected, "{units:?}");
    }
}
