//! Many at once: stamps against transitions, servers for one seat, trials in one domain.

use aws_sdk_dynamodb::types::AttributeValue;
use marque_core::{Binding, What};
use marque_store::{CheckIn, Committed};
use tokio::task::JoinSet;

use crate::support::{NOW, Table, alone, domain, perpetual, seats, stamp, time, token, trial, yearly};

#[tokio::test]
async fn a_transition_never_erases_a_stamp_made_in_between() {
    let plan = yearly();
    let (table, before) = Table::bound(&plan).await;
    table.check(stamp(&before, &domain(1), 1)).await;
    table.store.count_fork(before.id, &domain(1)).await.unwrap();
    let after = before.clone().cancel(alone(&plan), time(NOW)).unwrap();
    let (committed, after) = table.commit(&before, after, &plan, What::Cancelled { reason: None }).await;
    assert_eq!(committed.unwrap(), Committed::Done);
    let now = table.read(before.id).await;
    assert_eq!((now.version, &now.pending), (after.version, &after.pending));
    let bound = &now.activations[&domain(1)];
    assert_eq!(bound.seen.as_ref().map(|seen| seen.lease), Some(token(1)));
    assert_eq!(bound.forks, 1);
}

#[tokio::test]
async fn a_file_and_another_seat_leave_stamps_alone_too() {
    let plan = seats(2);
    let (table, before) = Table::bound(&plan).await;
    table.check(stamp(&before, &domain(1), 1)).await;
    let second = table.bind(&before, &plan, 2).await;
    table.check(stamp(&before, &domain(1), 2)).await;
    assert_eq!(table.keep_file(&second, &plan, 1, 5).await.unwrap(), Committed::Done);
    let now = table.read(before.id).await;
    let seen = now.activations[&domain(1)].seen.as_ref().unwrap();
    assert_eq!((seen.lease, seen.previous_lease), (token(2), Some(token(1))));
    assert_eq!(now.activations[&domain(1)].file, Some(token(5)));
    assert_eq!(now.activations[&domain(2)].seen, None);
}

