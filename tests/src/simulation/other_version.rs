//! Another version of the service at the same table, as while one is rolled out or back: what it adds to items, this one must
//! leave there.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use marque_embedded::Embedded;

use super::shop::TABLE;

const ADDED: &str = "of_another_version";

/// The items that it has added to, by their keys.
#[derive(Debug, Default)]
pub(super) struct OtherVersion(BTreeSet<(String, String)>);

impl OtherVersion {
    /// Adds to every hour, and to the mark of every record.
    pub(super) async fn add(&mut self, embedded: &Embedded) -> Result<(), String> {
        let client = embedded.aside().client();
        for item in all(&client).await? {
            let (pk, sk) = key(&item);
            if !(sk.starts_with("HOUR#") || sk.starts_with("USE#")) {
                continue;
            }
            let add = client
                .update_item()
                .table_name(TABLE)
                .key("pk", AttributeValue::S(pk.clone()))
                .key("sk", AttributeValue::S(sk.clone()))
                .update_expression("SET #added = :added")
                .expression_attribute_names("#added", ADDED)
                .expression_attribute_values(":added", AttributeValue::Bool(true));
            add.send().await.map_err(|error| format!("{error:?}"))?;
            self.0.insert((pk, sk));
        }
        Ok(())
    }

    /// What it has added is still there.
    pub(super) async fn check(&self, embedded: &Embedded) -> Result<(), String> {
        if self.0.is_empty() {
            return Ok(());
        }
        let items = all(&embedded.aside().client()).await?;
        let kept: BTreeSet<_> = items.iter().filter(|item| item.contains_key(ADDED)).map(key).collect();
        self.0
            .iter()
            .find(|key| !kept.contains(key))
            .map_or(Ok(()), |(pk, sk)| Err(format!("what another version has added to {pk} {sk} is gone")))
    }
}

async fn all(client: &Client) -> Result<Vec<HashMap<String, AttributeValue>>, String> {
    // A history fits into a page.
    let page =
        client.scan().table_name(TABLE).consistent_read(true).send().await.map_err(|error| format!("{error:?}"))?;
    Ok(page.items.unwrap_or_default())
}

fn key(item: &HashMap<String, AttributeValue>) -> (String, String) {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    (text("pk"), text("sk"))
}
