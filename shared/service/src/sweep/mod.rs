//! `sweep`, called by a schedule: notices that are due and mails that were not sent, shard by shard and page by page.
//!
//! Safe to run twice at once, and to be ended anywhere: each piece of work is moved on under the condition that it is still
//! due, and what is not done stays in the index for the next run.

#[cfg(feature = "marketplace")]
mod agreements;

use std::collections::VecDeque;

use futures_util::{StreamExt, stream};
use marque_core::{Letter, LicenseId, MailId, Timestamp};
use marque_store::{Along, Committed, Due, Outgoing, Shard, StoreError, Work};
use serde::Serialize;

use crate::clock::Stopwatch;
use crate::mail::{Sending, retry_at, send};
use crate::problem::Error;
use crate::{App, chance};

#[cfg(feature = "marketplace")]
pub use agreements::{AllCounts, run_with_agreements};

/// So many entries of the index are read at a time.
const PAGE: i32 = 100;
/// So many pieces of work are under way at once: enough to hide the table's latency, few enough for SES.
const AT_ONCE: usize = 16;
/// A notice is judged anew so often when others change the same licence.
const TRIES: usize = 4;

/// What a run has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Pages of the index that were read.
    pub pages: u32,
    /// Notices that were written.
    pub notices: u32,
    /// Mails that were sent.
    pub sent: u32,
    /// Mails that could not be sent now, and are tried again.
    pub waiting: u32,
    /// Mails that were given up.
    pub given_up: u32,
    /// Pieces of work that failed, and are found again by the next run.
    pub failed: u32,
    /// Nothing that was due at the start is left.
    pub finished: bool,
}

/// What became of one piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// Somebody else had done it.
    Nothing,
    /// The licence was moved on; there was nothing to write any more.
    Moved,
    /// A notice was written, and its mail fared so.
    Notice(Sending),
    /// A mail was tried again, and fared so.
    Mail(Sending),
}

/// Does what is due now for at most so many milliseconds, and leaves the rest to the next run.
///
/// # Errors
/// [`Error::Unavailable`] when the index cannot be read.
pub async fn run(app: &App, milliseconds: f64) -> Result<Counts, Error> {
    let stopwatch = Stopwatch::start();
    let now = app.clock().now();
    let mut counts = Counts::default();
    let mut shards: VecDeque<_> = Shard::all().map(|shard| (shard, None)).collect();
    // Another shard first each time, so that a run that is too short starves none.
    let [first] = chance::draw();
    shards.rotate_left(usize::from(first) % shards.len());
    // A page of each in turn: each shard is a partition of the index, and takes a thousand writes a second.
    while let Some((shard, position)) = shards.pop_front() {
        if stopwatch.milliseconds() >= milliseconds {
            return Ok(counts);
        }
        let page = app.store().due(shard, now, position, PAGE).await?;
        counts.pages += 1;
        let mut work = stream::iter(page.entries).map(|due| perform(app, due, now)).buffer_unordered(AT_ONCE);
        while let Some(done) = work.next().await {
            counts.count(done);
        }
        shards.extend(page.next.map(|next| (shard, Some(next))));
    }
    counts.finished = true;
    Ok(counts)
}

impl Counts {
    fn count(&mut self, done: Result<Done, Error>) {
        let sending = match done {
            Ok(Done::Nothing | Done::Moved) => return,
            Ok(Done::Notice(sending)) => {
                self.notices += 1;
                sending
            }
            Ok(Done::Mail(sending)) => sending,
            Err(error) => {
                tracing::warn!(code = error.code(), error = error.cause(), "a piece of due work failed");
                self.failed += 1;
                return;
            }
        };
        match sending {
            Sending::Sent => self.sent += 1,
            Sending::Later => self.waiting += 1,
            Sending::GivenUp => self.given_up += 1,
            Sending::Nobody => {}
        }
    }
}

async fn perform(app: &App, due: Result<Due, StoreError>, now: Timestamp) -> Result<Done, Error> {
    match due?.work {
        Work::License(id) => tell(app, id, now).await,
        Work::Mail(id) => try_again(app, id, now).await,
    }
}

/// Writes the latest notice that a licence is due, and none that was missed before it.
async fn tell(app: &App, id: LicenseId, now: Timestamp) -> Result<Done, Error> {
    for _ in 0..TRIES {
        let found = app.store().due_license(id).await?.filter(|found| found.due <= now);
        let Some(found) = found else { return Ok(Done::Nothing) };
        let license = &found.license;
        let plans = app.plans(license).await?;
        let latest = license.latest_notice(plans.as_ref(), now).filter(|(at, _)| *at >= found.due);
        let next = license.next_notice(plans.as_ref(), now).map(|(at, _)| at);
        let grace_until = license.position(plans.as_ref(), now).grace_until;
        let letter = latest.and_then(|(_, notice)| Letter::notice(notice, license, grace_until));
        let mail = letter.map(|letter| Outgoing::first(MailId::new(now, chance::draw()), letter));
        let mut along = Along::default();
        if let Some(mail) = &mail {
            along.mail(mail, now)?;
        }
        if app.store().move_notice(&found, next, &along).await? == Committed::Done {
            let Some(mail) = mail else { return Ok(Done::Moved) };
            return Ok(Done::Notice(send(app, &mail, None, now).await));
        }
    }
    Err(StoreError::Contention { item: id.to_string() }.into())
}

/// Claims a mail that was not sent, and tries it again.
async fn try_again(app: &App, id: MailId, now: Timestamp) -> Result<Done, Error> {
    let waiting = app.store().waiting_mail(id).await?.filter(|waiting| waiting.due <= now);
    let Some(waiting) = waiting else { return Ok(Done::Nothing) };
    let retry = retry_at(waiting.mail.attempts, now);
    let Some(mail) = app.store().claim_mail(waiting, retry).await? else { return Ok(Done::Nothing) };
    Ok(Done::Mail(send(app, &mail, None, now).await))
}
