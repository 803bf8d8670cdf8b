//! `POST /v1/challenges`: what a proof must be made for.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use marque_core::{Cloud, Duration, Timestamp};
use marque_store::Challenge;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{Body, Fields, FromBody, UnknownMembers};
use crate::problem::{Error, Problem};
use crate::{App, chance};

const LIFE: Duration = Duration::from_seconds(300);
const LENGTH: usize = 32;

/// A machine that is about to prove itself.
#[derive(Debug)]
pub(crate) struct Asking {
    cloud: Cloud,
}

/// The body of a request for a challenge.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ChallengeRequest)]
#[expect(dead_code, reason = "the schema of what `Asking` reads")]
pub(crate) struct AskingSchema {
    /// Where the machine runs.
    #[schema(pattern = "^(aws|azure|gcp|oci)$")]
    cloud: String,
}

/// A challenge.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Challenge)]
pub(crate) struct Given {
    /// 32 of `A-Za-z0-9`: for one registration.
    challenge: String,
    /// What stands before the binding in the audience of Google's token.
    audience_prefix: String,
    /// From here on it is unknown.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl FromBody for Asking {
    const UNKNOWN: UnknownMembers = UnknownMembers::Refused;

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.required("cloud", str::parse).map(|cloud| Self { cloud })
    }
}

/// Gives a challenge that one registration from this cloud may use within five minutes.
#[utoipa::path(
    post,
    path = "/v1/challenges",
    tag = "machines",
    request_body = AskingSchema,
    responses(
        (status = 201, body = Given),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn give(State(app): State<App>, body: Body<Asking>) -> Result<(StatusCode, Json<Given>), Error> {
    let expires_at = app.clock().now().after(LIFE);
    let challenge = Challenge { text: text(chance::draw()), cloud: body.value.cloud, expires_at, used: None };
    app.store().give_challenge(&challenge).await?;
    let given = Given { challenge: challenge.text, audience_prefix: audience_prefix(&app), expires_at };
    Ok((StatusCode::CREATED, Json(given)))
}

/// Google's tokens for us are for this and the binding.
pub(super) fn audience_prefix(app: &App) -> String {
    format!("{}/registrations/", app.issuer())
}

/// 32 letters and digits: 186 bits of chance, whatever little the remainder leans to.
fn text(random: [u8; LENGTH]) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    random.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}
