//! Mails and trials of `marque serve`: what would have been sent, and what the links in it do.

use marque_tests::{Answer, Client, Served, Server};
use serde_json::{Value, json};

const PRODUCT: &str = "kopicloud-ad-api";

/// A running service, with the publisher's token at hand.
struct Publisher {
    served: Served,
    client: Client,
}

impl Publisher {
    fn start(data: Option<&std::path::Path>) -> Self {
        let served = Served::start(data);
        let client = Client::new(served.url());
        Self { served, client }
    }

    fn admin(&self, path: &str, body: &Value) -> Value {
        let token = format!("Bearer {}", self.served.info["admin_token"].as_str().expect("a token"));
        let headers = [("content-type", "application/json"), ("authorization", token.as_str())];
        let path = format!("/admin/v1{path}");
        let answer = self.client.call("POST", &path, &headers, body.to_string().as_bytes()).expect("an answer");
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text());
        answer.json()
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.post(path, body).expect("an answer")
    }

    fn clock(&self, time: &str) {
        assert_eq!(self.post("/local/clock", &json!({"set": time})).status, 200);
    }

    fn sweep(&self) -> Value {
        let answer = self.post("/local/run/sweep", &json!({}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    fn mails(&self) -> Vec<Value> {
        let outbox = self.client.get("/local/outbox").expect("an answer").json();
        outbox["items"].as_array().cloned().unwrap_or_default()
    }

    fn subjects(&self) -> Vec<String> {
        self.mails().iter().map(|mail| mail["subject"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn customer(&self, language: &str) -> Value {
        let body = json!({"name": "Ann Lee", "company": "Org", "email": "ann.lee@example.org", "language": language});
        self.admin("/customers", &body)["id"].clone()
    }

    /// Asks for a trial; the token of the link that came.
    fn token(&self, email: &str) -> String {
        let body =
            json!({"product": PRODUCT, "email": email, "first_name": "Ann", "last_name": "Lee", "company": "Org"});
        assert_eq!(self.post("/v1/trials", &body).status, 202);
        let mails = self.mails();
        let mail = mails.last().expect("a mail");
        assert_eq!(mail["to"], email);
        let link = mail["links"][0].as_str().expect("a link");
        assert!(link.starts_with(self.served.url()), "a link leads to this very process: {link}");
        assert!(mail["text"].as_str().is_some_and(|text| text.contains(link)));
        link.split_once("token=").expect("a token").1.to_owned()
    }
}

#[test]
fn a_trial_goes_from_mail_to_page_to_server() {
    let publisher = Publisher::start(None);
    let token = publisher.token("tri@example.org");
    let page = publisher.client.get(&format!("/trials/confirm?token={token}")).expect("an answer");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let made = publisher.client.call("POST", "/v1/trials/confirm", &form, format!("token={token}").as_bytes());
    assert_eq!(made.as_ref().map(|made| made.status), Some(201));
    let again = publisher.post("/v1/trials/confirm", &json!({"token": token}));
    assert_eq!(again.status, 200);
    let code = again.json()["code"].as_str().expect("a code").to_owned();
    assert!(made.is_some_and(|made| made.text().contains(&code)), "the page shows the same code");
    assert!(publisher.mails().iter().any(|mail| mail["text"].as_str().is_some_and(|text| text.contains(&code))));
    let mut server = Server::in_domain("trial");
    let bound = publisher.post("/v1/activations", &server.activation(&code)).json();
    assert_eq!((&bound["valid"], &bound["kind"]), (&json!(true), &json!("trial")));
}

#[test]
fn mails_outlive_the_process_that_kept_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = Publisher::start(Some(folder.path())).token("tri@example.org");
    let publisher = Publisher::start(Some(folder.path()));
    assert_eq!(publisher.mails().len(), 1);
    assert_eq!(publisher.post("/v1/trials/confirm", &json!({"token": token})).status, 201);
}

#[test]
fn what_happens_to_a_licence_is_mailed_to_its_customer() {
    let publisher = Publisher::start(None);
    let customer = publisher.customer("en");
    let issue = json!({"product": PRODUCT, "plan": "monthly", "customer_id": customer});
    let issued = publisher.admin("/licenses", &issue);
    let (id, code) = (issued["id"].as_str().expect("an id"), issued["code"].as_str().expect("a code"));
    assert!(publisher.mails()[0]["text"].as_str().is_some_and(|text| text.contains(code)), "the code for its owner");
    let act = |verb: &str, body: Value| publisher.admin(&format!("/licenses/{id}/{verb}"), &body);
    act("renew", json!({}));
    act("change-plan", json!({"plan": "yearly"}));
    let mut first = Server::in_domain("first");
    let bound = publisher.post("/v1/activations", &first.activation(code)).json();
    act("release", json!({"activation_id": bound["activation_id"], "reason": "moved"}));
    assert_eq!(publisher.post("/v1/activations", &Server::in_domain("second").activation(code)).status, 201);
    act("suspend", json!({"reason": "secret words"}));
    act("reinstate", json!({"reason": "paid"}));
    act("revoke", json!({"reason": "secret words"}));
    let subjects = publisher.subjects();
    let product = "KopiCloud AD API";
    assert_eq!(
        subjects,
        [
            format!("Your licence of {product}"),
            format!("Another plan for your licence of {product}"),
            format!("Moved to another domain: your licence of {product}"),
            format!("Suspended: your licence of {product}"),
            format!("Revoked: your licence of {product}"),
        ]
    );
    let told = json!(publisher.mails()).to_string();
    assert!(!told.contains("secret words"), "what support wrote is support's");
}

#[test]
fn customers_are_written_to_in_their_language() {
    let publisher = Publisher::start(None);
    let customer = publisher.customer("es");
    publisher.admin("/licenses", &json!({"product": PRODUCT, "plan": "yearly", "customer_id": customer}));
    assert_eq!(publisher.subjects(), ["Su licencia de KopiCloud AD API"]);
}

#[test]
fn reminders_are_mailed_once_each_by_the_sweep() {
    let publisher = Publisher::start(None);
    publisher.clock("2031-01-01T00:00:00Z");
    publisher.sweep();
    let customer = publisher.customer("en");
    publisher.admin("/licenses", &json!({"product": PRODUCT, "plan": "yearly", "customer_id": customer}));
    let base = publisher.mails().len();
    let mut counts = Vec::new();
    for day in ["2031-11-01", "2031-12-03", "2031-12-19", "2031-12-26", "2032-01-01", "2032-01-02", "2032-01-20"] {
        publisher.clock(&format!("{day}T08:00:00Z"));
        let (first, second) = (publisher.sweep(), publisher.sweep());
        assert_eq!((&first["finished"], &second["notices"]), (&json!(true), &json!(0)), "{first} {second}");
        counts.push(publisher.mails().iter().skip(base).filter(|mail| mail["to"] == "ann.lee@example.org").count());
    }
    assert_eq!(counts, [0, 1, 2, 3, 4, 5, 6]);
}
