//! Bring your own licence: the code is the credential, the machine is written down.

use axum::response::Response;
use marque_core::KeyChange;
use marque_core::listing::Mode;

use super::body::Code;
use super::judged::Judged;
use crate::App;
use crate::problem::Error;
use crate::validate::{ToBind, bind_or_confirm, license_of};

/// One try: `None` when somebody else changed the same things meanwhile.
pub(super) async fn register(app: &App, judged: &Judged<'_>) -> Result<Option<Response>, Error> {
    let id = match (&judged.request.code, judged.known()) {
        (Code::Mistyped, _) => return Err(Error::CodeMistyped),
        (Code::Given(code), _) => license_of(app, code).await?,
        // The machine is known by its key: it needs no code to come back to its domain.
        (Code::Absent, Some(known))
            if known.mode == Mode::Byol
                && known.product == judged.request.caller.product
                && known.domain == *judged.domain()
                && judged.key_change() == Some(KeyChange::Same) =>
        {
            known.license
        }
        (Code::Absent, _) => return Err(Error::ByolCodeRequired),
    };
    let license = app.store().license(id).await?.ok_or(Error::LicenseNotFound)?;
    let plans = app.plans(&license).await?;
    let record = judged.record(id);
    let along = judged.along(&record)?;
    let asked = ToBind { caller: &judged.request.caller, public_key: None, along: &along, machine: Some(&record) };
    bind_or_confirm(app, asked, &license, &plans, judged.now).await
}
