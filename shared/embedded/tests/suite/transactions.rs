//! Transactions: reasons, tokens, limits.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};

use crate::support::{TABLE, database, get, key, n, put, value};

fn put_new(pk: &str, sk: &str) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(TABLE)
        .set_item(Some(key(pk, sk)))
        .item("v", n(1))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

fn add_one(pk: &str, sk: &str) -> TransactWriteItem {
    let update = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key(pk, sk)))
        .update_expression("ADD v :one")
        .expression_attribute_values(":one", n(1));
    TransactWriteItem::builder().update(update.build().unwrap()).build()
}

fn exists(pk: &str, sk: &str) -> TransactWriteItem {
    let check = ConditionCheck::builder()
        .table_name(TABLE)
        .set_key(Some(key(pk, sk)))
        .condition_expression("attribute_exists(pk)");
    TransactWriteItem::builder().condition_check(check.build().unwrap()).build()
}

async fn write(client: &Client, items: Vec<TransactWriteItem>) -> Result<(), TransactWriteItemsError> {
    let sent = client.transact_write_items().set_transact_items(Some(items)).send().await;
    sent.map(drop).map_err(|error| error.into_service_error())
}

#[tokio::test]
async fn a_transaction_is_whole() {
    let (_, client) = database().await;
    write(&client, vec![put_new("a", "1"), put_new("a", "2"), add_one("a", "count")]).await.unwrap();
    assert_eq!(value(&client, "a", "1").await, Some(n(1)));
    assert_eq!(value(&client, "a", "count").await, Some(n(1)));
}

#[tokio::test]
async fn reasons_stand_in_the_order_of_the_items() {
    let (_, client) = database().await;
    put(&client, "a", "2", 7).send().await.unwrap();

    let items = vec![add_one("a", "count"), put_new("a", "2"), put_new("a", "3"), exists("a", "missing")];
    let refused = write(&client, items).await.unwrap_err();

    let TransactWriteItemsError::TransactionCanceledException(refused) = refused else { panic!("{refused:?}") };
    let reasons = refused.cancellation_reasons();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed"]);
    assert_eq!(reasons[1].item().unwrap()["v"], n(7));
    assert_eq!(reasons[3].item(), None);
    assert_eq!(get(&client, "a", "count").await, None);
    assert_eq!(get(&client, "a", "3").await, None);
}

#[tokio::test]
async fn a_token_makes_a_transaction_happen_once() {
    let (_, client) = database().await;
    let send = |items| {
        let request = client.transact_write_items().client_request_token("token").set_transact_items(Some(items));
        request.send()
    };
    send(vec![add_one("a", "count")]).await.unwrap();
    send(vec![add_one("a", "count")]).await.unwrap();
    assert_eq!(value(&client, "a", "count").await, Some(n(1)));

    let refused = send(vec![add_one("a", "other")]).await.unwrap_err().into_service_error();
    assert!(refused.is_idempotent_parameter_mismatch_exception());
}

#[tokio::test]
async fn a_transaction_has_limits() {
    let (_, client) = database().await;
    let hundred: Vec<_> = (0..100).map(|i| put_new("a", &i.to_string())).collect();
    write(&client, hundred).await.unwrap();

    let too_many: Vec<_> = (0..101).map(|i| put_new("b", &i.to_string())).collect();
    let refused = write(&client, too_many).await.unwrap_err();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
    assert!(refused.meta().message().unwrap().contains("length less than or equal to 100"));

    let refused = write(&client, vec![add_one("c", "1"), exists("c", "1")]).await.unwrap_err();
    assert_eq!(refused.meta().message(), Some("Transaction request cannot include multiple operations on one item"));
}
