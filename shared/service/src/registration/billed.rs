//! Billed by the cloud: the licence belongs to an account, for a product, in a domain; a machine with its key holds it.

use axum::response::Response;
use http::StatusCode;
use marque_core::machine::{AWAY, Held, PROOF_PAYS};
use marque_core::{ActivationId, Actor, KeyChange, License, RegisteredMachine, Timestamp, What};
use marque_store::{Along, Billed, BilledFor, Change};

use super::issue::issue;
use super::judged::Judged;
use super::outcome::{Changed, commit, stopped};
use crate::app::LicensePlans;
use crate::history::new_event;
use crate::problem::{Error, Taken};
use crate::{App, chance};

/// One try: `None` when somebody else changed the same things meanwhile. `here`: what the account is billed for in the
/// domain.
pub(super) async fn register(app: &App, judged: &Judged<'_>, here: Option<Billed>) -> Result<Option<Response>, Error> {
    if judged.is_shut_out() {
        return Err(Error::MachineTaken(Taken::ShutOut));
    }
    if judged.key_change() == Some(KeyChange::Refused) {
        return Err(Error::MachineTaken(Taken::ByKey));
    }
    match read(app, judged, here).await? {
        (Some(here), left) => hold(app, judged, here, left).await,
        (None, Some(left)) => move_domain(app, judged, left).await,
        (None, None) => issue(app, judged).await,
    }
}

/// The licence that the account has in the domain, and the one that the machine still holds in another: one machine's
/// proofs pay for one domain, whatever key it comes with. Both are read in one request.
async fn read(app: &App, judged: &Judged<'_>, here: Option<Billed>) -> Result<(Option<Here>, Option<Left>), Error> {
    let Judged { machine, request, .. } = judged;
    let held = judged.holds().filter(|held| held.domain != *judged.domain());
    let there = held.as_ref().map(|held| BilledFor {
        cloud: machine.cloud,
        account: &machine.account,
        product: &request.caller.product,
        domain: &held.domain,
    });
    let named = here.as_ref().map(|here| here.license).into_iter().chain(held.map(|held| held.license));
    let named: Vec<_> = named.collect();
    if named.is_empty() {
        return Ok((None, None));
    }
    let (licenses, there) = app.store().licenses_and_billed(&named, there).await?;
    let license = |id| licenses.iter().find(|license| license.id == id).cloned().ok_or(Error::LicenseNotFound);
    let here = match here {
        Some(billed) => Some(Here { license: license(billed.license)?, billed }),
        None => None,
    };
    let still = |held: &Held| {
        there.as_ref().is_some_and(|there| there.instance == machine.instance && there.license == held.license)
    };
    let left = match held.filter(still) {
        Some(held) => {
            let license = license(held.license)?;
            let plans = app.plans(&license).await?;
            Some(Left { held, license, plans })
        }
        None => None,
    };
    Ok((here, left))
}

/// The licence that the account has in the domain, and which machine holds it.
struct Here {
    billed: Billed,
    license: License,
}

/// A licence that the machine holds in another domain.
struct Left {
    held: Held,
    license: License,
    plans: LicensePlans,
}

impl Left {
    /// The licence stays its account's in the domain, and waits there for the next machine.
    fn goes_along(&self, along: &mut Along, now: Timestamp) -> Result<(), Error> {
        let Some(activation) = self.license.activations.get(&self.held.domain) else { return Ok(()) };
        let released = What::Released { activation: activation.id, reason: None };
        let event = new_event(&self.license, Actor::Holder, released, now);
        let mut after = self.license.clone().left(&self.held.domain);
        after.head = event.head();
        let (plans_before, plans_after) = (self.plans.as_ref(), self.plans.as_ref());
        along.transition(Change { before: &self.license, after: &after, plans_before, plans_after, event: &event })?;
        Ok(())
    }
}

