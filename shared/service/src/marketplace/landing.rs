//! `POST /aws/landing`: a buyer comes from "Set up your account". The token is resolved at once and kept nowhere.

use std::time::Duration as Wait;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, header};
use marque_clouds::aws::{ResolveFailure, Resolved};
use marque_core::agreement::Facts;
use tokio::time::timeout;

use super::form::Form;
use super::guest::Guest;
use super::keep::Kept;
use super::news::News;
use super::pages;
use super::session::Session;
use super::shop::Storefront;
use super::texts::Notice;
use super::truth::Asked;

const TOKEN: &str = "x-amzn-marketplace-token";
/// No token that was seen comes near.
const LONGEST_TOKEN: usize = 8192;
/// So long AWS may take to resolve a token, and then to tell how the agreement stands: the whole call has 9 s, and whoever
/// waits gets a page before.
const RESOLVING: Wait = Wait::from_millis(4500);
const ASKING: Wait = Wait::from_millis(2000);

/// The landing is the one form that comes from another site, so it cannot ask for a secret of its own: the token is it.
pub(super) async fn land(State(front): State<Storefront>, guest: Guest, form: Form) -> Response {
    let token = form.get(TOKEN).unwrap_or_default();
    if token.is_empty() || token.len() > LONGEST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return pages::notice(&front, &guest, Notice::TokenInvalid);
    }
    match timeout(RESOLVING, front.shop().fulfilment().resolve(token)).await {
        Ok(Ok(resolved)) => welcome(&front, &guest, resolved).await,
        Ok(Err(ResolveFailure::Expired)) => pages::notice(&front, &guest, Notice::TokenExpired),
        Ok(Err(ResolveFailure::Invalid)) => pages::notice(&front, &guest, Notice::TokenInvalid),
        Ok(Err(failure)) => {
            tracing::error!(%failure, "a buyer's token could not be resolved");
            pages::try_again(&front, &guest, token)
        }
        Err(_) => {
            tracing::error!("a buyer's token was not resolved in time");
            pages::try_again(&front, &guest, token)
        }
    }
}

async fn welcome(front: &Storefront, guest: &Guest, resolved: Resolved) -> Response {
    let now = front.app().clock().now();
    let mut news = News {
        product_code: Some(resolved.product_code),
        account: Some(resolved.account),
        license_arn: Some(resolved.license_arn),
        facts: Facts::new(now),
        ..News::of(resolved.agreement, now)
    };
    // Which chain it is of, so that a renewal finds its licence, and whether it is paid, so that whoever has paid waits for
    // no event. If AWS does not tell, its events will.
    let asked = timeout(ASKING, front.shop().ask_everything(&mut news, None, now)).await.unwrap_or(Asked::Later);
    tracing::debug!(agreement = %news.agreement, ?asked, "a buyer has landed");
    match front.shop().keep(&news, now).await {
        Ok(Kept::Known { chain, made }) => {
            if made && let Err(fault) = front.shop().replay_for(&news.agreement, now).await {
                // They wait on: the sweep handles them.
                tracing::warn!(agreement = %news.agreement, %fault, "events that waited could not be handled");
            }
            let Some(agreement) = chain.external(&news.agreement) else {
                return pages::notice(front, guest, Notice::NotNow);
            };
            let mut response = Redirect::to(&guest.link("/aws/registration")).into_response();
            if let Ok(cookie) = HeaderValue::from_str(&Session::cookie(front, agreement.id, now)) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(Kept::Unlisted | Kept::Unknown) => {
            tracing::error!(code = news.product_code, "a buyer has landed for a product that no product lists");
            pages::notice(front, guest, Notice::ProductUnknown)
        }
        Err(error) => {
            tracing::error!(cause = error.cause(), code = error.code(), "a landing could not be kept");
            pages::notice(front, guest, Notice::NotNow)
        }
    }
}
