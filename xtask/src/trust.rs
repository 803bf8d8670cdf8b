//! `cargo xtask trust update`: renews the certificates that machines' proofs of AWS are verified against.
//!
//! AWS publishes them on a page; SPIRE reads that page into a file of its Go module, which is what is read here. A region
//! whose certificate changed is told and refused unless it is expected, and three that are pinned must be as they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64ct::{Base64, Encoding};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::Failed;

const MODULE: &str = "github.com/spiffe/spire";
/// The commit that the shipped data was made of; another one is given with `--revision`.
const REVISION: &str = "ef8527ec91013c6c1b4741e0f6ac0786576e620e";
const TABLE: &str = "pkg/server/plugin/nodeattestor/awsiid/awsrsa2048/cacerts.go";
const DATA: &str = "shared/clouds/trust/trust.json";
/// Other clouds with other terms: refused.
const SOVEREIGN: [&str; 4] = ["cn-", "us-gov-", "us-iso", "eusc-"];
/// SHA-256 of certificates that were compared with others' copies by hand.
const PINNED: [(&str, &str); 3] = [("us-east-1", "70923c22"), ("us-east-2", "dee29d56"), ("us-west-2", "4e3569f2")];

/// Chores of the trust data.
#[derive(Debug, Subcommand)]
pub(crate) enum Trust {
    /// Renew the regional certificates of AWS in `shared/clouds/trust/trust.json`.
    Update(Update),
}

/// How to renew them.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The day of the new data, such as 2027-03-10.
    #[arg(long)]
    date: String,
    /// The revision of SPIRE to read.
    #[arg(long, default_value = REVISION)]
    revision: String,
    /// A folder with SPIRE's source instead of its Go module.
    #[arg(long)]
    from: Option<PathBuf>,
    /// Take a certificate that differs from the one that is known for its region.
    #[arg(long)]
    accept_changes: bool,
}

pub(crate) fn run(trust: &Trust) -> Result<(), Failed> {
    let Trust::Update(options) = trust;
    let folder = match &options.from {
        Some(folder) => folder.clone(),
        None => download(&options.revision)?,
    };
    let table = read(&folder.join(TABLE))?;
    let found = certificates(&table)?;
    let mut document: Value = serde_json::from_str(&read(Path::new(DATA))?).map_err(|error| failed(&error))?;
    let known = document["aws"].as_object().cloned().unwrap_or_default();
    let mut changed = Vec::new();
    for (region, entry) in &found {
        if known.get(region).is_some_and(|known| known["sha256"] != entry["sha256"]) {
            changed.push(region.as_str());
        }
    }
    changed.extend(known.keys().filter(|region| !found.contains_key(*region)).map(String::as_str));
    if !changed.is_empty() && !options.accept_changes {
        return Err(Failed(format!(
            "other certificates than before, or none any more: {}. Compare them with AWS's page, then use --accept-changes",
            changed.join(", ")
        )));
    }
    for (region, digest) in PINNED {
        if !found.get(region).is_some_and(|entry| entry["sha256"].as_str().is_some_and(|sha| sha.starts_with(digest))) {
            return Err(Failed(format!(
                "{region} is not the pinned certificate ({digest}…): do not trust this source"
            )));
        }
    }
    document["aws"] = json!(found);
    document["version"] = json!(options.date);
    document["sources"]["aws"] = json!(format!(
        "AWS, regional certificates for instance identity documents (rsa2048), as {MODULE} {} has them in awsrsa2048/cacerts.go",
        options.revision.get(..12).unwrap_or(&options.revision)
    ));
    let text = serde_json::to_string_pretty(&document).map_err(|error| failed(&error))?;
    std::fs::write(DATA, text + "\n").map_err(|error| Failed(format!("{DATA}: {error}")))
}

/// The module's folder in the cache of the Go command.
fn download(revision: &str) -> Result<PathBuf, Failed> {
    let module = format!("{MODULE}@{revision}");
    let answer = Command::new("go").args(["mod", "download", "-json", &module]).output();
    let answer =
        answer.map_err(|error| Failed(format!("go: {error}. Install Go, or give SPIRE's source with --from")))?;
    let answer: Value = serde_json::from_slice(&answer.stdout).map_err(|error| failed(&error))?;
    answer["Dir"].as_str().map(PathBuf::from).ok_or_else(|| Failed(format!("{module}: {}", answer["Error"])))
}

/// Regions and certificates of SPIRE's table: constants in PEM, and a map from regions to constants.
fn certificates(table: &str) -> Result<BTreeMap<String, Value>, Failed> {
    let mut found = BTreeMap::new();
    for line in table.lines() {
        let Some((region, constant)) = line.trim().strip_prefix('"').and_then(|line| line.split_once("\":")) else {
            continue;
        };
        if SOVEREIGN.iter().any(|prefix| region.starts_with(prefix)) {
            continue;
        }
        let constant = constant.trim().trim_end_matches(',');
        let pem = table.split_once(&format!("{constant} = `")).and_then(|(_, rest)| rest.split_once('`'));
        let (pem, _) = pem.ok_or_else(|| Failed(format!("{region}: no certificate {constant}")))?;
        found.insert(region.to_owned(), entry(region, pem)?);
    }
    Ok(found)
}

fn entry(region: &str, pem: &str) -> Result<Value, Failed> {
    let letters: String = pem.lines().filter(|line| !line.starts_with('-')).map(str::trim).collect();
    let der = Base64::decode_vec(&letters).map_err(|_| Failed(format!("{region}: not base64")))?;
    let certificate = Certificate::from_der(&der).map_err(|error| Failed(format!("{region}: {error}")))?;
    let digest: String = Sha256::digest(&der).iter().map(|byte| format!("{byte:02x}")).collect();
    let not_after = certificate.tbs_certificate().validity().not_after.to_date_time().to_string();
    Ok(json!({ "sha256": digest, "not_after": not_after, "certificate": letters }))
}

fn read(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path).map_err(|error| Failed(format!("{}: {error}", path.display())))
}

fn failed(error: &dyn std::fmt::Display) -> Failed {
    Failed(error.to_string())
}
