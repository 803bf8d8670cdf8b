//! EC2: the instance identity document by IMDSv2. It is the same at each start, and has no place for a challenge.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html>

use http::Method;
use serde_json::{Value, json};

use super::failure::Failure;
use super::metadata::Metadata;

/// Long enough for the two calls of a try.
const TOKEN_SECONDS: &str = "60";

pub(super) fn machine_id(metadata: &Metadata) -> Result<String, Failure> {
    get(metadata, "/latest/meta-data/instance-id")
}

pub(super) fn proof(metadata: &Metadata) -> Result<Value, Failure> {
    let document = get(metadata, "/latest/dynamic/instance-identity/rsa2048")?;
    Ok(json!({ "identity_document_rsa2048": document }))
}

/// By a token of this session: the older way without one (IMDSv1) is open to whoever can make this machine fetch.
fn get(metadata: &Metadata, path: &str) -> Result<String, Failure> {
    let lives = [("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS)];
    let token = metadata.call(Method::PUT, "/latest/api/token", &lives)?.good(metadata)?;
    metadata.get(path, &[("x-aws-ec2-metadata-token", token.trim())])
}
