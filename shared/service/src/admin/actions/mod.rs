//! What can be done to a licence: each action reads, judges and makes one transaction with its entry of the history.

mod bodies;
pub(super) mod stop;
pub(super) mod terms;

pub(super) use self::bodies::{Because, BecauseSchema};

use http::StatusCode;
use marque_core::plan::Percent;
use marque_core::token::Revoked;
use marque_core::{Discount, DiscountId, License, NoteText, Offer, Plans, Slug, Timestamp, What};
use marque_store::{Along, Change, Committed, StoreError};

use super::license::LicenseAnswer;
use super::{Call, Success, discounts, licenses};
use crate::App;
use crate::app::LicensePlans;
use crate::history::new_event;
use crate::mail::Announcement;
use crate::problem::Error;
use crate::validate::TRIES;

/// A licence as it was read.
#[derive(Debug)]
struct Seen {
    license: License,
    /// A cloud's agreement pays for it, and is not over.
    follows: bool,
    plans: LicensePlans,
    /// The newest revision of the plan that is to be sold, if there is such a plan.
    offer: Option<Offer>,
    discount: Option<Discount>,
    now: Timestamp,
}

impl Seen {
    fn plans(&self) -> Plans<'_> {
        self.plans.as_ref()
    }

    /// The licence, to change what is paid: what an agreement says is said there, and would be undone by its next word.
    fn sold_here(&self) -> Result<License, Error> {
        if self.follows {
            return Err(Error::RuleViolated(
                "An agreement of a cloud's marketplace pays for this licence: change that one. Suspend or revoke stops it here.",
            ));
        }
        Ok(self.license.clone())
    }

    /// What is sold, and the percentage of the discount on it.
    fn sale(&self) -> Result<(&Offer, u8), Error> {
        let offer = self.offer.as_ref().ok_or(Error::Unknown("The product has no such plan: compare its name."))?;
        let percent = self.discount.as_ref().map(|discount| discount.on(&offer.plan, self.now)).transpose()?;
        Ok((offer, percent.map_or(0, Percent::get)))
    }
}

/// What an action sells.
#[derive(Debug, Clone, Copy)]
enum Sells<'a> {
    Nothing,
    /// More of the licence's own plan, or of the one that is pending.
    More(Option<DiscountId>),
    /// Another plan.
    Plan(&'a Slug, Option<DiscountId>),
}

/// What an action makes of it.
#[derive(Debug)]
struct Made {
    after: License,
    what: What,
    note: Option<NoteText>,
    /// What it puts on the list of what is no longer good.
    listed: Option<Revoked>,
}

impl Made {
    fn new(after: License, what: What) -> Self {
        Self { after, what, note: None, listed: None }
    }

    fn because(self, note: NoteText) -> Self {
        Self { note: Some(note), ..self }
    }
}

/// Does an action: whoever is overtaken reads and judges anew. `make` answers `None` when nothing is left to do.
async fn act<T>(
    app: &App,
    id: &str,
    call: &Call<T>,
    sells: Sells<'_>,
    make: impl Fn(&Seen) -> Result<Option<Made>, Error>,
) -> Result<Success, Error> {
    let now = app.clock().now();
    for _ in 0..TRIES {
        if let Some(kept) = call.once.answered(app, now).await? {
            return Ok(kept);
        }
        let seen = see(app, id, sells, now).await?;
        let mut along = Along::default();
        let Some(made) = make(&seen)? else {
            let success = Success::new(StatusCode::OK, &LicenseAnswer::new(&seen.license, seen.plans(), now))?;
            call.once.keep(&mut along, &success, now)?;
            if app.store().keep(&along).await? == Committed::Done {
                return Ok(success);
            }
            continue;
        };
        let Made { mut after, what, note, listed } = made;
        let event = new_event(&seen.license, call.caller.actor(), what, now).beside(note);
        after.head = event.head();
        let plans = app.plans(&after).await?;
        let success = Success::new(StatusCode::OK, &LicenseAnswer::new(&after, plans.as_ref(), now))?;
        call.once.keep(&mut along, &success, now)?;
        if let Some(entry) = listed {
            along.revoke(&app.store().revocations().await?, entry)?;
        }
        let announcement = Announcement::of(&event, &after);
        announcement.goes(&mut along, now)?;
        let change = Change {
            before: &seen.license,
            after: &after,
            plans_before: seen.plans(),
            plans_after: plans.as_ref(),
            event: &event,
        };
        if app.store().transition(change, &along).await? == Committed::Done {
            announcement.send(app, now).await;
            return Ok(success);
        }
    }
    Err(StoreError::Contention { item: id.to_owned() }.into())
}

async fn see(app: &App, id: &str, sells: Sells<'_>, now: Timestamp) -> Result<Seen, Error> {
    let (license, follows) = licenses::followed(app, id).await?;
    let plans = app.plans(&license).await?;
    let (plan, discount) = match sells {
        Sells::Nothing => return Ok(Seen { license, follows, plans, offer: None, discount: None, now }),
        Sells::More(discount) => (license.renewal_plan(), discount),
        Sells::Plan(plan, discount) => (plan, discount),
    };
    let offer = app.store().plan(&license.product, plan).await?;
    if let Some(offer) = &offer {
        app.keep_plan(&license.product, offer);
    }
    let discount = discounts::of_customer(app, license.customer, discount).await?;
    Ok(Seen { license, follows, plans, offer, discount, now })
}
