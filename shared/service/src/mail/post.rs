//! What carries mails, and what they say of the publisher.

use super::{Kept, Mail};

/// Where mails go, and what stands in them beside their letter.
#[derive(Debug)]
pub struct Post {
    /// What carries them.
    pub carrier: Carrier,
    /// What links begin with: the address of the pages, without a trailing slash.
    pub pages: String,
    /// Where people may ask: an address for mail or of a page.
    pub contact: String,
}

/// What carries mails.
#[derive(Debug)]
pub enum Carrier {
    /// Amazon SES.
    #[cfg(feature = "aws")]
    Ses(super::Ses),
    /// Nothing: they are kept to be looked at.
    Kept(Kept),
    /// Nothing was set up. Mails wait in the table until it is.
    Nobody,
}

/// Why a mail was not carried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCarried {
    /// It may work later.
    #[error("{0}")]
    Now(String),
    /// It will never work.
    #[error("{0}")]
    Ever(String),
}

impl Post {
    /// Mails are kept to be looked at, with links into `pages`: for local runs and tests.
    #[must_use]
    pub fn kept(kept: Kept, pages: &str) -> Self {
        Self { carrier: Carrier::Kept(kept), pages: pages.to_owned(), contact: "support@example.org".to_owned() }
    }

    /// Hands a mail over.
    ///
    /// # Errors
    /// [`NotCarried`].
    pub(crate) async fn carry(&self, mail: &Mail) -> Result<(), NotCarried> {
        match &self.carrier {
            #[cfg(feature = "aws")]
            Carrier::Ses(ses) => ses.send(mail).await,
            Carrier::Kept(kept) => kept.keep(mail).map_err(|error| NotCarried::Now(error.to_string())),
            Carrier::Nobody => Err(NotCarried::Now("MARQUE_MAIL_FROM is not set".to_owned())),
        }
    }
}
