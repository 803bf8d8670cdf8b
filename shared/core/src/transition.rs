//! What can be done to a licence: each transition consumes the old one and is refused by naming state and action.

use crate::calendar::{Day, Period};
use crate::id::{ActivationId, TokenId};
use crate::license::{License, Paid, Pending, Plans, Standing, State, Term};
use crate::plan::{Kind, Offer, Sale, Terms};
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What can be done to a licence.
    Action, "must be an action on a licence" {
        /// Pay for more periods.
        Renew = "renew",
        /// Another plan, at once or at the end of the paid time.
        ChangePlan = "change-plan",
        /// Take back what is pending.
        WithdrawChange = "withdraw-change",
        /// End with the paid time.
        Cancel = "cancel",
        /// Stop for a while.
        Suspend = "suspend",
        /// End a suspension.
        Reinstate = "reinstate",
        /// End for good.
        Revoke = "revoke",
        /// Lengthen a trial.
        Extend = "extend",
        /// Free a domain.
        Release = "release",
    }
}

/// Why a transition is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The state does not allow the action.
    #[error("a licence that is {from} does not allow {action}: {cure}")]
    State {
        /// The state it is in.
        from: State,
        /// What was asked for.
        action: Action,
        /// What can be done instead.
        cure: &'static str,
    },
    /// A rule of product or plan forbids it.
    #[error("{0}")]
    Rule(&'static str),
    /// A `.lic` file was made for the domain, so only support can release it.
    #[error("a licence file was issued for this server: ask support to release it")]
    FileIssued,
}

/// What a release has freed.
#[derive(Debug, Clone, PartialEq)]
pub struct Released {
    /// The licence without the activation.
    pub license: License,
    /// The file that must go on the list of files no longer good.
    pub file: Option<TokenId>,
}

impl License {
    /// Pays `count` more periods, on the newest revision of the plan or on the plan that is pending: `offer` is of the
    /// plan that [`License::renewal_plan`] names. Until the grace ends the anchor stays; later it is today.
    ///
    /// # Errors
    /// [`Refusal::State`] for perpetual licences, trials, and in states that cannot be renewed; [`Refusal::Rule`] for no
    /// period at all.
    pub fn renew(self, count: u32, offer: &Offer, plans: Plans<'_>, now: Timestamp) -> Result<Self, Refusal> {
        self.permit(Action::Renew, plans, now)?;
        let current = self.last_plan(plans).terms;
        let (sold, period) = match (self.last_term().paid, current, offer.plan.terms) {
            (
                Paid::Through { .. },
                Terms::Subscription { period: Some(sold), .. },
                Terms::Subscription { period: Some(period), .. },
            ) => (sold, period),
            _ => return Err(self.refuse(Action::Renew, plans, now, "only subscriptions with a period are renewed")),
        };
        if count == 0 {
            return Err(Refusal::Rule("a renewal pays for at least one period"));
        }
        let on_time = self.position(plans, now).grace_until.is_some_and(|grace| now <= grace);
        let mut license = self.settle(now);
        let (anchor, through) = match license.last_term().paid {
            Paid::Through { anchor, through } if on_time => {
                // Days and months share no anchor: where the unit changes, counting goes on from the last paid day.
                let anchor = if sold.is_days() == period.is_days() { anchor } else { through };
                (anchor, further(anchor, through, period, count))
            }
            _ => (now.day(), now.day().plus_periods(period, count)),
        };
        let renewed = Term { plan: offer.reference.clone(), paid: Paid::Through { anchor, through } };
        let changes = license.last_term().plan.plan != offer.reference.plan;
        if license.next.is_some() || (changes && on_time) {
            license.next = Some(renewed);
        } else {
            license.running = renewed;
        }
        license.pending = Pending::Nothing;
        Ok(license.settle(now).changed())
    }

    /// The plan that a renewal is sold under.
    #[must_use]
    pub fn renewal_plan(&self) -> &crate::Slug {
        match &self.pending {
            Pending::Change(plan) => plan,
            _ => &self.last_term().plan.plan,
        }
    }

