//! The record of requests, and the figures of capacity in it.

use aws_sdk_dynamodb::types::{
    Get, KeysAndAttributes, Put, PutRequest, ReturnConsumedCapacity, TransactGetItem, TransactWriteItem, WriteRequest,
};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use marque_embedded::{Call, Embedded, Fault, Operation, Outcome};

use crate::support::{TABLE, database, key, n, put, s};

const TOTAL: ReturnConsumedCapacity = ReturnConsumedCapacity::Total;

/// A request as an HTTP server receives it.
fn raw(target: &'static str, body: &'static str) -> HttpRequest {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST").unwrap();
    request.set_uri("http://127.0.0.1/").unwrap();
    request.headers_mut().insert("x-amz-target", target);
    request
}

#[tokio::test]
async fn a_raw_request_is_served_like_a_clients() {
    let (embedded, client) = database().await;
    put(&client, "a", "1", 7).send().await.unwrap();
    embedded.calls().record(true);

    let connector = embedded.connector();
    let body =
        r#"{"TableName": "marque", "Key": {"pk": {"S": "a"}, "sk": {"S": "1"}}, "ReturnConsumedCapacity": "TOTAL"}"#;
    let answer = connector.call(raw("DynamoDB_20120810.GetItem", body)).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let text = String::from_utf8_lossy(answer.body().bytes().unwrap()).into_owned();
    assert!(text.contains(r#""v":{"N":"7"}"#), "{text}");
    assert_eq!(only(&embedded), granted(Operation::GetItem, 0.5, 0.0));

    let unknown = connector.call(raw("DynamoDB_20120810.ListBackups", "{}")).await.unwrap();
    assert_eq!(unknown.status().as_u16(), 400);
    assert_eq!(only(&embedded).operation, None);
}

/// The one call since the last look.
fn only(embedded: &Embedded) -> Call {
    let [call] = <[Call; 1]>::try_from(embedded.calls().take()).unwrap();
    call
}

fn granted(operation: Operation, read_units: f64, write_units: f64) -> Call {
    Call {
        operation: Some(operation),
        table: Some(TABLE.to_owned()),
        read_units,
        write_units,
        outcome: Outcome::Granted,
    }
}

#[tokio::test]
async fn single_items_cost_what_dynamodb_says() {
    let (embedded, client) = database().await;
    embedded.calls().record(true);

    put(&client, "a", "1", 1).return_consumed_capacity(TOTAL).send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::PutItem, 0.0, 1.0));

    put(&client, "a", "2", 1).item("email", s("a@b.c")).return_consumed_capacity(TOTAL).send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::PutItem, 0.0, 2.0), "one for the table, one for the index");

    let get = || client.get_item().table_name(TABLE).set_key(Some(key("a", "1"))).return_consumed_capacity(TOTAL);
    get().send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::GetItem, 0.5, 0.0));

    get().consistent_read(true).send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::GetItem, 1.0, 0.0));

    let update = client.update_item().table_name(TABLE).set_key(Some(key("a", "1"))).update_expression("ADD v :one");
    let update = update.expression_attribute_values(":one", n(1)).return_consumed_capacity(TOTAL);
    update.send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::UpdateItem, 0.0, 1.0));

    let delete = client.delete_item().table_name(TABLE).set_key(Some(key("a", "1")));
    delete.return_consumed_capacity(TOTAL).send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::DeleteItem, 0.0, 1.0));

    let scan = client.scan().table_name(TABLE).return_consumed_capacity(TOTAL);
    scan.send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::Scan, 0.5, 0.0));
}

#[tokio::test]
async fn a_kilobyte_more_is_a_unit_more() {
    let (embedded, client) = database().await;
    embedded.calls().record(true);
    let large = put(&client, "a", "1", 1).item("text", s(&"x".repeat(2_500)));
    large.return_consumed_capacity(TOTAL).send().await.unwrap();
    assert_eq!(only(&embedded).write_units, 3.0);
}

#[tokio::test]
async fn transactions_cost_double() {
    let (embedded, client) = database().await;
    embedded.calls().record(true);

    let put = |sk| {
        let put = Put::builder().table_name(TABLE).set_item(Some(key("a", sk))).build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let write = || {
        let write = client.transact_write_items().client_request_token("token").return_consumed_capacity(TOTAL);
        write.set_transact_items(Some(vec![put("1"), put("2"), put("3")]))
    };
    write().send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::TransactWriteItems, 0.0, 6.0));
    write().send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::TransactWriteItems, 6.0, 0.0), "answered from the token");

    let get = Get::builder().table_name(TABLE).set_key(Some(key("a", "1"))).build().unwrap();
    let read = client.transact_get_items().transact_items(TransactGetItem::builder().get(get).build());
    read.return_consumed_capacity(TOTAL).send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::TransactGetItems, 2.0, 0.0));
}

#[tokio::test]
async fn batches_cost_what_their_items_cost() {
    let (embedded, client) = database().await;
    embedded.calls().record(true);

    let put = |sk| {
        let put = PutRequest::builder().set_item(Some(key("a", sk))).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let write = client.batch_write_item().request_items(TABLE, vec![put("1"), put("2")]);
    write.return_consumed_capacity(TOTAL).send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::BatchWriteItem, 0.0, 2.0));

    let keys = KeysAndAttributes::builder().keys(key("a", "1")).keys(key("a", "2")).build().unwrap();
    let read = client.batch_get_item().request_items(TABLE, keys).return_consumed_capacity(TOTAL);
    read.send().await.unwrap();
    assert_eq!(only(&embedded), granted(Operation::BatchGetItem, 1.0, 0.0));
}

#[tokio::test]
async fn nothing_is_recorded_unasked_but_all_is_counted() {
    let (embedded, client) = database().await;
    let before = embedded.calls().count();
    put(&client, "a", "1", 1).send().await.unwrap();
    put(&client, "a", "2", 1).send().await.unwrap();
    assert_eq!(embedded.calls().count(), before + 2);
    assert_eq!(embedded.calls().take(), []);
}

#[tokio::test]
async fn every_attempt_is_a_call_with_its_outcome() {
    let (embedded, client) = database().await;
    embedded.calls().record(true);
    embedded.faults().inject(None, Fault::LostAnswer);
    let put_new = put(&client, "a", "1", 1).condition_expression("attribute_not_exists(pk)");
    let refused = put_new.send().await.unwrap_err().into_service_error();
    assert!(refused.is_conditional_check_failed_exception(), "the first attempt did it");

    let outcomes: Vec<_> = embedded.calls().take().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::Lost, Outcome::Refused("ConditionalCheckFailedException".to_owned())]);
}
