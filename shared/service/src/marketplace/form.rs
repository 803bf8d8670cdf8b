//! Forms as browsers send them. What is none is answered with a page.

use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::header;

use super::guest::Guest;
use super::pages;
use super::shop::Storefront;
use super::texts::Notice;
use crate::http::receive;
use crate::problem::Error;

/// The most fields that are read: none of our forms has so many.
const MOST_FIELDS: usize = 50;

/// The fields of a form, in their order.
#[derive(Debug)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The first field of this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest<Storefront> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, front: &Storefront) -> Result<Self, Response> {
        let guest = Guest::of(request.method(), request.uri(), request.headers());
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(pages::notice(front, &guest, Notice::NoForm));
        }
        let bytes = receive(request).await.map_err(|error| {
            let notice = if error == Error::BodyTooLarge { Notice::TooLarge } else { Notice::NoForm };
            pages::notice(front, &guest, notice)
        })?;
        let fields = form_urlencoded::parse(&bytes).take(MOST_FIELDS);
        Ok(Self(fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()))
    }
}
