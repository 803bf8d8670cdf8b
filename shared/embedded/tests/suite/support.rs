//! One table, and short ways to write its items.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use marque_embedded::Embedded;

pub(crate) const TABLE: &str = "marque";
pub(crate) const INDEX: &str = "by-email";

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A database in memory with the table, and a client.
pub(crate) async fn database() -> (Embedded, Client) {
    let embedded = Embedded::memory().unwrap();
    let client = embedded.client();
    create_table(&client).await;
    (embedded, client)
}

/// Keys `pk` and `sk`, and an index on `email` that holds only the items that have one.
pub(crate) async fn create_table(client: &Client) {
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let text = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(vec![text("pk"), text("sk"), text("email")]))
        .set_key_schema(Some(vec![key("pk", KeyType::Hash), key("sk", KeyType::Range)]))
        .global_secondary_indexes(
            GlobalSecondaryIndex::builder()
                .index_name(INDEX)
                .key_schema(key("email", KeyType::Hash))
                .projection(Projection::builder().projection_type(ProjectionType::All).build())
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();
}

pub(crate) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(crate) fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn key(pk: &str, sk: &str) -> Item {
    item([("pk", s(pk)), ("sk", s(sk))])
}

/// Puts an item with a number in `v`.
pub(crate) fn put(client: &Client, pk: &str, sk: &str, v: i64) -> PutItemFluentBuilder {
    client.put_item().table_name(TABLE).set_item(Some(key(pk, sk))).item("v", n(v))
}

/// The item as a consistent read sees it.
pub(crate) async fn get(client: &Client, pk: &str, sk: &str) -> Option<Item> {
    let read = client.get_item().table_name(TABLE).set_key(Some(key(pk, sk))).consistent_read(true);
    read.send().await.unwrap().item
}

/// The number in `v`, as a consistent read sees it.
pub(crate) async fn value(client: &Client, pk: &str, sk: &str) -> Option<AttributeValue> {
    get(client, pk, sk).await.and_then(|mut item| item.remove("v"))
}
