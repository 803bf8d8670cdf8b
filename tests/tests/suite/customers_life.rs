//! The publisher's API from outside: a customer's years, against `marque serve`, and against the shipped `admin` behind its URL.

use std::collections::BTreeSet;

use marque_core::{Cloud, Mode};
use marque_service::Clock;
use marque_tests::aws::{Call, MailFault};
use marque_tests::{Answer, Client, Deployment, PRINCIPAL, Publisher, Served, Server};
use serde_json::{Value, json};

use crate::machine::{Machine, Registrar, claim};

const PRODUCT: &str = "kopicloud-ad-api";

/// Where the publisher calls.
enum Desk {
    Served { served: Box<Served>, client: Client, bearer: String },
    Shipped { deployment: Box<Deployment>, publisher: Box<Publisher>, client: Client, machine: String, calls: usize },
}

impl Desk {
    fn served() -> Self {
        let served = Served::start(None);
        let bearer = format!("Bearer {}", served.info["admin_token"].as_str().unwrap_or_default());
        Self::Served { client: Client::new(served.url()), served: Box::new(served), bearer }
    }

    fn shipped() -> Self {
        let deployment = Deployment::new();
        let registered = Registrar::start(&deployment).register(&Machine {
            cloud: Cloud::Aws,
            claim: &claim(&deployment, Cloud::Aws, Mode::Billed),
            instance: "vm",
            domain: "vm",
            code: None,
        });
        // What made the stack what it is, is not what the function calls.
        let calls = deployment.aws.calls().len();
        let publisher = Publisher::start(&deployment);
        let client = Client::new(&publisher.url());
        let (deployment, publisher) = (Box::new(deployment), Box::new(publisher));
        Self::Shipped { deployment, publisher, client, machine: instance(&registered), calls }
    }

