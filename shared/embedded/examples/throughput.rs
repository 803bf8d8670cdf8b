//! Writes a second through the SDK, by one task: in memory, and in a file.
//!
//! `cargo run -p marque-embedded --example throughput [--release]`

use std::error::Error;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use marque_embedded::Embedded;

const TABLE: &str = "throughput";
const SPAN: Duration = Duration::from_secs(3);

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = Embedded::open(&folder.path().join("marque.db"))?;
    println!("memory: {:.0} writes/s", writes_a_second(&Embedded::memory()?.client()).await?);
    println!("file:   {:.0} writes/s", writes_a_second(&file.client()).await?);

    let start = now();
    file.faults().freeze_reads()?;
    println!("copy for stale reads: {:?}", start.elapsed());
    Ok(())
}

async fn writes_a_second(client: &Client) -> Result<f64, Box<dyn Error>> {
    create_table(client).await?;
    let start = now();
    let mut writes = 0_u32;
    while start.elapsed() < SPAN {
        client
            .update_item()
            .table_name(TABLE)
            .key("pk", AttributeValue::S((writes % 1_000).to_string()))
            .update_expression("ADD #v :one")
            .expression_attribute_names("#v", "v")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .send()
            .await?;
        writes += 1;
    }
    Ok(f64::from(writes) / start.elapsed().as_secs_f64())
}

async fn create_table(client: &Client) -> Result<(), Box<dyn Error>> {
    let text = AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S).build()?;
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build()?;
    let create = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    create.attribute_definitions(text).key_schema(key).send().await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn now() -> Instant {
    Instant::now()
}
