//! Bring your own licence: the code is the credential, the machine is written down.

use axum::response::Response;
use marque_core::{KeyChange, License};
use marque_store::KeyRule;

use super::body::Code;
use super::judged::Judged;
use crate::App;
use crate::problem::{Error, Taken};
use crate::validate::{ToBind, bind_or_confirm};

/// One try: `None` when somebody else changed the same things meanwhile.
pub(super) async fn register(app: &App, judged: &Judged<'_>) -> Result<Option<Response>, Error> {
    let (license, key) = match &judged.request.code {
        Code::Mistyped => return Err(Error::CodeMistyped),
        Code::Given(_) => {
            let license = app.store().license(judged.by_code.ok_or(Error::LicenseNotFound)?).await?;
            // The code outweighs a machine's key.
            (license.ok_or(Error::LicenseNotFound)?, KeyRule::Replace(None))
        }
        Code::Absent => (come_back(app, judged).await?, KeyRule::Unsigned),
    };
    if judged.is_shut_out() {
        return Err(Error::MachineTaken(Taken::ShutOut));
    }
    let plans = app.plans(&license).await?;
    let record = judged.record(license.id);
    // Whoever shows a code may be using a copy of another's proof: that takes no machine.
    let along = match judged.key_change() {
        Some(KeyChange::Refused) => judged.along_challenge(&record),
        _ => judged.along(&record)?,
    };
    let asked = ToBind { caller: &judged.request.caller, key, along: &along, machine: Some(&record) };
    bind_or_confirm(app, asked, &license, &plans, judged.now).await
}

/// The licence that the machine came with before: known by its key, it needs no code to come back to its domain, as long
/// as that is bound as the machine left it.
async fn come_back(app: &App, judged: &Judged<'_>) -> Result<License, Error> {
    let known = judged.brings().filter(|brought| brought.domain == *judged.domain());
    let Some(brought) = known.filter(|_| judged.key_change() == Some(KeyChange::Same)) else {
        return Err(Error::ByolCodeRequired);
    };
    let license = app.store().license(brought.license).await?.ok_or(Error::LicenseNotFound)?;
    match license.activations.get(judged.domain()) {
        Some(activation) if activation.public_key.is_none() => Ok(license),
        _ => Err(Error::ByolCodeRequired),
    }
}
