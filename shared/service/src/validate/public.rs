//! What anybody may read: keys, the list of revocations, health.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use marque_core::Duration;
use marque_core::token::Revocations;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::app::SignedList;
use crate::problem::{Error, Problem};

const HOUR: &str = "public, max-age=3600";
/// A holder should fetch the list again after so long.
const LIST_FOR: Duration = Duration::days(7);
/// A signed list is handed out for so long before it is signed anew: signing may be a call of KMS.
const SIGNED_FOR: Duration = Duration::hours(1);

/// The list of revocations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevocationsAnswer {
    /// A `crl+jwt`.
    crl: String,
}

/// A sign of life.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
    /// Of the service.
    version: &'static str,
}

/// Files and perpetual licences that are no longer good.
#[utoipa::path(get, path = "/v1/revocations", tag = "public", responses(
    (status = 200, body = RevocationsAnswer),
    (status = "5XX", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn revocations(State(app): State<App>) -> Result<Json<RevocationsAnswer>, Error> {
    let now = app.clock().now();
    let list = app.store().revocations().await?;
    let fresh = |signed: &SignedList| signed.seq == list.seq && signed.at <= now && now.since(signed.at) < SIGNED_FOR;
    if let Some(signed) = app.signed_list().filter(|signed| fresh(signed)) {
        return Ok(Json(RevocationsAnswer { crl: signed.token }));
    }
    let claims = Revocations {
        iss: app.issuer().to_owned(),
        iat: now,
        seq: list.seq,
        next_update: now.after(LIST_FOR),
        revoked: list.revoked,
    };
    let ring = app.keys().ring(now).await;
    let token = ring.list_key(now)?.sign(&claims).await?;
    app.keep_signed_list(SignedList { seq: list.seq, at: now, token: token.clone() });
    Ok(Json(RevocationsAnswer { crl: token }))
}

/// The key set for stock libraries (JWKS, RFC 7517). Products embed the root and take `/.well-known/keys.jwt`.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "public", responses((status = 200, body = Object)))]
pub(crate) async fn jwks(State(app): State<App>) -> Response {
    let ring = app.keys().ring(app.clock().now()).await;
    (
        [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, HOUR),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        ],
        ring.jwks().to_owned(),
    )
        .into_response()
}

/// The key set, signed by the root.
#[utoipa::path(get, path = "/.well-known/keys.jwt", tag = "public", responses((status = 200, body = String, content_type = "application/jwt")))]
pub(crate) async fn key_set(State(app): State<App>) -> Response {
    let ring = app.keys().ring(app.clock().now()).await;
    (
        [
            (header::CONTENT_TYPE, "application/jwt"),
            (header::CACHE_CONTROL, HOUR),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        ],
        ring.token().to_owned(),
    )
        .into_response()
}

/// Whether the service and its table answer.
#[utoipa::path(get, path = "/health", tag = "public", responses(
    (status = 200, body = Health),
    (status = "5XX", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn health(State(app): State<App>) -> Result<Json<Health>, Error> {
    app.store().ping().await?;
    Ok(Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
}
