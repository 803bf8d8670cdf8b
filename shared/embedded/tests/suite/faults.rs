//! Each fault as the client sees it, with its effect or without.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Get, KeysAndAttributes, Put, TransactGetItem, TransactWriteItem, Update};
use marque_embedded::{Embedded, Fault, Operation};

use crate::support::{INDEX, TABLE, database, get, key, n, put, s, value};

/// A database, and a client that tries once.
async fn once() -> (Embedded, Client) {
    let (embedded, _) = database().await;
    let client = embedded.client_with(RetryConfig::disabled());
    (embedded, client)
}

/// Puts under `fault`; the error, and whether there was an effect.
async fn put_under(fault: Fault) -> (SdkError<PutItemError>, bool) {
    let (embedded, client) = once().await;
    embedded.faults().inject(Some(Operation::PutItem), fault);
    let error = put(&client, "a", "1", 1).send().await.unwrap_err();
    assert_eq!(embedded.faults().pending(), 0);
    embedded.faults().clear();
    (error, get(&client, "a", "1").await.is_some())
}

fn put_action(sk: &str) -> TransactWriteItem {
    let put = Put::builder().table_name(TABLE).set_item(Some(key("a", sk))).build().unwrap();
    TransactWriteItem::builder().put(put).build()
}

#[tokio::test]
async fn a_throttle() {
    let (error, applied) = put_under(Fault::Throttle).await;
    let error = error.into_service_error();
    assert!(error.is_provisioned_throughput_exceeded_exception());
    assert!(!applied);
}

#[tokio::test]
async fn an_internal_error() {
    let (error, applied) = put_under(Fault::Internal).await;
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    assert!(error.into_service_error().is_internal_server_error());
    assert!(!applied);
}

#[tokio::test]
async fn a_timeout() {
    let (error, applied) = put_under(Fault::Timeout).await;
    let SdkError::DispatchFailure(failure) = error else { panic!("{error:?}") };
    assert!(failure.is_timeout());
    assert!(!applied);
}

#[tokio::test]
async fn a_lost_answer() {
    let (error, applied) = put_under(Fault::LostAnswer).await;
    let SdkError::DispatchFailure(failure) = error else { panic!("{error:?}") };
    assert!(failure.is_io());
    assert!(applied);
}

#[tokio::test]
async fn a_conflict_of_a_write_with_a_transaction() {
    let (error, applied) = put_under(Fault::TransactionConflict { index: 0 }).await;
    assert!(error.into_service_error().is_transaction_conflict_exception());
    assert!(!applied);
}

#[tokio::test]
async fn a_conflict_of_a_transaction_names_the_item() {
    let (embedded, client) = database().await;
    embedded.faults().inject(None, Fault::TransactionConflict { index: 1 });
    let items = vec![put_action("1"), put_action("2"), put_action("3")];
    let error = client.transact_write_items().set_transact_items(Some(items)).send().await.unwrap_err();

    let TransactWriteItemsError::TransactionCanceledException(error) = error.into_service_error() else { panic!() };
    let codes: Vec<_> = error.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "TransactionConflict", "None"]);
    assert!(error.message().unwrap().ends_with("[None, TransactionConflict, None]"));
    assert_eq!(get(&client, "a", "1").await, None, "no effect");
}

#[tokio::test]
async fn a_conflict_of_a_transaction_that_reads() {
    let (embedded, client) = database().await;
    embedded.faults().inject(None, Fault::TransactionConflict { index: 9 });
    let item = Get::builder().table_name(TABLE).set_key(Some(key("a", "1"))).build().unwrap();
    let read = client.transact_get_items().transact_items(TransactGetItem::builder().get(item).build());
    let error = read.send().await.unwrap_err().into_service_error();
    let TransactGetItemsError::TransactionCanceledException(error) = error else { panic!() };
    assert_eq!(error.cancellation_reasons()[0].code(), Some("TransactionConflict"), "the last item there is");
}

#[tokio::test]
async fn a_transaction_in_progress() {
    let (embedded, client) = once().await;
    embedded.faults().inject(None, Fault::TransactionInProgress);
    put(&client, "b", "1", 1).send().await.unwrap();
    let error = client.transact_write_items().transact_items(put_action("1")).send().await.unwrap_err();
    assert!(error.into_service_error().is_transaction_in_progress_exception());
    assert_eq!(get(&client, "a", "1").await, None);
}

#[tokio::test]
async fn what_the_client_retries() {
    let (embedded, client) = database().await;
    let retried = [Fault::Throttle, Fault::Internal, Fault::Timeout, Fault::LostAnswer];
    for fault in retried {
        embedded.faults().inject(None, fault);
        embedded.faults().inject(None, fault);
        put(&client, "a", "1", 1).send().await.unwrap();
    }
    embedded.faults().inject(None, Fault::TransactionInProgress);
    client.transact_write_items().transact_items(put_action("1")).send().await.unwrap();

    embedded.faults().inject(None, Fault::TransactionConflict { index: 0 });
    let calls = embedded.calls().count();
    put(&client, "a", "1", 1).send().await.unwrap_err();
    assert_eq!(embedded.calls().count(), calls + 1);
}

