//! `marque audit` and `marque licence log`: histories, walked entry by entry.
//!
//! The hashes are computed here from what an entry says, not taken from the service.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use marque_core::{LicenseId, Timestamp};
use marque_service::Clock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chain::{Chain, Kept};
use super::{Done, each, end, flight, show};
use crate::admin::{Admin, Failure};
use crate::cli::{Audit, AuditCommand};
use crate::input;
use crate::output::{self, Answer, Outcome, Unusable};

/// Heads as they are kept elsewhere.
#[derive(Debug, Serialize, Deserialize)]
struct Heads {
    taken_at: Timestamp,
    heads: Vec<Kept>,
}

pub(crate) fn run(options: &Audit) -> Answer {
    end(
        options.publisher.json,
        Admin::find(&options.publisher).map_err(Failure::from).and_then(|admin| ask(&admin, options)),
    )
}

fn ask(admin: &Admin, options: &Audit) -> Done {
    let json = options.publisher.json;
    match &options.command {
        AuditCommand::Verify { chains, heads } => {
            let heads = heads.as_deref().map(input::json).transpose()?;
            let heads = heads.map(serde_json::from_value::<Heads>).transpose();
            let heads = heads.map_err(|error| Unusable::new(format!("these are no heads of `audit head`: {error}")))?;
            verify(admin, &chains.licences, heads, json)
        }
        AuditCommand::Head { chains, out } => heads(admin, &chains.licences, out.as_deref(), json),
    }
}

/// The history of one licence, for people and scripts.
pub(super) fn log(admin: &Admin, license: LicenseId, json: bool) -> Done {
    let chain = Chain::walk(admin, license, None)?;
    let broken: Vec<_> = chain.fault.iter().map(|fault| fault.document(license)).collect();
    if json {
        output::json(&json!({"items": chain.items, "broken": broken}));
        return Ok(outcome(&broken));
    }
    let entries: Vec<_> = chain.items.iter().map(told).collect();
    let columns = [("#", "seq"), ("at", "at"), ("what", "what"), ("by", "by")];
    show::list(&entries, columns, 4);
    report(1, chain.head.seq, &broken, false)
}

/// An entry with what happened in one line: a person's words rather than the digest that names them.
fn told(item: &Value) -> Value {
    let mut entry = item.clone();
    let what = show::member(item, "type").replace('_', " ");
    if let Value::Object(reason) = &item["detail"]["reason"] {
        entry["detail"]["reason"] = reason.get("text").cloned().unwrap_or_else(|| json!("(erased)"));
    }
    entry["what"] = match &entry["detail"] {
        Value::Object(detail) if detail.is_empty() => json!(what),
        _ => json!(format!("{what}: {}", show::member(&entry, "detail"))),
    };
    entry
}

fn verify(admin: &Admin, named: &[LicenseId], heads: Option<Heads>, json: bool) -> Done {
    let kept = heads.into_iter().flat_map(|heads| heads.heads).map(|kept| (kept.license_id, kept));
    let kept: BTreeMap<LicenseId, Kept> = kept.filter(|(id, _)| named.is_empty() || named.contains(id)).collect();
    // A history that was kept and is not listed any more is asked for all the same.
    let mut licenses = wanted(admin, named)?;
    licenses.extend(kept.keys());
    let (histories, mut entries, mut broken) = (licenses.len(), 0, Vec::new());
    let walk = |license| Chain::walk(admin, license, kept.get(&license));
    flight::each(licenses.into_iter().map(Ok), walk, |chain| {
        entries += chain.head.seq;
        broken.extend(chain.fault.iter().map(|fault| fault.document(chain.license)));
    })?;
    report(histories, entries, &broken, json)
}

fn heads(admin: &Admin, named: &[LicenseId], out: Option<&Path>, json: bool) -> Done {
    let (mut heads, mut broken) = (Vec::new(), Vec::new());
    let taken_at = Clock::system().now();
    let walk = |license| Chain::walk(admin, license, None);
    flight::each(wanted(admin, named)?.into_iter().map(Ok), walk, |chain| {
        heads.push(chain.kept());
        broken.extend(chain.fault.iter().map(|fault| fault.document(chain.license)));
    })?;
    if !broken.is_empty() {
        return report(heads.len(), 0, &broken, json);
    }
    heads.sort_by_key(|head| head.license_id);
    let document = json!(Heads { taken_at, heads });
    if let Some(file) = out {
        output::write_private(file, format!("{document:#}\n").as_bytes())?;
    }
    if json {
        output::json(&document);
    } else if let Some(file) = out {
        output::say(format!("the heads are in {}: keep it where this deployment cannot write", file.display()));
    } else {
        let heads = document["heads"].as_array().map(Vec::as_slice).unwrap_or_default();
        show::list(heads, [("licence", "license_id"), ("entries", "seq"), ("hash of the last", "hash")], 3);
    }
    Ok(Outcome::Good)
}

/// The licences that are named, else all of them: those of every customer, and of every month, which still lists those
/// of customers who were erased.
fn wanted(admin: &Admin, named: &[LicenseId]) -> Result<BTreeSet<LicenseId>, Failure> {
    if !named.is_empty() {
        return Ok(named.iter().copied().collect());
    }
    let id = |license: &Value| license["id"].as_str().and_then(|id| id.parse::<LicenseId>().ok());
    let mut found = BTreeSet::new();
    each::license(admin, |_, license| Ok(id(license)), |id| found.extend(id))?;
    let of_month = |month: String| {
        let licenses = admin.list(&format!("/licenses?month={month}"));
        licenses.map(|license| Ok(id(&license?))).collect::<Result<Vec<_>, Failure>>()
    };
    let months = months(Clock::system().now());
    flight::each(months.into_iter().map(Ok), of_month, |ids| found.extend(ids.into_iter().flatten()))?;
    Ok(found)
}

/// The months in which licences can have been issued, from the first deployment's year through that of `now`.
fn months(now: Timestamp) -> Vec<String> {
    const FIRST_YEAR: i32 = 2026;
    let last = now.day().month();
    let last_year = last.get(..4).and_then(|year| year.parse().ok()).unwrap_or(FIRST_YEAR);
    (FIRST_YEAR..=last_year).flat_map(|year| (1..=12).map(move |month| format!("{year}-{month:02}"))).collect()
}

fn report(histories: usize, entries: u64, broken: &[Value], json: bool) -> Done {
    if json {
        output::json(&json!({"histories": histories, "entries": entries, "broken": broken}));
        return Ok(outcome(broken));
    }
    for fault in broken {
        let [license, reason] = ["license_id", "reason"].map(|name| show::member(fault, name));
        output::refused(&format!("the history of {license} breaks at entry {}: {reason}", fault["seq"]));
    }
    match broken.len() {
        0 => output::say(format!(
            "{}, {}: unbroken",
            count(histories, "history", "histories"),
            count(entries, "entry", "entries")
        )),
        broken => output::say(format!("{broken} of {} broken", count(histories, "history", "histories"))),
    }
    Ok(outcome(broken))
}

fn outcome(broken: &[Value]) -> Outcome {
    if broken.is_empty() { Outcome::Good } else { Outcome::Refused }
}

fn count<N: std::fmt::Display + PartialEq + From<u8>>(number: N, one: &str, many: &str) -> String {
    format!("{number} {}", if number == N::from(1) { one } else { many })
}
