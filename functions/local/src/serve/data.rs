//! What `marque serve` keeps under `--data`: the database, the key ring, the root, and its own small state.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use marque_core::Timestamp;
use marque_embedded::Embedded;
use marque_service::chance;
use marque_service::demo::Demo;
use marque_service::keyring::{NewKey, RingDocument, RingSource, RootDocument};
use marque_service::mail;
use marque_service::marketplace::SessionKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::proofs::{SimulatorKeys, Starts};
use crate::output::Unusable;

/// The issuer of a new place. It names no port, so that leases outlive a restart on another one.
const ISSUER: &str = "https://marque.localhost";
/// Keys of a new place sign from here, so that the clock may be set back before anything was changed.
const KEYS_FROM: &str = "2020-01-01T00:00:00Z";

/// Everything that is kept, in a folder or in memory.
#[derive(Debug)]
pub(super) struct Data {
    folder: Option<PathBuf>,
    database: Embedded,
    ring: RingDocument,
    state: Mutex<Kept>,
    /// Held as long as this process serves: two on one folder would undo each other.
    _lock: Option<File>,
}

/// The small state.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    issuer: String,
    admin_token: String,
    /// Seconds by which the clock is ahead of the machine's.
    clock_offset: i64,
    /// Something was changed since the first start: the clock cannot be set back any more.
    changed: bool,
    /// Signs the sessions of buyers, in hexadecimal.
    #[serde(default = "new_secret")]
    session_key: String,
    /// When simulated machines were started first.
    #[serde(default)]
    started: Starts,
}

/// 32 random bytes in hexadecimal.
fn new_secret() -> String {
    chance::draw::<32>().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What scripts need to know, as `local.json` has it.
#[derive(Debug, Serialize)]
pub(super) struct Info {
    pub(super) url: String,
    pub(super) admin_token: String,
    pub(super) issuer: String,
    pub(super) root: Value,
    pub(super) demo: Demo,
}

impl Data {
    /// Opens a folder, or memory for `:memory:`; what is not there yet is made.
    pub(super) fn open(place: &Path) -> Result<Self, Unusable> {
        if place == Path::new(":memory:") {
            let database = Embedded::memory().map_err(|error| Unusable::new(error.to_string()))?;
            let (_, ring) = first_ring()?;
            return Ok(Self { folder: None, database, ring, state: Mutex::new(Kept::new()), _lock: None });
        }
        if place.is_file() {
            return Err(Unusable::new(format!("{} is a file: give --data a folder, or `:memory:`", place.display())));
        }
        std::fs::create_dir_all(place).map_err(|error| cannot("made", place, &error))?;
        let lock = lock(&place.join("lock"))?;
        let database = Embedded::open(&place.join("table.sqlite")).map_err(|error| Unusable::new(error.to_string()))?;
        let ring = match read_json(&place.join("ring.json"))? {
            Some(ring) => ring,
            None => {
                let (root, ring) = first_ring()?;
                write_secret(&place.join("root.json"), &root)?;
                write_secret(&place.join("ring.json"), &ring)?;
                ring
            }
        };
        let kept = match read_json(&place.join("state.json"))? {
            Some(kept) => kept,
            None => Kept::new(),
        };
        write_secret(&place.join("state.json"), &kept)?;
        Ok(Self { folder: Some(place.to_owned()), database, ring, state: Mutex::new(kept), _lock: Some(lock) })
    }

    pub(super) fn database(&self) -> &Embedded {
        &self.database
    }

    pub(super) fn ring(&self) -> &RingDocument {
        &self.ring
    }

    /// Where the ring is read from again; none in memory.
    pub(super) fn ring_source(&self) -> Option<RingSource> {
        self.folder.as_ref().map(|folder| RingSource::File(folder.join("ring.json")))
    }

    /// The mails that would have been sent.
    pub(super) fn outbox(&self) -> Result<mail::Kept, Unusable> {
        let Some(folder) = &self.folder else { return Ok(mail::Kept::in_memory()) };
        let path = folder.join("outbox.jsonl");
        mail::Kept::in_file(&path).map_err(|error| cannot("read", &path, &error))
    }

    pub(super) fn issuer(&self) -> String {
        self.kept(|kept| kept.issuer.clone())
    }

    pub(super) fn admin_token(&self) -> String {
        self.kept(|kept| kept.admin_token.clone())
    }

    /// The key that sessions of buyers are signed with.
    pub(super) fn session_key(&self) -> SessionKey {
        SessionKey::new(Sha256::digest(self.kept(|kept| kept.session_key.clone())).into())
    }

    /// Where a file of the folder is; none in memory.
    pub(super) fn file(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(name))
    }

    pub(super) fn clock_offset(&self) -> i64 {
        self.kept(|kept| kept.clock_offset)
    }

    pub(super) fn has_changed(&self) -> bool {
        self.kept(|kept| kept.changed)
    }

    /// Notes that something was changed; written once, not at each change.
    pub(super) fn note_change(&self) {
        if !self.has_changed() {
            self.keep(|kept| kept.changed = true);
        }
    }

    /// Keeps how far the clock is ahead.
    pub(super) fn keep_clock_offset(&self, seconds: i64) {
        self.keep(|kept| kept.clock_offset = seconds);
    }

    /// The keys of the simulated clouds, made at the first start.
    pub(super) fn simulator_keys(&self) -> Result<SimulatorKeys, Unusable> {
        let Some(place) = self.folder.as_ref().map(|folder| folder.join("simulator.json")) else {
            return SimulatorKeys::generate();
        };
        if let Some(keys) = read_json(&place)? {
            return Ok(keys);
        }
        let keys = SimulatorKeys::generate()?;
        write_secret(&place, &keys)?;
        Ok(keys)
    }

    /// When a simulated machine was started: as it is said now, or as it was at its first proof.
    pub(super) fn started_at(&self, machine: &str, said: Option<Timestamp>, now: Timestamp) -> Timestamp {
        if let Some(started) = self.kept(|kept| kept.started.get(machine).copied()) {
            return said.unwrap_or(started);
        }
        let started = said.unwrap_or(now);
        self.keep(|kept| _ = kept.started.insert(machine.to_owned(), started));
        started
    }

    /// Writes `local.json` into the folder and to a file that was asked for.
    pub(super) fn write_info(&self, info: &Info, also: Option<&Path>) -> Result<(), Unusable> {
        if let Some(folder) = &self.folder {
            write_secret(&folder.join("local.json"), info)?;
        }
        also.map_or(Ok(()), |path| write_secret(path, info))
    }

    fn kept<T>(&self, read: impl FnOnce(&Kept) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, change: impl FnOnce(&mut Kept)) {
        let mut kept = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut kept);
        if let Some(folder) = &self.folder
            && let Err(error) = write_secret(&folder.join("state.json"), &*kept)
        {
            tracing::error!(%error, "the local state is not kept");
        }
    }
}

