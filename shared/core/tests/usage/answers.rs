//! What each answer of the marketplace makes of an hour, as a table.

use marque_core::usage::{Attempts, Entry, Reason, Reply, State, StateName};

use crate::build::{agreement, open, quantity, running, sealed, time};
use marque_core::usage::Quantity;

const NOW: &str = "2027-03-10T11:06:00Z";

/// An hour that was sent so often, each time without an answer.
fn sending(unanswered: u32) -> Entry {
    let (mut entry, _) =
        sealed(&running(), &open("requests", "2027-03-10T10:00:00Z", quantity("5")), Quantity::ZERO, NOW);
    for _ in 0..unanswered {
        entry = entry.attempt().unwrap();
    }
    entry
}

fn after(entry: Entry, reply: &Reply, ended: bool) -> (StateName, Option<Reason>, Attempts) {
    let entry = entry.answered(reply, ended, time(NOW));
    (entry.state.name(), entry.state.reason(), entry.state.attempts())
}

#[test]
fn every_answer_is_a_transition() {
    let attempts = |count, unresolved| Attempts { count, unresolved };
    let success = Reply::Success("r-1".to_owned());
    for (unanswered, reply, ended, state, reason, left) in [
        (1, success.clone(), false, StateName::Confirmed, None, attempts(1, 0)),
        (1, Reply::Duplicate, false, StateName::Quarantined, Some(Reason::ReportedElsewhere), attempts(1, 0)),
        (2, Reply::Duplicate, false, StateName::Confirmed, None, attempts(2, 0)),
        (1, Reply::NotSubscribed, false, StateName::Held, Some(Reason::NotSubscribed), attempts(1, 0)),
        (1, Reply::NotSubscribed, true, StateName::Expired, Some(Reason::NotSubscribed), attempts(1, 0)),
        (1, Reply::NotTaken, false, StateName::Sending, None, attempts(1, 0)),
        (2, Reply::NotTaken, false, StateName::Sending, None, attempts(2, 1)),
        (1, Reply::Nothing, false, StateName::Sending, None, attempts(1, 1)),
        (1, Reply::UnknownStatus, false, StateName::Quarantined, Some(Reason::UnknownStatus), attempts(1, 1)),
        (
            1,
            Reply::Refused(Reason::InvalidLicense),
            false,
            StateName::Quarantined,
            Some(Reason::InvalidLicense),
            attempts(1, 0),
        ),
        (
            1,
            Reply::Refused(Reason::TimestampOutOfBounds),
            false,
            StateName::Quarantined,
            Some(Reason::TimestampOutOfBounds),
            attempts(1, 0),
        ),
    ] {
        assert_eq!(
            after(sending(unanswered), &reply, ended),
            (state, reason, left),
            "{unanswered} × {reply:?}, ended {ended}"
        );
    }
}

#[test]
fn a_duplicate_after_a_surely_failed_attempt_is_somebody_elses() {
    let entry = sending(1).answered(&Reply::NotTaken, false, time(NOW)).attempt().unwrap();
    assert_eq!(after(entry, &Reply::Duplicate, false).0, StateName::Quarantined);
}

#[test]
fn a_success_is_true_however_late_it_comes() {
    let success = Reply::Success("r-1".to_owned());
    for reply in [Reply::NotSubscribed, Reply::Duplicate, Reply::UnknownStatus, Reply::Nothing] {
        let entry = sending(1).answered(&reply, true, time(NOW));
        assert_eq!(after(entry, &success, true).0, StateName::Confirmed, "{reply:?}");
    }
    let overdue = sending(1).expire(time("2027-03-11T11:00:00Z")).unwrap();
    assert_eq!(after(overdue, &success, false).0, StateName::Confirmed);
}

#[test]
fn what_is_confirmed_stays_so() {
    let confirmed = sending(2).answered(&Reply::Duplicate, false, time(NOW));
    for reply in [Reply::NotSubscribed, Reply::NotTaken, Reply::Nothing, Reply::Duplicate, Reply::UnknownStatus] {
        assert_eq!(confirmed.clone().answered(&reply, true, time(NOW)), confirmed, "{reply:?}");
    }
    let named = confirmed.answered(&Reply::Success("r-1".to_owned()), false, time(NOW));
    let State::Confirmed(_, _, receipt) = &named.state else { panic!("{named:?}") };
    assert_eq!(receipt.record_id.as_deref(), Some("r-1"), "a late success still tells the record's id");
    assert_eq!(named.clone().answered(&Reply::Success("r-2".to_owned()), false, time(NOW)), named);
}

#[test]
fn an_hour_expires_when_the_marketplace_takes_it_no_more() {
    let entry = sending(1);
    assert!(entry.clone().expire(time("2027-03-11T10:59:58Z")).is_err());
    let expired = entry.expire(time("2027-03-11T10:59:59Z")).unwrap();
    assert_eq!((expired.state.name(), expired.state.reason()), (StateName::Expired, Some(Reason::WindowClosed)));
    let last = open("requests", "2027-03-31T20:00:00Z", quantity("5"));
    let (last, _) = sealed(&running(), &last, Quantity::ZERO, "2027-03-31T21:05:00Z");
    assert_eq!(last.expire(time("2027-04-01T06:00:00Z")).unwrap().state.reason(), Some(Reason::MonthClosed));
}

#[test]
fn a_replay_sends_what_was_sealed() {
    let quarantined = sending(1).answered(&Reply::Refused(Reason::InvalidLicense), false, time(NOW));
    let again = quarantined.clone().replay(time(NOW)).unwrap();
    assert_eq!((again.state.name(), again.state.sealed()), (StateName::Sending, quarantined.state.sealed()));
    assert!(quarantined.replay(time("2027-03-11T10:59:59Z")).is_err(), "its window is closed");
    let error = sending(1).replay(time(NOW)).unwrap_err();
    assert_eq!(error.to_string(), "an hour that is sending cannot be replayed");
}

#[test]
fn only_what_is_sealed_is_sent() {
    assert!(open("requests", "2027-03-10T10:00:00Z", quantity("5")).attempt().is_err());
    assert!(sending(1).answered(&Reply::Success("r".to_owned()), false, time(NOW)).attempt().is_err());
}

/// Short-lived agreements: the marketplace may hear of the start after the end.
#[test]
fn an_agreement_is_gone_once_it_has_ended_and_its_start_is_known_everywhere() {
    let ended = agreement(1, Some("2027-03-10T10:00:00Z"), Some("2027-03-10T10:03:00Z"));
    for (now, gone) in [("10:02:59", false), ("10:03:00", false), ("10:59:59", false), ("11:00:00", true)] {
        assert_eq!(ended.is_gone(time(&format!("2027-03-10T{now}Z"))), gone, "{now}");
    }
    assert!(!agreement(1, Some("2027-03-10T10:00:00Z"), None).is_gone(time("2027-03-11T10:00:00Z")));
    assert!(agreement(1, None, Some("2027-03-10T10:03:00Z")).is_gone(time("2027-03-10T10:03:00Z")), "it never started");
}
