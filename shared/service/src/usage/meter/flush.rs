//! An agreement has ended: what is closed is sent at once, the last hour ten minutes later, until nothing is left or the
//! door is shut. The end writes the flush in its own transaction, so that it is not forgotten.

use marque_core::usage::{Hour, Metered, State};
use marque_core::{AgreementId, Duration, Timestamp};
use marque_store::{Along, Committed, KeptHour};

use super::books::{self, Books};
use crate::problem::Error;

/// The hours of so long are looked at: what is older, the marketplace takes no more.
const LOOKED_AT: Duration = Duration::hours(48);
/// A flush that is not done is repeated after so long.
const AGAIN: Duration = Duration::from_seconds(60);

/// Makes the hours of an agreement due as its end wants it, and answers those that are due now.
pub(super) async fn flush(
    books: &mut Books<'_>,
    agreement: AgreementId,
    seen: Timestamp,
    now: Timestamp,
) -> Result<Vec<KeptHour>, Error> {
    let store = books.shop().app().store();
    let Some(chain) = books.fresh(agreement, now).await? else {
        store.move_flush(agreement, seen, None).await?;
        return Ok(Vec::new());
    };
    let Some((metered, end)) = chain.agreement(agreement).and_then(|metered| Some((metered, metered.end?))) else {
        // It goes on after all: nothing is urgent.
        store.move_flush(agreement, seen, None).await?;
        return Ok(Vec::new());
    };
    let from = Hour::of(end.min(now).before(LOOKED_AT));
    let hours = store.usage_hours_between(chain.id, agreement, from, None).await?;
    let (mut due_now, mut left) = (Vec::new(), 0_u32);
    for hour in hours {
        if matches!(hour.entry.state, State::Confirmed(..) | State::Expired(..) | State::Quarantined(..)) {
            continue;
        }
        left += 1;
        let hour = hurried(books, metered, hour, end, now).await?;
        if hour.due.is_some_and(|due| due <= now) {
            due_now.push(hour);
        }
    }
    let shut = now >= Hour::door(end);
    if shut && left > 0 {
        tracing::error!(%agreement, hours = left, "usage of an ended agreement is not settled, and its door is shut");
    }
    let next = (left > 0 && !shut).then(|| now.after(AGAIN));
    store.move_flush(agreement, seen, next).await?;
    Ok(due_now)
}

/// The hour, due when the end wants it.
async fn hurried(
    books: &Books<'_>,
    agreement: &Metered,
    hour: KeptHour,
    end: Timestamp,
    now: Timestamp,
) -> Result<KeptHour, Error> {
    let due = match hour.entry.state.sealed() {
        // Once the licence is not there by the end, it is looked for as ever.
        None if agreement.activated.is_none() => return Ok(hour),
        None => agreement.seal_due(hour.entry.key.hour),
        Some(sealed) => agreement.send_from(sealed.record.timestamp),
    };
    // While the marketplace does not know the subscription there is no time to wait any more.
    let next_try = hour.next_try.filter(|next| *next <= now || now < end);
    if hour.due == Some(due) && hour.next_try == next_try {
        return Ok(hour);
    }
    let after = KeptHour { due: Some(due), next_try, ..hour.clone() };
    let store = books.shop().app().store();
    match store.change_hour(&hour, &after, Along::NOTHING).await? {
        Committed::Done => Ok(after),
        Committed::Overtaken => books::read_again(books.shop(), &hour.entry.key).await,
    }
}
