//! A licence's history: what happened, by whom, each entry holding the hash of the one before.
//!
//! Entries carry identifiers, words and numbers only. A person's text (a reason, a note) lies beside the entry and is
//! named here by a salted digest, so that erasing the person leaves the chain whole.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::calendar::Day;
use crate::cloud::Cloud;
use crate::customer::PersonText;
use crate::fingerprint::FingerprintValue;
use crate::id::{ActivationId, AgreementId, CustomerId, EventId, LicenseId, TokenId};
use crate::slug::Slug;
use crate::time::Timestamp;

/// SHA-256 of an entry.
pub type Hash = [u8; 32];

/// The end of a history: how many entries there are, and the hash of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the last entry, from 1; 0 before the first.
    pub seq: u64,
    /// Its hash; zeros before the first.
    pub hash: Hash,
}

impl Head {
    /// Before the first entry.
    pub const START: Self = Self { seq: 0, hash: [0; 32] };
}

/// One entry of a licence's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Never reused.
    pub id: EventId,
    /// Whose history it is.
    pub license: LicenseId,
    /// Its number, from 1.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub by: Actor,
    /// What happened.
    pub what: What,
    /// The hash of the entry before.
    pub prev: Hash,
    /// The hash of this one.
    pub hash: Hash,
    /// The person's text that it names by a digest; it is not hashed, so that it can be erased.
    pub note: Option<NoteText>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// Marque itself: the demo's seed, the sweep.
    System,
    /// Whoever holds the code.
    Holder,
    /// A principal of the publisher's: an IAM ARN, or the name of the local token.
    Principal(String),
}

/// One word or name: `system`, `holder`, or the principal's. No principal is called by one of the two words.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system",
            Self::Holder => "holder",
            Self::Principal(name) => name,
        })
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What {
    /// The licence was made.
    Issued {
        /// For whom.
        customer: CustomerId,
        /// Under which plan.
        plan: Slug,
        /// And which revision of it.
        revision: u32,
        /// The discount it was sold with, in percent.
        percent: u8,
    },
    /// The licence was taken over from an earlier system, with its code.
    Imported {
        /// For whom.
        customer: CustomerId,
        /// Under which plan.
        plan: Slug,
        /// And which revision of it.
        revision: u32,
    },
    /// A domain was bound.
    Activated {
        /// The binding.
        activation: ActivationId,
        /// The domain.
        fingerprint: FingerprintValue,
        /// It counts against the year's rebinds.
        rebind: bool,
    },
    /// A domain was freed.
    Released {
        /// The binding that ended.
        activation: ActivationId,
        /// Why, when support did it.
        reason: Option<Note>,
    },
    /// A file was made for a domain.
    FileIssued {
        /// The binding.
        activation: ActivationId,
        /// The file.
        jti: TokenId,
    },
    /// More periods were paid.
    Renewed {
        /// How many.
        periods: u32,
        /// The plan of the renewed term.
        plan: Slug,
        /// And which revision of it.
        revision: u32,
        /// The last paid day.
        through: Day,
        /// The discount it was sold with, in percent.
        percent: u8,
    },
    /// Another plan, at once.
    PlanChanged {
        /// The plan.
        plan: Slug,
        /// And which revision of it.
        revision: u32,
        /// The discount it was sold with, in percent.
        percent: u8,
    },
    /// Another plan, when the paid time ends and is renewed.
    ChangeScheduled {
        /// The plan.
        plan: Slug,
    },
    /// What was pending was taken back.
    ChangeWithdrawn,
    /// It ends with the paid time.
    Cancelled {
        /// Why, if it was told.
        reason: Option<Note>,
    },
    /// Stopped for a while.
    Suspended {
        /// Why.
        reason: Note,
    },
    /// A suspension ended.
    Reinstated {
        /// Why.
        reason: Note,
        /// The days lost were not given back.
        consume: bool,
    },
    /// Ended for good.
    Revoked {
        /// Why.
        reason: Note,
    },
    /// It follows what its agreements at a cloud's marketplace say.
    FollowedAgreement {
        /// The agreement that counts.
        agreement: AgreementId,
        /// The plan that it names.
        plan: Slug,
        /// And which revision of it.
        revision: u32,
        /// The last paid second; none while no end is known.
        through: Option<Timestamp>,
        /// The plan's grace follows.
        grace: bool,
    },
    /// A comparison with the cloud found of its agreement what no event had told. The licence goes on as it was.
    AgreementMended {
        /// The agreement.
        agreement: AgreementId,
    },
    /// A machine proved itself, and the licence is paid on.
    Proven {
        /// Where it runs.
        cloud: Cloud,
        /// Until when it is paid.
        until: Timestamp,
    },
    /// Another key holds the licence: the machine's new one, or another machine's.
    MachineChanged {
        /// Where it runs.
        cloud: Cloud,
        /// It counts against the year's rebinds.
        rebind: bool,
    },
    /// Support has compared a machine with the cloud's report.
    MachineConfirmed {
        /// Where it runs.
        cloud: Cloud,
        /// What was found.
        reason: Note,
    },
    /// Support has shut a machine out.
    MachineShutOut {
        /// Where it runs.
        cloud: Cloud,
        /// Why.
        reason: Note,
    },
    /// A trial was lengthened.
    Extended {
        /// By so many days.
        days: u16,
        /// Why.
        reason: Note,
    },
}

