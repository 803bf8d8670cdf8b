//! Machines of simulated clouds, as they register: at `marque serve`, or at the routes of `register` over a stack.
//!
//! The shipped `register` trusts the clouds alone, and no cloud signs for a test. So its routes run in this process over
//! the same clients of AWS, and differ in whom they trust.

use std::sync::LazyLock;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::{Body, to_bytes};
use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use http::Request;
use marque_clouds::{Anchors, Fetcher, TrustData, Verifier};
use marque_core::{Cloud, Mode, ProofBinding};
use marque_service::aws::{Ahead, Aws, start};
use marque_service::http::{envelope, published};
use marque_service::{Clock, Config, register, registration};
use marque_simulators::Key;
use marque_simulators::proofs::{Labels, Request as Asked, Simulator, pem, written};
use marque_tests::deployment::ISSUER;
use marque_tests::{Client, Deployment, Served, Server, runtime};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

static SIMULATOR: LazyLock<Simulator> = LazyLock::new(|| {
    let key = || Key::generate().expect("a key");
    Simulator::new(key(), key())
});

/// A machine and what it wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine<'m> {
    pub(crate) cloud: Cloud,
    /// What the cloud claims of its listing; empty for nothing.
    pub(crate) claim: &'m str,
    pub(crate) instance: &'m str,
    pub(crate) domain: &'m str,
    /// The code of a licence that was bought elsewhere.
    pub(crate) code: Option<&'m str>,
}

impl Machine<'_> {
    /// Every machine has a key of its own.
    fn key(&self) -> SigningKey {
        SigningKey::from_bytes(&Sha256::digest(self.instance).into())
    }

    fn public_key(&self) -> String {
        Base64UrlUnpadded::encode_string(self.key().verifying_key().as_bytes())
    }

    fn binding(&self, challenge: &str) -> ProofBinding {
        ProofBinding::of(challenge, &self.public_key())
    }

    /// The body of its registration.
    fn body(&self, challenge: &str, proof: &Value) -> Value {
        let mut body = Server::in_domain(self.domain).activation("");
        body["challenge"] = json!(challenge);
        body["public_key"] = json!(self.public_key());
        body["proof"] = proof.clone();
        match self.code {
            Some(code) => body["code"] = json!(code),
            None => drop(body.as_object_mut().and_then(|members| members.remove("code"))),
        }
        body
    }

    /// The header `Marque-Signature` of a call.
    fn signature(&self, path: &str, body: &str) -> String {
        let digest: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
        let message = format!("marque/request/v1\nPOST\n{path}\n{digest}");
        Base64UrlUnpadded::encode_string(&self.key().sign(message.as_bytes()).to_bytes())
    }

    /// Registers at `marque serve`, by a proof of its simulated clouds.
    pub(crate) fn register_at(&self, served: &Served) -> Value {
        let client = Client::new(served.url());
        let post = |path: &str, body: &Value| client.post(path, body).expect("an answer").json();
        let given = post("/v1/challenges", &json!({ "cloud": self.cloud }));
        let challenge = given["challenge"].as_str().expect("a challenge");
        let asked = json!({
            "product_claim": self.claim, "binding": self.binding(challenge).as_str(), "instance": self.instance,
        });
        let proof = post(&format!("/local/clouds/{}/proofs", self.cloud), &asked)["proof"].clone();
        let body = self.body(challenge, &proof).to_string();
        let signature = self.signature(PATH, &body);
        let headers = [("content-type", "application/json"), ("marque-signature", signature.as_str())];
        let answer = client.call("POST", PATH, &headers, body.as_bytes()).expect("an answer");
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
        answer.json()
    }
}

const PATH: &str = "/v1/registrations";

/// The routes of `register` over a stack, trusting the simulated clouds.
#[derive(Debug)]
pub(crate) struct Registrar(Router);

impl Registrar {
    pub(crate) fn start(deployment: &Deployment) -> Self {
        let environment = deployment.environment_of("register");
        let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let config = Config::read(variable).expect("settings");
        let app = runtime().block_on(start(&Aws::new(&config.aws), &config, Ahead::Nothing)).expect("a start");
        // Oracle's roots are not known beforehand: they are fetched, and kept in the table.
        let anchors = SIMULATOR.anchors().expect("anchors");
        let roots = json!({"certificates": [pem(anchors.oci_root.as_deref().expect("a root"))]}).to_string();
        let anchors = Anchors { oci_root: None, ..anchors };
        let trust = TrustData::shipped().and_then(|trust| trust.with_anchors(&anchors)).expect("trust data");
        app.verify_proofs_with(Verifier::new(trust, Fetcher::over(SharedHttpConnector::new(Oracle(roots)))));
        Self(envelope(published(register::api().merge(registration::api()), app)))
    }

    /// Registers a machine.
    pub(crate) fn register(&self, machine: &Machine<'_>) -> Value {
        let (status, given) = self.post("/v1/challenges", &json!({ "cloud": machine.cloud }).to_string(), "");
        assert_eq!(status, 201, "{given}");
        let challenge = given["challenge"].as_str().expect("a challenge");
        let now = Clock::system().now();
        let proof = SIMULATOR.prove(
            machine.cloud,
            Asked {
                product_claim: machine.claim,
                binding: &machine.binding(challenge),
                audience_prefix: &format!("{ISSUER}/registrations/"),
                labels: Labels { account: "account", instance: machine.instance, region: None },
                started_at: now,
                now,
            },
        );
        let body = machine.body(challenge, &written(proof.expect("a proof"))).to_string();
        let (status, answer) = self.post(PATH, &body, &machine.signature(PATH, &body));
        assert!(matches!(status, 200 | 201), "{answer}");
        answer
    }

    fn post(&self, path: &str, body: &str, signature: &str) -> (u16, Value) {
        let request = Request::post(path).header("content-type", "application/json");
        let request = if signature.is_empty() { request } else { request.header("marque-signature", signature) };
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        runtime().block_on(async {
            let answer = self.0.clone().oneshot(request).await.expect("an answer");
            let status = answer.status().as_u16();
            let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
            (status, serde_json::from_slice(&body).unwrap_or_default())
        })
    }
}

/// What the demo's listing of this kind is called in a cloud.
pub(crate) fn claim(deployment: &Deployment, cloud: Cloud, mode: Mode) -> String {
    deployment.demo.marketplace[&cloud][&mode].as_str().expect("a claim").to_owned()
}

/// Oracle, as far as it is asked: the roots of a region.
#[derive(Debug)]
struct Oracle(String);

impl HttpConnector for Oracle {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = http::StatusCode::OK.into();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(self.0.as_str()))))
    }
}
