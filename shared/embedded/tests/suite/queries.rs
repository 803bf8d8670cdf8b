//! Queries: prefixes, pages, the sparse index.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::support::{INDEX, Item, TABLE, database, key, put, s};

fn activations(client: &Client) -> QueryFluentBuilder {
    client
        .query()
        .table_name(TABLE)
        .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
        .expression_attribute_values(":pk", s("a"))
        .expression_attribute_values(":prefix", s("act#"))
}

fn by_email(client: &Client, email: &str) -> QueryFluentBuilder {
    client
        .query()
        .table_name(TABLE)
        .index_name(INDEX)
        .key_condition_expression("email = :email")
        .expression_attribute_values(":email", s(email))
}

fn sort_keys(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item["sk"].as_s().map(String::as_str).unwrap()).collect()
}

#[tokio::test]
async fn a_prefix_is_read_page_by_page() {
    let (_, client) = database().await;
    for sk in ["act#1", "act#2", "act#3", "event#1", "lic"] {
        put(&client, "a", sk, 1).send().await.unwrap();
    }
    put(&client, "b", "act#9", 1).send().await.unwrap();

    let first = activations(&client).limit(2).send().await.unwrap();
    assert_eq!(sort_keys(first.items()), ["act#1", "act#2"]);
    assert_eq!(first.last_evaluated_key, Some(key("a", "act#2")));

    let rest = activations(&client).limit(2).set_exclusive_start_key(first.last_evaluated_key).send().await.unwrap();
    assert_eq!(sort_keys(rest.items()), ["act#3"]);
    assert_eq!(rest.last_evaluated_key, None);

    let latest = activations(&client).limit(1).scan_index_forward(false).send().await.unwrap();
    assert_eq!(sort_keys(latest.items()), ["act#3"]);
}

#[tokio::test]
async fn a_page_that_ends_with_the_last_item_is_not_the_last_page() {
    let (_, client) = database().await;
    put(&client, "a", "act#1", 1).send().await.unwrap();
    let page = activations(&client).limit(1).send().await.unwrap();
    assert_eq!(page.last_evaluated_key, Some(key("a", "act#1")));
    let end = activations(&client).limit(1).set_exclusive_start_key(page.last_evaluated_key).send().await.unwrap();
    assert_eq!((end.count, end.last_evaluated_key), (0, None));
}

#[tokio::test]
async fn the_index_holds_only_items_with_its_key() {
    let (_, client) = database().await;
    put(&client, "a", "1", 1).item("email", s("ann@example.com")).send().await.unwrap();
    put(&client, "a", "2", 1).send().await.unwrap();

    let found = by_email(&client, "ann@example.com").send().await.unwrap();
    assert_eq!(sort_keys(found.items()), ["1"]);

    let remove = client.update_item().table_name(TABLE).set_key(Some(key("a", "1")));
    remove.update_expression("REMOVE email").send().await.unwrap();
    assert_eq!(by_email(&client, "ann@example.com").send().await.unwrap().count, 0);
}

#[tokio::test]
async fn the_index_cannot_be_read_consistently() {
    let (_, client) = database().await;
    let refused = by_email(&client, "x").consistent_read(true).send().await.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
}

#[tokio::test]
async fn an_empty_index_key_is_refused() {
    let (_, client) = database().await;
    let empty = AttributeValue::S(String::new());
    let refused = put(&client, "a", "1", 1).item("email", empty).send().await.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
}
