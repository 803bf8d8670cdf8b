//! Everything that the simulated marketplace knows, and the journal that keeps it.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use marque_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::purchase::Purchase;
use crate::truth::{Metered, Refused, Truth};

/// What happened, as the journal has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Change {
    /// Ids are drawn from this.
    Seed(String),
    /// A purchase as it is now.
    Purchase(Box<Purchase>),
    Token {
        token: String,
        agreement: String,
        made: Timestamp,
    },
    Metered(Metered),
    Refused(Refused),
    /// An event waits to be delivered.
    Event(Value),
    /// The event of this id was delivered.
    Delivered(String),
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(crate) struct World {
    seed: String,
    /// How many changes there were: each id is drawn from a number of its own.
    drawn: u64,
    pub(crate) purchases: BTreeMap<String, Purchase>,
    /// The agreement of a licence.
    licenses: BTreeMap<String, String>,
    /// Tokens, with their agreement and when they were made.
    pub(crate) tokens: BTreeMap<String, (String, Timestamp)>,
    pub(crate) truth: Truth,
    /// Where accepted usage is, by its hour.
    pub(crate) hours: BTreeMap<Hour, usize>,
    pub(crate) events: VecDeque<Value>,
    journal: Option<File>,
}

/// What usage is known by: nothing else is accepted for it again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hour {
    pub(crate) license_arn: String,
    pub(crate) dimension: String,
    pub(crate) hour: i64,
    pub(crate) region: String,
}

impl Hour {
    pub(crate) fn of(metered: &Metered) -> Self {
        Self {
            license_arn: metered.license_arn.clone(),
            dimension: metered.dimension.clone(),
            hour: metered.timestamp.unix().div_euclid(3600),
            region: metered.region.clone(),
        }
    }
}

impl World {
    /// An empty world that is kept nowhere.
    pub(crate) fn new(seed: &str) -> Self {
        Self { seed: seed.to_owned(), ..Self::default() }
    }

    /// The world as `path` has it; new ids are drawn from `seed`, which must be a fresh one.
    pub(crate) fn open(path: &Path, seed: &str) -> io::Result<Self> {
        let mut journal = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut world = Self::default();
        let mut whole = 0;
        let mut reader = BufReader::new(&journal);
        let mut line = String::new();
        // A line without its end is a commit that was cut off: it was never acknowledged.
        while reader.read_line(&mut line)? > 0 && line.ends_with('\n') {
            let changes: Vec<Change> = serde_json::from_str(&line)?;
            changes.into_iter().for_each(|change| world.apply(change));
            whole += line.len() as u64;
            line.clear();
        }
        journal.set_len(whole)?;
        journal.seek(SeekFrom::End(0))?;
        world.journal = Some(journal);
        // A seed of its own for each opening: what was drawn before and not kept must not be drawn again.
        world.commit(vec![Change::Seed(seed.to_owned())])?;
        Ok(world)
    }

    /// Makes changes, all or nothing: they are in the operating system's hands before they are known.
    pub(crate) fn commit(&mut self, changes: Vec<Change>) -> io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        if let Some(journal) = &mut self.journal {
            let mut line = serde_json::to_vec(&changes)?;
            line.push(b'\n');
            journal.write_all(&line)?;
        }
        changes.into_iter().for_each(|change| self.apply(change));
        Ok(())
    }

    /// A fresh text of 64 hexadecimal digits. Drawn from the seed, so that a world can be made again.
    pub(crate) fn draw(&mut self, what: &str) -> String {
        self.drawn += 1;
        let digest = Sha256::digest(format!("{}\n{}\n{what}", self.seed, self.drawn));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn by_license_arn(&self, arn: &str) -> Option<&Purchase> {
        let license = arn.rsplit(':').next()?;
        let purchase = self.purchases.get(self.licenses.get(license)?)?;
        (purchase.license_arn() == arn).then_some(purchase)
    }

    fn apply(&mut self, change: Change) {
        self.drawn += 1;
        match change {
            Change::Seed(seed) => self.seed = seed,
            Change::Purchase(purchase) => {
                self.licenses.insert(purchase.license.clone(), purchase.agreement.clone());
                self.purchases.insert(purchase.agreement.clone(), *purchase);
            }
            Change::Token { token, agreement, made } => {
                self.tokens.insert(token, (agreement, made));
            }
            Change::Metered(metered) => {
                self.hours.insert(Hour::of(&metered), self.truth.accepted.len());
                self.truth.accepted.push(metered);
            }
            Change::Refused(refused) => self.truth.refused.push(refused),
            Change::Event(event) => self.events.push_back(event),
            Change::Delivered(id) => self.events.retain(|event| event["id"] != *id),
        }
    }
}
