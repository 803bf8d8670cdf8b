//! A year of a buyer on AWS Marketplace, from outside alone: pages, events, entitlements, checks. Through `marque serve`, where
//! a year passes, and through the shipped functions, where events come twice and the latest first.

use std::path::Path;

use marque_marketplace_sim::{Entitled, Objection, Order, Pricing, Receipt};
use marque_service::demo;
use marque_tests::seller::Storefront;
use marque_tests::{Answer, Client, Served, Server};
use serde_json::{Value, json};

/// Events arrive within a second: so many calls take longer than that.
const PATIENCE: usize = 20_000;

/// Where a buyer buys.
enum Host {
    Served(Box<Served>),
    Shipped(Box<Storefront>),
}

/// A buyer's browser, and terminal.
pub(crate) struct Buyer {
    host: Host,
    /// To the pages.
    client: Client,
    /// To the checks of servers.
    checks: Client,
    cookie: String,
    server: Server,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Host {
    fn clients(&self) -> (Client, Client) {
        match self {
            Self::Served(served) => (Client::new(served.url()), Client::new(served.url())),
            Self::Shipped(front) => (Client::new(&front.url()), Client::new(&front.validate_url())),
        }
    }
}

impl Buyer {
    fn served(folder: &Path) -> Self {
        Self::at(Host::Served(Box::new(Served::start(Some(folder)))))
    }

    pub(crate) fn shipped(front: Storefront) -> Self {
        Self::at(Host::Shipped(Box::new(front)))
    }

    fn at(host: Host) -> Self {
        let (client, checks) = host.clients();
        Self { host, client, checks, cookie: String::new(), server: Server::in_domain("buyer") }
    }

    /// The stack, where there is one.
    pub(crate) fn storefront(&self) -> &Storefront {
        match &self.host {
            Host::Shipped(front) => front,
            Host::Served(_) => panic!("there is no stack"),
        }
    }

    /// The service is killed and started again.
    fn survive(self, folder: &Path) -> Self {
        let host = match self.host {
            Host::Served(mut served) => {
                served.kill();
                drop(served);
                Host::Served(Box::new(Served::start(Some(folder))))
            }
            Host::Shipped(mut front) => {
                front.restart();
                Host::Shipped(front)
            }
        };
        let (client, checks) = host.clients();
        Self { host, client, checks, ..self }
    }

    pub(crate) fn buy(&self, pricing: &str, payment: &str) -> Value {
        match &self.host {
            Host::Served(served) => {
                let code = text(&served.info["demo"]["marketplace"]["aws"]["saas"]["product_code"]);
                let body = json!({
                    "product_code": code, "pricing": pricing, "payment": payment,
                    "entitlements": [{"dimension": "servers", "value": 5}],
                });
                self.client.post("/local/aws/purchases", &body).expect("an answer").json()
            }
            Host::Shipped(front) => {
                let pricing = if pricing == "contract" { Pricing::Contract } else { Pricing::Subscription };
                let order = Order::new(demo::saas_listing().0, pricing, servers(5));
                receipt(&front.market.purchase(Order { paid: payment == "paid", ..order }).expect("a purchase"))
            }
        }
    }

    pub(crate) fn act(&self, agreement: &Value, act: &str, body: &Value) -> Value {
        match &self.host {
            Host::Served(_) => {
                let path = format!("/local/aws/purchases/{}/{act}", text(agreement));
                let answer = self.client.post(&path, body).expect("an answer");
                assert!(answer.status < 300, "{act}: {}", answer.text());
                answer.json()
            }
            Host::Shipped(front) => {
                let count = body["entitlements"][0]["value"].as_i64();
                let (market, id, bought) = (&front.market, text(agreement), count.map(servers));
                let told = |events: Result<Vec<Value>, Objection>| json!({"events": events.expect(act)});
                match act {
                    "pay" => told(market.pay(&id)),
                    "fail-payment" => told(market.fail_payment(&id)),
                    "cancel" => told(market.cancel(&id)),
                    "amend" => told(market.amend(&id, bought.expect("entitlements"))),
                    "renew" => receipt(&market.renew(&id, bought).expect(act)),
                    _ => receipt(&market.replace(&id, bought).expect(act)),
                }
            }
        }
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let body = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let body = body.collect::<Vec<_>>().join("&");
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", self.cookie.as_str())];
        self.client.call("POST", path, &headers, body.as_bytes()).expect("an answer")
    }

    pub(crate) fn page(&self, path: &str) -> Answer {
        self.client.call("GET", path, &[("cookie", &self.cookie)], &[]).expect("an answer")
    }

    /// "Set up your account".
    pub(crate) fn landing(&self, token: &Value) -> Answer {
        self.form("/aws/landing", &[("x-amzn-marketplace-token", &text(token))])
    }

    pub(crate) fn land(&mut self, token: &Value) {
        self.cookie.clear();
        let answer = self.landing(token);
        assert_eq!((answer.status, answer.header("location")), (303, "/aws/registration"), "{}", answer.text());
        self.cookie = answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    }

