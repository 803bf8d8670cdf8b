//! `marque import`: a CSV file of the vendor's customers and old codes.
//!
//! The file is read twice. First as a whole: every line is judged, and nothing is sent while there is a fault in it. Then in
//! batches: each line is taken in whole or not at all, and one that is there already is left alone, so that the same
//! command goes on where an earlier one stopped.

mod batch;
mod cell;
mod columns;
mod file;
mod line;

use std::collections::HashMap;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use self::batch::{Batch, Batches};
pub(super) use self::cell::guarded;
pub(super) use self::columns::COLUMNS;
use self::file::Lines;
pub(super) use self::line::CUSTOM;
use self::line::Fault;
use super::{Done, end, flight};
use crate::admin::Admin;
use crate::cli::Import;
use crate::output::{self, Answer, Outcome, Unusable, plain};

/// What has come of the lines so far.
struct Report {
    json: bool,
    bar: ProgressBar,
    /// How many lines there were of each status that the service tells.
    done: HashMap<String, u64>,
    faulty: u64,
    faults: Vec<Value>,
}

pub(crate) fn run(options: &Import) -> Answer {
    end(options.publisher.json, import(options))
}

fn import(options: &Import) -> Done {
    let admin = Admin::find(&options.publisher)?;
    let mut report = Report::new(options.publisher.json);
    let survey = survey(options, &mut report)?;
    if report.faulty > 0 && !options.dry_run {
        report.bar.finish_and_clear();
        return Ok(report.end(options, survey.lines, "nothing was sent: mend these lines, and run it again"));
    }
    report.counting(survey.lines);
    let batches = Batches::new(Lines::open(&options.file)?, survey.doubles);
    let send = |batch: Batch| {
        let results = batch.send(&admin, options.dry_run)?;
        Ok((batch, results))
    };
    let sent = flight::each(batches, send, |(batch, results)| report.take(&batch, &results));
    report.bar.finish_and_clear();
    if let Err(failure) = sent {
        let done: u64 = report.done.values().sum();
        output::say(format!("stopped after {done} of {} lines; the same command goes on from there", survey.lines));
        return Err(failure);
    }
    let advice =
        if options.dry_run { "nothing was changed" } else { "mend these lines, and run it again: the others are in" };
    Ok(report.end(options, survey.lines, advice))
}

/// What the first reading of the file found.
struct Survey {
    lines: u64,
    /// The numbers of lines whose code is that of an earlier line.
    doubles: Vec<u64>,
}

fn survey(options: &Import, report: &mut Report) -> Result<Survey, Unusable> {
    let mut lines = Lines::open(&options.file)?;
    report.reading(lines.size());
    let mut codes: HashMap<u128, u64> = HashMap::new();
    let mut survey = Survey { lines: 0, doubles: Vec::new() };
    while let Some(line) = lines.next()? {
        survey.lines += 1;
        report.bar.set_position(line.offset);
        if let Some(code) = line.code {
            let first = *codes.entry(code).or_insert(line.number);
            if first != line.number {
                survey.doubles.push(line.number);
                report.fault(&Fault::new(line.number, "code", format!("stands in line {first} already")));
            }
        }
        line.read.err().into_iter().flatten().for_each(|fault| report.fault(&fault));
    }
    if survey.lines == 0 {
        return Err(Unusable::new(format!("{} has a heading and no lines", options.file.display())));
    }
    Ok(survey)
}

impl Report {
    fn new(json: bool) -> Self {
        Self { json, bar: ProgressBar::hidden(), done: HashMap::new(), faulty: 0, faults: Vec::new() }
    }

    /// Shows how far the first reading is. A bar is drawn on terminals only.
    fn reading(&mut self, size: u64) {
        self.bar = bar(size, "reading {bar:30} {bytes}/{total_bytes}");
    }

    fn counting(&mut self, lines: u64) {
        self.bar.finish_and_clear();
        self.bar = bar(lines, "sending {bar:30} {pos}/{len} lines, {eta} left");
    }

    fn fault(&mut self, fault: &Fault) {
        self.faulty += 1;
        if self.json {
            self.faults.push(fault.document());
        } else {
            self.bar.suspend(|| output::say(fault.to_string()));
        }
    }

    /// What the service said of a batch.
    fn take(&mut self, batch: &Batch, results: &[Value]) {
        for (number, result) in batch.numbers.iter().zip(results) {
            let errors = result["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
            for error in errors {
                self.fault(&Fault::answered(*number, error));
            }
            if errors.is_empty() {
                *self.done.entry(result["status"].as_str().unwrap_or("done").to_owned()).or_default() += 1;
            }
        }
        self.bar.inc(batch.numbers.len() as u64);
    }

    fn end(self, options: &Import, lines: u64, advice: &str) -> Outcome {
        let outcome = if self.faulty == 0 { Outcome::Good } else { Outcome::Refused };
        if self.json {
            output::json(&json!({
                "file": options.file, "dry_run": options.dry_run, "lines": lines, "results": self.done,
                "faults": self.faults,
            }));
            return outcome;
        }
        let mut words: Vec<_> = self.done.iter().map(|(status, count)| format!("{count} {}", plain(status))).collect();
        words.sort();
        let faults = if self.faulty == 1 { "fault" } else { "faults" };
        words.extend((self.faulty > 0).then(|| format!("{} {faults}", self.faulty)));
        let advice = if options.dry_run || self.faulty > 0 { format!("; {advice}") } else { String::new() };
        output::say(format!("{lines} lines: {}{advice}", words.join(", ")));
        outcome
    }
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