    /// Changes to another plan: upward at once, with the unused days kept; downward when the paid time ends and is
    /// renewed.
    ///
    /// # Errors
    /// [`Refusal::State`] while suspended or revoked, and downward when it was cancelled and is over; [`Refusal::Rule`]
    /// when the plans do not allow it.
    pub fn change_plan(self, offer: &Offer, plans: Plans<'_>, now: Timestamp) -> Result<Self, Refusal> {
        self.permit(Action::ChangePlan, plans, now)?;
        let current = self.last_plan(plans);
        let mut license = self.settle(now);
        let target = &offer.plan;
        match (current.kind(), target.kind()) {
            _ if target.sale != Sale::Sellable => {
                return Err(Refusal::Rule("the plan is not for sale: choose one that is"));
            }
            _ if license.last_term().plan.plan == offer.reference.plan => {
                return Err(Refusal::Rule("the licence is on this plan already"));
            }
            (_, Kind::Trial) => return Err(Refusal::Rule("nothing changes to a trial: issue a new licence")),
            (Kind::Perpetual, _) => {
                return Err(Refusal::Rule("a perpetual licence is never changed: issue a new licence"));
            }
            (_, Kind::Subscription) if target.period().is_none() => {
                return Err(Refusal::Rule("a cloud states how far the plan is paid: buy it there"));
            }
            (Kind::Subscription, Kind::Subscription) if target.rank() < current.rank() => {
                if license.cancellation_is_over(plans, now) {
                    // The pending change would take the cancellation's place and bring the grace back.
                    return Err(license.refuse(
                        Action::ChangePlan,
                        plans,
                        now,
                        "it was cancelled and is over: renew it",
                    ));
                }
                license.pending = Pending::Change(offer.reference.plan.clone());
                return Ok(license.changed());
            }
            _ => {}
        }
        let kept = match license.last_term().paid.end() {
            Some(end) if current.kind() != Kind::Trial => end.day().max(now.day()),
            _ => now.day(),
        };
        let started = license.running.paid != Paid::NotStarted;
        license.running = Term { plan: offer.reference.clone(), paid: Paid::first(target, kept, now, started) };
        license.next = None;
        license.pending = Pending::Nothing;
        Ok(license.changed())
    }

    /// Empties the pending slot. A cancellation can be withdrawn until the paid time has ended, a change until it is
    /// renewed.
    ///
    /// # Errors
    /// [`Refusal::State`] when nothing is pending, or it has taken effect.
    pub fn withdraw_change(self, plans: Plans<'_>, now: Timestamp) -> Result<Self, Refusal> {
        self.permit(Action::WithdrawChange, plans, now)?;
        let mut license = self;
        if license.pending == Pending::Nothing {
            return Err(license.refuse(Action::WithdrawChange, plans, now, "nothing is pending"));
        }
        if license.cancellation_is_over(plans, now) {
            return Err(license.refuse(Action::WithdrawChange, plans, now, "it was cancelled and is over: renew it"));
        }
        license.pending = Pending::Nothing;
        Ok(license.changed())
    }

    /// Lets it end with the paid time, without a grace.
    ///
    /// # Errors
    /// [`Refusal::State`] when nothing is paid by the period, or it is cancelled or over.
    pub fn cancel(self, plans: Plans<'_>, now: Timestamp) -> Result<Self, Refusal> {
        self.permit(Action::Cancel, plans, now)?;
        let mut license = self;
        if license.pending == Pending::Cancellation || license.last_term().paid.end().is_none() {
            return Err(license.refuse(
                Action::Cancel,
                plans,
                now,
                "only a running term that is not cancelled yet can be",
            ));
        }
        license.pending = Pending::Cancellation;
        Ok(license.changed())
    }

    /// Stops it for a while.
    ///
    /// # Errors
    /// [`Refusal::State`] when it is suspended or revoked.
    pub fn suspend(self, plans: Plans<'_>, now: Timestamp) -> Result<Self, Refusal> {
        self.permit(Action::Suspend, plans, now)?;
        let mut license = self;
        license.standing = Standing::Suspended { since: now };
        Ok(license.changed())
    }

    /// Ends a suspension. The whole days that it lasted are given back, unless they are to be consumed.
    ///
    /// # Errors
    /// [`Refusal::State`] when it is not suspended.
    pub fn reinstate(self, consume: bool, plans: Plans<'_>, now: Timestamp) -> Result<Self, Refusal> {
        self.permit(Action::Reinstate, plans, now)?;
        let mut license = self;
        if let (Standing::Suspended { since }, false) = (license.standing, consume) {
            let lost = now.since(since).whole_days();
            license.running.paid = later(license.running.paid, lost);
            if let Some(next) = &mut license.next {
                next.paid = later(next.paid, lost);
            }
        }
        license.standing = Standing::Live;
        Ok(license.changed())
    }

    /// Ends it for good.
    ///
    /// # Errors
    /// [`Refusal::State`] when it is revoked already.
    pub fn revoke(self, plans: Plans<'_>, now: Timestamp) -> Result<Self, Refusal> {
        self.permit(Action::Revoke, plans, now)?;
        let mut license = self;
        license.standing = Standing::Revoked { at: now };
        Ok(license.changed())
    }

