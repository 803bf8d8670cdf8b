//! `GET /aws/status`: what was bought, what is awaited, the code, how to install it, whom to ask.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use marque_core::agreement::{Agreement, Chain, EntitlementValue, How, State as Stands};
use maud::{Markup, html};

use super::pages;
use super::registration::failed;
use super::session::Session;
use super::shop::Shop;
use super::texts::Notice;
use crate::problem::Error;

/// What the page shows.
struct View {
    chain: Chain,
    product: String,
    code: Option<String>,
}

pub(super) async fn show(State(shop): State<Shop>, session: Session) -> Response {
    match read(&shop, &session).await {
        Ok(Some(view)) if view.chain.customer.is_none() => Redirect::to("/aws/registration").into_response(),
        Ok(Some(view)) => page(&shop, &view),
        Ok(None) => pages::notice(&shop, Notice::NoSession),
        Err(error) => failed(&shop, &error),
    }
}

async fn read(shop: &Shop, session: &Session) -> Result<Option<View>, Error> {
    let store = shop.app().store();
    let Some(chain) = store.chain_of_agreement(session.0.agreement).await? else { return Ok(None) };
    let product = store.product(&chain.product).await?.map_or_else(|| chain.product.to_string(), |found| found.name);
    let code = match chain.license {
        Some(id) => match store.license(id).await? {
            Some(license) => store.code_of(&license).await?.map(|code| code.reveal()),
            None => None,
        },
        None => None,
    };
    Ok(Some(View { chain, product, code }))
}

fn page(shop: &Shop, view: &View) -> Response {
    let agreement = view.chain.current();
    let (word, class, told) = told(agreement);
    let body = html! {
        h1 { (view.product) }
        p { span class={ "state " (class) } { (word) } }
        p { (told) }
        @if let Some(code) = &view.code {
            h2 id="code" { "Your licence code" }
            p.code { code aria-labelledby="code" { (code) } }
            p { "It is in a mail to you as well. Keep it to yourself: whoever has it can use the licence." }
            h2 { "How to install" }
            ol {
                li { "Install the product on a server of your domain, as its guide says." }
                li { "Enter the code in the server's setup. It activates by itself, once, for this domain." }
                li { "Let the server reach the internet once a day. It goes on by itself while your subscription runs." }
            }
        } @else if matches!(agreement.state(), Stands::Requested { .. }) {
            h2 { "What happens next" }
            p { "The licence code appears on this page, and in a mail to you, as soon as AWS confirms the payment. That usually takes a minute or two. You can load this page again, or close it and wait for the mail." }
        }
        (bought(agreement))
        h2 { "Support" }
        p { "Write to " (pages::contact(shop.support())) " and name your purchase: " code { (agreement.external_id) } "." }
    };
    pages::page(shop, StatusCode::OK, &format!("{} on AWS Marketplace", view.product), &body)
}

/// The state in a word, how it looks, and what it means.
fn told(agreement: &Agreement) -> (&'static str, &'static str, &'static str) {
    match agreement.state() {
        Stands::Requested { .. } => (
            "Payment not confirmed yet",
            "",
            "You are registered. AWS has not confirmed the payment yet; that is not an error.",
        ),
        Stands::Active { .. } => ("Active", "good", "Your subscription is active."),
        Stands::Ending { .. } => ("Active", "good", "Your subscription is being renewed or replaced, and goes on."),
        Stands::Suspended { .. } => {
            ("Suspended", "bad", "AWS has suspended the subscription. Look at its state in the AWS console.")
        }
        Stands::Ended { how: How::Expired, .. } => {
            ("Ended", "bad", "The subscription has run out. Subscribe again on AWS Marketplace to go on.")
        }
        Stands::Ended { .. } if agreement.facts.provisioned.is_none() => (
            "Payment failed",
            "bad",
            "AWS could not confirm the payment, so nothing was charged and no licence was made. Check your payment method in the AWS console and subscribe again.",
        ),
        Stands::Ended { .. } => {
            ("Ended", "bad", "The subscription has ended. Subscribe again on AWS Marketplace to go on.")
        }
    }
}

fn bought(agreement: &Agreement) -> Markup {
    html! {
        @if !agreement.entitlements().is_empty() {
            h2 { "What you bought" }
            table {
                caption { "Purchase " (agreement.external_id) }
                thead { tr { th scope="col" { "Dimension" } th scope="col" { "Amount" } th scope="col" { "Until" } } }
                tbody {
                    @for entitlement in agreement.entitlements() {
                        tr {
                            th scope="row" { (entitlement.dimension) }
                            td { (amount(&entitlement.value)) }
                            td { @match entitlement.expires_at { Some(end) => (end.day()), None => "no end" } }
                        }
                    }
                }
            }
        }
    }
}

fn amount(value: &EntitlementValue) -> String {
    match value {
        EntitlementValue::Boolean(true) => "yes".to_owned(),
        EntitlementValue::Boolean(false) => "no".to_owned(),
        EntitlementValue::Integer(number) => number.to_string(),
        EntitlementValue::Double(number) => number.to_string(),
        EntitlementValue::Text(text) => text.clone(),
    }
}
