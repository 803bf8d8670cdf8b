//! The process dies at every request of a change in turn, before and after its effect.

use marque_core::{Binding, LicenseId, Plan, What};
use marque_embedded::Fault;
use marque_store::{Committed, StoreError};

use crate::support::{NOW, Table, alone, domain, perpetual, time};

/// Reads, judges and binds, as the service does; the binding that holds the domain.
async fn bind(table: &Table, id: LicenseId, plan: &Plan) -> Result<String, StoreError> {
    loop {
        let before = table.store.license(id).await?.unwrap();
        if before.judge_binding(&domain(1), plan, time(NOW)) == Binding::Held {
            return Ok(before.activations[&domain(1)].id.to_string());
        }
        let (bound, after) = table.try_bind(&before, plan, 1).await;
        if bound? == Committed::Done {
            return Ok(after.activations[&domain(1)].id.to_string());
        }
    }
}

async fn release(table: &Table, id: LicenseId, plan: &Plan) -> Result<String, StoreError> {
    loop {
        let before = table.store.license(id).await?.unwrap();
        let Some(bound) = before.activations.get(&domain(1)) else { return Ok("released".to_owned()) };
        let activation = bound.id;
        let released = before.clone().release(activation, true, alone(plan), time(NOW)).unwrap().unwrap();
        let what = What::Released { activation, reason: None };
        let (committed, _) = table.commit(&before, released.license, plan, what).await;
        if committed? == Committed::Done {
            return Ok("released".to_owned());
        }
    }
}

async fn keep_file(table: &Table, id: LicenseId, plan: &Plan) -> Result<String, StoreError> {
    loop {
        let before = table.store.license(id).await?.unwrap();
        if let Some(file) = table.store.file(id, &domain(1)).await? {
            return Ok(file.text);
        }
        if table.keep_file(&before, plan, 1, 5).await? == Committed::Done {
            return Ok(table.store.file(id, &domain(1)).await?.unwrap().text);
        }
    }
}

async fn every_crash(
    bound: bool,
    change: impl AsyncFn(&Table, LicenseId, &Plan) -> Result<String, StoreError>,
) -> usize {
    let plan = perpetual();
    let mut crashes = 0;
    for applied in [true, false] {
        for n in 1.. {
            let (table, license) = if bound { Table::bound(&plan).await } else { Table::with(&plan).await };
            let before = table.history(license.id).await.len();
            table.embedded.faults().fail_nth(n, Fault::Crash { applied });
            let answer = change(&table, license.id, &plan).await;
            if !table.embedded.faults().crashed() {
                answer.unwrap();
                break;
            }
            crashes += 1;
            assert!(matches!(answer.unwrap_err(), StoreError::Unavailable(_)));
            table.embedded.faults().clear();

            let entries = table.history(license.id).await.len();
            let now = table.read(license.id).await;
            let changes = entries - before;
            assert!(changes <= 1, "crash at request {n} (applied: {applied}) wrote {changes} entries");
            assert_eq!(now.version, license.version + changes as u64);
            if changes == 0 {
                assert_eq!(now, license, "crash at request {n} (applied: {applied}) did half");
            }
            let again = change(&table, license.id, &plan).await.unwrap();
            let and_again = change(&table, license.id, &plan).await.unwrap();
            assert_eq!(again, and_again);
            assert_eq!(table.history(license.id).await.len(), before + 1);
            assert_eq!(table.read(license.id).await.version, license.version + 1);
        }
    }
    crashes
}

#[tokio::test(start_paused = true)]
async fn a_crash_inside_a_bind_leaves_it_done_or_not_begun() {
    assert_eq!(every_crash(false, bind).await, 2 * 2);
}

#[tokio::test(start_paused = true)]
async fn a_crash_inside_a_release_leaves_it_done_or_not_begun() {
    assert_eq!(every_crash(true, release).await, 2 * 2);
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_a_file_is_kept_leaves_it_kept_or_not() {
    assert_eq!(every_crash(true, keep_file).await, 2 * 4);
}
