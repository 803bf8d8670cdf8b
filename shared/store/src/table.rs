//! The table's shape: made so by the template and by `marque serve`, and checked by `marque doctor`.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TimeToLiveSpecification,
};

use crate::keys::{PK, SK};
use crate::{Store, StoreError};

/// The attribute by which DynamoDB deletes what has lapsed, in seconds since 1970.
pub const TTL_ATTRIBUTE: &str = "expires_at";
/// The sparse index of work that is due.
pub const INDEX_NAME: &str = "due";
/// The index's partition key: the shard of the work.
pub(crate) const INDEX_PK: &str = "due_shard";
/// The index's sort key: when it is due.
pub(crate) const INDEX_SK: &str = "due_at";

/// Something about the table's shape that the code relies on and that is not so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TableFault(pub String);

impl Store {
    /// Makes the table, unless it is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be made.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        let attribute = |name: &str| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
        };
        let key = |name: &str, kind: KeyType| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
        let request = (|| {
            let index = GlobalSecondaryIndex::builder()
                .index_name(INDEX_NAME)
                .key_schema(key(INDEX_PK, KeyType::Hash)?)
                .key_schema(key(INDEX_SK, KeyType::Range)?)
                .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
                .build()?;
            let mut request =
                self.client.create_table().table_name(&self.table).billing_mode(BillingMode::PayPerRequest);
            for name in [PK, SK, INDEX_PK, INDEX_SK] {
                request = request.attribute_definitions(attribute(name)?);
            }
            Ok(request
                .key_schema(key(PK, KeyType::Hash)?)
                .key_schema(key(SK, KeyType::Range)?)
                .global_secondary_indexes(index))
        })();
        let request =
            request.map_err(|error: aws_smithy_types::error::operation::BuildError| StoreError::unavailable(error))?;
        match request.send().await {
            Ok(_) => {}
            Err(SdkError::ServiceError(error)) if error.err().is_resource_in_use_exception() => return Ok(()),
            Err(error) => return Err(StoreError::unavailable(error)),
        }
        let ttl = TimeToLiveSpecification::builder()
            .attribute_name(TTL_ATTRIBUTE)
            .enabled(true)
            .build()
            .map_err(StoreError::unavailable)?;
        let request = self.client.update_time_to_live().table_name(&self.table).time_to_live_specification(ttl);
        request.send().await.map_err(StoreError::unavailable)?;
        Ok(())
    }

    /// What is wrong with the table's shape; empty when all is well.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be asked.
    pub async fn table_faults(&self) -> Result<Vec<TableFault>, StoreError> {
        let described =
            self.client.describe_table().table_name(&self.table).send().await.map_err(StoreError::unavailable)?;
        let table = described.table().cloned();
        let ttl = self
            .client
            .describe_time_to_live()
            .table_name(&self.table)
            .send()
            .await
            .map_err(StoreError::unavailable)?;
        let ttl = ttl.time_to_live_description.and_then(|ttl| ttl.attribute_name);
        let keys =
            |schema: &[KeySchemaElement]| schema.iter().map(|key| key.attribute_name().to_owned()).collect::<Vec<_>>();
        let index = table.as_ref().and_then(|table| {
            table.global_secondary_indexes().iter().find(|index| index.index_name() == Some(INDEX_NAME)).cloned()
        });
        let mut faults = Vec::new();
        let mut expect = |holds: bool, fault: String| {
            if !holds {
                faults.push(TableFault(fault));
            }
        };
        expect(
            table.as_ref().is_some_and(|table| keys(table.key_schema()) == [PK, SK]),
            format!("the table's keys are not {PK} and {SK}: create it from the template"),
        );
        expect(
            index.is_some_and(|index| keys(index.key_schema()) == [INDEX_PK, INDEX_SK]),
            format!("the index {INDEX_NAME} on {INDEX_PK} and {INDEX_SK} is missing: create it from the template"),
        );
        expect(
            ttl.as_deref() == Some(TTL_ATTRIBUTE),
            format!("time to live is not on {TTL_ATTRIBUTE}: turn it on, or guards and challenges pile up"),
        );
        Ok(faults)
    }
}
