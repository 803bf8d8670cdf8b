//! Sending: right after the commit by whoever made the change, and again by the sweep. At least once, as ever: a process
//! that dies between the carrier's answer and the removal leaves a mail that is sent again.

use marque_core::{Duration, Event, Letter, License, MailId, Timestamp};
use marque_store::{Along, Outgoing, StoreError};

use super::compose::compose;
use super::post::{Carrier, NotCarried};
use crate::problem::Error;
use crate::register::Token;
use crate::{App, chance};

/// A mail is tried so often, which takes about two and a half days; then it is kept to be looked at.
const ATTEMPTS: u32 = 16;
/// No two tries are further apart.
const LONGEST_WAIT: Duration = Duration::hours(6);

/// What became of a mail in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// The carrier has it.
    Sent,
    /// There is nobody to write to any more.
    Nobody,
    /// It did not work, and is tried again.
    Later,
    /// It will not work, and is kept to be looked at.
    GivenUp,
}

/// The mail that a change of a licence is worth, to go along with it and to be sent after it.
#[derive(Debug)]
pub(crate) struct Announcement(Option<Outgoing>);

impl Announcement {
    /// Of a change that makes a licence what `after` is.
    pub(crate) fn of(event: &Event, after: &License) -> Self {
        let letter = Letter::about(&event.what, after);
        Self(letter.map(|letter| Outgoing::first(MailId::new(event.at, chance::draw()), letter)))
    }

    /// Writes it with the change.
    pub(crate) fn goes(&self, along: &mut Along, now: Timestamp) -> Result<(), StoreError> {
        self.0.as_ref().map_or(Ok(()), |mail| along.mail(mail, now).map(drop))
    }

    /// Sends it, once the change is made. What fails is the sweep's: no change waits for a mail or fails with it.
    pub(crate) async fn send(self, app: &App, now: Timestamp) {
        if let Some(mail) = self.0 {
            send(app, &mail, None, now).await;
        }
    }
}

/// Sends a mail that this caller has in hand: it wrote it just now, or claimed it.
pub(crate) async fn send(app: &App, mail: &Outgoing, token: Option<&Token>, now: Timestamp) -> Sending {
    if matches!(app.post().carrier, Carrier::Nobody) {
        // Some functions only write mails, and another one sends them.
        return Sending::Later;
    }
    let fault = match attempt(app, mail, token, now).await {
        Ok(sending) => {
            if let Err(error) = app.store().remove_mail(mail.id).await {
                tracing::warn!(mail = %mail.id, %error, "a mail was sent and could not be removed: it is sent again");
            }
            return sending;
        }
        Err(fault) => fault,
    };
    let ended = matches!(fault, NotCarried::Ever(_)) || mail.attempts >= ATTEMPTS;
    if !ended {
        tracing::warn!(mail = %mail.id, attempts = mail.attempts, error = %fault, "a mail was not sent");
        return Sending::Later;
    }
    tracing::error!(mail = %mail.id, attempts = mail.attempts, error = %fault, "a mail is given up");
    match app.store().park_mail(mail.id, &fault.to_string()).await {
        Ok(()) => Sending::GivenUp,
        Err(error) => {
            tracing::warn!(mail = %mail.id, %error, "a mail could not be given up");
            Sending::Later
        }
    }
}

async fn attempt(app: &App, mail: &Outgoing, token: Option<&Token>, now: Timestamp) -> Result<Sending, NotCarried> {
    let later = |error: Error| NotCarried::Now(error.cause().unwrap_or(error.code()).to_owned());
    match compose(app, &mail.letter, token, now).await.map_err(later)? {
        Some(composed) => app.post().carry(&composed).await.map(|()| Sending::Sent),
        None => Ok(Sending::Nobody),
    }
}

/// When a mail that was tried so often is tried again: twice as late each time.
pub(crate) fn retry_at(attempts: u32, now: Timestamp) -> Timestamp {
    let minutes = 1_u32.checked_shl(attempts.min(10)).unwrap_or(u32::MAX);
    now.after(Duration::from_seconds(minutes * 60).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_tried_for_two_to_three_days() {
        let (mut at, mut waits) = (Timestamp::EPOCH, Vec::new());
        for attempts in 1..ATTEMPTS {
            let next = retry_at(attempts, at);
            waits.push(next.since(at));
            at = next;
        }
        assert!(waits.is_sorted() && waits.last() == Some(&LONGEST_WAIT), "{waits:?}");
        assert!((2..=3).contains(&at.since(Timestamp::EPOCH).whole_days()), "{at}");
        assert_eq!(retry_at(u32::MAX, Timestamp::EPOCH), Timestamp::EPOCH.after(LONGEST_WAIT));
    }
}
