//! `/local/aws/…`: the simulated AWS Marketplace, as its buyers, its operators and its faults see it. Only here, never in a
//! deployed function.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use marque_marketplace_sim::{Entitled, Fault as Ordered, Marketplace, Objection, Operation, Order, Pricing, Receipt};
use marque_service::marketplace::{EventFault, Outcome, Shop};
use marque_service::problem::{Error, Fault};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Local;

/// How often waiting events are looked for: they arrive within a second.
const TICK: Duration = Duration::from_millis(100);
/// An event that could not be handled comes again after so many ticks, doubled each time.
const FIRST_WAIT: u32 = 5;
const LONGEST_WAIT: u32 = 300;

pub(super) fn routes() -> Router<Local> {
    Router::new()
        .route("/local/aws/purchases", post(purchase))
        .route("/local/aws/purchases/{agreement}/{act}", post(act))
        .route("/local/aws/events", post(inject))
        .route("/local/aws/metered", get(metered))
        .route("/local/aws/faults", post(order_fault))
}

/// Delivers the events of the marketplace as long as the runtime lives: each again until it is handled.
pub(super) async fn deliver(market: Marketplace, shop: Shop) {
    let mut waits: HashMap<String, (u32, u32)> = HashMap::new();
    loop {
        tokio::time::sleep(TICK).await;
        let waiting = market.waiting_events().unwrap_or_else(|error| {
            tracing::error!(%error, "the simulated marketplace cannot be kept");
            Vec::new()
        });
        for event in waiting {
            let id = event["id"].as_str().unwrap_or_default().to_owned();
            let (left, next) = waits.entry(id.clone()).or_insert((0, FIRST_WAIT));
            if *left > 0 {
                *left -= 1;
                continue;
            }
            if comes_again(&shop.event(&event).await) {
                (*left, *next) = (*next, (*next * 2).min(LONGEST_WAIT));
                continue;
            }
            waits.remove(&id);
            if let Err(error) = market.delivered(&id) {
                tracing::error!(%error, "the simulated marketplace cannot be kept");
            }
        }
    }
}

fn comes_again(handled: &Result<Outcome, EventFault>) -> bool {
    match handled {
        Ok(outcome) => *outcome == Outcome::Again,
        Err(EventFault::Failed(cause)) => {
            tracing::warn!(cause, "an event comes again");
            true
        }
        Err(EventFault::Refused(reason)) => {
            tracing::error!(reason, "an event is refused: in AWS it would be among the dead letters");
            false
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Purchase {
    product_code: String,
    #[serde(default)]
    entitlements: Vec<Entitled>,
    pricing: Pricing,
    #[serde(default)]
    account_id: Option<String>,
    #[serde(default)]
    payment: Payment,
}

#[derive(Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Payment {
    #[default]
    Paid,
    Pending,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Act {
    #[serde(default)]
    entitlements: Option<Vec<Entitled>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inject {
    event: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderFault {
    operation: String,
    fault: String,
    times: usize,
}

type Answer = Result<(StatusCode, Json<Value>), Error>;

async fn purchase(State(local): State<Local>, body: Bytes) -> Answer {
    let Purchase { product_code, entitlements, pricing, account_id, payment } = read(&body)?;
    let order = Order {
        account: account_id,
        paid: payment == Payment::Paid,
        ..Order::new(&product_code, pricing, entitlements)
    };
    local.market.purchase(order).map(receipt).map_err(|objection| error(objection, "purchase"))
}

async fn act(State(local): State<Local>, Path((agreement, act)): Path<(String, String)>, body: Bytes) -> Answer {
    let Act { entitlements } = if body.is_empty() { Act::default() } else { read(&body)? };
    let (market, id) = (&local.market, agreement.as_str());
    let events = |done: Result<Vec<Value>, Objection>, act| {
        let answer = |events| (StatusCode::OK, Json(json!({"agreement_id": id, "events": events})));
        done.map(answer).map_err(|objection| error(objection, act))
    };
    match act.as_str() {
        "pay" => events(market.pay(id), "pay"),
        "fail-payment" => events(market.fail_payment(id), "fail-payment"),
        "cancel" => events(market.cancel(id), "cancel"),
        "amend" => events(market.amend(id, entitlements.ok_or_else(|| missing("entitlements"))?), "amend"),
        "renew" => market.renew(id, entitlements).map(receipt).map_err(|objection| error(objection, "renew")),
        "replace" => market.replace(id, entitlements).map(receipt).map_err(|objection| error(objection, "replace")),
        "token" => {
            let token = market.token(id).map_err(|objection| error(objection, "token"))?;
            Ok((StatusCode::CREATED, Json(json!({"agreement_id": id, "registration_token": token}))))
        }
        _ => Err(Error::NotFound),
    }
}

/// One event as EventBridge would deliver it; one that must come again waits among the marketplace's own.
async fn inject(State(local): State<Local>, body: Bytes) -> Answer {
    let Inject { event } = read(&body)?;
    let handled = local.shop().event(&event).await;
    if comes_again(&handled) {
        local.market.send(event).map_err(|error| Error::Unavailable { cause: error.to_string() })?;
    }
    let (outcome, reason) = match &handled {
        Ok(outcome) => (outcome.as_str(), None),
        Err(EventFault::Failed(cause)) => ("again", Some(cause.as_str())),
        Err(EventFault::Refused(reason)) => ("refused", Some(reason.as_str())),
    };
    Ok((StatusCode::ACCEPTED, Json(json!({"outcome": outcome, "reason": reason}))))
}

async fn metered(State(local): State<Local>) -> Json<Value> {
    Json(json!(local.market.truth()))
}

async fn order_fault(State(local): State<Local>, body: Bytes) -> Answer {
    let OrderFault { operation, fault, times } = read(&body)?;
    let operation: Operation = operation.parse().map_err(|error| faulty("/operation", &error))?;
    let fault: Ordered = fault.parse().map_err(|error| faulty("/fault", &error))?;
    local.market.order_fault(operation, fault, times);
    Ok((StatusCode::OK, Json(json!({"operation": operation.name(), "times": times}))))
}

fn receipt(receipt: Receipt) -> (StatusCode, Json<Value>) {
    let Receipt { agreement, license_arn, token, events } = receipt;
    let answer = json!({
        "agreement_id": agreement, "license_arn": license_arn, "registration_token": token, "events": events,
    });
    (StatusCode::CREATED, Json(answer))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| faulty("", &error))
}

fn missing(member: &str) -> Error {
    Error::Invalid(vec![Fault { pointer: format!("/{member}"), detail: "is missing".to_owned() }])
}

fn faulty(pointer: &str, error: &dyn std::error::Error) -> Error {
    Error::Invalid(vec![Fault { pointer: pointer.to_owned(), detail: error.to_string() }])
}

pub(super) fn error(objection: Objection, action: &'static str) -> Error {
    match objection {
        Objection::Unknown => Error::NotFound,
        Objection::State(from) => {
            Error::StateConflict { from, action, detail: format!("The simulated agreement is {from}.") }
        }
        Objection::Order(detail) => Error::Invalid(vec![Fault { pointer: String::new(), detail }]),
        Objection::Journal(error) => Error::Unavailable { cause: error.to_string() },
    }
}
