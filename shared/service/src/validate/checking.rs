//! What activations and validations share: finding the licence, stamping its activation, the lease that a caller holds.

use marque_core::token::{Expected, Lease, UnverifiedToken};
use marque_core::{License, LicenseCode, LicenseId, Seen, Timestamp, TokenId};
use marque_store::{KeyRule, Stamp};

use super::caller::Caller;
use crate::App;
use crate::chance;
use crate::problem::Error;

/// A change is judged anew so often when others change the same licence.
pub(crate) const TRIES: usize = 4;

/// A new token's id.
pub(crate) fn new_token_id(now: Timestamp) -> TokenId {
    TokenId::new(now, chance::draw())
}

/// Which licence a code is.
pub(crate) async fn license_of(app: &App, code: &LicenseCode) -> Result<LicenseId, Error> {
    app.store().license_by_code(&code.digest()).await?.ok_or(Error::LicenseNotFound)
}

/// The stamp that a check leaves.
pub(crate) fn stamp<'a>(
    caller: &'a Caller,
    license: LicenseId,
    lease: TokenId,
    key: KeyRule,
    now: Timestamp,
) -> Stamp<'a> {
    Stamp {
        license,
        product: &caller.product,
        fingerprint_kind: caller.fingerprint.kind,
        domain: &caller.fingerprint.value,
        now,
        instance_id: caller.instance_id.0,
        product_version: caller.product_version.as_deref(),
        lease,
        key,
    }
}

/// The product says which kind of fingerprint it wants. A stranger's product is judged as such, not by its fingerprint.
pub(crate) fn check_kind(caller: &Caller, license: &License) -> Result<(), Error> {
    let wanted = license.fingerprint_kind;
    if caller.product == license.product && caller.fingerprint.kind != wanted {
        return Err(Error::invalid(
            "/fingerprint/kind",
            format!("must be `{}`: the product asks for it", wanted.as_str()),
        ));
    }
    Ok(())
}

/// The lease that a caller holds, if it is this licence's: one that is corrupt or foreign is ignored, and must never stop
/// a server. One that has run out still tells who the caller is.
pub(crate) async fn held_lease(app: &App, text: Option<&str>, license: LicenseId, now: Timestamp) -> Option<TokenId> {
    let token = UnverifiedToken::parse(text?).ok()?;
    let ring = app.keys().ring(now).await;
    let lease = token.verify::<Lease>(ring.set(), Expected { issuer: Some(app.issuer()), audience: None }).ok()?;
    (lease.sub == license).then_some(lease.jti)
}

/// Counts a caller that held neither of the last two leases. A count that fails must not cost the caller its answer.
pub(crate) async fn count_fork(app: &App, before: &License, caller: &Caller, held: Option<TokenId>) {
    let seen: Option<&Seen> =
        before.activations.get(&caller.fingerprint.value).and_then(|activation| activation.seen.as_ref());
    if seen.is_some_and(|seen| seen.is_fork(held)) {
        tracing::info!(license = %before.id, "a caller held neither of the last two leases");
        if let Err(error) = app.store().count_fork(before.id, &caller.fingerprint.value).await {
            tracing::warn!(license = %before.id, %error, "a fork could not be counted");
        }
    }
}
