//! One line of the file, judged by itself.

use std::fmt;
use std::str::FromStr;

use csv::ByteRecord;
use marque_core::{Email, Fingerprint, FingerprintKind, LicenseCode, PersonText, Slug, Timestamp};
use serde_json::{Value, json};

use super::cell::unguarded;
use super::columns::{COLUMNS, Columns};
use crate::output::plain;

/// A line that can be sent.
#[derive(Debug)]
pub(super) struct Line {
    code: LicenseCode,
    product: Slug,
    plan: Slug,
    name: PersonText,
    company: PersonText,
    email: Email,
    starts_at: Option<Timestamp>,
    fingerprint: Option<Fingerprint>,
}

/// What is wrong with a line.
#[derive(Debug)]
pub(super) struct Fault {
    line: u64,
    column: Option<String>,
    detail: String,
}

impl Line {
    /// Reads a record; every fault of it is told. What its code is known by is read even then.
    pub(super) fn read(
        number: u64,
        columns: &Columns,
        record: &ByteRecord,
    ) -> (Option<u128>, Result<Self, Vec<Fault>>) {
        if record.len() != columns.count {
            let detail = format!("has {} fields, the heading {}", record.len(), columns.count);
            return (None, Err(vec![Fault { line: number, column: None, detail }]));
        }
        let mut fields = Fields { number, columns, record, faults: Vec::new() };
        let code: Option<LicenseCode> = fields.needed(0);
        let key = code.as_ref().map(key);
        let [product, plan] = [1, 2].map(|column| fields.needed::<Slug>(column));
        let [name, company] = [3, 4].map(|column| fields.needed::<PersonText>(column));
        let email = fields.needed(5);
        let starts_at = fields.wanted(6);
        let fingerprint = fields.wanted::<DomainText>(7).map(|DomainText(fingerprint)| fingerprint);
        let read = match (code, product, plan, name, company, email) {
            (Some(code), Some(product), Some(plan), Some(name), Some(company), Some(email))
                if fields.faults.is_empty() =>
            {
                Ok(Self { code, product, plan, name, company, email, starts_at, fingerprint })
            }
            _ => Err(fields.faults),
        };
        (key, read)
    }

    /// As the wire contract has it.
    pub(super) fn document(&self) -> Value {
        let mut line = json!({
            "code": self.code.reveal(),
            "product": self.product,
            "plan": self.plan,
            "customer": {"name": self.name, "company": self.company, "email": self.email},
        });
        if let Some(starts_at) = self.starts_at {
            line["starts_at"] = json!(starts_at);
        }
        if let Some(fingerprint) = &self.fingerprint {
            line["fingerprint"] = json!(fingerprint);
        }
        line
    }
}

/// Half of the code's digest: two codes are the same if these are.
fn key(code: &LicenseCode) -> u128 {
    code.digest().iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

/// A fingerprint as a field: 64 hexadecimal digits, after `custom:` for one that the product made itself.
struct DomainText(Fingerprint);

/// Stands before a fingerprint of a product's own making.
pub(in crate::publisher) const CUSTOM: &str = "custom:";

impl FromStr for DomainText {
    type Err = <marque_core::FingerprintValue as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, value) = match text.strip_prefix(CUSTOM) {
            Some(value) => (FingerprintKind::Custom, value),
            None => (FingerprintKind::AdDomain, text),
        };
        Ok(Self(Fingerprint { kind, value: value.parse()? }))
    }
}

struct Fields<'a> {
    number: u64,
    columns: &'a Columns,
    record: &'a ByteRecord,
    faults: Vec<Fault>,
}

impl Fields<'_> {
    fn needed<T: FromStr<Err: fmt::Display>>(&mut self, column: usize) -> Option<T> {
        let found = self.wanted(column);
        if self.columns.field(self.record, column).trim_ascii().is_empty() {
            self.fault(column, "must not be empty".to_owned());
        }
        found
    }

    fn wanted<T: FromStr<Err: fmt::Display>>(&mut self, column: usize) -> Option<T> {
        let field = self.columns.field(self.record, column).trim_ascii();
        if field.is_empty() {
            return None;
        }
        let Ok(text) = std::str::from_utf8(field) else {
            self.fault(column, "is not in UTF-8: save the file as \"CSV UTF-8\"".to_owned());
            return None;
        };
        unguarded(text).parse().map_err(|error: T::Err| self.fault(column, error.to_string())).ok()
    }

    fn fault(&mut self, column: usize, detail: String) {
        self.faults.push(Fault { line: self.number, column: Some(COLUMNS[column].to_owned()), detail });
    }
}

impl Fault {
    pub(super) fn new(line: u64, column: &str, detail: String) -> Self {
        Self { line, column: Some(column.to_owned()), detail }
    }

    /// A fault that the service found.
    pub(super) fn answered(line: u64, error: &Value) -> Self {
        let column = error["pointer"].as_str().and_then(|pointer| pointer.rsplit('/').next()).map(plain);
        let detail = error["detail"].as_str().or(error.as_str()).map_or_else(|| plain(&error.to_string()), plain);
        Self { line, column, detail }
    }

    pub(super) fn document(&self) -> Value {
        json!({"line": self.line, "column": self.column, "detail": self.detail})
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(column) = &self.column {
            write!(f, "{column}: ")?;
        }
        f.write_str(&self.detail)
    }
}
