//! `marque cost`: what a deployment costs a month, from measured units and list prices.

use serde_json::json;

use crate::cli::Cost;
use crate::output::{self, Answer, Outcome};

/// List prices of us-east-1 in dollars, on demand, as of November 2026.
mod price {
    /// A million write units of 1 KB.
    pub(super) const WRITES: f64 = 0.625;
    /// A million strong reads of 4 KB.
    pub(super) const READS: f64 = 0.125;
    /// A million requests of Lambda.
    pub(super) const REQUESTS: f64 = 0.20;
    /// A GB-second of Lambda on arm64.
    pub(super) const GB_SECOND: f64 = 0.000_013_333_4;
    /// A GB of logs taken in.
    pub(super) const LOG_GB: f64 = 0.50;
    /// A GB that leaves AWS.
    pub(super) const EGRESS_GB: f64 = 0.09;
    /// A GB and month of the table, standard class.
    pub(super) const STORED_GB: f64 = 0.25;
    /// A GB and month of point-in-time recovery.
    pub(super) const RECOVERY_GB: f64 = 0.20;
    /// One customer-managed key or secret and month, in sum: a KMS key, a secret, and ten alarms.
    pub(super) const FIXED: f64 = 1.00 + 0.40 + 10.0 * 0.10;
}

/// Measured or chosen units of one check.
mod unit {
    /// Write units of a check: held by a test.
    pub(super) const WRITES: f64 = 1.0;
    /// The share of checks that begin with a code or a signature and so read first: an assumption on the safe side.
    pub(super) const READS: f64 = 0.1;
    /// Billed seconds of a check, wall time: an assumption of 5 ms, most of it waiting for the table.
    pub(super) const SECONDS: f64 = 0.005;
    /// Memory of the function in GB, as the template gives it.
    pub(super) const MEMORY_GB: f64 = 0.25;
    /// Bytes of the log line of a check with Lambda's own report.
    pub(super) const LOG_BYTES: f64 = 700.0;
    /// Bytes of an answer with its lease.
    pub(super) const ANSWER_BYTES: f64 = 2_000.0;
    /// Bytes of a licence in the table with its history, code and look-ups, in the first year.
    pub(super) const STORED_BYTES: f64 = 3_000.0;
}

const DAYS: f64 = 365.25 / 12.0;

pub(crate) fn run(options: &Cost) -> Answer {
    let licenses = options.licenses as f64;
    let checks = licenses * DAYS * options.checks_a_day;
    let million = checks / 1e6;
    let lines = [
        ("table writes", "checks × 1 write unit", million * unit::WRITES * price::WRITES),
        ("table reads", "a tenth of the checks × 1 strong read", million * unit::READS * price::READS),
        ("function requests", "checks", million * price::REQUESTS),
        ("function time", "checks × 5 ms × 256 MB", checks * unit::SECONDS * unit::MEMORY_GB * price::GB_SECOND),
        ("logs", "checks × 700 bytes", checks * unit::LOG_BYTES / 1e9 * price::LOG_GB),
        ("egress", "checks × 2 KB", checks * unit::ANSWER_BYTES / 1e9 * price::EGRESS_GB),
        (
            "storage and recovery",
            "licences × 3 KB",
            licenses * unit::STORED_BYTES / 1e9 * (price::STORED_GB + price::RECOVERY_GB),
        ),
        ("key, secret, alarms", "fixed", price::FIXED),
    ];
    let total: f64 = lines.iter().map(|(_, _, dollars)| dollars).sum();
    if options.json {
        let parts: Vec<_> = lines
            .iter()
            .map(|(part, how, dollars)| json!({"part": part, "how": how, "usd": cents(*dollars)}))
            .collect();
        output::json(
            &json!({"licenses": options.licenses, "checks_a_month": checks.round(), "parts": parts, "usd_a_month": cents(total)}),
        );
    } else {
        let mut table = output::table(["part", "how it is reckoned", "usd a month"]);
        for (part, how, dollars) in lines {
            table.add_row([part.to_owned(), how.to_owned(), format!("{dollars:.2}")]);
        }
        table.add_row([
            "total".to_owned(),
            format!("{} licences, {checks:.0} checks", options.licenses),
            format!("{total:.2}"),
        ]);
        anstream::println!("{table}");
        output::say(
            "List prices of us-east-1, on demand, November 2026, without the free tier. Write units are measured; time, log and answer sizes are assumptions on the safe side.",
        );
    }
    Ok(Outcome::Good)
}

fn cents(dollars: f64) -> f64 {
    (dollars * 100.0).round() / 100.0
}
