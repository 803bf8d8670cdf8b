//! `marque doctor`: what is wrong with a deployed environment, and how to mend it.

use marque_clouds::TrustData;
use marque_core::token::Typ;
use marque_core::{Duration, Timestamp};
use marque_service::aws::Aws;
use marque_service::config::{KeyRingLocation, SellerSettings};
use marque_service::keyring::{KeyRing, Keys};
use marque_service::marketplace::deployed::{AssumedRole, fulfilment};
use marque_service::{Clock, Config};
use serde::Serialize;
use serde_json::json;

use crate::cli::Doctor;
use crate::input;
use crate::output::{self, Answer, Outcome, Unusable};

/// A key that ends sooner has to be rotated now: its successor is listed 48 hours before it signs.
const ROTATE_BEFORE: Duration = Duration::days(14);
/// Renewing trust data takes a release; the alarm comes at 90 days.
const RENEW_TRUST_BEFORE: Duration = Duration::days(180);
/// Signatures of AWS fail at five minutes; leases and challenges suffer sooner.
const CLOCK_TOLERANCE: i64 = 60;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    state: Health,
    /// What was seen and, when it is not well, the cure.
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warning,
    Failed,
}

impl Finding {
    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, state: Health::Ok, detail: detail.into() }
    }

    fn warning(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, state: Health::Warning, detail: detail.into() }
    }

    fn failed(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, state: Health::Failed, detail: detail.into() }
    }
}

pub(crate) fn run(options: &Doctor) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Unusable::new(format!("the runtime does not start: {error}")))?;
    let findings = runtime.block_on(examine(options));
    if options.json {
        let well = findings.iter().all(|finding| finding.state != Health::Failed);
        output::json(&json!({"well": well, "findings": findings}));
    } else {
        let mut table = output::table(["check", "state", "what"]);
        for finding in &findings {
            let state = match finding.state {
                Health::Ok => "ok",
                Health::Warning => "WARNING",
                Health::Failed => "FAILED",
            };
            table.add_row([finding.check, state, &output::plain(&finding.detail)]);
        }
        anstream::println!("{table}");
    }
    let failed = findings.iter().any(|finding| finding.state == Health::Failed);
    Ok(if failed { Outcome::Refused } else { Outcome::Good })
}

async fn examine(options: &Doctor) -> Vec<Finding> {
    let now = Clock::system().now();
    let config = match Config::from_env_with(|name| options.setting(name)) {
        Ok(config) => config,
        Err(faults) => return faults.0.into_iter().map(|fault| Finding::failed("config", fault)).collect(),
    };
    let mut findings = vec![Finding::ok(
        "config",
        format!("table {} in {}, issuer {}", config.table, config.aws.region, config.issuer),
    )];
    let aws = Aws::new(&config.aws);
    findings.extend(table(&aws, &config).await);
    let ring = aws.keys(&config.key_ring, now).await.and_then(|keys| keys.of_issuer(&config.issuer));
    match &ring {
        Ok(keys) => findings.extend(key_ring(keys, now).await),
        Err(fault) => findings.push(Finding::failed("key ring", format!("{fault}: {}", ring_cure(&config.key_ring)))),
    }
    findings.push(trust(now));
    findings.extend(seller(&config).await);
    if let Some(url) = &options.url {
        let kids = match &ring {
            Ok(keys) => Some(keys.ring(now).await),
            Err(_) => None,
        };
        findings.extend(service(url, kids.as_deref()));
    }
    findings
}

async fn table(aws: &Aws, config: &Config) -> Vec<Finding> {
    let store = aws.store(&config.table);
    if let Err(error) = store.ping().await {
        return vec![Finding::failed(
            "table",
            format!("{error}. Compare name and region, and the permissions of these credentials"),
        )];
    }
    match store.table_faults().await {
        Ok(faults) if faults.is_empty() => {
            vec![Finding::ok("table", "answers; keys, index and time to live are as they must be")]
        }
        Ok(faults) => faults.into_iter().map(|fault| Finding::failed("table", fault.to_string())).collect(),
        Err(error) => vec![Finding::warning(
            "table",
            format!(
                "answers, but its shape cannot be asked: {error}. It takes dynamodb:DescribeTable and dynamodb:DescribeTimeToLive"
            ),
        )],
    }
}

/// AWS Marketplace, where anybody sells there: the role is assumed, and a question is asked that every seller may ask.
async fn seller(config: &Config) -> Vec<Finding> {
    let SellerSettings { account, role, .. } = &config.seller;
    let mut findings = Vec::new();
    if let Some(role) = role {
        match AssumedRole::new(&Aws::new(&config.aws), role, &config.issuer).credentials().await {
            Ok(_) => findings.push(Finding::ok("seller's role", format!("{role} is assumed"))),
            Err(error) => {
                findings.push(Finding::failed(
                    "seller's role",
                    format!(
                        "{error}. Deploy infra/us-east-1.yaml in the seller's account with the Issuer {}, and let these credentials call sts:AssumeRole",
                        config.issuer
                    ),
                ));
                return findings;
            }
        }
    }
    if role.is_some() || account.is_some() {
        findings.push(match fulfilment(config).search(None).await {
            Ok(_) => Finding::ok("AWS Marketplace", "lists the seller's agreements"),
            Err(failure) => Finding::warning(
                "AWS Marketplace",
                format!("{failure}. The sweep compares what events have told, and finds nothing that they have not"),
            ),
        });
    }
    findings
}

