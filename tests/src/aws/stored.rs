//! Secrets Manager and SSM: texts under names.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Refusal, lock};

/// Texts under names. They do not print.
#[derive(Default)]
pub(super) struct Texts(Mutex<HashMap<String, String>>);

impl Texts {
    pub(super) fn put(&self, name: &str, text: String) {
        lock(&self.0).insert(name.to_owned(), text);
    }

    fn get(&self, name: &str) -> Option<String> {
        lock(&self.0).get(name).cloned()
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Texts(…)")
    }
}

/// `GetSecretValue`.
pub(super) fn secret(secrets: &Texts, request: &Value) -> Result<Value, Refusal> {
    let id = request["SecretId"].as_str().ok_or_else(|| Refusal::malformed("SecretId is missing"))?;
    let text = secrets.get(id).ok_or_else(|| {
        let message = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
        Refusal::new(StatusCode::BAD_REQUEST, "ResourceNotFoundException", message)
    })?;
    Ok(json!({"ARN": id, "Name": id, "SecretString": text, "VersionId": "1", "VersionStages": ["AWSCURRENT"]}))
}

/// `GetParameter` of a SecureString. Without decryption the real one answers with cipher text, which nobody wants here.
pub(super) fn parameter(parameters: &Texts, request: &Value) -> Result<Value, Refusal> {
    let name = request["Name"].as_str().ok_or_else(|| Refusal::malformed("Name is missing"))?;
    if request["WithDecryption"] != true {
        return Err(Refusal::malformed("WithDecryption must be true"));
    }
    let text = parameters
        .get(name)
        .ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "ParameterNotFound", format!("no parameter {name}")))?;
    Ok(json!({"Parameter": {"Name": name, "Type": "SecureString", "Value": text, "Version": 1}}))
}
