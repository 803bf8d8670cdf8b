//! The metadata services of simulated machines: what `marque prove` asks on a machine of a cloud, as strict as the real
//! ones about the headers that keep a browser or a proxy from asking.
//!
//! `/local/clouds/{cloud}/machines/{listing}/{instance}` is the address of one; `listing` is `billed`, `byol` or `none`: what
//! the machine was started from.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use http::{HeaderMap, Method};
use marque_clouds::{OciProof, Proof};
use marque_core::listing::Mode;
use marque_core::{Cloud, ProofBinding};
use marque_service::problem::Error;
use marque_simulators::KeyFault;
use marque_simulators::proofs::{Labels, Request, pem, pem_block};
use serde_json::{Value, json};

use super::Local;

/// All simulated machines are of one customer.
const ACCOUNT: &str = "account";
const REGION: &str = "us-ashburn-1";

pub(super) fn routes() -> Router<Local> {
    Router::new().route("/local/clouds/{cloud}/machines/{listing}/{instance}/{*path}", any(answer))
}

/// A simulated machine, asked something.
struct Asked<'a> {
    local: &'a Local,
    cloud: Cloud,
    claim: String,
    instance: &'a str,
    method: Method,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
}

async fn answer(
    State(local): State<Local>,
    Path((cloud, listing, instance, path)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let cloud: Cloud = cloud.parse().map_err(|_| Error::NotFound)?;
    let claim = claim(&local, cloud, &listing)?;
    let query = query.unwrap_or_default();
    let asked = Asked {
        local: &local,
        cloud,
        claim,
        instance: &instance,
        method,
        path: &path,
        query: &query,
        headers: &headers,
    };
    match cloud {
        Cloud::Aws => asked.aws(),
        Cloud::Azure => asked.azure(),
        Cloud::Gcp => asked.gcp(),
        Cloud::Oci => asked.oci(),
    }
}

/// The demo product's claim of a listing.
fn claim(local: &Local, cloud: Cloud, listing: &str) -> Result<String, Error> {
    if listing == "none" {
        return Ok(String::new());
    }
    let mode: Mode = listing.parse().map_err(|_| Error::NotFound)?;
    let claim = local.info.demo.marketplace.get(&cloud).and_then(|modes| modes.get(&mode));
    claim.and_then(Value::as_str).map(str::to_owned).ok_or(Error::NotFound)
}

impl Asked<'_> {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A parameter of the query, as it is escaped.
    fn parameter(&self, name: &str) -> Result<String, Error> {
        let found = form_urlencoded::parse(self.query.as_bytes()).find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).ok_or(Error::NotFound)
    }

    fn labels(&self) -> Labels<'_> {
        Labels { account: ACCOUNT, instance: self.instance, region: None }
    }

    fn proof(&self, binding: &ProofBinding, claim: &str) -> Result<Proof, Error> {
        let now = self.local.app.clock().now();
        let started_at = self.local.data.started_at(&format!("{}/{}", self.cloud, self.instance), None, now);
        let prefix = format!("{}/registrations/", self.local.info.issuer);
        let request =
            Request { product_claim: claim, binding, audience_prefix: &prefix, labels: self.labels(), started_at, now };
        self.local.simulator.prove(self.cloud, request).map_err(broken)
    }

    fn aws(self) -> Result<Response, Error> {
        let token = format!("simulated-session-of-{}", self.instance);
        if (self.method.as_str(), self.path) == ("PUT", "latest/api/token") {
            let seconds: u32 = self.header("x-aws-ec2-metadata-token-ttl-seconds").parse().unwrap_or_default();
            return if (1..=21_600).contains(&seconds) { Ok(token.into_response()) } else { Err(Error::Unauthorized) };
        }
        if self.header("x-aws-ec2-metadata-token") != token {
            return Err(Error::Unauthorized);
        }
        match self.path {
            "latest/meta-data/instance-id" => Ok(self.labels().instance_id(self.cloud).into_response()),
            "latest/dynamic/instance-identity/rsa2048" => match self.proof(&ProofBinding::of("", ""), &self.claim)? {
                Proof::Aws { identity_document_rsa2048 } => Ok(identity_document_rsa2048.into_response()),
                _ => Err(Error::NotFound),
            },
            _ => Err(Error::NotFound),
        }
    }

    fn azure(self) -> Result<Response, Error> {
        if self.header("metadata") != "true" || self.headers.contains_key("x-forwarded-for") {
            return Err(Error::Unauthorized);
        }
        self.parameter("api-version")?;
        match self.path {
            "metadata/instance/compute/vmId" => Ok(self.labels().instance_id(self.cloud).into_response()),
            "metadata/attested/document" => {
                let binding = self.parameter("nonce")?.parse().map_err(|_| Error::NotFound)?;
                match self.proof(&binding, &self.claim)? {
                    Proof::Azure { attested_document } => {
                        Ok(Json(json!({ "encoding": "pkcs7", "signature": attested_document })).into_response())
                    }
                    _ => Err(Error::NotFound),
                }
            }
            _ => Err(Error::NotFound),
        }
    }

    fn gcp(self) -> Result<Response, Error> {
        if self.header("metadata-flavor") != "Google" || self.headers.contains_key("x-forwarded-for") {
            return Err(Error::Unauthorized);
        }
        let text = match self.path {
            "computeMetadata/v1/instance/id" => self.labels().instance_id(self.cloud),
            "computeMetadata/v1/instance/service-accounts/default/identity" => {
                let audience = self.parameter("audience")?;
                let binding = audience.rsplit_once('/').map_or("", |(_, binding)| binding);
                let binding = binding.parse().map_err(|_| Error::NotFound)?;
                // Without these two the token tells nothing of licences.
                let full = self.parameter("format").is_ok_and(|format| format == "full");
                let licenses = full && self.parameter("licenses").is_ok_and(|licenses| licenses == "TRUE");
                match self.proof(&binding, if licenses { &self.claim } else { "" })? {
                    Proof::Gcp { identity_token } => identity_token,
                    _ => return Err(Error::NotFound),
                }
            }
            _ => return Err(Error::NotFound),
        };
        Ok(([("metadata-flavor", "Google")], text).into_response())
    }

    /// Oracle's services are beside the metadata service here; whether requests to them are well signed is not looked at.
    fn oci(self) -> Result<Response, Error> {
        let Proof::Oci(OciProof { instance_certificate, marketplace_token, .. }) =
            self.proof(&ProofBinding::of("", ""), &self.claim)?
        else {
            return Err(Error::NotFound);
        };
        match (self.method.as_str(), self.path) {
            ("POST", "v1/x509") => return Ok(Json(json!({ "token": "simulated" })).into_response()),
            ("POST", "20181001/marketplaceExternalAttestedMetadata") => {
                let token = marketplace_token.ok_or(Error::NotFound)?;
                return Ok(Json(json!({ "serializedJwt": token })).into_response());
            }
            _ => {}
        }
        if self.header("authorization") != "Bearer Oracle" {
            return Err(Error::Unauthorized);
        }
        let simulator = &self.local.simulator;
        match self.path {
            "opc/v2/instance/" => Ok(Json(json!({
                "canonicalRegionName": REGION,
                "compartmentId": "ocid1.compartment.oc1..simulated",
                "id": self.labels().instance_id(self.cloud),
                "regionInfo": { "realmKey": "oc1" },
                "tenantId": "ocid1.tenancy.oc1..simulated",
            }))
            .into_response()),
            "opc/v2/identity/cert.pem" => Ok(instance_certificate.into_response()),
            // Nothing is between an instance and its root here, so the root stands in its place.
            "opc/v2/identity/intermediate.pem" => {
                let root = simulator.anchors().map_err(broken)?.oci_root.unwrap_or_default();
                Ok(pem(&root).into_response())
            }
            "opc/v2/identity/key.pem" => {
                let key = simulator.machine_key().to_pkcs8().map_err(broken)?;
                Ok(pem_block("PRIVATE KEY", &key).into_response())
            }
            _ => Err(Error::NotFound),
        }
    }
}

fn broken(fault: KeyFault) -> Error {
    Error::Unavailable { cause: format!("a simulated machine: {fault}") }
}
