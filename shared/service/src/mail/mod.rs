//! Mail: what people are written, how it is worded, how it gets to them.
//!
//! A [`marque_core::Letter`] is written into the table by the transaction that causes it. Whoever made the change then
//! sends it (`send`); what was not sent, the sweep sends later. No change waits for a mail or fails with it.

mod compose;
mod dates;
mod kept;
mod post;
mod render;
mod sending;
#[cfg(feature = "aws")]
mod ses;
mod wording;

use std::fmt;

use serde::{Deserialize, Serialize};

#[cfg(feature = "marketplace")]
pub(crate) use dates::in_words;
pub use kept::Kept;
pub use post::{Carrier, NotCarried, Post};
pub(crate) use sending::{Announcement, Sending, retry_at, send};
#[cfg(feature = "aws")]
pub use ses::Ses;

/// A mail as it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The address, as the person gave it.
    pub to: String,
    /// One line.
    pub subject: String,
    /// For programs without HTML.
    pub text: String,
    /// The same with markup.
    pub html: String,
    /// The links in it.
    pub links: Vec<String>,
}

// Codes and links are credentials, and an address is a person's.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail(…)")
    }
}