fn ring_cure(location: &KeyRingLocation) -> &'static str {
    match location {
        KeyRingLocation::SecretsManager(_) => "store the document that `marque keys rotate` writes in this secret",
        KeyRingLocation::ParameterStore(_) => {
            "store the document that `marque keys rotate` writes in this parameter, as a SecureString"
        }
        KeyRingLocation::File(_) => "make it with `marque keys rotate`",
    }
}

async fn key_ring(keys: &Keys, now: Timestamp) -> Vec<Finding> {
    let ring = keys.ring(now).await;
    let mut findings = vec![Finding::ok(
        "key ring",
        format!("key set {} with {} keys, signed by its root", ring.seq(), ring.set().keys().len()),
    )];
    for typ in [Typ::Lease, Typ::License] {
        findings.push(active_key(&ring, typ, now));
    }
    findings
}

/// The key that signs now, and whether another takes over before it ends.
fn active_key(ring: &KeyRing, typ: Typ, now: Timestamp) -> Finding {
    let check = if typ == Typ::Lease { "lease key" } else { "file key" };
    let Some(key) = ring.set().signing_key_for(typ, now) else {
        return Finding::failed(check, "none signs now: rotate the keys at once");
    };
    match ring.runs_out(typ, now) {
        None => Finding::ok(check, format!("{} signs now, and one without an end is listed", key.key_id())),
        Some(end) if end.since(now) < ROTATE_BEFORE => {
            Finding::failed(check, format!("the last one ends at {end}: `marque keys rotate` now"))
        }
        Some(end) => Finding::warning(check, format!("the last one ends at {end}: `marque keys rotate` before")),
    }
}

/// What machines of clouds are proven by, as this program ships it: `register` of the same version has the same.
fn trust(now: Timestamp) -> Finding {
    const CHECK: &str = "trust data";
    let trust = match TrustData::shipped() {
        Ok(trust) => trust,
        Err(fault) => return Finding::failed(CHECK, fault.to_string()),
    };
    let Some(first) = trust.nearest_expiry() else { return Finding::failed(CHECK, "no certificate is in it") };
    judge_trust(CHECK, trust.version(), &first.name, first.at, now)
}

fn judge_trust(check: &'static str, version: &str, name: &str, end: Timestamp, now: Timestamp) -> Finding {
    let (end_day, left) = (end.to_string(), end.since(now));
    let words = format!("version {version}; {name} ends first, at {end_day}");
    let cure = "`cargo xtask trust update`, and deploy `register`";
    match left {
        _ if end <= now => Finding::failed(check, format!("{words}: machines of that cloud cannot register. {cure}")),
        left if left < RENEW_TRUST_BEFORE => Finding::warning(check, format!("{words}: {cure}")),
        _ => Finding::ok(check, words),
    }
}

/// The service from outside: it answers, its clock agrees with this machine's, and it shows the keys of the ring.
fn service(url: &str, ring: Option<&KeyRing>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let before = Clock::system().now();
    match input::get(&format!("{url}/health")) {
        Ok(answer) => {
            findings.push(Finding::ok("service", format!("{url} answers")));
            findings.push(clock(&answer.date, before));
        }
        Err(error) => findings.push(Finding::failed(
            "service",
            format!("{error}. A 403 means that one of the URL's two permissions is missing"),
        )),
    }
    if let Some(ring) = ring {
        findings.push(match input::get(&format!("{url}/.well-known/keys.jwt")) {
            Ok(answer) if answer.body == ring.token().as_bytes() => {
                Finding::ok("published keys", "the service shows this key ring")
            }
            Ok(_) => Finding::warning(
                "published keys",
                "the service shows another key set: it reads the ring within the hour",
            ),
            Err(error) => Finding::failed("published keys", error.to_string()),
        });
    }
    findings
}

fn clock(date: &str, here: Timestamp) -> Finding {
    let parsed = jiff::fmt::rfc2822::parse(date).ok().map(|there| there.timestamp().as_second());
    match parsed.map(|there| there - here.unix()) {
        Some(ahead) if ahead.abs() <= CLOCK_TOLERANCE => {
            Finding::ok("clock", format!("the service and this machine agree ({ahead:+} s)"))
        }
        Some(ahead) => Finding::failed(
            "clock",
            format!("the service is {ahead:+} s from this machine: set this machine's clock by NTP"),
        ),
        None => Finding::warning("clock", "the service told no time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_data_is_looked_after_in_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let health = |now| judge_trust("trust data", "1", "A root", at("2029-06-03T23:59:59Z"), at(now)).state;
        assert_eq!(health("2026-11-26T00:00:00Z"), Health::Ok);
        assert_eq!(health("2028-12-05T23:59:59Z"), Health::Ok);
        assert_eq!(health("2028-12-06T00:00:00Z"), Health::Warning);
        assert_eq!(health("2029-06-03T23:59:58Z"), Health::Warning);
        assert_eq!(health("2029-06-03T23:59:59Z"), Health::Failed);
        assert_eq!(trust(at("2026-11-26T00:00:00Z")).state, Health::Ok, "what is shipped");
    }
}
