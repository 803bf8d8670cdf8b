//! Which licences codes are, many at once.

use std::collections::HashMap;

use marque_core::LicenseId;
use marque_core::code::CodeDigest;

use crate::items;
use crate::keys::{self, Key};
use crate::licenses::CodeItem;
use crate::{Store, StoreError};

impl Store {
    /// Which licences these codes are, read strongly, a request for a hundred. A code of none is not among them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn licenses_by_codes(&self, codes: &[CodeDigest]) -> Result<HashMap<CodeDigest, LicenseId>, StoreError> {
        // The same key twice in one request would be a fault.
        let digests: HashMap<String, CodeDigest> = codes.iter().map(|code| (keys::code(code).pk, *code)).collect();
        let wanted: Vec<_> = digests.values().map(keys::code).collect();
        let mut found = HashMap::new();
        for item in self.items(&wanted).await? {
            let digest = digests.get(&Key::of(&item)?.pk);
            let digest = digest.ok_or_else(|| StoreError::corrupt(&item, "nobody has asked for it"))?;
            found.insert(*digest, items::read::<CodeItem>(&item)?.license);
        }
        Ok(found)
    }
}
