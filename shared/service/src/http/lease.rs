//! The credential of a server that has one already: its lease, as `Authorization: Bearer`.

use http::{HeaderMap, header};
use marque_core::Timestamp;
use marque_core::token::{Expected, Lease, UnverifiedToken};

use crate::App;
use crate::problem::Error;

/// The lease of `Authorization: Bearer <lease>`: verified, this issuer's, and not run out. A denial is none.
pub(crate) async fn bearer_lease(app: &App, headers: &HeaderMap, now: Timestamp) -> Result<Lease, Error> {
    let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(Error::LeaseInvalid)?;
    let (scheme, token) = text.trim().split_once(' ').ok_or(Error::LeaseInvalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::LeaseInvalid);
    }
    let token = UnverifiedToken::parse(token.trim()).map_err(|_| Error::LeaseInvalid)?;
    let ring = app.keys().ring(now).await;
    let expected = Expected { issuer: Some(app.issuer()), audience: None };
    let lease = token.verify::<Lease>(ring.set(), expected).map_err(|_| Error::LeaseInvalid)?;
    if now < lease.exp { Ok((*lease).clone()) } else { Err(Error::LeaseInvalid) }
}
