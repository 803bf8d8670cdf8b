//! Which licences codes are, many at once.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use marque_core::LicenseId;
use marque_core::code::CodeDigest;

use crate::items::{self, Item};
use crate::keys::{self, Key};
use crate::licenses::CodeItem;
use crate::transaction::back_off;
use crate::{Store, StoreError, capacity};

/// So many items are read in one request, at most.
const AT_ONCE: usize = 100;
/// DynamoDB may leave some of them out, and is asked again so often.
const TRIES: u32 = 4;

impl Store {
    /// Which licences these codes are, read strongly, a request for a hundred. A code of none is not among them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`], [`StoreError::Contention`] when DynamoDB leaves some out.
    pub async fn licenses_by_codes(&self, codes: &[CodeDigest]) -> Result<HashMap<CodeDigest, LicenseId>, StoreError> {
        // The same key twice in one request is a fault.
        let digests: HashMap<String, CodeDigest> = codes.iter().map(|code| (keys::code(code).pk, *code)).collect();
        let wanted: Vec<_> = digests.values().map(|code| keys::code(code).attributes()).collect();
        let mut found = HashMap::new();
        for wanted in wanted.chunks(AT_ONCE) {
            for item in self.items(wanted.to_vec()).await? {
                let digest = digests.get(&Key::of(&item)?.pk);
                let digest = digest.ok_or_else(|| StoreError::corrupt(&item, "nobody has asked for it"))?;
                found.insert(*digest, items::read::<CodeItem>(&item)?.license);
            }
        }
        Ok(found)
    }

    async fn items(&self, mut wanted: Vec<Item>) -> Result<Vec<Item>, StoreError> {
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
        Err(StoreError::Contention { item: self.table.clone() })
    }
}