#[tokio::test]
async fn a_retried_transaction_happens_once() {
    let (embedded, client) = database().await;
    embedded.faults().inject(Some(Operation::TransactWriteItems), Fault::LostAnswer);
    let add = Update::builder().table_name(TABLE).set_key(Some(key("a", "1"))).update_expression("ADD v :one");
    let add = add.expression_attribute_values(":one", n(1)).build().unwrap();
    let add = TransactWriteItem::builder().update(add).build();
    client.transact_write_items().transact_items(add).send().await.unwrap();
    assert_eq!(value(&client, "a", "1").await, Some(n(1)), "the client gave both attempts one token");
}

#[tokio::test]
async fn faults_are_met_in_order_by_the_requests_they_fit() {
    let (embedded, client) = once().await;
    let faults = embedded.faults();
    faults.inject(Some(Operation::UpdateItem), Fault::Internal);
    faults.inject(Some(Operation::PutItem), Fault::Throttle);
    faults.inject(None, Fault::Timeout);

    let first = put(&client, "a", "1", 1).send().await.unwrap_err();
    assert!(first.into_service_error().is_provisioned_throughput_exceeded_exception());
    let second = put(&client, "a", "1", 1).send().await.unwrap_err();
    assert!(matches!(second, SdkError::DispatchFailure(failure) if failure.is_timeout()));
    put(&client, "a", "1", 1).send().await.unwrap();
    assert_eq!(faults.pending(), 1, "that of the update");
    faults.clear();
    assert_eq!(faults.pending(), 0);
}

#[tokio::test]
async fn the_nth_request_fails() {
    let (embedded, client) = once().await;
    embedded.faults().fail_nth(3, Fault::Internal);
    put(&client, "a", "1", 1).send().await.unwrap();
    put(&client, "a", "2", 1).send().await.unwrap();
    put(&client, "a", "3", 1).send().await.unwrap_err();
    put(&client, "a", "4", 1).send().await.unwrap();
}

#[tokio::test]
async fn a_crash_lasts_until_it_is_cleared() {
    for applied in [false, true] {
        let (embedded, client) = database().await;
        embedded.faults().fail_nth(2, Fault::Crash { applied });
        put(&client, "a", "1", 1).send().await.unwrap();
        assert!(!embedded.faults().crashed());

        put(&client, "a", "2", 1).send().await.unwrap_err();
        put(&client, "a", "3", 1).send().await.unwrap_err();
        assert!(embedded.faults().crashed());

        embedded.faults().clear();
        assert!(get(&client, "a", "1").await.is_some());
        assert_eq!(get(&client, "a", "2").await.is_some(), applied);
        assert!(get(&client, "a", "3").await.is_none(), "the client tried three times in vain");
    }
}

#[tokio::test]
async fn one_read_is_stale() {
    let (embedded, client) = database().await;
    put(&client, "a", "1", 1).send().await.unwrap();
    embedded.faults().stale_read(Some(Operation::GetItem)).unwrap();
    put(&client, "a", "1", 2).send().await.unwrap();

    assert_eq!(value(&client, "a", "1").await, Some(n(2)), "a consistent read is not");
    let read = || client.get_item().table_name(TABLE).set_key(Some(key("a", "1"))).send();
    assert_eq!(read().await.unwrap().item.unwrap()["v"], n(1));
    assert_eq!(read().await.unwrap().item.unwrap()["v"], n(2));
}

#[tokio::test]
async fn frozen_reads_are_all_stale() {
    let (embedded, client) = database().await;
    embedded.faults().freeze_reads().unwrap();
    let put = |v| put(&client, "a", "1", v).item("email", s("a@b.c")).send();
    put(1).await.unwrap();

    let item = || client.get_item().table_name(TABLE).set_key(Some(key("a", "1"))).send();
    let index = client.query().table_name(TABLE).index_name(INDEX).key_condition_expression("email = :email");
    let index = index.expression_attribute_values(":email", s("a@b.c"));
    let batch = |consistent| {
        let keys = KeysAndAttributes::builder().keys(key("a", "1")).consistent_read(consistent).build().unwrap();
        client.batch_get_item().request_items(TABLE, keys).send()
    };

    assert_eq!(item().await.unwrap().item, None);
    assert_eq!(index.clone().send().await.unwrap().count, 0);
    assert_eq!(batch(false).await.unwrap().responses.unwrap()[TABLE].len(), 0);
    assert_eq!(batch(true).await.unwrap().responses.unwrap()[TABLE].len(), 1);
    assert_eq!(value(&client, "a", "1").await, Some(n(1)));

    embedded.faults().freeze_reads().unwrap();
    put(2).await.unwrap();
    assert_eq!(item().await.unwrap().item.unwrap()["v"], n(1), "moved on");

    embedded.faults().thaw_reads();
    assert_eq!(index.send().await.unwrap().items()[0]["v"], n(2));
}