/// The account has a licence in this domain: it is paid on, and changes hands if another machine or key asks.
async fn hold(app: &App, judged: &Judged<'_>, here: Here, left: Option<Left>) -> Result<Option<Response>, Error> {
    let now = judged.now;
    let Here { billed: held, license } = here;
    let plans = app.plans(&license).await?;
    let domain = judged.domain();
    let record = judged.record(license.id);
    if let Some(response) = stopped(app, judged, &license, &plans, &record).await? {
        return Ok(Some(response));
    }
    let paid = paid_on(app, judged, &license, plans.clone(), &record).await?;
    let plan = paid.license.position(paid.plans.as_ref(), now).plan;
    let holder = license.activations.get(domain);
    let replaces = held.instance != record.instance;
    let away = holder.and_then(|holder| holder.seen.as_ref()).is_none_or(|seen| now.since(seen.at) >= AWAY);
    let changes_hands = holder.is_none_or(|holder| holder.public_key != Some(record.key));
    // A key that the cloud signed into the proof may be anybody's on the machine; a later start is the machine's own.
    let rekeyed = !replaces && holder.is_some() && changes_hands && judged.started_at().is_none();
    let counted = left.is_some() || (replaces && !away) || rekeyed;
    if counted && !license.rebind_remains(plan, now) {
        return Err(if replaces && !away { Error::DomainTaken } else { Error::MachineTaken(Taken::TooOften) });
    }
    let mut along = judged.along(&record)?;
    along.billed(&record, Some(&held))?;
    if let Some(left) = &left {
        left.goes_along(&mut along, now)?;
    }
    let mut after = paid.license.clone();
    if holder.is_none() {
        let activation = ActivationId::new(now, chance::draw());
        along.activation(activation, license.id)?;
        after = after.bind_machine(*domain, activation, record.key, plan, counted, now);
    } else if changes_hands || counted {
        after = after.held_by(domain, record.key, replaces, counted, now);
    }
    let what = if changes_hands || replaces || counted {
        What::MachineChanged { cloud: record.cloud, rebind: counted }
    } else {
        What::Proven { cloud: record.cloud, until: after.last_term().paid.end().unwrap_or(now) }
    };
    let (plans_before, plans_after, followed) = (plans, paid.plans, paid.followed);
    let changed = Changed { license: &license, after, plans_before, plans_after, followed, what, along, record };
    commit(app, judged, changed, StatusCode::OK).await
}

/// The machine takes its licence along to a domain where its account has none.
async fn move_domain(app: &App, judged: &Judged<'_>, left: Left) -> Result<Option<Response>, Error> {
    let now = judged.now;
    let Left { held, license, plans } = left;
    let record = judged.record(license.id);
    if let Some(response) = stopped(app, judged, &license, &plans, &record).await? {
        return Ok(Some(response));
    }
    let paid = paid_on(app, judged, &license, plans.clone(), &record).await?;
    let plan = paid.license.position(paid.plans.as_ref(), now).plan;
    if !license.rebind_remains(plan, now) {
        return Err(Error::MachineTaken(Taken::TooOften));
    }
    let activation = ActivationId::new(now, chance::draw());
    let mut along = judged.along(&record)?;
    along.not_billed(&record, &record.product, &held).billed(&record, None)?.activation(activation, license.id)?;
    let left = paid.license.clone().left(&held.domain);
    let after = left.bind_machine(record.domain, activation, record.key, plan, true, now);
    let what = What::Activated { activation, fingerprint: record.domain, rebind: true };
    let (plans_before, plans_after, followed) = (plans, paid.plans, paid.followed);
    let changed = Changed { license: &license, after, plans_before, plans_after, followed, what, along, record };
    commit(app, judged, changed, StatusCode::CREATED).await
}

/// A licence that a proof has paid on, with its plans, and the entry of its history if the plan is another.
struct PaidOn {
    license: License,
    plans: LicensePlans,
    followed: Option<What>,
}

/// A proof pays for the next days, under the plan of the machine's listing; a machine whose listing is not proven has its
/// time once, until somebody confirms it.
async fn paid_on(
    app: &App,
    judged: &Judged<'_>,
    license: &License,
    plans: LicensePlans,
    record: &RegisteredMachine,
) -> Result<PaidOn, Error> {
    if judged.unproven && !record.confirmed {
        return Ok(PaidOn { license: license.clone(), plans, followed: None });
    }
    let sold = &license.last_term().plan;
    let offer = match judged.listing.plan == sold.plan {
        true => None,
        false => app.store().plan(&license.product, &judged.listing.plan).await?,
    };
    // A listing whose plan is gone stops nobody who has paid.
    let listed = offer.as_ref().map_or(sold, |offer| &offer.reference);
    let paid = license.clone().proven(judged.now.after(PROOF_PAYS), listed);
    if paid.last_term().plan == *sold {
        return Ok(PaidOn { license: paid, plans, followed: None });
    }
    let followed = What::PlanChanged { plan: listed.plan.clone(), revision: listed.revision, percent: 0 };
    let plans = app.plans(&paid).await?;
    Ok(PaidOn { license: paid, plans, followed: Some(followed) })
}
