//! Usage that is billed: hours, sealed and reported once, whatever fails.

use http::Method;

use marque_core::usage::{Included, Unit};
use marque_core::{Duration, Timestamp};
use marque_embedded::{Fault as TableFault, Operation as TableOperation};
use marque_marketplace_sim::{Fault, Operation, Pricing};

use marque_service::usage::meter;
use serde_json::{Value, json};

use crate::metered::{RUN, Usage};

#[tokio::test(start_paused = true)]
async fn an_hour_is_reported_once_five_minutes_after_its_end() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "12.5").await;
    assert_eq!(usage.run_at("2027-03-10T11:04:59Z").await.sealed, 0);
    let counts = usage.run_at("2027-03-10T11:05:00Z").await;
    assert_eq!((counts.sealed, counts.confirmed, counts.calls, counts.finished), (1, 1, 1, true));
    assert_eq!(usage.truth(&buyer), [("2027-03-10T10:59:59Z".to_owned(), "12.5".to_owned())]);
    let hour = usage.hour(&buyer).await;
    assert_eq!(
        (&hour["state"], &hour["attempts"], &hour["quantity"]),
        (&json!("confirmed"), &json!(1), &json!("12.5"))
    );
    assert!(hour["record_id"].is_string());
    let idle = usage.run().await;
    assert_eq!((idle.calls, idle.oldest_unsent, idle.finished), (0, 0, true));
    // A record of that hour that comes now is carried to the running one, with its own time kept.
    let results = usage
        .report(
            &buyer,
            vec![json!({"id": "late", "dimension": "requests", "quantity": "1", "at": "2027-03-10T10:30:00Z"})],
        )
        .await;
    assert_eq!((&results[0]["hour"], &results[0]["carried"]), (&json!("2027-03-10T11:00:00Z"), &json!(true)));
    let results = usage
        .report(
            &buyer,
            vec![json!({"id": "a", "dimension": "requests", "quantity": "12.5", "at": "2027-03-10T10:00:00Z"})],
        )
        .await;
    assert_eq!((&results[0]["status"], &results[0]["hour"]), (&json!("duplicate"), &json!("2027-03-10T10:00:00Z")));
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_on_the_way_an_hour_is_billed_once() {
    for (fault, times) in [
        (Fault::Throttle, 1),
        (Fault::Internal, 2),
        (Fault::Timeout, 5),
        (Fault::LostResponse, 1),
        (Fault::LostResponse, 7),
        (Fault::Unprocessed, 3),
    ] {
        for identical_is_duplicate in [false, true] {
            let usage = Usage::new().await;
            usage.bazaar.market.set(|knobs| knobs.identical_is_duplicate = identical_is_duplicate);
            let buyers = [usage.buyer(1, Pricing::Subscription).await, usage.buyer(2, Pricing::Subscription).await];
            for buyer in &buyers {
                usage.take(buyer, "a", "3.25").await;
            }
            usage.bazaar.market.order_fault(Operation::BatchMeterUsage, fault, times);
            usage.run_at("2027-03-10T11:05:00Z").await;
            for minute in 6..12 {
                usage.run_at(&format!("2027-03-10T11:{minute:02}:00Z")).await;
            }
            for buyer in &buyers {
                assert_eq!(usage.truth(buyer), [("2027-03-10T10:59:59Z".to_owned(), "3.25".to_owned())], "{fault:?}");
                assert_eq!(usage.hour(buyer).await["state"], "confirmed", "{fault:?} {identical_is_duplicate}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_at_any_call_of_the_table_is_succeeded_by_one_that_ends_well() {
    for applied in [false, true] {
        for nth in 1.. {
            let usage = Usage::new().await;
            usage.bazaar.market.set(|knobs| knobs.identical_is_duplicate = applied);
            let buyer = usage.buyer(1, Pricing::Subscription).await;
            usage.take(&buyer, "a", "1.5").await;
            usage.set("2027-03-10T11:05:00Z");
            let faults = usage.bazaar.embedded.faults();
            faults.fail_nth(nth, TableFault::Crash { applied });
            let died = meter::run(&usage.bazaar.shop, &usage.metering, "dies", RUN).await;
            let happened = faults.crashed();
            faults.clear();
            usage.set("2027-03-10T11:10:00Z");
            assert!(usage.run().await.finished, "{nth} {died:?}");
            assert_eq!(usage.truth(&buyer).len(), 1, "{nth} {applied}");
            assert_eq!(usage.hour(&buyer).await["state"], "confirmed", "{nth} {applied}");
            if !happened {
                assert!(nth > 8, "a run makes more calls than {nth}");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_do_no_harm_and_one_of_them_waits() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "1").await;
    usage.set("2027-03-10T11:05:00Z");
    let run = |holder| meter::run(&usage.bazaar.shop, &usage.metering, holder, RUN);
    let (one, two) = tokio::join!(run("one"), run("two"));
    assert!(one.unwrap().locked_out != two.unwrap().locked_out);
    // The lock is for the rate alone: without it nothing goes wrong either.
    usage.take(&buyer, "b", "1").await;
    usage.set("2027-03-10T12:05:00Z");
    let (one, two) = tokio::join!(run("same"), run("same"));
    assert_eq!(one.unwrap().failed + two.unwrap().failed, 0);
    assert_eq!(usage.truth(&buyer).len(), 2);
    assert_eq!(usage.dimension(&buyer, "requests").await["sums"]["confirmed"], "2");
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_record_is_isolated_and_the_others_are_billed() {
    let usage =
        Usage::metering(&[("requests", Unit::Decimal, Included::None), ("ghost", Unit::Integral, Included::None)])
            .await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.set("2027-03-10T21:30:00Z");
    let record = |id: String, dimension: &str, hour: usize| json!({"id": id, "dimension": dimension, "quantity": "2", "at": format!("2027-03-10T{hour:02}:30:00Z")});
    let mut records: Vec<_> = (10..21).map(|hour| record(format!("r{hour}"), "requests", hour)).collect();
    records.push(record("poison".to_owned(), "ghost", 13));
    assert!(usage.report(&buyer, records).await.iter().all(|result| result["status"] == "accepted"));
    let counts = usage.run().await;
    assert_eq!((counts.confirmed, counts.quarantined, counts.failed), (11, 1, 0));
    assert!(counts.calls <= 9, "{counts:?}");
    assert_eq!(usage.truth(&buyer).len(), 11);
    let ghost = usage.dimension(&buyer, "ghost").await;
    assert_eq!(
        (&ghost["hours"][0]["state"], &ghost["hours"][0]["reason"]),
        (&json!("quarantined"), &json!("INVALID_USAGE_DIMENSION"))
    );
    assert_eq!(ghost["sums"]["quarantined"], "2");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_reported_is_quarantined_and_never_carried() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "5").await;
    let chain = usage.bazaar.shop.metered(buyer.agreement).await.unwrap().unwrap();
    let activated = chain.agreements[0].activated.clone().unwrap();
    let other = marque_core::usage::Record {
        license_arn: activated.license_arn,
        account: activated.account,
        product_code: activated.product_code,
        region: "us-east-1".to_owned(),
        timestamp: "2027-03-10T10:30:00Z".parse().unwrap(),
        quantity: "3".parse().unwrap(),
    };
    let key = marque_core::usage::EntryKey {
        chain: chain.id,
        agreement: buyer.agreement,
        hour: "2027-03-10T10:00:00Z".parse().unwrap(),
        dimension: "requests".to_owned(),
    };
    usage.set("2027-03-10T11:05:00Z");
    usage.metering.report("us-east-1", &[(&key, &other)]).await;
    let counts = usage.run().await;
    assert_eq!((counts.quarantined, counts.duplicates, counts.confirmed), (1, 1, 0));
    let hour = usage.hour(&buyer).await;
    assert_eq!((&hour["state"], &hour["reason"]), (&json!("quarantined"), &json!("REPORTED_ELSEWHERE")));
    let sums = usage.dimension(&buyer, "requests").await["sums"].clone();
    assert_eq!((&sums["accepted"], &sums["quarantined"], &sums["open"]), (&json!("5"), &json!("5"), &json!("0")));
    let path = format!("/usage/{}/hours/2027-03-10T10:00:00Z/requests/replay", buyer.agreement);
    let again = |quantity: &str| json!({"quantity": quantity, "reason": "looked at it"});
    let (status, problem) = usage.admin(Method::POST, &path, Some(again("4"))).await;
    assert_eq!((status, &problem["code"]), (422, &json!("RULE_VIOLATED")));
    let (status, answer) = usage.admin(Method::POST, &path, Some(again("5"))).await;
    assert_eq!((status, &answer["state"], &answer["replays"][0]["by"]), (200, &json!("sending"), &json!("local")));
    let (status, problem) = usage.admin(Method::POST, &path, Some(again("5"))).await;
    assert_eq!((status, &problem["from"], &problem["action"]), (409, &json!("sending"), &json!("replay")));
    assert_eq!(usage.run().await.quarantined, 1, "it is still somebody else's");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_not_known_yet_is_asked_for_again() {
    let usage = Usage::new().await;
    usage.bazaar.market.set(|knobs| knobs.subscription_lag = Duration::from_seconds(2 * 3600 + 600));
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "5").await;
    assert_eq!(usage.run_at("2027-03-10T11:05:00Z").await.held, 1);
    assert_eq!(usage.run_at("2027-03-10T11:05:59Z").await.calls, 0, "not before a minute");
    assert_eq!(usage.run_at("2027-03-10T11:06:00Z").await.calls, 1);
    assert_eq!(usage.hour(&buyer).await["reason"], "CUSTOMER_NOT_SUBSCRIBED");
    for minute in (10..60).step_by(5) {
        usage.run_at(&format!("2027-03-10T11:{minute}:00Z")).await;
    }
    usage.run_at("2027-03-10T12:15:00Z").await;
    usage.run_at("2027-03-10T12:50:00Z").await;
    assert_eq!(usage.hour(&buyer).await["state"], "confirmed");
}

#[tokio::test(start_paused = true)]
async fn a_months_last_hours_come_first_and_are_lost_at_its_close() {
    let usage = Usage::new().await;
    usage.set("2027-03-31T20:00:00Z");
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    for hour in [20, 23] {
        usage.set(&format!("2027-03-31T{hour}:30:00Z"));
        usage.take(&buyer, &hour.to_string(), "1").await;
    }
    usage.set("2027-04-01T05:59:00Z");
    let counts = usage.run().await;
    assert_eq!((counts.confirmed, counts.expired), (2, 0));
    let late = Usage::new().await;
    late.set("2027-03-31T23:30:00Z");
    let buyer = late.buyer(1, Pricing::Subscription).await;
    late.take(&buyer, "a", "7").await;
    let counts = late.run_at("2027-04-01T06:00:00Z").await;
    assert_eq!((counts.expired, counts.calls), (1, 0));
    assert!((counts.units_lost - 7.0).abs() < 1e-9);
    let hour = late.hour(&buyer).await;
    assert_eq!((&hour["state"], &hour["reason"]), (&json!("expired"), &json!("MONTH_CLOSED")));
}

#[tokio::test(start_paused = true)]
async fn the_last_hour_of_an_agreement_is_sent_ten_minutes_after_its_end() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "closed", "1").await;
    usage.set("2027-03-10T11:02:00Z");
    usage.take(&buyer, "running", "2").await;
    let events = usage.bazaar.market.cancel(&buyer.bought.agreement).unwrap();
    usage.bazaar.deliver(&events).await;
    let counts = usage.run().await;
    assert_eq!((counts.confirmed, counts.failed), (1, 0), "what is closed is sent at once");
    usage.set("2027-03-10T11:11:00Z");
    let held = usage.record("held by a server", "4");
    let held = json!({"id": held["id"], "dimension": "requests", "quantity": "4", "at": "2027-03-10T11:01:00Z"});
    assert_eq!(usage.report(&buyer, vec![held.clone()]).await[0]["status"], "accepted");
    let after = json!({"id": "after", "dimension": "requests", "quantity": "4", "at": "2027-03-10T11:03:00Z"});
    assert_eq!(usage.report(&buyer, vec![after]).await[0]["code"], "AFTER_END");
    let counts = usage.run_at("2027-03-10T11:12:00Z").await;
    assert_eq!((counts.confirmed, counts.failed), (1, 0));
    assert_eq!(usage.truth(&buyer)[1], ("2027-03-10T11:01:59Z".to_owned(), "6".to_owned()));
    assert_eq!(usage.report(&buyer, vec![held]).await[0]["status"], "duplicate", "counted, though it ended");
    assert_eq!(usage.run_at("2027-03-10T11:14:00Z").await.calls, 0);
    assert_eq!(usage.dimension(&buyer, "requests").await["remainder_is"], "WRITTEN_OFF_AT_END");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_kept_flushes_even_if_its_teller_dies_right_after() {
    for nth in 1.. {
        let usage = Usage::new().await;
        let buyer = usage.buyer(1, Pricing::Subscription).await;
        usage.set("2027-03-10T10:02:00Z");
        usage.take(&buyer, "a", "2").await;
        let events = usage.bazaar.market.cancel(&buyer.bought.agreement).unwrap();
        let faults = usage.bazaar.embedded.faults();
        faults.fail_nth(nth, TableFault::Crash { applied: true });
        let told = usage.bazaar.shop.event(&events[0]).await;
        let happened = faults.crashed();
        faults.clear();
        let chain = usage.bazaar.chain(&buyer.bought.agreement).await.unwrap();
        if chain.current().facts.ended.is_some() {
            usage.run_at("2027-03-10T10:13:00Z").await;
            assert_eq!(usage.truth(&buyer), [("2027-03-10T10:01:59Z".to_owned(), "2".to_owned())], "{nth} {told:?}");
        }
        if !happened {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_door_that_is_shut_loses_what_was_not_sent_and_says_how_much() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "9").await;
    usage.set("2027-03-10T10:30:00Z");
    let events = usage.bazaar.market.cancel(&buyer.bought.agreement).unwrap();
    usage.bazaar.deliver(&events).await;
    let counts = usage.run_at("2027-03-10T11:31:00Z").await;
    assert_eq!((counts.expired, counts.failed), (1, 0));
    assert!((counts.units_lost - 9.0).abs() < 1e-9);
    assert_eq!(usage.hour(&buyer).await["reason"], "CUSTOMER_NOT_SUBSCRIBED");
    assert_eq!(usage.run_at("2027-03-10T11:40:00Z").await.calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_contract_bills_what_exceeds_it_and_whole_units_carry_their_rest() {
    let usage = Usage::metering(&[("requests", Unit::Integral, Included::PerHour)]).await;
    let buyer = usage.buyer(1, Pricing::ContractWithConsumption).await;
    usage.take(&buyer, "a", "1.75").await;
    let counts = usage.run_at("2027-03-10T11:05:00Z").await;
    assert_eq!(counts.confirmed, 1);
    let sums = usage.dimension(&buyer, "requests").await["sums"].clone();
    assert_eq!((&sums["confirmed"], &sums["remainder"], &sums["included"]), (&json!("1"), &json!("0.75"), &json!("0")));
}

#[tokio::test(start_paused = true)]
async fn calls_are_full_and_eight_a_second() {
    let usage = Usage::new().await;
    let mut buyers = Vec::new();
    for number in 1..=3 {
        buyers.push(usage.buyer(number, Pricing::Subscription).await);
    }
    usage.set("2027-03-11T09:30:00Z");
    for buyer in &buyers {
        let hours = (0..20).map(|hour| {
            let at = Timestamp::from_unix("2027-03-10T11:30:00Z".parse::<Timestamp>().unwrap().unix() + hour * 3600)
                .unwrap();
            json!({"id": format!("r{hour}"), "dimension": "requests", "quantity": "1", "at": at})
        });
        assert!(usage.report(buyer, hours.collect()).await.iter().all(|result| result["status"] == "accepted"));
    }
    let begun = tokio::time::Instant::now();
    let counts = usage.run().await;
    assert_eq!((counts.confirmed, counts.calls, counts.records), (60, 3, 60));
    assert!(begun.elapsed().as_millis() >= 250, "{:?}", begun.elapsed());
    // The oldest deadline first.
    let truth = usage.bazaar.market.truth().accepted;
    assert!(truth.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
}

#[tokio::test(start_paused = true)]
async fn throttling_ends_a_run_and_costs_nothing() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "1").await;
    usage.bazaar.market.order_fault(Operation::BatchMeterUsage, Fault::Throttle, 9);
    let counts = usage.run_at("2027-03-10T11:05:00Z").await;
    assert_eq!((counts.calls, counts.stopped, counts.finished), (1, true, false));
    assert_eq!(usage.run_at("2027-03-10T18:05:00Z").await.oldest_unsent, 7 * 3600 + 300);
    usage.bazaar.market.order_fault(Operation::BatchMeterUsage, Fault::Throttle, 0);
    assert_eq!(usage.run().await.confirmed, 1);
    assert_eq!(usage.hour(&buyer).await["attempts"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_stutters_loses_nothing() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::Subscription).await;
    usage.take(&buyer, "a", "1").await;
    usage.set("2027-03-10T11:05:00Z");
    for _ in 0..3 {
        usage
            .bazaar
            .embedded
            .faults()
            .inject(Some(TableOperation::UpdateItem), TableFault::TransactionConflict { index: 0 });
    }
    usage.run().await;
    for minute in 6..9 {
        usage.run_at(&format!("2027-03-10T11:{minute:02}:00Z")).await;
    }
    assert_eq!(usage.hour(&buyer).await["state"], "confirmed");
    assert_eq!(usage.truth(&buyer).len(), 1);
}

/// A renewal is told of before the agreement that takes over is known.
#[tokio::test(start_paused = true)]
async fn usage_between_a_renewal_and_its_successor_is_taken_and_billed() {
    let usage = Usage::new().await;
    let buyer = usage.buyer(1, Pricing::ContractWithConsumption).await;
    let renewed = usage.bazaar.market.renew(&buyer.bought.agreement, None).unwrap();
    let told = |kind: &str| -> Vec<Value> {
        let of_kind = |event: &&Value| event["detail-type"].as_str().unwrap_or_default().contains(kind);
        renewed.events.iter().filter(of_kind).cloned().collect()
    };
    usage.bazaar.deliver(&told("Ended")).await;
    usage.bazaar.advance(120);
    usage.take(&buyer, "a", "1").await;
    usage.bazaar.advance(7200);
    usage.run().await;
    usage.take(&buyer, "b", "2").await;
    let rest: Vec<Value> = renewed.events.iter().filter(|event| !told("Ended").contains(event)).cloned().collect();
    usage.bazaar.deliver(&rest).await;
    for _ in 0..4 {
        usage.bazaar.advance(3600);
        usage.run().await;
    }
    let truth = usage.bazaar.market.truth();
    let billed: f64 = truth.accepted.iter().map(|metered| metered.quantity.parse::<f64>().unwrap()).sum();
    assert!((billed - 3.0).abs() < 1e-9, "{:?} {:#}", truth.refused, usage.dimension(&buyer, "requests").await);
}
