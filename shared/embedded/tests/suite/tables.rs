//! Tables, their time to live, and what is not served.

use aws_sdk_dynamodb::types::{TableStatus, TimeToLiveSpecification, TimeToLiveStatus};

use crate::support::{TABLE, create_table, database};

#[tokio::test]
async fn a_table_is_active_at_once() {
    let (embedded, client) = database().await;
    let table = client.describe_table().table_name(TABLE).send().await.unwrap().table.unwrap();
    assert_eq!(table.table_status, Some(TableStatus::Active));

    let refused = client.create_table().table_name(TABLE).send().await.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"), "a table needs keys");

    let missing = embedded.client().describe_table().table_name("missing").send().await;
    assert!(missing.unwrap_err().into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
#[should_panic(expected = "ResourceInUseException")]
async fn a_table_is_made_once() {
    let (_, client) = database().await;
    create_table(&client).await;
}

#[tokio::test]
async fn time_to_live_is_told() {
    let (_, client) = database().await;
    let told = async || {
        let told = client.describe_time_to_live().table_name(TABLE).send().await.unwrap();
        let told = told.time_to_live_description.unwrap();
        (told.time_to_live_status.unwrap(), told.attribute_name)
    };
    assert_eq!(told().await, (TimeToLiveStatus::Disabled, None));

    let specification = TimeToLiveSpecification::builder().enabled(true).attribute_name("ttl").build().unwrap();
    let update = client.update_time_to_live().table_name(TABLE);
    update.time_to_live_specification(specification).send().await.unwrap();
    assert_eq!(told().await, (TimeToLiveStatus::Enabled, Some("ttl".to_owned())));
}

#[tokio::test]
async fn other_operations_are_unknown() {
    let (_, client) = database().await;
    let refused = client.describe_continuous_backups().table_name(TABLE).send().await;
    let refused = refused.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("UnknownOperationException"));
}
