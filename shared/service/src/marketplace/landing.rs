//! `POST /aws/landing`: a buyer comes from "Set up your account". The token is resolved at once and kept nowhere.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, header};
use marque_clouds::aws::{ResolveFailure, Resolved};
use marque_core::agreement::Facts;

use super::form::Form;
use super::keep::Kept;
use super::news::News;
use super::pages;
use super::session::Session;
use super::shop::Shop;
use super::texts::Notice;

const TOKEN: &str = "x-amzn-marketplace-token";
/// No token that was seen comes near.
const LONGEST_TOKEN: usize = 8192;

/// The landing is the one form that comes from another site, so it cannot ask for a secret of its own: the token is it.
pub(super) async fn land(State(shop): State<Shop>, form: Form) -> Response {
    let token = form.get(TOKEN).unwrap_or_default();
    if token.is_empty() || token.len() > LONGEST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return pages::notice(&shop, Notice::TokenInvalid);
    }
    match shop.fulfilment().resolve(token).await {
        Ok(resolved) => welcome(&shop, resolved).await,
        Err(ResolveFailure::Expired) => pages::notice(&shop, Notice::TokenExpired),
        Err(ResolveFailure::Invalid) => pages::notice(&shop, Notice::TokenInvalid),
        Err(failure) => {
            tracing::error!(%failure, "a buyer's token could not be resolved");
            pages::try_again(&shop, token)
        }
    }
}

async fn welcome(shop: &Shop, resolved: Resolved) -> Response {
    let now = shop.app().clock().now();
    let mut news = News {
        product_code: Some(resolved.product_code),
        account: Some(resolved.account),
        license_arn: Some(resolved.license_arn),
        facts: Facts::new(now),
        ..News::of(resolved.agreement, now)
    };
    // Which chain it is of, so that a renewal finds its licence. If AWS does not tell, its event will.
    let asked = shop.ask_standing(&mut news, now).await;
    tracing::debug!(agreement = %news.agreement, ?asked, "a buyer has landed");
    match shop.keep(&news, now).await {
        Ok(Kept::Known { chain, made }) => {
            if made && let Err(fault) = shop.replay_for(&news.agreement, now).await {
                // They wait on: the sweep handles them.
                tracing::warn!(agreement = %news.agreement, %fault, "events that waited could not be handled");
            }
            let Some(agreement) = chain.external(&news.agreement) else { return pages::notice(shop, Notice::NotNow) };
            let mut response = Redirect::to("/aws/registration").into_response();
            if let Ok(cookie) = HeaderValue::from_str(&Session::cookie(shop, agreement.id, now)) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(Kept::Unlisted | Kept::Unknown) => {
            tracing::error!(code = news.product_code, "a buyer has landed for a product that no product lists");
            pages::notice(shop, Notice::ProductUnknown)
        }
        Err(error) => {
            tracing::error!(cause = error.cause(), code = error.code(), "a landing could not be kept");
            pages::notice(shop, Notice::NotNow)
        }
    }
}