/// A person's text, named by the digest of a salt and the text; both lie beside the entry and can be erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// SHA-256 of the salt's bytes and the text, in lower-case hexadecimal.
    pub digest: String,
}

/// A person's text with the salt that its digest is made with.
#[derive(Clone, PartialEq, Eq)]
pub struct NoteText {
    /// Random, so that a short text cannot be guessed from its digest.
    pub salt: [u8; 16],
    /// The text.
    pub text: PersonText,
}

impl NoteText {
    /// The name of the text, as the history holds it.
    #[must_use]
    pub fn note(&self) -> Note {
        Note::new(&self.salt, self.text.as_str())
    }
}

// People's words do not belong into logs.
impl fmt::Debug for NoteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoteText(…)")
    }
}

impl Note {
    /// Names `text`, salted with random bytes so that a short text cannot be guessed from its digest.
    #[must_use]
    pub fn new(salt: &[u8; 16], text: &str) -> Self {
        let digest = Sha256::new().chain_update(salt).chain_update(text).finalize();
        Self { digest: digest.iter().map(|byte| format!("{byte:02x}")).collect() }
    }
}

/// What is hashed: every field but the hash, in this order.
#[derive(Serialize)]
struct Hashed<'a> {
    id: EventId,
    license: LicenseId,
    seq: u64,
    at: Timestamp,
    by: &'a Actor,
    what: &'a What,
    prev: &'a Hash,
}

impl Event {
    /// The entry after `head`.
    #[must_use]
    pub fn after(head: Head, id: EventId, license: LicenseId, at: Timestamp, by: Actor, what: What) -> Self {
        let (seq, prev) = (head.seq + 1, head.hash);
        let mut event = Self { id, license, seq, at, by, what, prev, hash: [0; 32], note: None };
        event.hash = event.computed_hash();
        event
    }

    /// The entry with the text that it names lying beside it.
    #[must_use]
    pub fn beside(self, note: Option<NoteText>) -> Self {
        Self { note, ..self }
    }

    /// The end of a history that ends with this entry.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }

    /// Whether this entry is what was hashed, and follows `head`.
    #[must_use]
    pub fn follows(&self, head: Head) -> bool {
        head.seq.checked_add(1) == Some(self.seq) && self.prev == head.hash && self.hash == self.computed_hash()
    }

    fn computed_hash(&self) -> Hash {
        let Self { id, license, seq, at, by, what, prev, .. } = self;
        let hashed = Hashed { id: *id, license: *license, seq: *seq, at: *at, by, what, prev };
        // Nothing in it can fail to be written: no maps with odd keys, no floats.
        let json = serde_json::to_vec(&hashed).unwrap_or_default();
        Sha256::new().chain_update(b"marque/event/v1\n").chain_update(json).finalize().into()
    }
}
