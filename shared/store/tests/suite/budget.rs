//! What things cost: the daily check above all.

use marque_core::license::Bindings;
use marque_core::{Duration, Pending};
use marque_embedded::{Operation, Outcome};
use marque_store::{CheckIn, KeyRule, Stamp};

use crate::size;
use crate::support::{NOW, Table, domain, license, seats, slug, stamp, time, token, trial, yearly};

#[tokio::test]
async fn a_check_is_one_request_and_one_write_unit() {
    let (table, license) = Table::bound(&yearly()).await;
    table.embedded.calls().record(true);
    let checked = table.check(stamp(&license, &domain(1), 1)).await;
    let calls = table.embedded.calls().take();
    assert!(matches!(checked, CheckIn::Stamped(_)));
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0].operation, Some(Operation::UpdateItem));
    assert_eq!((calls[0].read_units, calls[0].write_units), (0.0, 1.0));
}

#[tokio::test]
async fn a_refused_check_costs_no_more() {
    let (table, license) = Table::bound(&yearly()).await;
    table.embedded.calls().record(true);
    let checked = table.check(stamp(&license, &domain(2), 1)).await;
    let calls = table.embedded.calls().take();
    assert!(matches!(checked, CheckIn::Refused(_)));
    assert_eq!(calls.len(), 1, "{calls:?}");
    // DynamoDB charges a failed condition as the write that it would have been, and answers no units with it.
    assert_eq!(calls[0].outcome, Outcome::Refused("ConditionalCheckFailedException".to_owned()));
}

#[tokio::test]
async fn issuing_takes_at_most_14_write_units() {
    let table = Table::new().await;
    table.embedded.calls().record(true);
    let mut longest = license(&yearly(), 1);
    longest.product = slug(&"p".repeat(40));
    longest.running.plan.plan = slug(&"q".repeat(40));
    assert_eq!(table.write(&mut longest, &yearly(), 1).await.unwrap(), marque_store::Committed::Done);
    let calls = table.embedded.calls().take();
    assert_eq!(calls.len(), 1);
    assert!((1.0..=14.0).contains(&calls[0].write_units), "{calls:?}");
    let units: usize = table.items().await.iter().map(size::transaction_units).sum();
    assert!(units <= 14, "{units}");
}

#[tokio::test]
async fn binding_a_trial_is_one_request_too() {
    let (table, license) = Table::with(&trial()).await;
    table.embedded.calls().record(true);
    table.bind(&license, &trial(), 1).await;
    let calls = table.embedded.calls().take();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].operation, Some(Operation::TransactWriteItems));
    // One of them is the index's: its time starts, and so it has an end to tell of.
    assert!(calls[0].write_units <= 9.0, "{calls:?}");
}

/// The longest licence with one activation that the contract knows.
async fn longest(product_version: &str) -> usize {
    let plan = yearly();
    let table = Table::new().await;
    let mut full = license(&plan, 1);
    full.product = slug(&"p".repeat(40));
    full.running.plan.plan = slug(&"q".repeat(40));
    full.running.plan.revision = 65_535;
    full.next = Some(full.running.clone());
    full.pending = Pending::Change(slug(&"r".repeat(40)));
    full.version = 123_457;
    let mut full = {
        assert_eq!(table.write(&mut full, &plan, 1).await.unwrap(), marque_store::Committed::Done);
        full
    };
    full = table.bind(&full, &plan, 1).await;
    let rebinds = (1..=3).map(|days| time(NOW).after(Duration::days(days))).collect();
    let today = Some((time(NOW).day(), 19));
    let before = full.clone();
    full.bindings = Bindings { last: Some(domain(1)), first_domains: 1, rebinds, today };
    let activation = full.activations.get_mut(&domain(1)).unwrap();
    activation.file = Some(token(3));
    full.version += 1;
    let what = marque_core::What::ChangeWithdrawn;
    let (committed, _) = table.commit(&before, full.clone(), &plan, what).await;
    assert_eq!(committed.unwrap(), marque_store::Committed::Done);
    let domain = domain(1);
    for lease in [1, 2] {
        let stamp = Stamp {
            product_version: Some(product_version),
            key: KeyRule::Replace(Some([255; 32])),
            ..stamp(&full, &domain, lease)
        };
        assert!(matches!(table.check(stamp).await, CheckIn::Stamped(_)));
    }
    for _ in 0..3 {
        table.store.count_fork(full.id, &domain).await.unwrap();
    }
    let item = table.license_item(full.id).await;
    assert!(item["a"].as_m().unwrap().values().all(|bound| bound.as_m().unwrap().len() == 10), "{item:?}");
    size::of(&item)
}

#[tokio::test]
async fn a_licence_with_one_activation_stays_under_a_kilobyte() {
    let ascii = longest(&"9".repeat(64)).await;
    let wide = longest(&"😀".repeat(64)).await;
    // A version is cut to 64 letters, whatever they are.
    assert!(ascii <= 1024 && wide <= 1024, "{ascii} and {wide} bytes");
}

#[tokio::test]
async fn eight_seats_cost_what_they_hold() {
    let plan = seats(8);
    let (table, mut license) = Table::with(&plan).await;
    for number in 1..=8 {
        license = table.bind(&license, &plan, number).await;
    }
    table.embedded.calls().record(true);
    table.check(stamp(&license, &domain(8), 1)).await;
    let units = table.embedded.calls().take()[0].write_units;
    let size = size::of(&table.license_item(license.id).await);
    assert!(units <= 2.0, "{units} units for {size} bytes");
}
