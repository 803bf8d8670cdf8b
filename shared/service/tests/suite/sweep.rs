//! The sweep: notices that are due, mails that were not sent, twice at once, and cut off at every request.

use marque_core::event::Head;
use marque_core::{Duration, What};
use marque_embedded::{Fault, Operation};
use marque_service::sweep::{self, Counts};
use serde_json::json;

use crate::harness::{House, PRODUCT};

const LONG: f64 = 60_000.0;

async fn run(house: &House) -> Counts {
    sweep::run(&house.app, LONG).await.unwrap()
}

fn subjects(house: &House) -> Vec<String> {
    house.outbox.all().into_iter().map(|mail| mail.subject).collect()
}

/// A year's licence, and a clock at its first day.
async fn sold() -> House {
    let house = House::new().await;
    house.at("2031-01-01T10:00:00Z");
    house.issue("yearly").await;
    house
}

#[tokio::test]
async fn reminders_grace_and_end_are_told_once_each() {
    let house = sold().await;
    let mut counts = Vec::new();
    for day in ["11-01", "12-03", "12-19", "12-26"] {
        house.at(&format!("2031-{day}T08:00:00Z"));
        run(&house).await;
        run(&house).await;
        counts.push(house.outbox.all().len());
    }
    for day in ["01-01", "01-02", "01-20"] {
        house.at(&format!("2032-{day}T08:00:00Z"));
        run(&house).await;
        run(&house).await;
        counts.push(house.outbox.all().len());
    }
    assert_eq!(counts, [0, 1, 2, 3, 4, 5, 6]);
    let subjects = subjects(&house);
    assert!(subjects[..4].iter().all(|subject| subject == "Your licence of AD API ends on 1 January 2032"));
    assert!(house.outbox.all()[4].text.contains("15 January 2032"), "the grace's last day");
    assert_eq!(subjects[5], "The end of your licence of AD API");
}

#[tokio::test]
async fn of_the_notices_that_were_missed_only_the_latest_is_told() {
    let house = sold().await;
    house.at("2031-12-28T00:00:00Z");
    assert_eq!(run(&house).await.notices, 1);
    house.at("2035-01-01T00:00:00Z");
    let counts = run(&house).await;
    assert_eq!((counts.notices, counts.sent, counts.finished), (1, 1, true));
    assert_eq!(subjects(&house).last().unwrap(), "The end of your licence of AD API");
    assert_eq!(run(&house).await.notices, 0, "nothing is due any more");
}

#[tokio::test]
async fn none_is_told_once_it_is_cancelled() {
    let house = House::new().await;
    house.at("2031-01-01T10:00:00Z");
    let issued = house.issue("yearly").await;
    house.cancel(issued.id).await;
    house.at("2032-02-01T00:00:00Z");
    assert_eq!(run(&house).await.notices, 0);
    assert!(house.outbox.all().is_empty());
}

#[tokio::test]
async fn a_change_that_moves_no_end_loses_no_notice() {
    let house = House::new().await;
    house.at("2031-01-01T10:00:00Z");
    let (issued, _) = house.bound("yearly").await;
    // Due, but not told yet, when somebody binds another thing: here a release.
    house.at("2031-12-03T00:00:00Z");
    let activation = house.license(issued.id).await.activations.values().next().unwrap().id;
    house
        .change(issued.id, What::Released { activation, reason: None }, |license, plans, now| {
            license.release(activation, true, plans, now).unwrap().unwrap().license
        })
        .await;
    assert_eq!(run(&house).await.notices, 1);
}

#[tokio::test]
async fn two_sweeps_at_once_tell_each_notice_once() {
    let house = House::new().await;
    house.at("2031-01-01T10:00:00Z");
    for _ in 0..30 {
        house.issue("yearly").await;
    }
    house.at("2031-12-03T00:00:00Z");
    let (one, two) = tokio::join!(run(&house), run(&house));
    assert_eq!((one.notices + two.notices, house.outbox.all().len()), (30, 30));
    assert_eq!((one.failed, two.failed), (0, 0));
}

#[tokio::test]
async fn a_sweep_ends_with_its_time_and_the_next_does_the_rest() {
    let house = sold().await;
    house.at("2031-12-03T00:00:00Z");
    let cut = sweep::run(&house.app, 0.0).await.unwrap();
    assert_eq!((cut.pages, cut.finished), (0, false));
    assert_eq!(run(&house).await.sent, 1);
}