    /// Lengthens a trial by days, from the later of its end and today.
    ///
    /// # Errors
    /// [`Refusal::Rule`] for other kinds and for no day at all; [`Refusal::State`] before it has started and while it is
    /// stopped.
    pub fn extend(self, days: u16, plans: Plans<'_>, now: Timestamp) -> Result<Self, Refusal> {
        self.permit(Action::Extend, plans, now)?;
        if days == 0 {
            return Err(Refusal::Rule("a trial is extended by at least one day"));
        }
        let mut license = self;
        match license.running.paid {
            Paid::Through { through, .. } if plans.running.kind() == Kind::Trial => {
                let end = through.max(now.day()).plus_days(i64::from(days));
                license.running.paid = Paid::Through { anchor: end, through: end };
                Ok(license.changed())
            }
            _ => Err(Refusal::Rule("only trials are extended: renew a subscription instead")),
        }
    }

    /// Frees a domain. With `by_support` also one that a file was made for.
    ///
    /// # Errors
    /// [`Refusal::FileIssued`] for the customer when there is a file; [`Refusal::State`] while suspended or revoked.
    /// An activation that is not live any more is `Ok(None)`: somebody released it before.
    pub fn release(
        self,
        activation: ActivationId,
        by_support: bool,
        plans: Plans<'_>,
        now: Timestamp,
    ) -> Result<Option<Released>, Refusal> {
        let Some((fingerprint, file)) = self.activation(activation).map(|(value, found)| (*value, found.file)) else {
            return Ok(None);
        };
        self.permit(Action::Release, plans, now)?;
        let mut license = self;
        if file.is_some() && !by_support {
            return Err(Refusal::FileIssued);
        }
        license.activations.remove(&fingerprint);
        Ok(Some(Released { license: license.changed(), file }))
    }

    /// The table of what each state allows.
    fn permit(&self, action: Action, plans: Plans<'_>, now: Timestamp) -> Result<(), Refusal> {
        use Action::{Cancel, ChangePlan, Extend, Reinstate, Release, Renew, Revoke, Suspend, WithdrawChange};
        let allowed: &[Action] = match self.position(plans, now).state {
            State::Available => &[ChangePlan, WithdrawChange, Suspend, Revoke, Release],
            State::Active => &[Renew, ChangePlan, WithdrawChange, Cancel, Suspend, Revoke, Extend, Release],
            State::PastDue => &[Renew, ChangePlan, WithdrawChange, Cancel, Suspend, Revoke, Extend, Release],
            State::Cancelled => &[Renew, ChangePlan, WithdrawChange, Suspend, Revoke, Extend, Release],
            State::Expired => &[Renew, ChangePlan, WithdrawChange, Suspend, Revoke, Extend, Release],
            State::Suspended => &[Reinstate, Revoke, Cancel],
            State::Revoked => &[],
        };
        if allowed.contains(&action) {
            Ok(())
        } else {
            Err(self.refuse(action, plans, now, "see what its state allows"))
        }
    }

    /// A cancellation has taken effect: nothing but new payment brings the licence back.
    fn cancellation_is_over(&self, plans: Plans<'_>, now: Timestamp) -> bool {
        self.pending == Pending::Cancellation && self.position(plans, now).state == State::Expired
    }

    fn refuse(&self, action: Action, plans: Plans<'_>, now: Timestamp, cure: &'static str) -> Refusal {
        let from = self.position(plans, now).state;
        let cure = match from {
            State::Revoked => "a revocation is final, issue a new licence",
            State::Suspended => "reinstate it first",
            _ => cure,
        };
        Refusal::State { from, action, cure }
    }

    /// Lets the next term take the place of a running one that has ended.
    fn settle(mut self, now: Timestamp) -> Self {
        if self.running.paid.end().is_some_and(|end| end < now)
            && let Some(next) = self.next.take()
        {
            self.running = next;
        }
        self
    }

    pub(crate) fn changed(mut self) -> Self {
        self.version += 1;
        self
    }
}

/// `count` periods after `through`, counted from `anchor`, so that the anchor's day is kept.
fn further(anchor: Day, through: Day, period: Period, count: u32) -> Day {
    match period {
        Period::Days(_) => through.plus_periods(period, count),
        Period::Months(months) => {
            Day::plus_months_from_anchor(anchor, through.months_since(anchor) + i64::from(months) * i64::from(count))
        }
        Period::Years(years) => Day::plus_months_from_anchor(
            anchor,
            through.months_since(anchor) + i64::from(years) * 12 * i64::from(count),
        ),
    }
}

/// Days given back move the end; counting goes on from there, or the next renewal would give or take days.
fn later(paid: Paid, days: i64) -> Paid {
    match paid {
        Paid::Through { through, .. } if days > 0 => {
            let through = through.plus_days(days);
            Paid::Through { anchor: through, through }
        }
        other => other,
    }
}
