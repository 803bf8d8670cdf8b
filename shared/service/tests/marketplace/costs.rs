//! What things cost: requests of the table, calls of AWS, and time that is waited.

use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use marque_embedded::Operation as Request;
use marque_marketplace_sim::{Operation, Pricing};
use marque_service::clouds::{Fulfilment, Wiring};
use marque_service::marketplace::{Outcome, SessionKey, Shop};
use marque_service::{http::envelope, marketplace, validate};
use serde_json::json;
use tokio::time::Instant;

use crate::market::Bazaar;

const CALLS: [Operation; 5] = [
    Operation::ResolveCustomer,
    Operation::DescribeAgreement,
    Operation::GetAgreementTerms,
    Operation::GetEntitlements,
    Operation::SearchAgreements,
];

/// So many calls of AWS so far.
fn asked(bazaar: &Bazaar) -> usize {
    CALLS.into_iter().map(|operation| bazaar.market.calls(operation)).sum()
}

/// A purchase that is registered and active, its licence activated: the lease.
async fn activated(bazaar: &Bazaar) -> (String, String) {
    let bought = bazaar.buy(Pricing::Contract);
    bazaar.deliver(&bought.events).await;
    let visit = bazaar.welcome(&bought.token, "buyer@example.org").await;
    let code = bazaar.code_shown(&visit).await.expect("a code");
    let activation = json!({
        "code": code, "product": "kopicloud-ad-api", "nonce": "nonce-of-the-test",
        "instance_id": "2f1e4fc0-81fd-41da-9156-00036acd1234",
        "fingerprint": {"kind": "ad-domain", "value": "c3".repeat(32)},
    });
    let answer = bazaar.call("/v1/activations", &activation).await;
    let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    (text("license_id"), text("lease"))
}

