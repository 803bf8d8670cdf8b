//! `marque usage`.

use marque_service::Clock;
use serde_json::{Value, json};

use super::{Done, end, given, show, told};
use crate::admin::{Admin, Failure, query};
use crate::cli::{Usage, UsageCommand};
use crate::output::{self, Answer, Outcome, Unusable};

pub(crate) fn run(options: &Usage) -> Answer {
    end(
        options.publisher.json,
        Admin::find(&options.publisher).map_err(Failure::from).and_then(|admin| ask(&admin, options)),
    )
}

fn ask(admin: &Admin, options: &Usage) -> Done {
    let json = options.publisher.json;
    match &options.command {
        UsageCommand::Show { agreement, from, to, unsettled, csv } => {
            let window = [("from", from), ("to", to)];
            let window = window.map(|(name, time)| time.map(|time| format!("{name}={}", query(&time.to_string()))));
            let window: Vec<String> = window.into_iter().flatten().collect();
            let path = format!("/usage/{agreement}");
            let path = if window.is_empty() { path } else { format!("{path}?{}", window.join("&")) };
            let mut usage = admin.get(&path)?;
            if *unsettled {
                leave_out_the_confirmed(&mut usage);
            }
            if json {
                output::json(&usage);
                return Ok(Outcome::Good);
            }
            let hours = hours(&usage);
            if *csv {
                output::raw(&as_csv(&hours).map_err(Failure::from)?).map_err(Failure::from)?;
                return Ok(Outcome::Good);
            }
            sums(&usage);
            timeline(&hours);
            if let Some(left_out) = usage["hours_left_out"].as_u64().filter(|left_out| *left_out > 0) {
                output::say(format!("{left_out} older hours are not shown: ask for fewer days with --from and --to."));
            }
            Ok(Outcome::Good)
        }
        UsageCommand::Report { agreement, dimension, quantity, id, at } => {
            let at = at.unwrap_or_else(|| Clock::system().now());
            let record = json!({"id": id, "dimension": dimension, "quantity": quantity.to_string(), "at": at});
            let answer = admin.post(&format!("/usage/{agreement}/records"), &json!({"records": [record]}))?;
            Ok(reported(&answer, json))
        }
        UsageCommand::Replay { agreement, hour, dimension, quantity, reason } => {
            let path = format!("/usage/{agreement}/hours/{hour}/{}/replay", query(dimension));
            let body = given(json!({"quantity": quantity.to_string(), "reason": reason}));
            let again = admin.post(&path, &body)?;
            Ok(told(json, &again, || format!("{hour} of {dimension} is sent again within a minute: {quantity}")))
        }
    }
}

/// What became of a record; one that is rejected is a verdict.
fn reported(answer: &Value, json: bool) -> Outcome {
    let result = &answer["results"][0];
    let member = |name: &str| show::member(result, name);
    if json {
        output::json(answer);
    }
    match (result["status"].as_str(), json) {
        (Some("rejected"), true) => Outcome::Refused,
        (Some("rejected"), false) => {
            output::refused(&format!("{}: {}", member("id"), cure(result["code"].as_str().unwrap_or_default())));
            Outcome::Refused
        }
        (_, true) => Outcome::Good,
        (Some("duplicate"), false) => {
            output::say(format!("{} was counted before, in the hour {}", member("id"), member("hour")));
            Outcome::Good
        }
        _ => {
            output::say(format!("{} is counted in the hour {}", member("id"), member("hour")));
            Outcome::Good
        }
    }
}

/// What to do about a rejection.
fn cure(code: &str) -> &str {
    match code {
        "QUANTITY_INVALID" => "the quantity is none: up to 10 digits and 6 decimals, such as 12.5 (QUANTITY_INVALID)",
        "DIMENSION_UNKNOWN" => "the product meters nothing of that name: see `marque product show` (DIMENSION_UNKNOWN)",
        "ID_CONFLICT" => "this id was used for something else: take another one (ID_CONFLICT)",
        "IN_FUTURE" => "it has not happened yet: compare the clocks (IN_FUTURE)",
        "TOO_OLD" => "it is more than 35 days ago (TOO_OLD)",
        "BEFORE_START" => "the agreement had not started by then (BEFORE_START)",
        "AFTER_END" => "the agreement had ended by then, or its last hour is closed (AFTER_END)",
        other => other,
    }
}

fn leave_out_the_confirmed(usage: &mut Value) {
    for dimension in usage["dimensions"].as_array_mut().into_iter().flatten() {
        if let Some(hours) = dimension["hours"].as_array_mut() {
            hours.retain(|hour| hour["state"] != "confirmed");
        }
    }
}

/// The hours of all dimensions, each with its dimension, oldest first.
fn hours(usage: &Value) -> Vec<Value> {
    let mut hours = Vec::new();
    for dimension in usage["dimensions"].as_array().into_iter().flatten() {
        for hour in dimension["hours"].as_array().into_iter().flatten() {
            let mut hour = hour.clone();
            hour["dimension"] = dimension["dimension"].clone();
            hours.push(hour);
        }
    }
    hours.sort_by(|one, other| text(one, "hour").cmp(text(other, "hour")));
    hours
}

fn text<'a>(document: &'a Value, name: &str) -> &'a str {
    document[name].as_str().unwrap_or_default()
}

/// What sums are made of, in the order of an hour's life.
const SUMS: [&str; 10] =
    ["accepted", "open", "sealed", "sending", "held", "confirmed", "quarantined", "expired", "included", "remainder"];

/// A line a sum, a column a dimension.
fn sums(usage: &Value) {
    let empty = Vec::new();
    let dimensions = usage["dimensions"].as_array().unwrap_or(&empty);
    for dimension in dimensions {
        let name = show::member(dimension, "dimension");
        let fate = if dimension["remainder_is"] == "WRITTEN_OFF_AT_END" { "written off at the end" } else { "carried" };
        let mut line = format!("{name}: accepted {}", show::member(&dimension["sums"], "accepted"));
        for part in SUMS.iter().skip(1) {
            let amount = show::member(&dimension["sums"], part);
            if amount != "0" {
                let note = if *part == "remainder" { format!(" ({fate})") } else { String::new() };
                line.push_str(&format!(", {part} {amount}{note}"));
            }
        }
        anstream::println!("{line}");
    }
    anstream::println!();
}

fn timeline(hours: &[Value]) {
    let columns = [
        ("hour", "hour"),
        ("dimension", "dimension"),
        ("state", "state"),
        ("reported", "quantity"),
        ("accepted", "accepted"),
        ("reason", "reason"),
        ("attempts", "attempts"),
        ("record", "record_id"),
    ];
    show::list(hours, columns, 4);
}

/// The columns of the CSV: the members of an hour as the service names them.
const COLUMNS: [&str; 16] = [
    "hour",
    "dimension",
    "agreement_id",
    "state",
    "accepted",
    "carried",
    "records",
    "included",
    "brought",
    "quantity",
    "left",
    "timestamp",
    "attempts",
    "record_id",
    "confirmed_at",
    "reason",
];

fn as_csv(hours: &[Value]) -> Result<String, Unusable> {
    let failed = |error: csv::Error| Unusable::new(format!("the CSV cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(failed)?;
    for hour in hours {
        let cell = |name: &&str| match &hour[*name] {
            Value::Null => String::new(),
            Value::String(text) => output::plain(text),
            other => other.to_string(),
        };
        writer.write_record(COLUMNS.iter().map(cell)).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| Unusable::new(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
