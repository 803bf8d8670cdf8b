//! The shipped `register` behind its URL: people ask for trials, SES takes their mails or does not, machines register.

use std::collections::BTreeSet;

use marque_core::{Cloud, Mode};
use marque_store::{Due, Shard, Work};
use marque_tests::aws::{Call, MailFault, TakenMail};
use marque_tests::deployment::{ISSUER, MAIL_FROM};
use marque_tests::gateway::Gateway;
use marque_tests::{Answer, Client, Deployment, Function, runtime};
use serde_json::{Value, json};

use crate::machine::{Machine, Registrar, claim};

const PRODUCT: &str = "kopicloud-ad-api";

/// A stack in which `register` runs.
struct Site {
    deployment: Deployment,
    function: Function,
    _gateway: Gateway,
    client: Client,
}

impl Site {
    fn start() -> Self {
        let deployment = Deployment::new();
        let function = deployment.run("register");
        let gateway = Gateway::start(function.sandbox().clone());
        let client = Client::new(&gateway.url());
        Self { deployment, function, _gateway: gateway, client }
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.post(path, body).expect("an answer")
    }

    fn ask(&self, email: &str) {
        let person = json!({
            "product": PRODUCT, "email": email, "first_name": "Zoë", "last_name": "Lee", "company": "Org",
        });
        let answer = self.post("/v1/trials", &person);
        assert_eq!(answer.status, 202, "{}", answer.text());
    }

    fn mails(&self) -> Vec<TakenMail> {
        self.deployment.aws.ses().taken()
    }

    /// Asks for a trial; the token of the link that came.
    fn token(&self, email: &str) -> String {
        self.ask(email);
        let mail = self.mails().pop().expect("a mail");
        assert_eq!((mail.to.as_str(), mail.from.as_str()), (email, MAIL_FROM));
        let (_, rest) = mail.text.split_once(&format!("{ISSUER}/trials/confirm?token=")).expect("a link");
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter)).collect()
    }

    /// How many mails wait in the table to be sent.
    fn waiting(&self) -> usize {
        let store = self.deployment.aws.store();
        let later = "2999-01-01T00:00:00Z".parse().expect("a time");
        let due = |shard| runtime().block_on(store.due(shard, later, None, 100)).expect("a page").entries;
        let mails = Shard::all().flat_map(due).filter(|due| matches!(due, Ok(Due { work: Work::Mail(_), .. })));
        mails.count()
    }
}

/// Everything that people and machines do at the URL of `register`.
fn a_day_of_register(site: &Site) {
    // Somebody tries the product, twice, and once too often.
    for n in 0..2 {
        let token = site.token(&format!("zoe+{n}@example.org"));
        let page = site.client.get(&format!("/trials/confirm?token={token}")).expect("an answer");
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let made = site.post("/v1/trials/confirm", &json!({ "token": token }));
        assert_eq!(made.status, 201, "{}", made.text());
        let code = made.json()["code"].as_str().expect("a code").to_owned();
        assert!(site.mails().pop().is_some_and(|mail| mail.text.contains(&code)), "the code is mailed too");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let again = site.client.call("POST", "/v1/trials/confirm", &form, format!("token={token}").as_bytes());
        assert!(again.is_some_and(|again| again.status == 200 && again.text().contains(&code)), "however often");
    }
    site.ask("Zoe@example.org");
    assert!(site.mails().pop().is_some_and(|mail| mail.text.contains(MAIL_FROM) && !mail.text.contains("token=")));

    // SES takes one mail never and one not now: whoever asked is answered all the same.
    let faults = [MailFault::Refused(400, "BadRequestException"), MailFault::Refused(429, "TooManyRequestsException")];
    site.deployment.aws.ses().fail(faults);
    let before = site.mails().len();
    for email in ["never@example.org", "later@example.org"] {
        site.ask(email);
    }
    assert_eq!((site.mails().len(), site.waiting()), (before, 1), "the other is given up");

    // A machine whose proof no cloud has signed.
    let given = site.post("/v1/challenges", &json!({"cloud": "gcp"}));
    assert_eq!(given.status, 201, "{}", given.text());
    let fault = site.post("/v1/registrations", &json!({"challenge": given.json()["challenge"]}));
    assert_eq!(fault.problem(), "INVALID_REQUEST");
}

/// Machines of every cloud and kind, in the routes of `register`.
fn machines_of_a_day(deployment: &Deployment) {
    let store = deployment.aws.store();
    let product = runtime().block_on(store.product(&deployment.demo.product)).expect("a table");
    let mut product = product.expect("the demo product");
    product.marketplace.iter_mut().filter(|listing| listing.cloud == Cloud::Oci).for_each(|listing| {
        listing.provisional = listing.mode == Mode::Billed;
    });
    runtime().block_on(store.put_product(&product)).expect("a table");
    let registrar = Registrar::start(deployment);
    let code = |plan: &str| {
        let found = deployment.demo.licenses.iter().find(|license| license.plan.as_str() == plan);
        found.map(|license| license.code.clone())
    };
    for (cloud, mode, plan, instance, domain) in [
        (Cloud::Aws, Mode::Byol, "trial", "one", "a"),
        (Cloud::Azure, Mode::Billed, "", "two", "b"),
        // The same machine again, and in another domain.
        (Cloud::Azure, Mode::Billed, "", "two", "b"),
        (Cloud::Azure, Mode::Billed, "", "two", "c"),
        (Cloud::Oci, Mode::Billed, "", "three", "d"),
        (Cloud::Oci, Mode::Billed, "", "three", "d"),
    ] {
        let (claim, code) = (claim(deployment, cloud, mode), code(plan));
        registrar.register(&Machine { cloud, claim: &claim, instance, domain, code: code.as_deref() });
    }
    let unproven = Machine { cloud: Cloud::Oci, claim: "", instance: "four", domain: "e", code: None };
    assert_eq!(registrar.register(&unproven)["confirmed"], false);
}

/// What `register` calls in a day.
pub(crate) fn calls() -> BTreeSet<Call> {
    let site = Site::start();
    a_day_of_register(&site);
    let aws = &site.deployment.aws;
    machines_of_a_day(&site.deployment);
    assert_eq!(aws.refusals(), Vec::<String>::new());
    aws.calls().into_iter().collect()
}

#[test]
fn people_get_their_trials_by_mail() {
    let site = Site::start();
    a_day_of_register(&site);
    assert_eq!(site.deployment.aws.refusals(), Vec::<String>::new());
    let log = site.function.log().join("\n");
    assert!(log.contains("a mail is given up") && log.contains("TooManyRequestsException"), "{log}");
    let secret = site.mails().iter().any(|mail| log.contains(&mail.to)) || log.contains("token=");
    assert!(!secret, "neither addresses nor links are logged: {log}");
}

#[test]
fn a_mail_whose_answer_was_lost_is_kept_and_the_call_is_answered() {
    let site = Site::start();
    site.deployment.aws.ses().fail([MailFault::AnswerLost]);
    let token = site.token("zoe@example.org");
    assert_eq!(site.waiting(), 1, "nobody knows whether it was sent: it is sent again");
    assert_eq!(site.post("/v1/trials/confirm", &json!({ "token": token })).status, 201);
}
