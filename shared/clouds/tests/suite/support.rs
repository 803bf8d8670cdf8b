//! Keys, a verifier that trusts them, and the folder of real documents.

use std::path::PathBuf;
use std::sync::LazyLock;

use marque_clouds::{Expected, Fetcher, Machine, Proof, ProofError, TrustData, Verifier};
use marque_core::{Cloud, ProofBinding, Timestamp};
use marque_simulators::Key;
use marque_simulators::proofs::{Labels, Request, Simulator};

pub(crate) const NOW: &str = "2027-03-10T09:30:00Z";
pub(crate) const PREFIX: &str = "https://licences.example.com/registrations/";

/// Keys take long to make, so tests share them.
pub(crate) static ANCHOR: LazyLock<Key> = LazyLock::new(|| Key::generate().unwrap());
pub(crate) static OTHER: LazyLock<Key> = LazyLock::new(|| Key::generate().unwrap());

/// The trusted key signs for clouds, the other one is the machines'.
pub(crate) static SIMULATOR: LazyLock<Simulator> = LazyLock::new(|| Simulator::new(copy(&ANCHOR), copy(&OTHER)));

pub(crate) fn copy(key: &Key) -> Key {
    Key::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn binding() -> ProofBinding {
    ProofBinding::of("abcdefghijklmnopqrstuvwxyz012345", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
}

/// Trusts what is shipped and the simulator.
pub(crate) fn trust() -> TrustData {
    TrustData::shipped().unwrap().with_anchors(&SIMULATOR.anchors().unwrap()).unwrap()
}

pub(crate) async fn verify_at(trust: TrustData, proof: &Proof, now: &str) -> Result<Machine, ProofError> {
    let binding = binding();
    let expected = Expected { binding: &binding, audience_prefix: PREFIX };
    let verifier = Verifier::new(trust, Fetcher::none());
    verifier.verify(proof, expected, None, at(now)).await.map(|verified| verified.machine)
}

pub(crate) async fn verify(proof: &Proof) -> Result<Machine, ProofError> {
    verify_at(trust(), proof, NOW).await
}

pub(crate) async fn code(proof: &Proof) -> &'static str {
    verify(proof).await.map_or_else(|error| error.code(), |_| "accepted")
}

/// A good proof of a machine started from `claim`.
pub(crate) fn prove(cloud: Cloud, claim: &str) -> Proof {
    let binding = binding();
    let request = Request {
        product_claim: claim,
        binding: &binding,
        audience_prefix: PREFIX,
        labels: Labels { account: "account", instance: "instance", region: None },
        started_at: at("2027-03-01T08:00:00Z"),
        now: at(NOW),
    };
    SIMULATOR.prove(cloud, request).unwrap()
}

/// A real document, or `None`, said aloud, where the folder of them is absent.
pub(crate) fn vector(path: &str) -> Option<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/attestation");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(std::fs::read(folder.join(path)).unwrap())
}

pub(crate) fn vector_text(path: &str) -> Option<String> {
    vector(path).map(|bytes| String::from_utf8(bytes).unwrap())
}
