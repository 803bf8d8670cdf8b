//! The identity token.

use base64ct::{Base64UrlUnpadded, Encoding};
use marque_clouds::Proof;
use marque_core::{Cloud, Duration};
use serde_json::{Value, json};

use super::Request;
use super::labels::digits;
use crate::key::{Key, KeyFault};

/// The name of the key that signs tokens.
pub(super) const KEY_ID: &str = "simulated-google";
const REGION: &str = "us-central1";
const LIFE: Duration = Duration::hours(1);

/// A header and claims, whatever they say.
#[derive(Debug, Clone)]
pub struct GcpClaims {
    /// The header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
}

pub(super) fn prove(anchor: &Key, request: Request<'_>) -> Result<Proof, KeyFault> {
    let labels = request.labels;
    let project: u64 = digits("gcp project", labels.account, 12).parse().unwrap_or_default();
    let mut instance = json!({
        "instance_creation_timestamp": request.started_at.unix(),
        "instance_id": labels.instance_id(Cloud::Gcp),
        "instance_name": "simulated",
        "project_id": format!("simulated-{project}"),
        "project_number": project,
        "zone": format!("{}-a", labels.region.unwrap_or(REGION)),
    });
    if !request.product_claim.is_empty() {
        instance["license_id"] = json!([request.product_claim]);
    }
    let subject = digits("gcp service account", labels.account, 21);
    let claims = json!({
        "aud": format!("{}{}", request.audience_prefix, request.binding),
        "azp": subject,
        "email": format!("{project}-compute@developer.gserviceaccount.com"),
        "email_verified": true,
        "exp": request.now.after(LIFE).unix(),
        "google": { "compute_engine": instance },
        "iat": request.now.unix(),
        "iss": "https://accounts.google.com",
        "sub": subject,
    });
    let header = json!({ "alg": "RS256", "kid": KEY_ID, "typ": "JWT" });
    Ok(Proof::Gcp { identity_token: sign(&GcpClaims { header, claims }, anchor)? })
}

/// The token as compact JWS.
///
/// # Errors
/// [`KeyFault`].
pub fn sign(token: &GcpClaims, key: &Key) -> Result<String, KeyFault> {
    let encode = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let covered = format!("{}.{}", encode(&token.header), encode(&token.claims));
    let signature = key.sign(covered.as_bytes())?;
    Ok(format!("{covered}.{}", Base64UrlUnpadded::encode_string(&signature)))
}