#[tokio::test]
async fn a_mail_that_could_not_be_sent_blocks_nothing_and_is_sent_later() {
    let house = House::new().await;
    let ask =
        json!({"product": PRODUCT, "email": "a@example.org", "first_name": "A", "last_name": "L", "company": "O"});
    // The table fails right after the commit, for whoever composes the mail; the SDK tries three times.
    house.embedded.calls().record(true);
    house.post("/v1/trials", &ask).await.ok(202);
    let before = house.embedded.calls().take();
    let commit = before.iter().position(|call| call.operation == Some(Operation::TransactWriteItems)).unwrap();
    for n in 0..3 {
        house.embedded.faults().fail_nth(u64::try_from(commit + 2 + n).unwrap(), Fault::Internal);
    }
    house.post("/v1/trials", &ask).await.ok(202);
    assert_eq!(house.outbox.all().len(), 1, "the second one was not sent");
    assert_eq!(run(&house).await.sent, 0, "whoever wrote it may still be at it");
    house.later(Duration::from_seconds(121));
    assert_eq!(run(&house).await.sent, 1);
    let link = &house.outbox.all()[1].links[0];
    let token = link.split_once("token=").unwrap().1;
    let confirmed = house.post("/v1/trials/confirm", &json!({"token": token})).await;
    confirmed.ok(201);
    house.later(Duration::days(1));
    assert_eq!(run(&house).await.sent, 0, "nothing is left");
}

/// Cuts a run off at every request in turn; then another run does what is left. No notice is lost, and one is told twice
/// only when the process died between the sending and the removal of the mail.
#[tokio::test(start_paused = true)]
async fn a_sweep_that_dies_anywhere_loses_no_notice() {
    for applied in [true, false] {
        for n in 1.. {
            let house = sold().await;
            house.at("2031-12-03T00:00:00Z");
            house.embedded.faults().fail_nth(n, Fault::Crash { applied });
            let counts = sweep::run(&house.app, LONG).await;
            if !house.embedded.faults().crashed() {
                assert!(counts.unwrap().finished);
                break;
            }
            house.embedded.faults().clear();
            for _ in 0..2 {
                run(&house).await;
                house.later(Duration::from_seconds(121));
            }
            run(&house).await;
            let told = house.outbox.all().len();
            assert!((1..=2).contains(&told), "crash at request {n} (applied: {applied}): told {told} times");
            house.later(Duration::days(5));
            assert_eq!(run(&house).await.notices, 0, "crash at request {n} (applied: {applied})");
        }
    }
}

/// Cuts a confirmation off at every request in turn; asked again it gives one code, and the person has had one trial.
#[tokio::test(start_paused = true)]
async fn a_confirmation_that_dies_anywhere_makes_one_trial() {
    let ask =
        json!({"product": PRODUCT, "email": "a@example.org", "first_name": "A", "last_name": "L", "company": "O"});
    for applied in [true, false] {
        for n in 1.. {
            let house = House::new().await;
            house.post("/v1/trials", &ask).await.ok(202);
            let link = house.outbox.all()[0].links[0].clone();
            let body = json!({"token": link.split_once("token=").unwrap().1});
            house.embedded.faults().fail_nth(n, Fault::Crash { applied });
            let answer = house.post("/v1/trials/confirm", &body).await;
            let crashed = house.embedded.faults().crashed();
            house.embedded.faults().clear();
            let again = house.post("/v1/trials/confirm", &body).await;
            let and_again = house.post("/v1/trials/confirm", &body).await.ok(200);
            assert_eq!(again.json(), and_again, "crash at request {n} (applied: {applied})");
            if answer.status.is_success() {
                assert_eq!(answer.json(), and_again, "an answer that was given stays so");
            }
            let license = and_again["license_id"].as_str().unwrap().parse().unwrap();
            assert_eq!(house.store().history(license, Head::START, 50).await.unwrap().len(), 1);
            let person = "a@example.org".parse::<marque_core::Email>().unwrap().person();
            let product = PRODUCT.parse().unwrap();
            assert_eq!(house.store().trials_had(person, &product).await.unwrap().count, 1);
            house.later(Duration::from_seconds(121));
            run(&house).await;
            let code = and_again["code"].as_str().unwrap();
            assert!(house.outbox.all().iter().any(|mail| mail.text.contains(code)), "the code is mailed in the end");
            if !crashed {
                break;
            }
        }
    }
}
