//! Many items by their keys, a hundred in a request.

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};

use crate::items::Item;
use crate::keys::Key;
use crate::transaction::back_off;
use crate::{Store, StoreError, capacity};

/// DynamoDB reads so many in one request, at most.
const AT_ONCE: usize = 100;
/// It may leave some of them out, and is asked again so often.
const TRIES: u32 = 8;

impl Store {
    /// The items of these keys, no key twice, read strongly, in no order; those that are not there are left out.
    pub(crate) async fn items(&self, keys: &[Key]) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        for keys in keys.chunks(AT_ONCE) {
            found.extend(self.batch(keys.iter().map(Key::attributes).collect()).await?);
        }
        Ok(found)
    }

    async fn batch(&self, mut wanted: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        for attempt in 1..=TRIES {
            let keys = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(wanted)).build();
            let request = self
                .client
                .batch_get_item()
                .request_items(&self.table, keys.map_err(StoreError::unavailable)?)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = request.send().await.map_err(StoreError::unavailable)?;
            answer.consumed_capacity().iter().for_each(|spent| capacity::read(Some(spent)));
            found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            wanted = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys).collect();
            if wanted.is_empty() {
                return Ok(found);
            }
            back_off(attempt, 0).await;
        }
        Err(StoreError::Unavailable("not all items were read: the table is too busy".to_owned()))
    }
}
