//! A year of a buyer on AWS Marketplace, through `marque serve` alone: pages, events, entitlements, checks.

use std::path::Path;

use marque_tests::{Answer, Client, Served, Server};
use serde_json::{Value, json};

/// Events arrive within a second: so many calls take longer than that.
const PATIENCE: usize = 20_000;

/// A buyer's browser and terminal.
struct Buyer {
    served: Served,
    client: Client,
    product_code: String,
    cookie: String,
    server: Server,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Buyer {
    fn new(folder: &Path) -> Self {
        let served = Served::start(Some(folder));
        let client = Client::new(served.url());
        let info = served.info.clone();
        let product_code = text(&info["demo"]["marketplace"]["aws"]["saas"]["product_code"]);
        Self { served, client, product_code, cookie: String::new(), server: Server::in_domain("buyer") }
    }

    /// The service is killed and started again on the same folder.
    fn survive(mut self, folder: &Path) -> Self {
        self.served.kill();
        drop(self.served);
        let served = Served::start(Some(folder));
        let client = Client::new(served.url());
        Self { served, client, ..self }
    }

    fn buy(&self, pricing: &str, payment: &str) -> Value {
        let body = json!({
            "product_code": self.product_code, "pricing": pricing, "payment": payment,
            "entitlements": [{"dimension": "servers", "value": 5}],
        });
        self.client.post("/local/aws/purchases", &body).expect("an answer").json()
    }

    fn act(&self, agreement: &Value, act: &str, body: &Value) -> Value {
        let path = format!("/local/aws/purchases/{}/{act}", text(agreement));
        let answer = self.client.post(&path, body).expect("an answer");
        assert!(answer.status < 300, "{act}: {}", answer.text());
        answer.json()
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let body = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let body = body.collect::<Vec<_>>().join("&");
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", self.cookie.as_str())];
        self.client.call("POST", path, &headers, body.as_bytes()).expect("an answer")
    }

    fn page(&self, path: &str) -> Answer {
        self.client.call("GET", path, &[("cookie", &self.cookie)], &[]).expect("an answer")
    }

    /// "Set up your account".
    fn land(&mut self, token: &Value) {
        self.cookie.clear();
        let answer = self.form("/aws/landing", &[("x-amzn-marketplace-token", &text(token))]);
        assert_eq!((answer.status, answer.header("location")), (303, "/aws/registration"));
        self.cookie = answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    }

    fn register(&mut self, token: &Value) {
        self.land(token);
        let page = self.page("/aws/registration").text();
        let handle = page.split("name=\"handle\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let handle = handle.expect("a form");
        let fields = [
            ("handle", handle),
            ("name", "Ann Lee"),
            ("company", "Org"),
            ("email", "ann@example.org"),
            ("terms", "on"),
        ];
        let answer = self.form("/aws/registration", &fields);
        assert_eq!((answer.status, answer.header("location")), (303, "/aws/status"));
    }

    /// Asks until it is so.
    #[track_caller]
    fn until<T>(&self, what: &str, ask: impl Fn(&Self) -> Option<T>) -> T {
        (0..PATIENCE).find_map(|_| ask(self)).unwrap_or_else(|| panic!("it never came: {what}"))
    }

    fn code_shown(&self) -> Option<String> {
        let page = self.page("/aws/status").text();
        let after = page.split("<code aria-labelledby=\"code\">").nth(1)?;
        Some(after.split('<').next()?.to_owned())
    }

    fn code(&self) -> String {
        self.until("a code", Self::code_shown)
    }

    fn check(&mut self, license: &str) -> Value {
        let body = self.server.validation(license, None);
        self.client.post("/v1/validations", &body).expect("an answer").json()
    }

    fn entitlements(&self, license: &str, lease: &Value) -> Value {
        let bearer = format!("Bearer {}", text(lease));
        let path = format!("/v1/entitlements?license_id={license}");
        self.client.call("GET", &path, &[("authorization", &bearer)], &[]).expect("an answer").json()
    }

    fn advance(&self, period: &str) {
        let answer = self.client.post("/local/clock", &json!({"advance": period})).expect("an answer");
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn a_year_of_a_buyer() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut buyer = Buyer::new(folder.path());
    // Bought and registered, before payment is confirmed.
    let first = buyer.buy("contract", "pending");
    buyer.register(&first["registration_token"]);
    assert_eq!(buyer.code_shown(), None, "landing is not payment");
    assert!(buyer.page("/aws/status").text().contains("not confirmed"));
    buyer.act(&first["agreement_id"], "pay", &json!({}));
    let code = buyer.code();
    let body = buyer.server.activation(&code);
    let activated = buyer.client.post("/v1/activations", &body).expect("an answer").json();
    assert_eq!(activated["valid"], true, "{activated}");
    assert_eq!(activated["features"]["servers"], 5, "a limit is a feature");
    let license = text(&activated["license_id"]);
    let entitled = buyer.entitlements(&license, &activated["lease"]);
    assert_eq!(
        (&entitled["state"], &entitled["entitlements"][0]["value"]),
        (&json!("active"), &json!(5)),
        "{entitled}"
    );
    assert_eq!(entitled["external_id"], first["agreement_id"]);
    // Amended, with the service killed in between: the event waits for it.
    buyer.advance("P90D");
    buyer.act(&first["agreement_id"], "amend", &json!({"entitlements": [{"dimension": "servers", "value": 9}]}));
    let mut buyer = buyer.survive(folder.path());
    let lease = buyer.check(&license)["lease"].clone();
    buyer.until("the amendment", |buyer| {
        (buyer.entitlements(&license, &lease)["entitlements"][0]["value"] == 9).then_some(())
    });
    // Renewed under new ids, long after: one licence, one code, no gap.
    buyer.advance("P200D");
    let renewed = buyer.act(&first["agreement_id"], "renew", &json!({}));
    assert_ne!(renewed["agreement_id"], first["agreement_id"]);
    let lease = buyer.check(&license)["lease"].clone();
    buyer.until("the renewal", |buyer| {
        (buyer.entitlements(&license, &lease)["external_id"] == renewed["agreement_id"]).then_some(())
    });
    buyer.advance("P100D");
    assert_eq!(buyer.check(&license)["valid"], true, "paid beyond the first year");
    // Replaced by a larger offer.
    let replaced = buyer.act(
        &renewed["agreement_id"],
        "replace",
        &json!({"entitlements": [{"dimension": "servers", "value": 20}]}),
    );
    let lease = buyer.check(&license)["lease"].clone();
    buyer.until("the replacement", |buyer| {
        (buyer.entitlements(&license, &lease)["entitlements"][0]["value"] == 20).then_some(())
    });
    buyer.land(&replaced["registration_token"]);
    assert_eq!(buyer.page("/aws/registration").header("location"), "/aws/status");
    assert_eq!(buyer.code_shown().as_deref(), Some(code.as_str()));
    // Another purchase whose payment fails changes nothing.
    let poor = buyer.buy("subscription", "pending");
    buyer.act(&poor["agreement_id"], "fail-payment", &json!({}));
    buyer.advance("PT1H");
    assert_eq!(buyer.check(&license)["valid"], true);
    // Cancelled: a signed refusal, at once.
    buyer.act(&replaced["agreement_id"], "cancel", &json!({}));
    let refused = (0..PATIENCE).find_map(|_| Some(buyer.check(&license)).filter(|check| check["valid"] == false));
    let refused = refused.expect("a refusal");
    assert_eq!(refused["code"], "EXPIRED");
    assert!(refused["denial"].is_string());
    // And bought again: a new agreement, a new licence.
    buyer.advance("P1D");
    let again = buyer.buy("subscription", "paid");
    buyer.register(&again["registration_token"]);
    let second = buyer.code();
    assert_ne!(second, code);
    let body = buyer.server.activation(&second);
    assert_eq!(buyer.client.post("/v1/activations", &body).expect("an answer").json()["valid"], true);
}
