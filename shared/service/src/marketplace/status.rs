//! `GET /aws/status`: what was bought, what is awaited, the code, how to install it, whom to ask.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use marque_core::agreement::{Agreement, Chain, EntitlementValue, How, State as Stands};
use maud::{Markup, html};

use super::guest::Guest;
use super::pages::{self, Step};
use super::registration::failed;
use super::session::Session;
use super::shop::Storefront;
use super::texts::{Notice, Text};
use crate::mail::in_words;
use crate::problem::Error;

/// What the page shows.
struct View {
    chain: Chain,
    product: String,
    code: Option<String>,
}

pub(super) async fn show(State(front): State<Storefront>, guest: Guest, session: Session) -> Response {
    match read(&front, &session).await {
        Ok(Some(view)) if view.chain.customer.is_none() => {
            Redirect::to(&guest.link("/aws/registration")).into_response()
        }
        Ok(Some(view)) => page(&front, &guest, &view),
        Ok(None) => pages::notice(&front, &guest, Notice::NoSession),
        Err(error) => failed(&front, &guest, &error),
    }
}

async fn read(front: &Storefront, session: &Session) -> Result<Option<View>, Error> {
    let store = front.app().store();
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

fn page(front: &Storefront, guest: &Guest, view: &View) -> Response {
    let agreement = view.chain.current();
    let (word, class, told) = told(agreement);
    let say = |text| guest.say(text);
    let body = html! {
        (pages::steps(guest, Step::Use))
        h1 { (view.product) }
        p.told { span class={ "state " (class) } { (say(word)) } " " (say(told)) }
        @if let Some(code) = &view.code {
            h2 id="code" { (say(Text::YourCode)) }
            p.code { code aria-labelledby="code" { (code) } }
            p { (say(Text::CodeMailed)) }
            h2 { (say(Text::HowToInstall)) }
            ol {
                li { (say(Text::InstallServer)) }
                li { (say(Text::InstallCode)) }
                li { (say(Text::InstallOnline)) }
            }
        } @else if matches!(agreement.state(), Stands::Requested { .. }) {
            h2 { (say(Text::WhatNext)) }
            p { (say(Text::WhatNextTold)) }
            p { a.button href=(guest.link("/aws/status")) { (say(Text::LoadAgain)) } }
        }
        (bought(guest, agreement))
        h2 { (say(Text::Support)) }
        p {
            (say(Text::WriteTo)) " " (pages::contact(front.support())) " " (say(Text::NameYourPurchase)) " "
            code { (agreement.external_id) }
        }
    };
    pages::page(front, guest, StatusCode::OK, &format!("{} – {}", view.product, say(word)), &body)
}

/// The state in a word, how it looks, and what it means.
fn told(agreement: &Agreement) -> (Text, &'static str, Text) {
    match agreement.state() {
        Stands::Requested { .. } => (Text::NotConfirmed, "", Text::NotConfirmedTold),
        Stands::Active { .. } => (Text::Active, "good", Text::ActiveTold),
        Stands::Ending { .. } => (Text::Active, "good", Text::EndingTold),
        Stands::Suspended { .. } => (Text::Suspended, "bad", Text::SuspendedTold),
        Stands::Ended { how: How::Expired, .. } => (Text::Ended, "bad", Text::ExpiredTold),
        Stands::Ended { .. } if agreement.facts.provisioned.is_none() => {
            (Text::PaymentFailed, "bad", Text::PaymentFailedTold)
        }
        Stands::Ended { .. } => (Text::Ended, "bad", Text::EndedTold),
    }
}

fn bought(guest: &Guest, agreement: &Agreement) -> Markup {
    let say = |text| guest.say(text);
    html! {
        @if !agreement.entitlements().is_empty() {
            h2 { (say(Text::WhatYouBought)) }
            table {
                caption { (say(Text::PurchaseNamed)) " " (agreement.external_id) }
                thead {
                    tr {
                        th scope="col" { (say(Text::Dimension)) }
                        th scope="col" { (say(Text::Amount)) }
                        th scope="col" { (say(Text::Until)) }
                    }
                }
                tbody {
                    @for entitlement in agreement.entitlements() {
                        tr {
                            th scope="row" { (entitlement.dimension) }
                            td { (amount(guest, &entitlement.value)) }
                            td {
                                @match entitlement.expires_at {
                                    Some(end) => (in_words(end.day(), guest.language)),
                                    None => (say(Text::NoEnd)),
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn amount(guest: &Guest, value: &EntitlementValue) -> String {
    match value {
        EntitlementValue::Boolean(true) => guest.say(Text::Yes).to_owned(),
        EntitlementValue::Boolean(false) => guest.say(Text::No).to_owned(),
        EntitlementValue::Integer(number) => number.to_string(),
        EntitlementValue::Double(number) => number.to_string(),
        EntitlementValue::Text(text) => text.clone(),
    }
}
