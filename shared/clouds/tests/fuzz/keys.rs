//! Keys, trust in them, and a network that counts.

use std::cell::Cell;
use std::sync::LazyLock;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use marque_clouds::{Expected, Fetcher, Machine, Proof, TrustData, Verifier};
use marque_core::{Cloud, ProofBinding, Timestamp};
use marque_simulators::Key;
use marque_simulators::proofs::{Labels, Request, Simulator};

pub(crate) const PREFIX: &str = "https://licences.example.com/registrations/";
pub(crate) static ANCHOR: LazyLock<Key> = LazyLock::new(|| Key::generate().unwrap());
pub(crate) static MACHINE: LazyLock<Key> = LazyLock::new(|| Key::generate().unwrap());
pub(crate) static SIMULATOR: LazyLock<Simulator> = LazyLock::new(|| Simulator::new(copy(&ANCHOR), copy(&MACHINE)));

static SHIPPED: LazyLock<TrustData> = LazyLock::new(|| TrustData::shipped().unwrap());
static SIMULATED: LazyLock<TrustData> =
    LazyLock::new(|| SHIPPED.clone().with_anchors(&SIMULATOR.anchors().unwrap()).unwrap());

fn copy(key: &Key) -> Key {
    Key::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap()
}

pub(crate) fn now() -> Timestamp {
    "2027-03-10T09:30:00Z".parse().unwrap()
}

pub(crate) fn binding() -> ProofBinding {
    ProofBinding::of("abcdefghijklmnopqrstuvwxyz012345", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
}

/// A good proof.
pub(crate) fn prove(cloud: Cloud) -> Proof {
    let binding = binding();
    let request = Request {
        product_claim: "publisher/product/plan",
        binding: &binding,
        audience_prefix: PREFIX,
        labels: Labels { account: "account", instance: "instance", region: None },
        started_at: "2027-03-01T08:00:00Z".parse().unwrap(),
        now: now(),
    };
    let request = match cloud {
        Cloud::Azure => request,
        _ => Request { product_claim: "product", ..request },
    };
    SIMULATOR.prove(cloud, request).unwrap()
}

/// Answers everything with this, if anything.
#[derive(Debug)]
struct Network(Option<Vec<u8>>);

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// How many places this thread has asked.
pub(crate) fn asked() -> usize {
    ASKED.get()
}

impl HttpConnector for Network {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        ASKED.set(ASKED.get() + 1);
        HttpConnectorFuture::ready(match &self.0 {
            Some(body) => Ok(HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from(body.clone()))),
            None => Err(ConnectorError::io("no network".into())),
        })
    }
}

/// What a proof tells, with the simulator's anchors trusted.
pub(crate) fn verify(proof: &Proof) -> Result<Machine, &'static str> {
    run(SIMULATED.clone(), proof, None)
}

/// The same, where what is needed is fetched, and this is what comes.
pub(crate) fn verify_fetching(proof: &Proof, body: Vec<u8>) -> Result<Machine, &'static str> {
    run(SHIPPED.clone(), proof, Some(body))
}

/// As [`verify_fetching`], but the roots of Azure's chains are the simulator's.
pub(crate) fn verify_fetching_issuer(proof: &Proof, body: Vec<u8>) -> Result<Machine, &'static str> {
    run(SIMULATED.clone(), proof, Some(body))
}

fn run(trust: TrustData, proof: &Proof, body: Option<Vec<u8>>) -> Result<Machine, &'static str> {
    let verifier = Verifier::new(trust, Fetcher::over(SharedHttpConnector::new(Network(body))));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let binding = binding();
    let expected = Expected { binding: &binding, audience_prefix: PREFIX };
    let verified = runtime.block_on(verifier.verify(proof, expected, None, now()));
    verified.map(|verified| verified.machine).map_err(|error| error.code())
}
