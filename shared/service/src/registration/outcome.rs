//! What a registration that its cloud bills comes to: the change is made, the check is recorded, the answer is signed.

use axum::response::Response;
use http::StatusCode;
use marque_core::{Actor, Check, License, Plans, Purpose, Reason, RegisteredMachine, TokenId, Verdict, What, evaluate};
use marque_store::{Along, Change, Committed};

use super::judged::Judged;
use crate::App;
use crate::app::LicensePlans;
use crate::history::new_event;
use crate::problem::Error;
use crate::validate::{Context, answer, new_token_id};

/// The answer when support has stopped the licence: nothing else about it matters then, and nothing is changed.
pub(super) async fn stopped(
    app: &App,
    judged: &Judged<'_>,
    license: &License,
    plans: &LicensePlans,
    record: &RegisteredMachine,
) -> Result<Option<Response>, Error> {
    let verdict = verdict(judged, license, plans.as_ref());
    let stopped = verdict.reasons().iter().any(|reason| matches!(reason, Reason::Revoked | Reason::Suspended));
    if !stopped {
        return Ok(None);
    }
    let context = Context {
        caller: &judged.request.caller,
        jti: new_token_id(judged.now),
        prev: None,
        activation: None,
        machine: Some(record),
    };
    answer(app, StatusCode::OK, &verdict, context).await.map(Some)
}

fn verdict<'a>(judged: &Judged<'_>, license: &'a License, plans: Plans<'a>) -> Verdict<'a> {
    let caller = &judged.request.caller;
    let purpose = Purpose::Activate { trial_used: false };
    let check = Check { product: &caller.product, domain: &caller.fingerprint.value, purpose };
    evaluate(license, plans, check, judged.now)
}

/// A licence that a registration changes.
pub(super) struct Changed<'l> {
    pub(super) license: &'l License,
    pub(super) after: License,
    pub(super) plans_before: LicensePlans,
    pub(super) plans_after: LicensePlans,
    /// What its history tells before that: the plan has followed the listing.
    pub(super) followed: Option<What>,
    /// What its history tells.
    pub(super) what: What,
    pub(super) along: Along,
    pub(super) record: RegisteredMachine,
}

pub(super) async fn commit(
    app: &App,
    judged: &Judged<'_>,
    changed: Changed<'_>,
    status: StatusCode,
) -> Result<Option<Response>, Error> {
    let Changed { license, mut after, plans_before, plans_after, followed, what, mut along, record } = changed;
    if let Some(followed) = followed {
        let event = new_event(&after, Actor::Holder, followed, judged.now);
        after.head = event.head();
        along.event(&event)?;
    }
    let event = new_event(&after, Actor::Holder, what, judged.now);
    after.head = event.head();
    let (plans_before, plans_after) = (plans_before.as_ref(), plans_after.as_ref());
    let jti = checked(judged, &mut after, plans_after);
    let change = Change { before: license, after: &after, plans_before, plans_after, event: &event };
    match app.store().transition(change, &along).await? {
        Committed::Done => respond(app, judged, &after, plans_after, &record, jti, status).await.map(Some),
        Committed::Overtaken => Ok(None),
    }
}

/// Records the check that this answer is: the lease with this id, if there will be one, is then known.
pub(super) fn checked(judged: &Judged<'_>, license: &mut License, plans: Plans<'_>) -> TokenId {
    let caller = &judged.request.caller;
    let jti = new_token_id(judged.now);
    let granted = verdict(judged, license, plans).is_valid();
    if let Some(activation) = license.activations.get_mut(judged.domain()).filter(|_| granted) {
        activation.check(judged.now, caller.instance_id.0, caller.product_version.clone(), jti);
    }
    jti
}

pub(super) async fn respond(
    app: &App,
    judged: &Judged<'_>,
    license: &License,
    plans: Plans<'_>,
    record: &RegisteredMachine,
    jti: TokenId,
    status: StatusCode,
) -> Result<Response, Error> {
    let verdict = verdict(judged, license, plans);
    let activation = license.activations.get(judged.domain()).map(|activation| activation.id);
    let context = Context { caller: &judged.request.caller, jti, prev: None, activation, machine: Some(record) };
    answer(app, status, &verdict, context).await
}