#[tokio::test]
async fn a_stamp_after_a_release_finds_nobody() {
    let plan = yearly();
    let (table, before) = Table::bound(&plan).await;
    let id = before.activations[&domain(1)].id;
    let released = before.clone().release(id, false, alone(&plan), time(NOW)).unwrap().unwrap().license;
    let (committed, _) = table.commit(&before, released, &plan, What::Released { activation: id, reason: None }).await;
    assert_eq!(committed.unwrap(), Committed::Done);
    let CheckIn::Refused(license) = table.check(stamp(&before, &domain(1), 1)).await else { panic!() };
    assert!(license.activations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_second_is_overtaken() {
    let plan = perpetual();
    let (table, before) = Table::bound(&plan).await;
    let after = before.clone().cancel(alone(&plan), time(NOW)).unwrap_or_else(|_| {
        let mut after = before.clone();
        after.version += 1;
        after
    });
    let (first, winner) = table.commit(&before, after.clone(), &plan, What::Cancelled { reason: None }).await;
    assert_eq!(first.unwrap(), Committed::Done);
    let item = table.license_item(before.id).await;
    let (second, _) = table.commit(&before, after, &plan, What::ChangeWithdrawn).await;
    assert_eq!(second.unwrap(), Committed::Overtaken);
    let (third, _) = table.try_bind(&before, &plan, 2).await;
    assert_eq!(third.unwrap(), Committed::Overtaken);
    assert_eq!(table.keep_file(&before, &plan, 1, 7).await.unwrap(), Committed::Overtaken);
    assert_eq!(table.license_item(before.id).await, item);
    assert_eq!(table.store.file(before.id, &domain(1)).await.unwrap(), None);
    assert_eq!(table.read(before.id).await.head, winner.head);
    assert_eq!(table.history(before.id).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn of_forty_racers_for_one_seat_one_binds() {
    let plan = yearly();
    let (table, license) = Table::with(&plan).await;
    let table = std::sync::Arc::new(table);
    let mut racers = JoinSet::new();
    for number in 1..=40 {
        let (table, plan) = (table.clone(), plan.clone());
        racers.spawn(async move {
            for _ in 0..4 {
                let before = table.read(license.id).await;
                match before.judge_binding(&domain(number), &plan, time(NOW)) {
                    Binding::Free => {}
                    Binding::OverLimit => return false,
                    other => panic!("{other:?}"),
                }
                if table.try_bind(&before, &plan, number).await.0.unwrap() == Committed::Done {
                    return true;
                }
            }
            panic!("a racer for a seat that is taken goes on for ever");
        });
    }
    let bound = racers.join_all().await.into_iter().filter(|bound| *bound).count();
    assert_eq!(bound, 1);
    assert_eq!(table.read(license.id).await.activations.len(), 1);
    assert_eq!(table.history(license.id).await.len(), 2);
    let look_ups = table.items().await.iter().filter(|item| item["sk"].as_s().unwrap() == "ACTIVATION").count();
    assert_eq!(look_ups, 1);
}

#[tokio::test(start_paused = true)]
async fn of_two_trials_in_one_domain_one_binds() {
    let plan = trial();
    let table = Table::new().await;
    let (one, two) = (table.issue(&plan, 1).await, table.issue(&plan, 2).await);
    let ((first, _), (second, _)) = tokio::join!(table.try_bind(&one, &plan, 1), table.try_bind(&two, &plan, 1));
    let won = [first.unwrap(), second.unwrap()];
    assert_eq!(won.iter().filter(|committed| **committed == Committed::Done).count(), 1, "{won:?}");
    let (winner, loser) = if won[0] == Committed::Done { (&one, &two) } else { (&two, &one) };
    assert_eq!(table.store.trial_in(&one.product, &domain(1)).await.unwrap(), Some(winner.id));
    assert!(table.read(loser.id).await.activations.is_empty());
    assert_eq!(table.history(winner.id).await.len(), 2);
    assert_eq!(table.history(loser.id).await.len(), 1);
    // In another domain the loser is welcome, and in the first one the winner is again.
    table.bind(loser, &plan, 2).await;
    let winner = table.read(winner.id).await;
    let id = winner.activations[&domain(1)].id;
    let free = winner.clone().release(id, false, alone(&plan), time(NOW)).unwrap().unwrap().license;
    let what = What::Released { activation: id, reason: None };
    let (released, winner) = table.commit(&winner, free, &plan, what).await;
    assert_eq!(released.unwrap(), Committed::Done);
    assert_eq!(winner.judge_binding(&domain(1), &plan, time(NOW)), Binding::Free);
    table.bind(&winner, &plan, 1).await;
}

/// Version and number of the entry guard the same thing twice: each alone is enough.
#[tokio::test(start_paused = true)]
async fn a_version_or_an_entry_that_moved_on_is_enough_to_be_overtaken() {
    let plan = yearly();
    for attribute in ["v", "event"] {
        let (table, before) = Table::bound(&plan).await;
        if attribute == "v" {
            let mut item = table.license_item(before.id).await;
            item.insert("v".to_owned(), AttributeValue::N("7".to_owned()));
            table.put(item).await;
        } else {
            let mut item = table.item(&format!("LICENSE#{}", before.id), "EVENT#0000000002").await.unwrap();
            item.insert("sk".to_owned(), AttributeValue::S("EVENT#0000000003".to_owned()));
            table.put(item).await;
        }
        let items = table.items().await;
        let after = before.clone().cancel(alone(&plan), time(NOW)).unwrap();
        let (committed, _) = table.commit(&before, after, &plan, What::Cancelled { reason: None }).await;
        assert_eq!(committed.unwrap(), Committed::Overtaken, "{attribute}");
        assert_eq!(table.items().await, items);
    }
}
