//! The log of a function: one line of JSON for each thing that is said, on standard output, where Lambda reads it; `level`
//! and `timestamp` at the top, where its filter looks
//! (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>).

use std::fmt::Debug;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::clock::Clock;
use crate::telemetry::write_line;

/// Starts the log.
pub(super) fn start(level: Level) {
    if tracing::subscriber::set_global_default(Lines(level)).is_err() {
        tracing::error!("the log was started before");
    }
}

/// What is this important or more. Spans are nobody's business here: a request is one line.
struct Lines(Level);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.0
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.0))
    }

    fn event(&self, event: &Event<'_>) {
        write_line(&line(event));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn line(event: &Event<'_>) -> Value {
    let mut members = Members(Map::new());
    event.record(&mut members);
    let Members(mut line) = members;
    line.insert("timestamp".to_owned(), json!(Clock::system().now().to_string()));
    line.insert("level".to_owned(), json!(event.metadata().level().as_str()));
    Value::Object(line)
}

struct Members(Map<String, Value>);

impl Members {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Members {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Keeps lines in the place of standard output.
    struct Kept(Lines, Arc<Mutex<Vec<Value>>>);

    impl Subscriber for Kept {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            self.0.enabled(metadata)
        }
        fn event(&self, event: &Event<'_>) {
            self.1.lock().unwrap().push(line(event));
        }
        fn new_span(&self, span: &Attributes<'_>) -> Id {
            self.0.new_span(span)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn what_is_said_is_one_line_of_json() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        tracing::subscriber::with_default(Kept(Lines(Level::WARN), Arc::clone(&kept)), || {
            tracing::warn!(id = "a\n\"b\"", count = 3, share = 0.5, well = true, none = None::<&str>, fault = %"f", "said");
            tracing::info!("not said");
            tracing::error_span!("span").in_scope(|| tracing::error!("said too"));
        });
        let lines = kept.lock().unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
        let mut first = lines[0].clone();
        assert!(first["timestamp"].take().as_str().is_some_and(|time| time.ends_with('Z')));
        assert_eq!(
            first,
            json!({"timestamp": null, "level": "WARN", "message": "said", "id": "a\n\"b\"", "count": 3, "share": 0.5,
                "well": true, "fault": "f"})
        );
        assert_eq!((&lines[1]["message"], &lines[1]["level"]), (&json!("said too"), &json!("ERROR")));
        assert_eq!(lines[1].to_string().lines().count(), 1);
    }
}
