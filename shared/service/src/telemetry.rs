//! One line a request: structured, without secrets, and in a deployed function also its metrics, in CloudWatch's embedded
//! format. What is refused is logged at most once a second and reason, with a count of what was left out: a flood must not
//! buy log lines.
//!
//! The format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use marque_core::{LicenseId, Timestamp};
use marque_store::capacity::Spent;
use serde_json::{Value, json};

#[cfg(feature = "lambda")]
use crate::problem::Error;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Marque";

/// What scheduled work and queues count, and the metric that it becomes.
#[cfg(feature = "lambda")]
const COUNTED: &[(&str, &str)] = &[
    ("notices", "Notices"),
    ("sent", "MailsSent"),
    ("waiting", "MailsWaiting"),
    ("given_up", "MailsGivenUp"),
    ("failed", "WorkFailed"),
    ("confirmed", "HoursConfirmed"),
    ("quarantined", "HoursQuarantined"),
    ("expired", "HoursExpired"),
    ("duplicates", "FirstDuplicates"),
    ("oldest_unsent", "OldestUnsent"),
    ("units_at_risk", "UnitsAtRisk"),
    ("units_lost", "UnitsLost"),
    ("calls", "MeteringCalls"),
    ("events_kept", "EventsKept"),
    ("events_parked", "EventsParked"),
    ("events_dropped", "EventsDropped"),
    ("events_again", "EventsAgain"),
    ("events_refused", "EventsRefused"),
    ("agreements_compared", "AgreementsCompared"),
    ("agreements_mended", "AgreementsMended"),
    ("agreements_unregistered", "AgreementsUnregistered"),
    ("agreements_unpaid", "AgreementsUnpaid"),
];

/// Where a function tells what it did. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Telemetry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// None: no metrics, lines go to the log.
    function: Option<String>,
    cold: AtomicBool,
    refused: Mutex<HashMap<&'static str, Refused>>,
}

/// What was refused for one reason in the running second.
#[derive(Debug, Clone, Copy)]
struct Refused {
    second: i64,
    left_out: u64,
}

/// One answered request.
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) trace: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) route: &'a str,
    pub(crate) status: u16,
    /// The verdict's or the problem's code.
    pub(crate) code: &'static str,
    pub(crate) license: Option<LicenseId>,
    pub(crate) milliseconds: f64,
    pub(crate) spent: Spent,
    /// For the log alone.
    pub(crate) cause: Option<&'a str>,
    pub(crate) at: Timestamp,
}

impl Telemetry {
    /// Lines in the process's log, no metrics: for `marque serve` and tests.
    #[must_use]
    pub fn log() -> Self {
        Self::new(None)
    }

    /// Lines with metrics on standard output, under the function's name.
    #[must_use]
    pub fn metrics(function: &str) -> Self {
        Self::new(Some(function.to_owned()))
    }

    fn new(function: Option<String>) -> Self {
        Self(Arc::new(Shared { function, cold: AtomicBool::new(true), refused: Mutex::default() }))
    }

    /// Tells of one request.
    pub(crate) fn answered(&self, answered: &Answered<'_>) {
        let Some(left_out) = self.worth_a_line(answered) else { return };
        let cold = self.0.cold.swap(false, Ordering::Relaxed);
        match &self.0.function {
            Some(function) => write_line(&line(function, answered, cold, left_out)),
            None => answered.log(left_out),
        }
    }

    /// Tells how many days the keys of the ring go on signing, where they end and none follows.
    pub fn key_days_left(&self, days: i64, now: Timestamp) {
        if let Some(function) = &self.0.function {
            let metrics = json!([{"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": [{"Name": "KeyDaysLeft", "Unit": "Count"}]}]);
            write_line(&json!({
                "_aws": {"Timestamp": now.unix() * 1000, "CloudWatchMetrics": metrics},
                "level": "WARN", "message": "a signing key ends", "Function": function, "KeyDaysLeft": days,
            }));
        }
    }

    /// Tells how many days are left until the first certificate of the trust data ends.
    #[cfg(feature = "lambda")]
    pub(crate) fn trust_days_left(&self, days: i64, now: Timestamp) {
        if let Some(function) = &self.0.function {
            let metrics = json!([{"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": [{"Name": "TrustDaysLeft", "Unit": "Count"}]}]);
            write_line(&json!({
                "_aws": {"Timestamp": now.unix() * 1000, "CloudWatchMetrics": metrics},
                "level": "WARN", "message": "trust data ends", "Function": function, "TrustDaysLeft": days,
            }));
        }
    }

