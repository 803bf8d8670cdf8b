//! The lines in batches, as the service takes them.

use serde_json::{Value, json};

use super::file::Lines;
use crate::admin::{Admin, Failure};
use crate::output::Unusable;

/// The service takes bodies of 64 KiB; what a line needs beside itself is counted generously.
const MAX_BODY: usize = 60 * 1024;
/// And does so many lines well within its time.
const MAX_LINES: usize = 100;

/// Lines that are sent together.
pub(super) struct Batch {
    /// The numbers of its lines in the file.
    pub(super) numbers: Vec<u64>,
    lines: Vec<Value>,
}

impl Batch {
    /// Sends it, without an idempotency key: what is there already is known by its code, and what was refused may have been
    /// mended since, which an answer kept under a key would hide for a day.
    pub(super) fn send(&self, admin: &Admin, dry_run: bool) -> Result<Vec<Value>, Failure> {
        let body = json!({"dry_run": dry_run, "lines": self.lines});
        let results = admin.post_again("/imports", &body)?["results"].as_array().cloned().unwrap_or_default();
        if results.len() == self.lines.len() {
            return Ok(results);
        }
        Err(Unusable::new("the service did not say of every line what came of it: is it older than this command?")
            .into())
    }
}

/// The good lines of a file, batch by batch.
pub(super) struct Batches {
    lines: Lines,
    doubles: Vec<u64>,
    /// The line that did not fit into the last batch.
    left: Option<(u64, Value)>,
}

impl Batches {
    /// `doubles` are lines to leave out, by number, in order.
    pub(super) fn new(lines: Lines, doubles: Vec<u64>) -> Self {
        Self { lines, doubles, left: None }
    }

    fn fill(&mut self) -> Result<Option<Batch>, Failure> {
        let mut batch = Batch { numbers: Vec::new(), lines: Vec::new() };
        let mut size = 0;
        while batch.lines.len() < MAX_LINES {
            let Some((number, line)) = self.left.take().map_or_else(|| self.good(), |left| Ok(Some(left)))? else {
                break;
            };
            size += line.to_string().len() + 1;
            if size > MAX_BODY {
                self.left = Some((number, line));
                break;
            }
            batch.numbers.push(number);
            batch.lines.push(line);
        }
        Ok((!batch.lines.is_empty()).then_some(batch))
    }

    fn good(&mut self) -> Result<Option<(u64, Value)>, Failure> {
        while let Some(line) = self.lines.next()? {
            match line.read {
                Ok(read) if self.doubles.binary_search(&line.number).is_err() => {
                    return Ok(Some((line.number, read.document())));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.fill().transpose()
    }
}
