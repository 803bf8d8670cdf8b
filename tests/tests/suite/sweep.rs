//! The shipped `sweep`, called by its schedule: notices that are due, and mails that others could not send.

use std::collections::BTreeSet;

use marque_core::{Duration, Timestamp};
use marque_service::Clock;
use marque_tests::aws::{Call, MailFault};
use marque_tests::{Deployment, Function, Outcome, seller};
use serde_json::{Value, json};

/// The event of the schedule, as EventBridge writes it
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>).
fn tick() -> Value {
    json!({
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
        "source": "aws.events", "account": "123456789012", "time": "2026-11-26T08:00:00Z", "region": "eu-central-1",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/marque-SweepFiveMinutes-1ABCDEFGHIJKL"],
        "detail": {},
    })
}

fn run(function: &Function) -> Value {
    match function.sandbox().call(tick().to_string()) {
        Outcome::Response(counts) => counts,
        other => panic!("{other:?}"),
    }
}

/// People have asked for trials an hour ago, and nobody has sent them their mail.
fn asked(deployment: &Deployment, numbers: std::ops::Range<u8>) {
    let then: Timestamp = Clock::system().now().before(Duration::hours(1));
    for n in numbers {
        deployment.ask_for_trial(n, &format!("ann.{n}@example.org"), then);
    }
}

/// A stack whose monthly licence ends, with mails that were left over.
fn stack() -> Deployment {
    let deployment = Deployment::issued_at(Clock::system().now().before(Duration::days(29)));
    asked(&deployment, 1..4);
    deployment.aws.put_market(seller::marketplace(&deployment));
    deployment
}

/// One run with a notice, a mail that goes, one that SES never takes and one that it takes later.
fn a_run(deployment: &Deployment) {
    let function = deployment.run("sweep");
    let faults = [MailFault::Refused(400, "BadRequestException"), MailFault::Refused(503, "")];
    deployment.aws.ses().fail(faults);
    let counts = run(&function);
    let expected = [("notices", 1), ("sent", 2), ("waiting", 1), ("given_up", 1), ("failed", 0)];
    for (name, count) in expected {
        assert_eq!(counts[name], count, "{name}: {counts}");
    }
    assert_eq!(counts["finished"], true);
    assert_eq!(deployment.aws.ses().taken().len(), 2);
    let again = run(&function);
    assert_eq!((&again["sent"], &again["waiting"]), (&json!(0), &json!(0)), "what waits is not due yet: {again}");
    assert!(function.wait_for_line("a mail is given up"));
}

/// What `sweep` calls in a run.
pub(crate) fn calls() -> BTreeSet<Call> {
    let deployment = stack();
    a_run(&deployment);
    assert_eq!(deployment.aws.refusals(), Vec::<String>::new());
    deployment.aws.calls().into_iter().collect()
}

#[test]
fn what_is_due_is_told_and_what_was_left_over_is_sent() {
    let deployment = stack();
    a_run(&deployment);
    assert_eq!(deployment.aws.refusals(), Vec::<String>::new());
}

#[test]
fn two_runs_at_once_send_each_mail_once() {
    let deployment = stack();
    asked(&deployment, 4..40);
    let functions = [deployment.run("sweep"), deployment.run("sweep")];
    let counts: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = functions.iter().map(|function| scope.spawn(|| run(function))).collect();
        runs.into_iter().map(|run| run.join().expect("a run")).collect()
    });
    let sum = |name: &str| counts.iter().filter_map(|counts| counts[name].as_u64()).sum::<u64>();
    assert_eq!((sum("notices"), sum("sent"), sum("failed")), (1, 40, 0), "{counts:?}");
    let recipients: BTreeSet<_> = deployment.aws.ses().taken().into_iter().map(|mail| mail.to).collect();
    assert_eq!((recipients.len(), deployment.aws.ses().taken().len()), (40, 40));
}

#[test]
fn an_event_that_is_no_schedule_s_is_an_error() {
    let function = Deployment::new().run("sweep");
    for event in [json!({}), json!({"source": "aws.s3"}), json!({"version": "2.0", "rawPath": "/"})] {
        let outcome = function.sandbox().call(event.to_string());
        assert!(matches!(outcome, Outcome::Error { .. }), "{outcome:?}");
    }
}
