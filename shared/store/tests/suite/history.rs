//! Histories as the store gives them back.

use marque_core::event::Head;
use marque_core::{Actor, What};

use crate::support::{Table, domain, entry, yearly};

#[tokio::test]
async fn a_history_comes_in_order_page_by_page() {
    let plan = yearly();
    let (table, mut license) = Table::bound(&plan).await;
    for _ in 0..10 {
        let mut after = license.clone();
        after.version += 1;
        let (committed, after) = table.commit(&license, after, &plan, What::ChangeWithdrawn).await;
        assert_eq!(committed.unwrap(), marque_store::Committed::Done);
        license = after;
    }
    let entries = table.history(license.id).await;
    let numbers: Vec<_> = entries.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
    let page = table.store.history(license.id, entries[4].head(), 3).await.unwrap();
    assert_eq!(page, entries[5..8]);
    let rest = table.store.history(license.id, entries[10].head(), 100).await.unwrap();
    assert_eq!(rest, entries[11..]);
    assert_eq!(table.store.history(license.id, license.head, 100).await.unwrap(), []);
}

#[tokio::test]
async fn a_history_is_its_licences_own() {
    let (table, one) = Table::bound(&yearly()).await;
    let two = table.issue(&yearly(), 2).await;
    assert_eq!(table.history(one.id).await.len(), 2);
    assert_eq!(table.history(two.id).await.len(), 1);
}

#[tokio::test]
async fn what_was_written_is_what_is_read() {
    let (table, license) = Table::bound(&yearly()).await;
    let entries = table.store.history(license.id, Head::START, 10).await.unwrap();
    assert_eq!(entries[0].by, Actor::Holder);
    let What::Activated { activation, fingerprint, rebind } = entries[1].what else { panic!("{entries:?}") };
    assert_eq!(activation, license.activations[&domain(1)].id);
    assert_eq!((fingerprint, rebind), (domain(1), false));
}

#[tokio::test]
async fn an_entry_that_was_changed_in_the_table_breaks_the_chain() {
    let (table, license) = Table::bound(&yearly()).await;
    let first = table.store.history(license.id, Head::START, 1).await.unwrap().remove(0);
    let mut item = table.item(&format!("LICENSE#{}", license.id), "EVENT#0000000001").await.unwrap();
    let forged = entry(&crate::support::license(&yearly(), 1), What::ChangeWithdrawn, 0);
    let what = serde_json::to_string(&forged.what).unwrap();
    item.insert("what".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(what));
    table.put(item).await;
    let read = table.store.history(license.id, Head::START, 1).await.unwrap().remove(0);
    assert!(first.follows(Head::START));
    assert!(!read.follows(Head::START));
}