#[tokio::test(start_paused = true)]
async fn an_entitlement_check_is_one_read_of_the_table_and_asks_nobody() {
    let bazaar = Bazaar::new().await;
    let (license, lease) = activated(&bazaar).await;
    let before = asked(&bazaar);
    bazaar.embedded.calls().record(true);
    let answer = bazaar.entitlements(&license, &lease).await;
    let calls = bazaar.embedded.calls().take();
    assert_eq!((answer.status.as_u16(), calls.len()), (200, 1), "{calls:?}");
    assert_eq!(calls[0].operation, Some(Request::Query));
    assert_eq!(calls[0].read_units, 1.0, "licence and snapshot lie beside each other");
    assert_eq!(asked(&bazaar), before);
    // Released, the activation's lease is good for nothing here, at the same price.
    let stranger = bazaar.entitlements("lic_01ARZ3NDEKTSV4RRFFQ69G5FAV", &lease).await;
    assert_eq!(stranger.status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_purchase_to_a_code_and_each_event_take_few_calls() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy(Pricing::Contract);
    let start = asked(&bazaar);
    let visit = bazaar.welcome(&bought.token, "buyer@example.org").await;
    let landed = asked(&bazaar) - start;
    assert!(
        landed <= 4,
        "landing resolves, and asks how the agreement is paid, what was bought and how it stands: {landed}"
    );
    assert!(bazaar.code_shown(&visit).await.is_some(), "and waits for no event");
    for event in &bought.events {
        let before = asked(&bazaar);
        bazaar.embedded.calls().record(true);
        assert_eq!(bazaar.deliver(std::slice::from_ref(event)).await, [Outcome::Kept]);
        let calls = bazaar.embedded.calls().take();
        let writes = calls.iter().filter(|call| call.operation == Some(Request::TransactWriteItems)).count();
        assert_eq!(writes, 1, "{calls:?}");
        assert!(asked(&bazaar) - before <= 2, "{}", event["detail-type"]);
        println!(
            "{}: {} reads, 1 transaction, {} calls of AWS",
            event["detail-type"],
            calls.len() - 1,
            asked(&bazaar) - before
        );
    }
    assert!(bazaar.code_shown(&visit).await.is_some());
    println!("purchase to code: {} calls of AWS", asked(&bazaar) - start);
}

#[tokio::test(start_paused = true)]
async fn a_comparison_asks_ten_times_a_second_and_writes_nothing_where_nothing_differs() {
    const AGREEMENTS: usize = 60;
    let bazaar = Bazaar::new().await;
    for place in 0..AGREEMENTS {
        let bought = bazaar.buy(if place % 2 == 0 { Pricing::Contract } else { Pricing::Subscription });
        bazaar.deliver(&bought.events).await;
    }
    bazaar.compare().await;
    bazaar.advance(12 * 3600);
    let (before, begun) = (asked(&bazaar), Instant::now());
    bazaar.market.set(|knobs| knobs.limits_rates = false);
    bazaar.embedded.calls().record(true);
    let compared = bazaar.compare().await;
    let calls = bazaar.embedded.calls().take();
    assert_eq!((compared.agreements_compared, compared.agreements_mended), (60, 0));
    let pages = AGREEMENTS.div_ceil(50);
    assert_eq!(asked(&bazaar) - before, pages + 2 * AGREEMENTS, "a page of 50, then two calls for each");
    let seconds = begun.elapsed().as_secs_f64();
    let expected = 0.1 * (pages + AGREEMENTS) as f64;
    assert!((seconds - expected).abs() < 1.0, "{seconds} s, not {expected}");
    let writes = calls.iter().filter(|call| call.write_units > 0.0).count();
    assert!(writes <= 6, "only its own place is written: {writes}");
    let reads: f64 = calls.iter().map(|call| call.read_units).sum();
    println!("{AGREEMENTS} agreements: {seconds:.1} s, {reads} read units, {} calls of AWS", asked(&bazaar) - before);
}

#[tokio::test(start_paused = true)]
async fn a_comparison_that_is_cut_off_goes_on_where_it_was() {
    let bazaar = Bazaar::new().await;
    for _ in 0..3 {
        bazaar.buy(Pricing::Subscription);
    }
    // No time at all: what is due is taken and left.
    let none = bazaar.shop.reconcile(0.0).await.unwrap();
    assert!(!none.agreements_finished && none.agreements_compared == 0);
    let all = bazaar.compare().await;
    assert!(all.agreements_finished && all.agreements_mended == 3, "{all:?}");
    let again = bazaar.compare().await;
    assert_eq!((again.agreements_compared, again.agreements_finished), (0, true), "not due for twelve hours");
}

/// AWS as a place from which nothing ever comes.
#[derive(Clone)]
struct Silence;

impl fmt::Debug for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Silence")
    }
}

impl HttpConnector for Silence {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(std::future::pending())
    }
}

impl HttpClient for Silence {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn where_aws_never_answers_a_buyer_gets_a_page_and_a_server_what_is_known_in_time() {
    let mut bazaar = Bazaar::new().await;
    let (license, lease) = activated(&bazaar).await;
    let fulfilment =
        Fulfilment::new(&Wiring { http: Silence.into_shared(), ..Wiring::simulated(bazaar.market.http_client()) });
    let shop = Shop::new(bazaar.app.clone(), fulfilment, "111122223333".to_owned());
    let front = shop.open(SessionKey::new([5; 32]), "help@example.com");
    bazaar.router = envelope(validate::router(bazaar.app.clone()).merge(marketplace::router(front)));
    let token = bazaar.buy(Pricing::Contract).token;
    let begun = Instant::now();
    let landed = bazaar.post("/aws/landing", "", &[("x-amzn-marketplace-token", &token)]).await;
    assert!(begun.elapsed() < Duration::from_secs(9));
    assert_eq!(landed.status, 503);
    assert!(landed.header("content-type").starts_with("text/html") && landed.text().contains("Try again"));
    bazaar.advance(2 * 3600);
    let begun = Instant::now();
    let entitled = bazaar.entitlements(&license, &lease).await;
    assert!(begun.elapsed() < Duration::from_secs(9));
    assert_eq!(entitled.status, 200, "{}", entitled.text());
    assert!(entitled.text().contains("\"stale\":true"), "{}", entitled.text());
}
