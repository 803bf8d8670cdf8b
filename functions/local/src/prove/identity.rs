//! The machine's key, kept in its state folder together with the machine that it was made on.

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64ct::{Base64UrlUnpadded, Encoding};
use marque_core::Cloud;
use marque_service::chance;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::Failure;
use crate::output::{self, Unusable};

/// The key and what it is for.
const KEY_FILE: &str = "machine.json";
/// The service's last answer, with the lease.
const ANSWER_FILE: &str = "registration.json";

/// What `machine.json` holds. The product reads it to sign its checks.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The machine that the key was made on, as `<cloud>/<id>`.
    machine: String,
    /// A UUID: the product's server, as its checks name it.
    instance_id: String,
    /// The Ed25519 key's seed, 32 bytes in base64url.
    seed: String,
    /// The key's public half, in base64url.
    public_key: String,
}

/// This machine, as it speaks for itself.
pub(super) struct Identity {
    folder: PathBuf,
    kept: Kept,
    key: Ed25519KeyPair,
}

impl Identity {
    /// The identity that was kept for this machine, or a new one: a copy of an image, and what it brought along, is
    /// another machine.
    pub(super) fn of(folder: &Path, cloud: Cloud, id: &str) -> Result<Self, Failure> {
        let machine = format!("{cloud}/{id}");
        make_private(folder)?;
        match read(&folder.join(KEY_FILE))? {
            Some(kept) if kept.machine == machine => {
                let key = Base64UrlUnpadded::decode_vec(&kept.seed).ok().and_then(|seed| key(&seed));
                let key = key.ok_or_else(|| damaged(&folder.join(KEY_FILE)))?;
                return Ok(Self { folder: folder.to_owned(), kept, key });
            }
            Some(_) => {
                output::say("this is another machine than the one that the key was made on: it gets a key of its own");
                remove(&folder.join(ANSWER_FILE))?;
            }
            None => {}
        }
        Self::new(folder, machine)
    }

    fn new(folder: &Path, machine: String) -> Result<Self, Failure> {
        let seed: [u8; 32] = chance::draw();
        let key = key(&seed).ok_or_else(|| Unusable::new("a key cannot be made"))?;
        let kept = Kept {
            machine,
            instance_id: uuid(chance::draw()),
            seed: Base64UrlUnpadded::encode_string(&seed),
            public_key: Base64UrlUnpadded::encode_string(key.public_key().as_ref()),
        };
        let identity = Self { folder: folder.to_owned(), kept, key };
        // Kept before it is used: a key that is lost after it was registered counts as a rebind.
        identity.write(KEY_FILE, &identity.kept)?;
        Ok(identity)
    }

    /// The public half, in base64url.
    pub(super) fn public_key(&self) -> &str {
        &self.kept.public_key
    }

    pub(super) fn instance_id(&self) -> &str {
        &self.kept.instance_id
    }

    /// An Ed25519 signature in base64url.
    pub(super) fn sign(&self, message: &[u8]) -> String {
        Base64UrlUnpadded::encode_string(self.key.sign(message).as_ref())
    }

    /// Keeps the service's answer for the product.
    pub(super) fn keep_answer(&self, answer: &Value) -> Result<(), Failure> {
        self.write(ANSWER_FILE, answer)
    }

    fn write(&self, name: &str, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(document).map_err(|error| Unusable::new(error.to_string()))?;
        Ok(output::write_private(&self.folder.join(name), &text)?)
    }
}

fn key(seed: &[u8]) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(seed).ok()
}

/// A random UUID (RFC 9562, version 4).
fn uuid(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn read(path: &Path) -> Result<Option<Kept>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| damaged(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Unusable::new(format!("{} cannot be read: {error}", path.display())).into()),
    }
}

fn damaged(path: &Path) -> Failure {
    let cure = "remove it, and the machine gets a new key, which counts as a rebind";
    Unusable::new(format!("{} is damaged: {cure}", path.display())).into()
}

fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Unusable::new(format!("{} cannot be removed: {error}", path.display())).into())
        }
        _ => Ok(()),
    }
}

/// The folder, for its owner alone if it is made here.
fn make_private(folder: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(folder);
    made.map_err(|error| {
        Unusable::new(format!("{} cannot be made: {error}. Give a folder with --state", folder.display())).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_one_of_version_4() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
