//! Which language somebody is talked to in: the one that they chose at the foot of a page, else the one that their browser
//! likes best.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, Method, Uri, header};
use marque_core::customer::Language;

use super::texts::Text;

/// Where the choice stands in an address.
const CHOICE: &str = "lang";

/// Somebody who looks at the pages.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) language: Language,
    chosen: bool,
    /// What can be shown again in another language: none for an answer to a form.
    path: Option<String>,
}

impl Guest {
    pub(super) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let choice = pairs.filter(|(name, _)| name == CHOICE).find_map(|(_, value)| value.parse::<Language>().ok());
        let liked = || {
            let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            Language::preferred(header.unwrap_or_default())
        };
        let path = (method == Method::GET).then(|| uri.path().to_owned());
        Self { language: choice.unwrap_or_else(liked), chosen: choice.is_some(), path }
    }

    /// A text in their language.
    pub(super) const fn say(&self, text: Text) -> &'static str {
        text.of(self.language)
    }

    /// One of our addresses, which keeps their choice.
    pub(super) fn link(&self, path: &str) -> String {
        if self.chosen { format!("{path}?{CHOICE}={}", self.language) } else { path.to_owned() }
    }

    /// This page in the other language.
    pub(super) fn other(&self) -> Option<(Language, String)> {
        let other = match self.language {
            Language::English => Language::Spanish,
            Language::Spanish => Language::English,
        };
        Some((other, format!("{}?{CHOICE}={other}", self.path.as_ref()?)))
    }
}

impl<S: Sync> FromRequestParts<S> for Guest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.method, &parts.uri, &parts.headers))
    }
}
