//! From "Set up your account" to the code on the status page, against `marque serve`: the time that a buyer's browser waits for
//! us, without the buyer's own. `cargo bench -p marque-tests --bench purchase`

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench says what it measured, or that it cannot")]

use marque_tests::timed::now;
use marque_tests::{Answer, Client, Served};
use serde_json::{Value, json};

const PURCHASES: usize = 50;

fn main() {
    let served = Served::start(None);
    let client = Client::new(served.url());
    let product = served.info["demo"]["marketplace"]["aws"]["saas"]["product_code"].clone();
    for pricing in ["contract", "subscription"] {
        let mut times: Vec<f64> = (0..PURCHASES).map(|_| purchase(&client, &product, pricing)).collect();
        times.sort_by(f64::total_cmp);
        println!(
            "{pricing}: landing to code, {PURCHASES} purchases: median {:.1} ms, longest {:.1} ms",
            times[PURCHASES / 2],
            times[PURCHASES - 1]
        );
    }
}

/// Milliseconds from the landing to a page with the code. A subscription's code waits for its event, which is told within a
/// second.
fn purchase(client: &Client, product: &Value, pricing: &str) -> f64 {
    let order = json!({
        "product_code": product, "pricing": pricing, "payment": "paid", "entitlements": [{"dimension": "servers", "value": 5}],
    });
    let bought = client.post("/local/aws/purchases", &order).expect("an answer").json();
    let token = bought["registration_token"].as_str().expect("a token");
    let begun = now();
    let landed = post(client, "/aws/landing", "", &[("x-amzn-marketplace-token", token)]);
    assert_eq!(landed.status, 303, "{}", landed.text());
    let cookie = landed.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let page = get(client, "/aws/registration", &cookie).text();
    let handle = page.split("name=\"handle\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
    let person =
        [("handle", handle), ("name", "Ann Lee"), ("company", "Org"), ("email", "ann@example.org"), ("terms", "on")];
    assert_eq!(post(client, "/aws/registration", &cookie, &person).status, 303);
    while !get(client, "/aws/status", &cookie).text().contains("<code aria-labelledby=\"code\">") {}
    begun.elapsed().as_secs_f64() * 1000.0
}

fn get(client: &Client, path: &str, cookie: &str) -> Answer {
    client.call("GET", path, &[("cookie", cookie)], &[]).expect("an answer")
}

fn post(client: &Client, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let body: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie)];
    client.call("POST", path, &headers, body.join("&").as_bytes()).expect("an answer")
}
