//! The session of a buyer's browser: one cookie, signed.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, header};
use marque_core::{AgreementId, Duration, Timestamp};

use super::guest::Guest;
use super::handle::{Handle, Purpose};
use super::pages;
use super::shop::Storefront;
use super::texts::Notice;

const COOKIE: &str = "__Host-marque";
const LIFE: Duration = Duration::hours(2);

/// Whoever landed for this agreement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session(pub(super) Handle);

impl Session {
    /// The cookie that begins a session.
    pub(super) fn cookie(front: &Storefront, agreement: AgreementId, now: Timestamp) -> String {
        let handle = Handle { agreement, until: now.after(LIFE) };
        let value = handle.sign(Purpose::Session, front.sessions());
        format!("{COOKIE}={value}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Lax", LIFE.seconds())
    }
}

impl FromRequestParts<Storefront> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, front: &Storefront) -> Result<Self, Response> {
        let now = front.app().clock().now();
        let found =
            cookies(&parts.headers).find_map(|value| Handle::read(value, Purpose::Session, front.sessions(), now));
        let guest = || Guest::of(&parts.method, &parts.uri, &parts.headers);
        found.map(Self).ok_or_else(|| pages::notice(front, &guest(), Notice::NoSession))
    }
}

/// The values of our cookie, wherever they stand: browsers send one, gateways may split them.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}