    pub(crate) fn register(&mut self, token: &Value) {
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
    fn until<T>(&self, what: &str, mut ask: impl FnMut(&Self) -> Option<T>) -> T {
        let found = (0..PATIENCE).find_map(|_| {
            if let Host::Shipped(front) = &self.host {
                // What the function has put off, on a busy machine, comes again.
                front.deployment.aws.queues().pass(60);
                front.pump();
            }
            ask(self)
        });
        found.unwrap_or_else(|| panic!("it never came: {what}"))
    }

    /// What the browser holds.
    pub(crate) fn cookie(&self) -> &str {
        self.cookie.split_once('=').map_or("", |(_, value)| value)
    }

    pub(crate) fn code_shown(&self) -> Option<String> {
        let page = self.page("/aws/status").text();
        let after = page.split("<code aria-labelledby=\"code\">").nth(1)?;
        Some(after.split('<').next()?.to_owned())
    }

    pub(crate) fn code(&self) -> String {
        self.until("a code", Self::code_shown)
    }

    pub(crate) fn activate(&mut self, code: &str) -> Value {
        let body = self.server.activation(code);
        self.checks.post("/v1/activations", &body).expect("an answer").json()
    }

    fn check(&mut self, license: &str) -> Value {
        let body = self.server.validation(license, None);
        self.checks.post("/v1/validations", &body).expect("an answer").json()
    }

    pub(crate) fn entitlements(&self, license: &str, lease: &Value) -> Value {
        let bearer = format!("Bearer {}", text(lease));
        let path = format!("/v1/entitlements?license_id={license}");
        self.client.call("GET", &path, &[("authorization", &bearer)], &[]).expect("an answer").json()
    }

    /// A server reports what it has used.
    pub(crate) fn report(&self, lease: &Value, records: &Value) -> Value {
        let bearer = format!("Bearer {}", text(lease));
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = json!({"records": records}).to_string();
        let answer = self.client.call("POST", "/v1/usage-records", &headers, body.as_bytes()).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Where the clock is the machine's, a story is told in one day.
    fn advance(&self, period: &str) {
        if let Host::Served(_) = self.host {
            let answer = self.client.post("/local/clock", &json!({"advance": period})).expect("an answer");
            assert_eq!(answer.status, 200);
        }
    }
}

fn servers(count: i64) -> Vec<Entitled> {
    vec![Entitled { dimension: "servers".to_owned(), value: count.into() }]
}

pub(crate) fn receipt(receipt: &Receipt) -> Value {
    json!({"agreement_id": receipt.agreement, "registration_token": receipt.token})
}

#[test]
fn a_year_of_a_buyer_on_marque_serve() {
    let folder = tempfile::tempdir().expect("a folder");
    a_year(Buyer::served(folder.path()), folder.path());
}

#[test]
fn after_a_purchase_the_clock_of_marque_serve_is_not_set_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let buyer = Buyer::served(folder.path());
    let back = json!({"set": "2026-01-01T00:00:00Z"});
    assert_eq!(buyer.client.post("/local/clock", &back).expect("an answer").status, 200);
    buyer.buy("contract", "pending");
    assert_eq!(
        buyer.client.post("/local/clock", &json!({"set": "2025-01-01T00:00:00Z"})).expect("an answer").status,
        422
    );
}

#[test]
fn a_year_of_a_buyer_on_the_shipped_functions() {
    let folder = tempfile::tempdir().expect("a folder");
    let buyer = a_year(Buyer::shipped(Storefront::start(true)), folder.path());
    let aws = &buyer.storefront().deployment.aws;
    assert_eq!(aws.refusals(), Vec::<String>::new(), "a sound program is refused nothing by AWS");
}

pub(crate) fn a_year(mut buyer: Buyer, folder: &Path) -> Buyer {
    // Bought and registered, before payment is confirmed.
    let first = buyer.buy("contract", "pending");
    buyer.register(&first["registration_token"]);
    assert_eq!(buyer.code_shown(), None, "landing is not payment");
    assert!(buyer.page("/aws/status").text().contains("not confirmed"));
    buyer.act(&first["agreement_id"], "pay", &json!({}));
    let code = buyer.code();
    let activated = buyer.activate(&code);
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
    let mut buyer = buyer.survive(folder);
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
    let body = buyer.server.validation(&license, None);
    let refused = buyer.until("a refusal", |buyer| {
        let check = buyer.checks.post("/v1/validations", &body).expect("an answer").json();
        (check["valid"] == false).then_some(check)
    });
    assert_eq!(refused["code"], "EXPIRED");
    assert!(refused["denial"].is_string());
    // And bought again: a new agreement, a new licence.
    buyer.advance("P1D");
    let again = buyer.buy("subscription", "paid");
    buyer.register(&again["registration_token"]);
    let second = buyer.code();
    assert_ne!(second, code);
    assert_eq!(buyer.activate(&second)["valid"], true);
    buyer
}
