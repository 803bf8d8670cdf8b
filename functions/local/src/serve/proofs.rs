//! The simulated clouds: proofs of machines that do not exist, by an anchor that only this process trusts.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use marque_clouds::{Anchors, Fetcher, TrustData, Verifier};
use marque_core::{Cloud, ProofBinding, Timestamp};
use marque_service::http::{Body, Fields, FromBody, UnknownMembers};
use marque_service::problem::Error;
use marque_simulators::proofs::{Labels, Request, Simulator, pem, written};
use marque_simulators::{Key, jwk};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Local;
use crate::output::Unusable;

/// The keys of the simulated clouds, as they are kept: PKCS#8.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SimulatorKeys {
    anchor: Vec<u8>,
    machine: Vec<u8>,
}

impl SimulatorKeys {
    /// New ones.
    pub(super) fn generate() -> Result<Self, Unusable> {
        let make = || Key::generate().and_then(|key| key.to_pkcs8()).map_err(unusable);
        Ok(Self { anchor: make()?, machine: make()? })
    }

    pub(super) fn simulator(&self) -> Result<Simulator, Unusable> {
        let read = |key: &[u8]| Key::from_pkcs8(key).map_err(unusable);
        Ok(Simulator::new(read(&self.anchor)?, read(&self.machine)?))
    }
}

/// Trusts what is shipped, and this simulator. Without a network: what would have to be fetched is not trusted.
pub(super) fn verifier(simulator: &Simulator) -> Result<Verifier, Unusable> {
    let anchors = simulator.anchors().map_err(unusable)?;
    let trust = TrustData::shipped().and_then(|trust| trust.with_anchors(&anchors)).map_err(unusable)?;
    Ok(Verifier::new(trust, Fetcher::none()))
}

fn unusable(error: impl std::fmt::Display) -> Unusable {
    Unusable::new(error.to_string())
}

pub(super) fn routes() -> Router<Local> {
    Router::new()
        .route("/local/clouds/{cloud}/proofs", post(prove))
        .route("/local/clouds/{cloud}/anchors", get(anchors))
}

/// When simulated machines were started, by cloud and label.
pub(super) type Starts = BTreeMap<String, Timestamp>;

/// What a proof is to say.
#[derive(Debug)]
struct Asked {
    product_claim: String,
    binding: ProofBinding,
    account: String,
    instance: String,
    region: Option<String>,
    started_at: Option<Timestamp>,
}

impl FromBody for Asked {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let product_claim = fields.required("product_claim", label);
        let binding = fields.required("binding", str::parse);
        let account = fields.optional("account", label);
        let instance = fields.optional("instance", label);
        let region = fields.optional("region", label);
        let started_at = fields.optional("started_at", str::parse);
        Some(Self {
            product_claim: product_claim?,
            binding: binding?,
            account: account.unwrap_or_else(|| "account".to_owned()),
            instance: instance.unwrap_or_else(|| "instance".to_owned()),
            region,
            started_at,
        })
    }
}

fn label(text: &str) -> Result<String, &'static str> {
    let fits = text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err("must be at most 200 printable ASCII characters without spaces") }
}

async fn prove(
    State(local): State<Local>,
    Path(cloud): Path<String>,
    body: Body<Asked>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let cloud: Cloud = cloud.parse().map_err(|_| Error::NotFound)?;
    let asked = &body.value;
    let now = local.app.clock().now();
    let started_at = local.data.started_at(&format!("{cloud}/{}", asked.instance), asked.started_at, now);
    let prefix = format!("{}/registrations/", local.info.issuer);
    let request = Request {
        product_claim: &asked.product_claim,
        binding: &asked.binding,
        audience_prefix: &prefix,
        labels: Labels { account: &asked.account, instance: &asked.instance, region: asked.region.as_deref() },
        started_at,
        now,
    };
    let proof = local.simulator.prove(cloud, request);
    let proof = proof.map_err(|error| Error::Unavailable { cause: format!("a simulated proof: {error}") })?;
    Ok((StatusCode::CREATED, Json(json!({ "proof": written(proof) }))))
}

/// What other people's verifiers must trust to judge this cloud's proofs: certificates in PEM, and keys as JWKs.
async fn anchors(State(local): State<Local>, Path(cloud): Path<String>) -> Result<Json<Value>, Error> {
    let cloud: Cloud = cloud.parse().map_err(|_| Error::NotFound)?;
    let Anchors { aws, azure_root, gcp, oci_root, oci_marketplace, .. } =
        local.simulator.anchors().map_err(|error| Error::Unavailable { cause: error.to_string() })?;
    let (certificate, key) = match cloud {
        Cloud::Aws => (aws, None),
        Cloud::Azure => (azure_root, None),
        Cloud::Gcp => (None, gcp),
        Cloud::Oci => (oci_root, oci_marketplace),
    };
    let certificates: Vec<_> = certificate.iter().map(|der| pem(der)).collect();
    let keys: Vec<_> = key.iter().map(jwk).collect();
    Ok(Json(json!({ "certificates": certificates, "keys": keys })))
}