impl Kept {
    fn new() -> Self {
        let admin_token = chance::draw::<24>().iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            issuer: ISSUER.to_owned(),
            admin_token,
            clock_offset: 0,
            changed: false,
            session_key: new_secret(),
            started: Starts::new(),
        }
    }
}

fn first_ring() -> Result<(RootDocument, RingDocument), Unusable> {
    let root = RootDocument::new(chance::draw());
    let from = KEYS_FROM.parse().unwrap_or(Timestamp::EPOCH);
    let ring = RingDocument::first(
        &root.key(),
        ISSUER,
        &NewKey::Seed(chance::draw()),
        &NewKey::Seed(chance::draw()),
        from,
        from,
    );
    Ok((root, ring.map_err(|error| Unusable::new(error.to_string()))?))
}

fn lock(path: &Path) -> Result<File, Unusable> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| cannot("opened", path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Unusable::new("another `marque serve` uses this folder: stop it, or give another one with --data"))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(cannot("locked", path, &error)),
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, Unusable> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let faulty = |error: serde_json::Error| {
                format!(
                    "{} is damaged (line {}): put back a copy, or start with another --data",
                    path.display(),
                    error.line()
                )
            };
            serde_json::from_slice(&bytes).map(Some).map_err(|error| Unusable::new(faulty(error)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, &error)),
    }
}

/// Writes a document that holds secrets: whole or not at all, and for its owner's eyes alone.
pub(crate) fn write_secret(path: &Path, document: &impl Serialize) -> Result<(), Unusable> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let draft = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text = serde_json::to_vec_pretty(document).map_err(|error| Unusable::new(error.to_string()))?;
    let written = options.open(&draft).and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()));
    written.and_then(|()| std::fs::rename(&draft, path)).map_err(|error| cannot("written", path, &error))
}

fn cannot(be: &str, path: &Path, error: &std::io::Error) -> Unusable {
    Unusable::new(format!("{} cannot be {be}: {error}", path.display()))
}
