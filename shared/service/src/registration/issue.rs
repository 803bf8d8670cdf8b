//! An account's first licence in a domain, billed by its cloud.

use axum::response::Response;
use http::StatusCode;
use marque_core::machine::{PROOF_PAYS, PROVISIONAL};
use marque_core::{
    ActivationId, Actor, CustomerId, Event, EventId, License, LicenseCode, LicenseId, Paid, Plans, Timestamp, What,
};
use marque_store::{Committed, IssueLicense};
use sha2::{Digest, Sha256};

use super::judged::Judged;
use super::outcome::{checked, respond};
use crate::history::new_event;
use crate::problem::Error;
use crate::{App, chance};

/// The account's first licence in this domain.
pub(super) async fn issue(app: &App, judged: &Judged<'_>) -> Result<Option<Response>, Error> {
    let now = judged.now;
    let (product, listing) = (&judged.request.caller.product, judged.listing);
    let offer = app.store().plan(product, &listing.plan).await?.ok_or(Error::ProductNotListed)?;
    let machine = judged.machine;
    if judged.unproven && app.store().had_provisional(machine.cloud, &machine.account, product).await? {
        return Err(Error::ProductNotListed);
    }
    let id = LicenseId::new(now, chance::draw());
    let customer = account_as_customer(machine.cloud.as_str(), &machine.account);
    let kind = judged.request.caller.fingerprint.kind;
    let record = judged.record(id);
    let life = if judged.unproven { PROVISIONAL } else { PROOF_PAYS };
    let activation = ActivationId::new(now, chance::draw());
    let mut license = License::issue(id, product.clone(), kind, customer, &offer, now, now);
    // Whatever the plan's period is: proofs pay, not periods.
    license.running.paid = Paid::Until(now.after(life));
    license = license.bind(record.domain, activation, Some(record.key), &offer.plan, now);
    license.version = 0;
    let reference = offer.reference.clone();
    let issued = What::Issued { customer, plan: reference.plan, revision: reference.revision, percent: 0 };
    let issued = new_event(&license, Actor::Holder, issued, now);
    let bound = What::Activated { activation, fingerprint: record.domain, rebind: false };
    let bound = Event::after(issued.head(), EventId::new(now, chance::draw()), id, now, Actor::Holder, bound);
    license.head = bound.head();
    let mut along = judged.along(&record)?;
    along.billed(&record, None)?.activation(activation, id)?.event(&bound)?;
    if judged.unproven {
        along.provisional(&record)?;
    }
    let plans = Plans { running: &offer.plan, next: None };
    let jti = checked(judged, &mut license, plans);
    // Nobody is told the code: the account is the owner, and its machines hold the licence by their keys.
    let code = LicenseCode::generate(chance::draw());
    let issue = IssueLicense { license: &license, plans, code: &code, event: &issued };
    match app.store().issue(issue, &along).await? {
        Committed::Done => respond(app, judged, &license, plans, &record, jti, StatusCode::CREATED).await.map(Some),
        Committed::Overtaken => Ok(None),
    }
}

/// Licences are listed by customer. An account of a cloud is one without a person: its id follows from its name.
fn account_as_customer(cloud: &str, account: &str) -> CustomerId {
    let digest = Sha256::digest(format!("marque/account/v1\n{cloud}\n{account}"));
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    CustomerId::new(Timestamp::EPOCH, random)
}
