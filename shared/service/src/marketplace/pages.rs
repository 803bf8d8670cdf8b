//! The pages as HTML: plain, without scripts, for the eye, the keyboard and a screen reader. Whatever a stranger wrote is
//! escaped by the macro that writes them.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::shop::Shop;
use super::texts::Notice;
use crate::problem::RETRY_SOON;

const STYLE: &str = include_str!("pages.css");
/// No scripts, nothing from elsewhere, and forms come back to us alone.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The style of the pages.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")], STYLE)
        .into_response()
}

/// A page that says what is the matter and what to do.
pub(super) fn notice(shop: &Shop, notice: Notice) -> Response {
    notice_with(shop, notice, &html! {})
}

/// The page for when AWS cannot be reached at landing: its button posts the token again. The token is nowhere else.
pub(super) fn try_again(shop: &Shop, token: &str) -> Response {
    let form = html! {
        form method="post" action="/aws/landing" {
            input type="hidden" name="x-amzn-marketplace-token" value=(token);
            button type="submit" { "Try again" }
        }
    };
    notice_with(shop, Notice::AwsDown, &form)
}

fn notice_with(shop: &Shop, notice: Notice, more: &Markup) -> Response {
    let body = html! {
        h1 { (notice.title()) }
        p { (notice.cure()) }
        (more)
    };
    let mut response = page(shop, notice.status(), notice.title(), &body);
    if notice.passes() {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_SOON.into());
    }
    response
}

/// A whole page.
pub(super) fn page(shop: &Shop, status: StatusCode, title: &str, body: &Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/aws/style.css";
            }
            body {
                header { "Your purchase on AWS Marketplace" }
                main { (body) }
                footer { "Questions? Write to " (contact(shop.support())) ". Please never send us a licence code or payment details." }
            }
        }
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    ];
    (status, headers, Html(markup.into_string())).into_response()
}

/// Where people may ask, as a link.
pub(super) fn contact(support: &str) -> Markup {
    let link = if support.contains('@') { format!("mailto:{support}") } else { support.to_owned() };
    html! { a href=(link) { (support) } }
}