    /// Tells of one run of scheduled work, with what it counted.
    #[cfg(feature = "lambda")]
    pub(crate) fn ran(&self, id: &str, done: &Result<Value, Error>, milliseconds: f64, spent: Spent, at: Timestamp) {
        let Some(function) = &self.0.function else { return };
        let mut line = match done {
            Ok(counts) => counts.clone(),
            Err(error) => json!({"code": error.code(), "cause": error.cause()}),
        };
        let mut metrics = Vec::new();
        for (member, metric) in COUNTED {
            if let Some(count) = line.get(*member).filter(|count| count.is_number()).cloned() {
                line[*metric] = count;
                metrics.push(json!({"Name": metric, "Unit": "Count"}));
            }
        }
        let directive = json!({"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": metrics});
        line["_aws"] = json!({"Timestamp": at.unix() * 1000, "CloudWatchMetrics": [directive]});
        line["level"] = json!(if done.is_ok() { "INFO" } else { "ERROR" });
        line["message"] = json!(if done.is_ok() { "ran" } else { "failed" });
        line["Function"] = json!(function);
        line["request_id"] = json!(id);
        line["ms"] = json!(milliseconds);
        (line["write_units"], line["read_units"]) = (json!(spent.write_units), json!(spent.read_units));
        write_line(&line);
    }

    /// How many lines were left out before this one; none when this one is to be left out itself.
    fn worth_a_line(&self, answered: &Answered<'_>) -> Option<u64> {
        if !(400..500).contains(&answered.status) {
            return Some(0);
        }
        let second = answered.at.unix();
        let mut refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = refused.entry(answered.code).or_insert(Refused { second: second - 1, left_out: 0 });
        if entry.second == second {
            entry.left_out += 1;
            return None;
        }
        let left_out = std::mem::take(&mut entry.left_out);
        entry.second = second;
        Some(left_out)
    }
}

impl Answered<'_> {
    fn log(&self, left_out: u64) {
        let license = self.license.map(|id| id.to_string());
        if self.status >= 500 {
            tracing::error!(
                request_id = self.request_id,
                method = self.method,
                route = self.route,
                status = self.status,
                code = self.code,
                license,
                ms = self.milliseconds,
                cause = self.cause,
                "failed"
            );
        } else {
            tracing::info!(
                request_id = self.request_id,
                method = self.method,
                route = self.route,
                status = self.status,
                code = self.code,
                license,
                ms = self.milliseconds,
                left_out,
                "answered"
            );
        }
    }
}

fn line(function: &str, answered: &Answered<'_>, cold: bool, left_out: u64) -> Value {
    let metric = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
    let directive = |dimensions: Value, metrics: Value| json!({"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics});
    // Each metric and combination of dimensions is paid for by the month, so the fine one counts and no more.
    let metrics = json!([
        directive(json!(["Function", "Route", "Code"]), json!([metric("Requests", "Count")])),
        directive(
            json!(["Function"]),
            json!([
                metric("Duration", "Milliseconds"),
                metric("WriteUnits", "Count"),
                metric("ReadUnits", "Count"),
                metric("ColdStarts", "Count")
            ]),
        ),
    ]);
    json!({
        "_aws": {"Timestamp": answered.at.unix() * 1000, "CloudWatchMetrics": metrics},
        "level": if answered.status >= 500 { "ERROR" } else { "INFO" },
        "message": if answered.status >= 500 { "failed" } else { "answered" },
        "Function": function,
        "Route": answered.route,
        "Code": answered.code,
        "Requests": 1 + left_out,
        "Duration": answered.milliseconds,
        "WriteUnits": answered.spent.write_units,
        "ReadUnits": answered.spent.read_units,
        "ColdStarts": u8::from(cold),
        "request_id": answered.request_id,
        "trace": answered.trace,
        "method": answered.method,
        "status": answered.status,
        "license": answered.license,
        "cause": answered.cause,
    })
}

/// Raw on standard output: a log library would wrap the line, and CloudWatch would find no metrics in it.
pub(crate) fn write_line(line: &Value) {
    let mut text = line.to_string();
    text.push('\n');
    // Where standard output is gone there is nobody to tell.
    std::io::stdout().lock().write_all(text.as_bytes()).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, code: &'static str, at: i64) -> Answered<'static> {
        let at = Timestamp::from_unix(at).unwrap();
        let spent = Spent { read_units: 0.0, write_units: 1.0 };
        Answered {
            request_id: "r",
            trace: None,
            method: "POST",
            route: "/v1/validations",
            status,
            code,
            license: None,
            milliseconds: 1.5,
            spent,
            cause: None,
            at,
        }
    }

    #[test]
    fn a_flood_of_refusals_buys_one_line_a_second_and_reason() {
        let telemetry = Telemetry::log();
        let lines = |status, code, at| telemetry.worth_a_line(&answered(status, code, at));
        assert_eq!(
            (lines(400, "A", 1), lines(400, "A", 1), lines(400, "A", 1), lines(404, "B", 1)),
            (Some(0), None, None, Some(0))
        );
        assert_eq!(
            (lines(400, "A", 2), lines(400, "A", 3)),
            (Some(2), Some(0)),
            "the next line tells how many were left out"
        );
        assert!((0..10).all(|_| lines(200, "VALID", 1) == Some(0)), "answers are never left out");
    }

    #[test]
    fn a_line_is_in_the_embedded_format() {
        let line = line("fn", &answered(200, "VALID", 7), true, 0);
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
            }
            for dimension in directive["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap())
            {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
            }
        }
        assert_eq!((&line["_aws"]["Timestamp"], &line["ColdStarts"]), (&json!(7000), &json!(1)));
    }
}
