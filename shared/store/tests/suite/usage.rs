//! The ledger of usage in the table: counted once, sealed once, and what that costs.

use marque_core::usage::{
    Activated, Chain, Dimension, EntryKey, Hour, Included, Metered, Quantity, Reason, Reply, Sealing, State, StateName,
    Target, Unit,
};
use marque_core::{AgreementId, Duration, Timestamp};
use marque_embedded::{Fault, Operation};
use marque_store::{Along, Committed, KeptHour, NewUsage, Place, Recorded, Replay, SealHour, Shard, Store, UsageWork};

use crate::size;
use crate::support::{NOW, PRODUCT, Table, slug, time};

fn agreement(number: u8) -> AgreementId {
    AgreementId::new(time("2027-03-01T10:00:00Z"), [number; 10])
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn hour(text: &str) -> Hour {
    text.parse().unwrap()
}

/// Meters `requests` in decimals and `servers` in whole units.
fn chain() -> Chain {
    let dimension = |name: &str, unit| Dimension { name: name.to_owned(), unit, included: Included::None };
    let activated = Activated {
        start: time("2027-03-01T10:20:30Z"),
        surely_by: time("2027-03-01T10:20:30Z"),
        license_arn: "arn:aws:license-manager::294406891311:license:l-1".to_owned(),
        account: "123456789012".to_owned(),
        product_code: "code".to_owned(),
        region: "us-east-1".to_owned(),
    };
    Chain {
        id: agreement(1),
        product: slug(PRODUCT),
        agreements: vec![Metered {
            id: agreement(1),
            activated: Some(activated),
            end: None,
            left: None,
            entitled: Vec::new(),
        }],
        dimensions: vec![dimension("requests", Unit::Decimal), dimension("servers", Unit::Integral)],
        retention: Duration::days(400),
    }
}

fn key(dimension: &str, at: &str) -> EntryKey {
    EntryKey { chain: agreement(1), agreement: agreement(1), hour: hour(at), dimension: dimension.to_owned() }
}

fn target(dimension: &str, at: &str, carried: bool) -> Target {
    let key = key(dimension, at);
    let due = key.hour.end().after(Duration::from_seconds(300));
    Target { key, carried, due }
}

/// Its own hour, then the next one.
fn targets(dimension: &str) -> Vec<Target> {
    vec![target(dimension, "2027-03-10T10:00:00Z", false), target(dimension, "2027-03-10T11:00:00Z", true)]
}

fn new<'a>(id: &'a str, amount: &str, targets: &'a [Target]) -> NewUsage<'a> {
    let dimension = targets.first().map_or("requests", |target| &target.key.dimension);
    NewUsage { id, at: time(NOW), dimension, quantity: quantity(amount), targets }
}

async fn add(store: &Store, records: &[NewUsage<'_>]) -> Vec<Recorded> {
    store.record_usage(agreement(1), &[], records, time(NOW)).await.unwrap()
}

async fn read(store: &Store, key: &EntryKey) -> KeptHour {
    store.usage_hour(key).await.unwrap().expect("an hour")
}

const HERE: &str = "2027-03-10T10:00:00Z";
const NEXT: &str = "2027-03-10T11:00:00Z";

fn in_hour(at: &str, carried: bool) -> Place {
    Place { hour: hour(at), carried }
}

/// Seals an hour as `meter` does.
async fn seal(store: &Store, chain: &Chain, before: &KeptHour, now: &str) -> (Committed, KeptHour) {
    let key = &before.entry.key;
    let remainder = store.usage_remainder(chain.id, &[], &key.dimension).await.unwrap();
    let Sealing::Sealed { entry, remainder: left, overflow } = before.entry.seal(chain, remainder.total(), time(now))
    else {
        panic!("it is not to be sealed")
    };
    let due = entry.state.sealed().map(|sealed| sealed.record.timestamp);
    let after = KeptHour { entry: *entry, due, ..before.clone() };
    let seal = SealHour { before, after: &after, remainder: &remainder, left, overflow: overflow.as_ref() };
    (store.seal_hour(seal).await.unwrap(), after)
}

#[tokio::test]
async fn a_record_is_counted_once_and_its_id_stands_for_its_content() {
    let Table { store, .. } = Table::new().await;
    let targets = targets("requests");
    assert_eq!(add(&store, &[new("a", "2.5", &targets)]).await, [Recorded::Accepted(in_hour(HERE, false))]);
    assert_eq!(add(&store, &[new("a", "2.50", &targets)]).await, [Recorded::Duplicate(in_hour(HERE, false))]);
    assert_eq!(add(&store, &[new("a", "2.6", &targets)]).await, [Recorded::Conflict]);
    let later = NewUsage { at: time("2027-03-10T10:00:01Z"), ..new("a", "2.5", &targets) };
    assert_eq!(add(&store, &[later]).await, [Recorded::Conflict]);
    let hour = read(&store, &targets[0].key).await;
    assert_eq!((hour.entry.taken.accepted, hour.entry.taken.records), (quantity("2.5"), 1));
    assert_eq!((hour.entry.state.name(), hour.due), (StateName::Open, Some(targets[0].due)));
}

#[tokio::test]
async fn the_same_id_twice_in_a_request_is_counted_once() {
    let Table { store, .. } = Table::new().await;
    let targets = targets("requests");
    let records = [new("a", "1", &targets), new("b", "1", &targets), new("a", "1", &targets), new("b", "2", &targets)];
    let here = in_hour(HERE, false);
    let expected = [Recorded::Accepted(here), Recorded::Accepted(here), Recorded::Duplicate(here), Recorded::Conflict];
    assert_eq!(add(&store, &records).await, expected);
    assert_eq!(read(&store, &targets[0].key).await.entry.taken.accepted, quantity("2"));
}

#[tokio::test]
async fn an_id_is_forgotten_after_90_days_though_time_to_live_is_late() {
    let Table { store, .. } = Table::new().await;
    let targets = targets("requests");
    add(&store, &[new("a", "1", &targets)]).await;
    let at = |seconds: i64| Timestamp::from_unix(time(NOW).unix() + 90 * 86_400 + seconds).unwrap();
    let record = [new("a", "1", &targets)];
    let again = |now| store.record_usage(agreement(1), &[], &record, now);
    assert_eq!(again(at(-1)).await.unwrap(), [Recorded::Duplicate(in_hour(HERE, false))]);
    assert_eq!(again(at(0)).await.unwrap(), [Recorded::Accepted(in_hour(HERE, false))]);
}

#[tokio::test]
async fn what_comes_too_late_goes_to_the_next_hour_that_is_open() {
    let Table { store, .. } = Table::new().await;
    let targets = targets("requests");
    add(&store, &[new("a", "1", &targets)]).await;
    let before = read(&store, &targets[0].key).await;
    assert_eq!(seal(&store, &chain(), &before, "2027-03-10T11:05:00Z").await.0, Committed::Done);
    let mixed = [new("a", "1", &targets), new("b", "4", &targets), new("c", "5", &targets[1..])];
    let next = in_hour(NEXT, true);
    let expected = [Recorded::Duplicate(in_hour(HERE, false)), Recorded::Accepted(next), Recorded::Accepted(next)];
    assert_eq!(add(&store, &mixed).await, expected);
    let taken = read(&store, &targets[1].key).await.entry.taken;
    assert_eq!((taken.accepted, taken.carried, taken.records), (quantity("9"), quantity("9"), 2));
    assert_eq!(read(&store, &targets[0].key).await.entry.taken.accepted, quantity("1"));
    assert_eq!(add(&store, &[new("d", "1", &targets[..1])]).await, [Recorded::Closed], "no other hour to go to");
    assert_eq!(add(&store, &[new("b", "4", &[])]).await, [Recorded::Duplicate(next)], "known, though nowhere to go");
    assert_eq!(add(&store, &[new("e", "4", &[])]).await, [Recorded::Closed]);
}

#[tokio::test]
async fn a_hundred_records_of_fifty_hours_are_counted_whole() {
    let Table { store, embedded, .. } = Table::new().await;
    let hours: Vec<Vec<Target>> = (0..50)
        .map(|number| {
            let at = Timestamp::from_unix(time(HERE).unix() - number * 3600).unwrap();
            vec![target("requests", &at.to_string(), false)]
        })
        .collect();
    let ids: Vec<String> = (0..100).map(|number| format!("r{number}")).collect();
    let records: Vec<_> = ids.iter().enumerate().map(|(place, id)| new(id, "1.5", &hours[place % 50])).collect();
    embedded.calls().record(true);
    let results = add(&store, &records).await;
    assert!(results.iter().all(|result| matches!(result, Recorded::Accepted(_))));
    assert_eq!(embedded.calls().take().len(), 2, "two transactions");
    let kept = store.usage_hours_between(agreement(1), agreement(1), hour("2027-03-01T00:00:00Z"), None).await.unwrap();
    assert_eq!(kept.len(), 50);
    assert!(kept.iter().all(|hour| hour.entry.taken.accepted == quantity("3")));
    let again = add(&store, &records).await;
    assert!(again.iter().all(|result| matches!(result, Recorded::Duplicate(_))));
}

#[tokio::test]
async fn alone_a_record_costs_four_write_units_and_in_a_batch_about_two() {
    let Table { store, embedded, .. } = Table::new().await;
    let targets = targets("requests");
    add(&store, &[new("first", "1", &targets)]).await;
    embedded.calls().record(true);
    add(&store, &[new("alone", "1", &targets)]).await;
    let calls = embedded.calls().take();
    assert_eq!((calls.len(), calls[0].operation), (1, Some(Operation::TransactWriteItems)));
    assert!((calls[0].write_units - 4.0).abs() < 0.01, "{calls:?}");
    let ids: Vec<String> = (0..100).map(|number| format!("r{number}")).collect();
    let records: Vec<_> = ids.iter().map(|id| new(id, "1", &targets)).collect();
    add(&store, &records).await;
    let calls = embedded.calls().take();
    let units: f64 = calls.iter().map(|call| call.write_units).sum();
    assert!(units / 100.0 < 2.1, "{units}");
}

#[tokio::test]
async fn additions_leave_the_index_and_its_due_time_alone() {
    let Table { store, embedded, .. } = Table::new().await;
    let targets = targets("requests");
    add(&store, &[new("a", "1", &targets)]).await;
    let later = [Target { due: time("2027-03-20T00:00:00Z"), ..targets[0].clone() }];
    embedded.calls().record(true);
    add(&store, &[new("b", "1", &later)]).await;
    assert!((embedded.calls().take()[0].write_units - 4.0).abs() < 0.01, "the index is not paid for");
    assert_eq!(read(&store, &targets[0].key).await.due, Some(targets[0].due));
}

/// From its first record to its confirmation, with one attempt: what docs/performance.md reckons with.
#[tokio::test]
async fn an_hours_life_costs_13_write_units_and_its_item_is_small() {
    let table = Table::new().await;
    let store = &table.store;
    let arn = format!("arn:aws:license-manager::294406891311:license:l-{}", "0123456789abcdef".repeat(2));
    let mut chain = chain();
    chain.agreements[0].activated.as_mut().unwrap().license_arn = arn;
    let targets = targets("requests");
    table.embedded.calls().record(true);
    add(store, &[new("0191e2b4-0000-7000-8000-000000000001", "12.5", &targets)]).await;
    let open = read(store, &targets[0].key).await;
    let (_, sealed) = seal(store, &chain, &open, "2027-03-10T11:05:00Z").await;
    let sent = KeptHour { entry: sealed.entry.clone().attempt().unwrap(), ..sealed.clone() };
    assert_eq!(store.change_hour(&sealed, &sent, Along::NOTHING).await.unwrap(), Committed::Done);
    let now = time("2027-03-10T11:05:01Z");
    let entry = sent.entry.clone().answered(&Reply::Success("f".repeat(32)), false, now);
    let confirmed = KeptHour { entry, due: None, forget_at: Some(now.after(Duration::days(400))), ..sent.clone() };
    assert_eq!(store.change_hour(&sent, &confirmed, Along::NOTHING).await.unwrap(), Committed::Done);
    let units: Vec<f64> = table.embedded.calls().take().iter().map(|call| call.write_units).collect();
    let all: f64 = units.iter().sum();
    assert!(all <= 13.0, "{units:?}");
    let sizes: Vec<usize> = table.items().await.iter().map(size::of).collect();
    assert_eq!(sizes.len(), 2, "the hour, and the mark of its record");
    assert!(sizes.iter().sum::<usize>() < 800, "{sizes:?}");
    println!("write units {units:?}, bytes {sizes:?}");
}

#[tokio::test]
async fn an_addition_between_reading_and_sealing_is_not_lost() {
    let Table { store, .. } = Table::new().await;
    let targets = targets("requests");
    add(&store, &[new("a", "1", &targets)]).await;
    let before = read(&store, &targets[0].key).await;
    add(&store, &[new("b", "2", &targets)]).await;
    assert_eq!(seal(&store, &chain(), &before, "2027-03-10T11:05:00Z").await.0, Committed::Overtaken);
    let before = read(&store, &targets[0].key).await;
    let (committed, after) = seal(&store, &chain(), &before, "2027-03-10T11:05:00Z").await;
    assert_eq!(committed, Committed::Done);
    assert_eq!(read(&store, &targets[0].key).await, after);
    assert_eq!(after.entry.state.sealed().unwrap().record.quantity, quantity("3"));
    assert_eq!(seal(&store, &chain(), &before, "2027-03-10T11:06:00Z").await.0, Committed::Overtaken, "once");
}

#[tokio::test]
async fn what_is_left_of_a_unit_moves_on_in_the_same_transaction() {
    let Table { store, .. } = Table::new().await;
    for (hour, amount, reported, left) in [
        ("2027-03-10T08:00:00Z", "1.4", "1", "0.4"),
        ("2027-03-10T09:00:00Z", "0.7", "1", "0.1"),
        ("2027-03-10T10:00:00Z", "0.9", "1", "0"),
    ] {
        let targets = [target("servers", hour, false)];
        add(&store, &[new(hour, amount, &targets)]).await;
        let before = read(&store, &targets[0].key).await;
        let (committed, after) = seal(&store, &chain(), &before, "2027-03-10T11:05:00Z").await;
        assert_eq!(committed, Committed::Done);
        assert_eq!(after.entry.state.sealed().unwrap().record.quantity, quantity(reported));
        let remainder = store.usage_remainder(agreement(1), &[], "servers").await.unwrap();
        assert_eq!(remainder.total(), quantity(left));
        assert_eq!(read(&store, &targets[0].key).await, after);
    }
}

#[tokio::test]
async fn two_hours_that_take_the_same_remainder_take_it_once() {
    let Table { store, .. } = Table::new().await;
    let hours = ["2027-03-10T08:00:00Z", "2027-03-10T09:00:00Z"].map(|hour| [target("servers", hour, false)]);
    for (place, targets) in hours.iter().enumerate() {
        add(&store, &[new(["x", "y"][place], "0.6", targets)]).await;
    }
    let stale = store.usage_remainder(agreement(1), &[], "servers").await.unwrap();
    let first = read(&store, &hours[0][0].key).await;
    assert_eq!(seal(&store, &chain(), &first, "2027-03-10T11:05:00Z").await.0, Committed::Done);
    let second = read(&store, &hours[1][0].key).await;
    let Sealing::Sealed { entry, remainder: left, .. } =
        second.entry.seal(&chain(), stale.total(), time("2027-03-10T11:05:00Z"))
    else {
        panic!()
    };
    let after = KeptHour { entry: *entry, ..second.clone() };
    let seal = SealHour { before: &second, after: &after, remainder: &stale, left, overflow: None };
    assert_eq!(store.seal_hour(seal).await.unwrap(), Committed::Overtaken);
}

#[tokio::test]
async fn what_one_report_cannot_hold_opens_the_next_hour() {
    let Table { store, .. } = Table::new().await;
    let targets = targets("requests");
    add(&store, &[new("a", "2147483647", &targets), new("b", "10.5", &targets)]).await;
    let before = read(&store, &targets[0].key).await;
    assert_eq!(seal(&store, &chain(), &before, "2027-03-10T11:05:00Z").await.0, Committed::Done);
    let next = read(&store, &targets[1].key).await;
    assert_eq!((next.entry.state.name(), next.entry.taken.accepted), (StateName::Open, Quantity::ZERO));
    assert_eq!(store.usage_remainder(agreement(1), &[], "requests").await.unwrap().total(), quantity("10.5"));
    let (_, after) = seal(&store, &chain(), &next, "2027-03-10T12:05:00Z").await;
    assert_eq!(after.entry.state.sealed().unwrap().record.quantity, quantity("10.5"));
}

#[tokio::test]
async fn what_was_left_and_counted_before_two_chains_were_joined_is_found() {
    let Table { store, .. } = Table::new().await;
    let other = agreement(2);
    let targets = [target("servers", HERE, false)];
    let record = [new("a", "0.6", &targets)];
    store.record_usage(other, &[], &record, time(NOW)).await.unwrap();
    let known = store.record_usage(agreement(1), &[other], &record, time(NOW)).await.unwrap();
    assert_eq!(known, [Recorded::Duplicate(in_hour(HERE, false))]);
    let before = read(&store, &targets[0].key).await;
    let moved = Chain { id: other, ..chain() };
    assert_eq!(seal(&store, &moved, &before, "2027-03-10T11:05:00Z").await.0, Committed::Done);
    let remainder = store.usage_remainder(agreement(1), &[other], "servers").await.unwrap();
    assert_eq!(remainder.total(), quantity("0.6"));
    let more = [target("servers", NEXT, false)];
    add(&store, &[new("b", "0.6", &more)]).await;
    let before = read(&store, &more[0].key).await;
    let Sealing::Sealed { entry, remainder: left, .. } =
        before.entry.seal(&chain(), remainder.total(), time("2027-03-10T12:05:00Z"))
    else {
        panic!()
    };
    let after = KeptHour { entry: *entry, ..before.clone() };
    let seal = SealHour { before: &before, after: &after, remainder: &remainder, left, overflow: None };
    assert_eq!(store.seal_hour(seal).await.unwrap(), Committed::Done);
    assert_eq!(store.usage_remainder(agreement(1), &[other], "servers").await.unwrap().total(), quantity("0.2"));
    assert_eq!(store.usage_remainder(other, &[], "servers").await.unwrap().total(), Quantity::ZERO);
}

/// An hour in every state that there is, each reached from the one before it.
#[tokio::test]
async fn every_state_is_read_as_it_was_written() {
    let Table { store, .. } = Table::new().await;
    let targets = targets("requests");
    add(&store, &[new("a", "1.25", &targets)]).await;
    let open = read(&store, &targets[0].key).await;
    let (_, mut hour) = seal(&store, &chain(), &open, "2027-03-10T11:05:00Z").await;
    let now = time("2027-03-10T11:06:00Z");
    let late = time("2027-03-12T00:00:00Z");
    let replay = Replay { at: now, by: "somebody".to_owned(), reason: "mended".to_owned() };
    type Step = fn(KeptHour, Timestamp) -> KeptHour;
    let steps: [(&str, Timestamp, Step); 9] = [
        ("sent", now, |hour, _| KeptHour { entry: hour.entry.attempt().unwrap(), ..hour }),
        ("held", now, |hour, now| {
            let entry = hour.entry.answered(&Reply::NotSubscribed, false, now);
            KeptHour { entry, next_try: Some(now), ..hour }
        }),
        ("sent again", now, |hour, _| KeptHour { entry: hour.entry.attempt().unwrap(), next_try: None, ..hour }),
        ("refused", now, |hour, now| {
            let entry = hour.entry.answered(&Reply::Refused(Reason::InvalidLicense), false, now);
            KeptHour { entry, due: None, ..hour }
        }),
        ("replayed", now, |hour, now| KeptHour { entry: hour.entry.replay(now).unwrap(), due: Some(now), ..hour }),
        ("sent once more", now, |hour, _| KeptHour { entry: hour.entry.attempt().unwrap(), ..hour }),
        ("unanswered", now, |hour, _| KeptHour { entry: hour.entry.attempt().unwrap(), ..hour }),
        ("given up", late, |hour, now| KeptHour { entry: hour.entry.expire(now).unwrap(), due: None, ..hour }),
        ("confirmed after all", late, |hour, now| {
            let entry = hour.entry.answered(&Reply::Success("r-1".to_owned()), true, now);
            KeptHour { entry, forget_at: Some(now.after(Duration::days(400))), ..hour }
        }),
    ];
    for (what, now, step) in steps {
        let mut after = step(hour.clone(), now);
        if what == "replayed" {
            after.replays.push(replay.clone());
        }
        assert_eq!(store.change_hour(&hour, &after, Along::NOTHING).await.unwrap(), Committed::Done, "{what}");
        assert_eq!(read(&store, &targets[0].key).await, after, "{what}");
        assert_eq!(store.change_hour(&hour, &after, Along::NOTHING).await.unwrap(), Committed::Overtaken, "{what}");
        let batch = store.usage_hours(std::slice::from_ref(&targets[0].key)).await.unwrap();
        assert_eq!(batch.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [after.clone()], "{what}");
        hour = after;
    }
    assert!(
        matches!(&hour.entry.state, State::Confirmed(_, _, receipt) if receipt.record_id.as_deref() == Some("r-1"))
    );
}

#[tokio::test]
async fn what_is_due_is_found_in_the_order_of_its_urgency() {
    let Table { store, .. } = Table::new().await;
    for hour in ["2027-03-10T09:00:00Z", "2027-03-10T08:00:00Z"] {
        add(&store, &[new(hour, "1", &[target("requests", hour, false)])]).await;
    }
    let mut along = Along::default();
    along.flush_usage(agreement(1), time("2027-03-10T09:30:00Z"));
    assert_eq!(store.keep(&along).await.unwrap(), Committed::Done);
    let mut found = Vec::new();
    for shard in Shard::of_usage() {
        let page = store.due_usage(shard, time("2027-03-10T10:04:59Z"), None, 10).await.unwrap();
        found.extend(page.entries.into_iter().map(Result::unwrap));
    }
    let eight = UsageWork::Hour {
        agreement: agreement(1),
        hour: hour("2027-03-10T08:00:00Z"),
        dimension: "requests".to_owned(),
    };
    let works: Vec<_> = found.iter().map(|due| due.work.clone()).collect();
    assert_eq!(works, [eight, UsageWork::Flush(agreement(1))]);
    assert!(!store.move_flush(agreement(1), time(NOW), None).await.unwrap(), "seen as it is no more");
    assert!(store.move_flush(agreement(1), found[1].at, None).await.unwrap());
    for shard in Shard::all() {
        let page = store.due(shard, Timestamp::MAX, None, 10).await.unwrap();
        assert!(page.entries.is_empty(), "the sweep has nothing to do with it");
    }
}

#[tokio::test]
async fn one_at_a_time_has_the_lock() {
    let Table { store, .. } = Table::new().await;
    let at = |seconds: i64| Timestamp::from_unix(time(NOW).unix() + seconds).unwrap();
    assert!(store.lock_meter("one", at(60), at(0)).await.unwrap());
    assert!(!store.lock_meter("two", at(61), at(1)).await.unwrap());
    assert!(store.lock_meter("one", at(90), at(30)).await.unwrap(), "kept");
    assert!(store.lock_meter("two", at(150), at(90)).await.unwrap(), "it has lapsed");
    store.unlock_meter("one").await.unwrap();
    assert!(!store.lock_meter("one", at(160), at(100)).await.unwrap(), "nobody unlocks another's");
    store.unlock_meter("two").await.unwrap();
    assert!(store.lock_meter("one", at(160), at(100)).await.unwrap());
    assert!(store.lock_meter("two", at(-9_000), at(-9_060)).await.unwrap(), "a clock was wrong by hours");
}

#[tokio::test]
async fn many_at_once_lose_nothing() {
    let Table { store, embedded, .. } = Table::new().await;
    for _ in 0..6 {
        embedded.faults().inject(Some(Operation::TransactWriteItems), Fault::TransactionConflict { index: 1 });
    }
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let (id, targets) = (format!("r{number}"), targets("requests"));
                add(&store, &[new(&id, "0.1", &targets), new("shared", "1", &targets)]).await
            })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        accepted += task.await.unwrap().iter().filter(|result| matches!(result, Recorded::Accepted(_))).count();
    }
    assert_eq!(accepted, 21);
    let taken = read(&store, &targets("requests")[0].key).await.entry.taken;
    assert_eq!((taken.accepted, taken.records), (quantity("3"), 21));
}

#[tokio::test]
async fn a_crash_anywhere_and_the_same_again_counts_once() {
    for applied in [false, true] {
        for nth in 1..=4 {
            let Table { store, embedded, .. } = Table::new().await;
            let targets = targets("requests");
            let ids: Vec<String> = (0..100).map(|number| format!("r{number}")).collect();
            let records: Vec<_> = ids.iter().map(|id| new(id, "1", &targets)).collect();
            embedded.faults().fail_nth(nth, Fault::Crash { applied });
            let first = store.record_usage(agreement(1), &[], &records, time(NOW)).await;
            embedded.faults().clear();
            let again = add(&store, &records).await;
            let counted = |result: &Recorded| matches!(result, Recorded::Accepted(_) | Recorded::Duplicate(_));
            assert!(again.iter().all(counted), "{nth} {applied} {first:?}");
            assert_eq!(read(&store, &targets[0].key).await.entry.taken.accepted, quantity("100"));
        }
    }
}
