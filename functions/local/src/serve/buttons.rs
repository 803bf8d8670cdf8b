//! The page's buttons: what a buyer does at AWS Marketplace, at one press.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::post;
use marque_marketplace_sim::{Entitled, Objection, Order, Overview, Pricing};
use marque_service::demo;
use marque_service::problem::Error;
use maud::{Markup, html};

use super::Local;

const PATH: &str = "/local/aws/buttons";
/// The page shows so many purchases.
const SHOWN: usize = 10;

pub(super) fn routes() -> Router<Local> {
    Router::new().route(PATH, post(press))
}

/// Which button was pressed.
#[derive(Clone, Copy)]
enum Act {
    Buy,
    BuyUnpaid,
    Pay,
    FailPayment,
    Renew,
    Replace,
    Cancel,
}

impl Act {
    const ALL: [Self; 7] =
        [Self::Buy, Self::BuyUnpaid, Self::Pay, Self::FailPayment, Self::Renew, Self::Replace, Self::Cancel];

    const fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::BuyUnpaid => "buy-unpaid",
            Self::Pay => "pay",
            Self::FailPayment => "fail-payment",
            Self::Renew => "renew",
            Self::Replace => "replace",
            Self::Cancel => "cancel",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Buy => "Buy and pay",
            Self::BuyUnpaid => "Buy, payment pending",
            Self::Pay => "Pay",
            Self::FailPayment => "Let payment fail",
            Self::Renew => "Renew",
            Self::Replace => "Replace",
            Self::Cancel => "Cancel",
        }
    }
}

async fn press(State(local): State<Local>, body: Bytes) -> Result<Redirect, Error> {
    let field = |name: &str| {
        let found = form_urlencoded::parse(&body).find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let (act, agreement) = (field("act"), field("agreement"));
    let act = Act::ALL.into_iter().find(|known| known.name() == act).ok_or(Error::NotFound)?;
    let (market, id) = (&local.market, agreement.as_str());
    let done = match act {
        Act::Buy | Act::BuyUnpaid => buy(&local, matches!(act, Act::Buy)),
        Act::Pay => market.pay(id).map(drop),
        Act::FailPayment => market.fail_payment(id).map(drop),
        Act::Renew => market.renew(id, None).map(drop),
        Act::Replace => market.replace(id, None).map(drop),
        Act::Cancel => market.cancel(id).map(drop),
    };
    done.map_err(|objection| super::aws::error(objection, act.name()))?;
    Ok(Redirect::to("/#buy"))
}

/// Five of the first dimension, by contract.
fn buy(local: &Local, paid: bool) -> Result<(), Objection> {
    let (product_code, _) = demo::saas_listing();
    let entitlements = vec![Entitled { dimension: demo::SAAS_LIMIT.to_owned(), value: 5.into() }];
    let order = Order { paid, ..Order::new(product_code, Pricing::Contract, entitlements) };
    local.market.purchase(order).map(drop)
}

/// The part of the page.
pub(super) fn section(local: &Local) -> Markup {
    let purchases = local.market.purchases().unwrap_or_default();
    html! {
        p { "A buyer subscribes, sets up an account and gets a code. Events arrive within a second." }
        p { (button(Act::Buy, "")) " " (button(Act::BuyUnpaid, "")) }
        @if !purchases.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Purchases" {
                table {
                    thead { tr { th scope="col" { "Agreement" } th scope="col" { "State" } th scope="col" { "What the buyer can do" } } }
                    tbody { @for purchase in purchases.iter().take(SHOWN) { (row(local, purchase)) } }
                }
            }
        }
    }
}

fn row(local: &Local, purchase: &Overview) -> Markup {
    let acts: &[Act] = match (purchase.over, purchase.stage) {
        (true, _) => &[],
        (false, "pending") => &[Act::Pay, Act::FailPayment],
        (false, _) => &[Act::Renew, Act::Replace, Act::Cancel],
    };
    // Each look at the page has fresh tokens, as each press of AWS's button has.
    let token = local.market.token(&purchase.agreement).ok();
    html! {
        tr {
            th scope="row" { code { (purchase.agreement) } }
            td { (purchase.stage) }
            td {
                @if let Some(token) = token {
                    form.button method="post" action="/aws/landing" {
                        input type="hidden" name="x-amzn-marketplace-token" value=(token);
                        button type="submit" { "Set up your account" }
                    }
                }
                @for act in acts { " " (button(*act, &purchase.agreement)) }
            }
        }
    }
}

fn button(act: Act, agreement: &str) -> Markup {
    html! {
        form.button method="post" action=(PATH) {
            input type="hidden" name="act" value=(act.name());
            input type="hidden" name="agreement" value=(agreement);
            button type="submit" { (act.label()) }
        }
    }
}
