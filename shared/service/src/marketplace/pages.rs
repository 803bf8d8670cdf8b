//! The pages as HTML: plain, without scripts, for the eye, the keyboard and a screen reader. Whatever a stranger wrote is
//! escaped by the macro that writes them.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::guest::Guest;
use super::shop::Storefront;
use super::texts::{Notice, Text};
use crate::problem::RETRY_SOON;

const STYLE: &str = include_str!("pages.css");
/// No scripts, nothing from elsewhere, and forms come back to us alone.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How far a buyer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Register,
    Use,
}

/// The style of the pages.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")], STYLE)
        .into_response()
}

/// A page that says what is the matter and what to do.
pub(super) fn notice(front: &Storefront, guest: &Guest, notice: Notice) -> Response {
    notice_with(front, guest, notice, &html! {})
}

/// The page for when AWS cannot be reached at landing: its button posts the token again. The token is nowhere else.
pub(super) fn try_again(front: &Storefront, guest: &Guest, token: &str) -> Response {
    let form = html! {
        form method="post" action=(guest.link("/aws/landing")) {
            input type="hidden" name="x-amzn-marketplace-token" value=(token);
            button type="submit" { (guest.say(Text::TryAgain)) }
        }
    };
    notice_with(front, guest, Notice::AwsDown, &form)
}

fn notice_with(front: &Storefront, guest: &Guest, notice: Notice, more: &Markup) -> Response {
    let (title, cure) = notice.texts();
    let body = html! {
        h1 { (guest.say(title)) }
        p { (guest.say(cure)) }
        (more)
    };
    let mut response = page(front, guest, notice.status(), guest.say(title), &body);
    if notice.passes() {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_SOON.into());
    }
    response
}

/// A whole page.
pub(super) fn page(front: &Storefront, guest: &Guest, status: StatusCode, title: &str, body: &Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang=(guest.language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/aws/style.css";
            }
            body {
                header { p { (guest.say(Text::Purchase)) } }
                main { (body) }
                footer {
                    p {
                        (guest.say(Text::Questions)) " " (contact(front.support())) ". " (guest.say(Text::NeverSend))
                    }
                    @if let Some((language, link)) = guest.other() {
                        p { a href=(link) lang=(language) hreflang=(language) { (guest.say(Text::OtherLanguage)) } }
                    }
                }
            }
        }
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
        (header::VARY, HeaderValue::from_static("accept-language")),
    ];
    (status, headers, Html(markup.into_string())).into_response()
}

/// Where a buyer is between subscribing and using.
pub(super) fn steps(guest: &Guest, at: Step) -> Markup {
    let steps = [Text::StepSubscribe, Text::StepRegister, Text::StepUse];
    let current = if at == Step::Register { 1 } else { 2 };
    html! {
        ol.steps aria-label=(guest.say(Text::Steps)) {
            @for (place, step) in steps.iter().enumerate() {
                li class=[(place < current).then_some("done")] aria-current=[(place == current).then_some("step")] {
                    (guest.say(*step))
                }
            }
        }
    }
}

/// Where people may ask, as a link.
pub(super) fn contact(support: &str) -> Markup {
    let link = if support.contains('@') { format!("mailto:{support}") } else { support.to_owned() };
    html! { a href=(link) { (support) } }
}