    /// The instance of a machine that AWS bills.
    fn machine(&self) -> String {
        match self {
            Self::Served { served, .. } => {
                let claim = text(&served.info["demo"]["marketplace"]["aws"]["billed"]);
                let machine = Machine { cloud: Cloud::Aws, claim, instance: "vm", domain: "vm", code: None };
                instance(&machine.register_at(served))
            }
            Self::Shipped { machine, .. } => machine.clone(),
        }
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>, key: &str) -> Answer {
        let path = format!("/admin/v1{path}");
        let (client, bearer) = match self {
            Self::Served { client, bearer, .. } => (client, bearer.as_str()),
            Self::Shipped { client, .. } => (client, ""),
        };
        let mut headers = Vec::new();
        if !bearer.is_empty() {
            headers.push(("authorization", bearer));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        if !key.is_empty() {
            headers.push(("idempotency-key", key));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        client.call(method, &path, &headers, body.as_bytes()).expect("an answer")
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, None, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call("POST", path, Some(body), "");
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text());
        answer.json()
    }

    fn act(&self, license: &Value, action: &str, body: &Value) -> Value {
        self.post(&format!("/licenses/{}/{action}", text(&license["id"])), body)
    }

    fn customer(&self) -> String {
        let person = json!({"name": "Ann Lee", "company": "Org", "email": "ann.lee@example.org"});
        text(&self.post("/customers", &person)["id"]).to_owned()
    }

    fn sell(&self, plan: &str, customer: &str) -> Value {
        self.post("/licenses", &json!({"product": PRODUCT, "plan": plan, "customer_id": customer}))
    }

    /// Somebody asks for a trial, as people do beside what the publisher does.
    fn ask_for_trial(&self, email: &str) {
        match self {
            Self::Served { client, .. } => {
                let ask = json!({
                    "product": PRODUCT, "email": email, "first_name": "Ann", "last_name": "Lee", "company": "Org",
                });
                assert_eq!(client.post("/v1/trials", &ask).map(|answer| answer.status), Some(202));
            }
            Self::Shipped { deployment, .. } => deployment.ask_for_trial(1, email, Clock::system().now()),
        }
    }

    /// SES, if there is one, never takes the next mail. What causes the mail is done all the same.
    fn lose_a_mail(&self) {
        if let Self::Shipped { deployment, .. } = self {
            deployment.aws.ses().fail([MailFault::Refused(400, "BadRequestException")]);
        }
    }

    /// Who stands on events.
    fn principal(&self) -> &str {
        match self {
            Self::Served { .. } => "local",
            Self::Shipped { .. } => PRINCIPAL,
        }
    }
}

fn instance(registered: &Value) -> String {
    text(&registered["machine"]["instance"]).to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Everything that the publisher does in a customer's life, whatever the day is.
fn a_customers_life(desk: &Desk) {
    // The catalogue.
    let plan = desk.get(&format!("/products/{PRODUCT}/plans/yearly"));
    let mut body = plan.clone();
    for of_the_path in ["product", "plan", "revision"] {
        body.as_object_mut().expect("an object").remove(of_the_path);
    }
    let same = desk.call("PUT", &format!("/products/{PRODUCT}/plans/yearly"), Some(&body), "");
    assert_eq!((same.status, same.json()), (200, plan));
    body["name"] = json!("Another");
    let new = desk.call("PUT", &format!("/products/{PRODUCT}/plans/another"), Some(&body), "");
    assert_eq!((new.status, &new.json()["revision"]), (201, &json!(1)));
    let product =
        desk.call("PUT", "/products/other", Some(&json!({"name": "Other", "fingerprint_kind": "custom"})), "");
    assert_eq!(product.status, 201);
    assert_eq!(desk.get("/products")["items"].as_array().map(Vec::len), Some(2));

    // A customer, a discount, a sale under a key.
    let customer = desk.customer();
    let changed =
        desk.call("PATCH", &format!("/customers/{customer}"), Some(&json!({"email": "a.lee@example.org"})), "");
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(desk.get("/customers?email=A.Lee@example.org")["items"].as_array().map(Vec::len), Some(1));
    let discount = json!({"kind": "education", "percent": 50, "note": "letter of the university"});
    let discount = desk.post(&format!("/customers/{customer}/discounts"), &discount);
    let sale = json!({"product": PRODUCT, "plan": "yearly", "customer_id": customer, "discount_id": discount["id"]});
    desk.lose_a_mail();
    let sold = desk.call("POST", "/licenses", Some(&sale), "a key").json();
    assert_eq!(desk.call("POST", "/licenses", Some(&sale), "a key").json(), sold);
    let other = desk.call("POST", "/licenses", Some(&json!({"product": "x"})), "a key");
    assert_eq!(other.status, 400);

    // Its life.
    for (action, body) in [
        ("renew", json!({"n": 2})),
        ("change-plan", json!({"plan": "monthly"})),
        ("withdraw-change", json!({})),
        ("cancel", json!({"reason": "too dear"})),
        ("withdraw-change", json!({})),
        ("suspend", json!({"reason": "chargeback"})),
        ("reinstate", json!({"reason": "paid"})),
        ("change-plan", json!({"plan": "perpetual"})),
    ] {
        desk.act(&sold, action, &body);
    }
    let refused = desk.call("POST", &format!("/licenses/{}/renew", text(&sold["id"])), Some(&json!({})), "");
    assert_eq!(refused.problem(), "STATE_CONFLICT");

    // A site without internet, whose server is moved.
    let site = json!({"fingerprint": Server::in_domain("site").fingerprint()});
    let path = format!("/licenses/{}/file", text(&sold["id"]));
    let file = desk.call("POST", &path, Some(&site), "");
    assert_eq!(file.status, 200, "{}", file.text());
    assert_eq!(desk.call("POST", &path, Some(&json!({})), "").body, file.body);
    desk.act(&sold, "release", &json!({"reason": "server lost"}));
    assert_eq!(desk.call("POST", &path, Some(&site), "").status, 200);
    desk.act(&sold, "revoke", &json!({"reason": "fraud"}));

    // Its history.
    let events = desk.get(&format!("/licenses/{}/events?limit=100", text(&sold["id"])));
    let events = events["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(events.len(), 15, "{events:#?}");
    assert!(events.iter().all(|event| event["by"] == desk.principal()), "{events:#?}");
    assert!(events.windows(2).all(|pair| pair[1]["prev"] == pair[0]["hash"]));
    let shown = desk.get(&format!("/licenses/{}", text(&sold["id"])));
    assert_eq!((&shown["code"], &shown["head"]["hash"]), (&sold["code"], &events[14]["hash"]));
    let month = &text(&shown["issued_at"])[..7];
    for list in
        [format!("customer_id={customer}"), format!("month={month}&limit=100"), "email=a.lee@example.org".to_owned()]
    {
        let items = desk.get(&format!("/licenses?{list}"))["items"].as_array().cloned().unwrap_or_default();
        assert!(items.iter().any(|license| license["id"] == sold["id"]), "{list}");
    }

    // Old codes, one of them of a trial that runs in a domain.
    let line = |number: u8, plan: &str| {
        json!({
            "code": format!("A{number:04X}-F5416-5B71B-AC380-95077"), "product": PRODUCT, "plan": plan,
            "customer": {"name": "N", "company": "C", "email": format!("n{number}@example.org")},
        })
    };
    let mut trial = line(2, "trial");
    trial["fingerprint"] = Server::in_domain("trial").fingerprint();
    let lines = json!({"lines": [line(1, "perpetual"), trial, line(1, "yearly")]});
    let first = desk.post("/imports", &lines);
    let statuses: Vec<_> =
        first["results"].as_array().into_iter().flatten().map(|result| text(&result["status"])).collect();
    assert_eq!(statuses, ["imported", "imported", "refused"]);
    assert_eq!(desk.post("/imports", &lines), first);

    // A machine that AWS bills: compared with the usage report, and shut out.
    let machine = desk.machine();
    let open = desk.get("/machines?cloud=aws&confirmed=false");
    assert_eq!((&open["items"][0]["instance"], &open["items"][1]), (&json!(machine), &Value::Null));
    let confirmed = desk.post(&format!("/machines/aws/{machine}/confirm"), &json!({"reason": "in the usage report"}));
    assert_eq!((&confirmed["confirmed"], &confirmed["revoked"]), (&json!(true), &json!(false)));
    let revoked = desk.post(&format!("/machines/aws/{machine}/revoke"), &json!({"reason": "stolen"}));
    assert_eq!(revoked["revoked"], true);
    assert_eq!(desk.get(&format!("/licenses/{}", text(&revoked["license_id"])))["state"], "revoked");

    // Everything about the person, and then nothing.
    desk.ask_for_trial("A.Lee+trial@example.org");
    let export = desk.call("GET", &format!("/customers/{customer}/export"), None, "");
    assert!(export.text().lines().count() > 15 && export.text().contains("a.lee@example.org"));
    assert!(export.text().contains("A.Lee+trial@example.org"), "what was asked for under the address too");
    assert!(desk.get("/customers?limit=100")["items"].as_array().is_some_and(|items| items.len() >= 4));
    desk.post(&format!("/customers/{customer}/erase"), &json!({"reason": "asked"}));
    assert_eq!(desk.call("GET", &format!("/customers/{customer}"), None, "").status, 404);
    let events = desk.call("GET", &format!("/licenses/{}/events", text(&sold["id"])), None, "");
    assert!(events.status == 200 && !events.text().contains("too dear"));
}

/// What the shipped function calls in a customer's life.
pub(crate) fn calls_of_admin() -> BTreeSet<Call> {
    let desk = Desk::shipped();
    a_customers_life(&desk);
    let Desk::Shipped { deployment, calls, .. } = &desk else { return BTreeSet::new() };
    assert_eq!(deployment.aws.refusals(), Vec::<String>::new());
    deployment.aws.calls().into_iter().skip(*calls).collect()
}

#[test]
fn a_customers_life_on_marque_serve() {
    a_customers_life(&Desk::served());
}

#[test]
fn a_customers_life_behind_the_url_of_admin() {
    a_customers_life(&Desk::shipped());
}

#[test]
fn a_url_that_was_opened_by_mistake_lets_nobody_in() {
    let desk = Desk::shipped();
    let Desk::Shipped { publisher, .. } = &desk else { return };
    let open = Client::new(&publisher.open_url());
    for (name, value) in [("authorization", "Bearer x"), ("x-amzn-iam-user-arn", PRINCIPAL), ("accept", "*/*")] {
        let answer = open.call("GET", "/admin/v1/products", &[(name, value)], &[]).expect("an answer");
        assert_eq!((answer.status, answer.problem().as_str()), (401, "UNAUTHORIZED"), "{name}");
    }
}

#[test]
fn three_years_with_one_customer() {
    let desk = Desk::served();
    let Desk::Served { served, client, .. } = &desk else { return };
    let clock = |time: &str| {
        let answer = client.post("/local/clock", &json!({"set": time})).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    assert!(!served.url().is_empty());
    clock("2027-01-31T10:00:00Z");
    let customer = desk.customer();
    let license = desk.sell("monthly", &customer);
    let mut server = Server::in_domain("three years");
    let activation = client.post("/v1/activations", &server.activation(text(&license["code"]))).expect("an answer");
    assert_eq!(activation.status, 201, "{}", activation.text());
    let mut seen = |time: &str| {
        clock(time);
        let body = server.validation(text(&license["id"]), None);
        let answer = client.post("/v1/validations", &body).expect("an answer").json();
        format!(
            "{} {} {}",
            text(&answer["state"]),
            text(&answer["plan"]),
            text(&answer["paid_through"]).get(..10).unwrap_or_default()
        )
    };
    assert_eq!(seen("2027-02-28T23:59:59Z"), "active monthly 2027-02-28");
    assert_eq!(seen("2027-03-01T00:00:00Z"), "past_due monthly 2027-02-28");
    desk.act(&license, "renew", &json!({"n": 3}));
    assert_eq!(seen("2027-05-31T12:00:00Z"), "active monthly 2027-05-31");
    desk.act(&license, "change-plan", &json!({"plan": "yearly"}));
    assert_eq!(seen("2028-05-31T12:00:00Z"), "active yearly 2028-05-31");
    desk.act(&license, "change-plan", &json!({"plan": "monthly"}));
    desk.act(&license, "renew", &json!({}));
    assert_eq!(seen("2028-06-01T00:00:00Z"), "active monthly 2028-06-30");
    desk.act(&license, "suspend", &json!({"reason": "chargeback"}));
    assert_eq!(seen("2028-06-11T00:00:00Z"), "suspended monthly 2028-06-30");
    desk.act(&license, "reinstate", &json!({"reason": "paid"}));
    assert_eq!(seen("2028-07-10T00:00:00Z"), "active monthly 2028-07-10");
    desk.act(&license, "cancel", &json!({}));
    assert_eq!(seen("2028-07-10T23:59:59Z"), "cancelled monthly 2028-07-10");
    assert_eq!(seen("2028-07-11T00:00:00Z"), "expired monthly 2028-07-10");
    clock("2029-12-01T00:00:00Z");
    desk.act(&license, "renew", &json!({}));
    assert_eq!(seen("2030-01-01T00:00:00Z"), "active monthly 2030-01-01");
    desk.act(&license, "change-plan", &json!({"plan": "perpetual"}));
    assert_eq!(seen("2030-01-31T00:00:00Z"), "active perpetual ");
}
