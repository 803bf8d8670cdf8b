//! Conflicts, throttles and lost answers.

use marque_core::What;
use marque_embedded::{Fault, Operation};
use marque_store::{Along, CheckIn, Committed, IssueLicense, StoreError};
use tokio::time::Instant;

use crate::support::{Table, alone, code, domain, issued, license, stamp, token, yearly};

const UPDATE: Option<Operation> = Some(Operation::UpdateItem);
const TRANSACT: Option<Operation> = Some(Operation::TransactWriteItems);
const CONFLICT: Fault = Fault::TransactionConflict { index: 0 };

fn inject(table: &Table, operation: Option<Operation>, fault: Fault, times: usize) {
    for _ in 0..times {
        table.embedded.faults().inject(operation, fault);
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_meets_a_transaction_is_tried_three_times_more() {
    let (table, license) = Table::bound(&yearly()).await;
    inject(&table, UPDATE, CONFLICT, 3);
    let (before, start) = (table.embedded.calls().count(), Instant::now());
    let checked = table.check(stamp(&license, &domain(1), 1)).await;
    assert!(matches!(checked, CheckIn::Stamped(_)));
    assert_eq!(table.embedded.calls().count() - before, 4);
    let waited = start.elapsed().as_millis();
    assert!((30..=150).contains(&waited), "{waited} ms in three waits of 10 to 50 ms");
}

#[tokio::test(start_paused = true)]
async fn a_check_gives_up_on_the_fourth_conflict() {
    let (table, license) = Table::bound(&yearly()).await;
    inject(&table, UPDATE, CONFLICT, 4);
    let before = table.license_item(license.id).await;
    let count = table.embedded.calls().count();
    let error = table.store.check_in(stamp(&license, &domain(1), 1)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Contention { item } if item.contains("LICENSE#")), "{error:?}");
    assert_eq!(table.embedded.calls().count() - count, 4);
    assert_eq!(table.license_item(license.id).await, before);
    assert_eq!(table.embedded.faults().pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_meets_another_is_overtaken() {
    let plan = yearly();
    for index in 0..3 {
        let (table, license) = Table::with(&plan).await;
        inject(&table, TRANSACT, Fault::TransactionConflict { index }, 1);
        let (bound, _) = table.try_bind(&license, &plan, 1).await;
        assert_eq!(bound.unwrap(), Committed::Overtaken);
        assert_eq!(table.read(license.id).await, license);
        table.bind(&license, &plan, 1).await;
        assert_eq!(table.history(license.id).await.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn throttles_and_outages_are_retried_then_unavailable() {
    for fault in [Fault::Throttle, Fault::Internal, Fault::Timeout] {
        let plan = yearly();
        let (table, license) = Table::bound(&plan).await;
        inject(&table, UPDATE, fault, 2);
        assert!(matches!(table.check(stamp(&license, &domain(1), 1)).await, CheckIn::Stamped(_)), "{fault:?}");
        inject(&table, UPDATE, fault, 3);
        let error = table.store.check_in(stamp(&license, &domain(1), 2)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert_eq!(table.embedded.faults().pending(), 0, "{fault:?}");
        let seen = table.read(license.id).await.activations[&domain(1)].seen.clone().unwrap();
        assert_eq!(seen.lease, token(1));

        inject(&table, Some(Operation::GetItem), fault, 3);
        assert!(matches!(table.store.license(license.id).await.unwrap_err(), StoreError::Unavailable(_)));
        inject(&table, TRANSACT, fault, 3);
        let mut after = license.clone();
        after.version += 1;
        let (error, _) = table.commit(&license, after, &plan, What::ChangeWithdrawn).await;
        assert!(matches!(error.unwrap_err(), StoreError::Unavailable(_)));
        assert_eq!(table.history(license.id).await.len(), 2);
    }
}

#[tokio::test]
async fn an_error_names_its_cause() {
    let (table, license) = Table::bound(&yearly()).await;
    inject(&table, UPDATE, Fault::Throttle, 3);
    let error = table.store.check_in(stamp(&license, &domain(1), 1)).await.unwrap_err().to_string();
    assert!(error.contains("throughput"), "{error}");
}

#[tokio::test]
async fn a_lost_answer_of_a_bind_is_found_out_by_the_sdk() {
    let plan = yearly();
    let (table, license) = Table::with(&plan).await;
    inject(&table, TRANSACT, Fault::LostAnswer, 2);
    table.bind(&license, &plan, 1).await;
    assert_eq!(table.history(license.id).await.len(), 2);
    assert_eq!(table.read(license.id).await.version, license.version + 1);
}

#[tokio::test(start_paused = true)]
async fn a_bind_whose_every_answer_was_lost_is_seen_at_the_next_reading() {
    let plan = yearly();
    let (table, license) = Table::with(&plan).await;
    inject(&table, TRANSACT, Fault::LostAnswer, 3);
    let (lost, after) = table.try_bind(&license, &plan, 1).await;
    assert!(matches!(lost.unwrap_err(), StoreError::Unavailable(_)));
    let (again, _) = table.try_bind(&license, &plan, 1).await;
    assert_eq!(again.unwrap(), Committed::Overtaken, "reading again tells");
    assert_eq!(table.read(license.id).await, after);
    assert_eq!(table.history(license.id).await.len(), 2);
}

#[tokio::test]
async fn a_lost_answer_of_an_issue_is_its_own_again() {
    let plan = yearly();
    let table = Table::new().await;
    let mut mine = license(&plan, 1);
    inject(&table, TRANSACT, Fault::LostAnswer, 3);
    assert!(matches!(table.write(&mut mine, &plan, 1).await.unwrap_err(), StoreError::Unavailable(_)));
    assert_eq!(table.write(&mut mine, &plan, 1).await.unwrap(), Committed::Done);
    assert_eq!(table.read(mine.id).await, mine);
    assert_eq!(table.history(mine.id).await.len(), 1);

    let before = table.items().await.len();
    let mut other = license(&plan, 2);
    let taken = table.write(&mut other, &plan, 1).await.unwrap();
    assert_eq!(taken, Committed::Overtaken, "the code is taken");
    let mut event = issued(&license(&plan, 1));
    event.hash[0] ^= 1;
    let plans = alone(&plan);
    let again = IssueLicense { license: &mine, plans, code: &code(3), event: &event };
    let taken = table.store.issue(again, Along::NOTHING).await.unwrap();
    assert_eq!(taken, Committed::Overtaken, "the licence is taken");
    assert_eq!(table.items().await.len(), before);
}

#[tokio::test]
async fn a_stamp_whose_answer_was_lost_is_made_all_the_same() {
    let (table, license) = Table::bound(&yearly()).await;
    inject(&table, UPDATE, Fault::LostAnswer, 1);
    assert!(matches!(table.check(stamp(&license, &domain(1), 1)).await, CheckIn::Stamped(_)));
    let seen = table.read(license.id).await.activations[&domain(1)].seen.clone().unwrap();
    assert_eq!(seen.lease, token(1));
}

#[tokio::test]
async fn a_name_that_goes_into_files_is_read_strongly() {
    let (table, _) = Table::bound(&yearly()).await;
    let customer = marque_core::Customer {
        id: license(&yearly(), 1).customer,
        name: "Ada".parse().unwrap(),
        company: "Acme".parse().unwrap(),
        email: "ada@example.com".parse().unwrap(),
        language: marque_core::Language::Spanish,
    };
    table.embedded.faults().freeze_reads().unwrap();
    assert_eq!(table.store.add_customer(&customer, Along::NOTHING).await.unwrap(), Committed::Done);
    assert_eq!(table.store.customer(customer.id).await.unwrap(), Some(customer));
}
