//! STS: `AssumeRole` in the query protocol, of roles that want an external id.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Mutex;

use http::StatusCode;
use marque_core::Duration;
use marque_service::Clock;

use super::{Refusal, lock};

/// The key of whoever has assumed a role; the secret is nobody's business.
pub(super) const ASSUMED_KEY_ID: &str = "ASIAASSUMEDROLEEXAMPL";
/// The token of that session.
pub(super) const ASSUMED_TOKEN: &str = "FwoGZXIvYXdzEASSUMEDEXAMPLE//////////wE=";

/// Roles, each with the external id without which nobody assumes it.
#[derive(Debug, Default)]
pub(super) struct Roles(Mutex<HashMap<String, String>>);

impl Roles {
    pub(super) fn put(&self, role: &str, external_id: &str) {
        lock(&self.0).insert(role.to_owned(), external_id.to_owned());
    }

    /// Whether there are any: whoever may assume one asks AWS Marketplace by it alone.
    pub(super) fn are_there(&self) -> bool {
        !lock(&self.0).is_empty()
    }

    /// The answer to a form.
    pub(super) fn assume(&self, form: &[u8]) -> Result<String, Refusal> {
        let form = std::str::from_utf8(form).unwrap_or_default();
        let fields: HashMap<String, String> =
            form.split('&').filter_map(|pair| pair.split_once('=')).map(decoded).collect();
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        if (field("Action"), field("Version")) != ("AssumeRole", "2011-06-15") {
            return Err(Refusal::malformed("no such action or version"));
        }
        let session = field("RoleSessionName");
        if !(2..=64).contains(&session.len())
            || !session.bytes().all(|b| b.is_ascii_alphanumeric() || b"_=,.@-".contains(&b))
        {
            return Err(Refusal::malformed("RoleSessionName"));
        }
        // A role that one role gives another lasts an hour at most.
        if !field("DurationSeconds").parse().is_ok_and(|seconds: u32| (900..=3600).contains(&seconds)) {
            return Err(Refusal::malformed("DurationSeconds"));
        }
        if lock(&self.0).get(field("RoleArn")).map(String::as_str) != Some(field("ExternalId")) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "AccessDenied",
                "is not authorized to perform: sts:AssumeRole",
            ));
        }
        let end = Clock::system().now().after(Duration::hours(1));
        Ok(format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
             <AccessKeyId>{ASSUMED_KEY_ID}</AccessKeyId><SecretAccessKey>secret+/of=the+role</SecretAccessKey>\
             <SessionToken>{ASSUMED_TOKEN}</SessionToken><Expiration>{end}</Expiration></Credentials>\
             </AssumeRoleResult></AssumeRoleResponse>"
        ))
    }
}

/// An error as this protocol writes it.
pub(super) fn error(class: &str, message: &str) -> String {
    let mut xml = String::new();
    write!(xml, "<ErrorResponse><Error><Type>Sender</Type><Code>{class}</Code><Message>{message}</Message></Error></ErrorResponse>")
        .unwrap_or_default();
    xml
}

fn decoded((name, value): (&str, &str)) -> (String, String) {
    let (mut bytes, mut rest) = (Vec::new(), value.as_bytes());
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = byte.map_or(tail, |_| &tail[2..]);
    }
    (name.to_owned(), String::from_utf8_lossy(&bytes).into_owned())
}
