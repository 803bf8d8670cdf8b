//! Compute Engine: the identity token, whose audience ends with the binding.
//! <https://cloud.google.com/compute/docs/instances/verifying-instance-identity>

use http::Method;
use serde_json::{Value, json};

use super::failure::Failure;
use super::metadata::Metadata;
use crate::admin::query;

const FLAVOR: (&str, &str) = ("metadata-flavor", "Google");
const INSTANCE: &str = "/computeMetadata/v1/instance";

pub(super) fn machine_id(metadata: &Metadata) -> Result<String, Failure> {
    get(metadata, "/id")
}

pub(super) fn proof(metadata: &Metadata, audience: &str) -> Result<Value, Failure> {
    // Licences stand in it only when they are asked for.
    let path =
        format!("{INSTANCE}/service-accounts/default/identity?audience={}&format=full&licenses=TRUE", query(audience));
    let told = metadata.call(Method::GET, &path, &[FLAVOR])?;
    if told.status == 404 {
        return Err(Failure::Unprovable(
            "this machine has no service account, so Google gives it no identity token. Stop it, then: gcloud compute instances \
             set-service-account NAME --zone ZONE --service-account ACCOUNT --scopes cloud-platform, and start it again. The \
             account needs no role"
                .to_owned(),
        ));
    }
    let token = told.good(metadata)?;
    Ok(json!({ "identity_token": token.trim() }))
}

/// A value of the instance. Whoever answers without the header is no metadata service of Google.
fn get(metadata: &Metadata, path: &str) -> Result<String, Failure> {
    let told = metadata.call(Method::GET, &format!("{INSTANCE}{path}"), &[FLAVOR])?;
    let google = told.headers.get(FLAVOR.0).is_some_and(|flavor| flavor == FLAVOR.1);
    let text = told.good(metadata)?;
    if google { Ok(text.trim().to_owned()) } else { Err(metadata.stranger()) }
}
