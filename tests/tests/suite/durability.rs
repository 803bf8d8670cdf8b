//! A kill at any moment loses nothing that was acknowledged.

use std::sync::atomic::{AtomicU32, Ordering};

use marque_tests::{Client, Served, Server};
use serde_json::{Value, json};

const KILLS: u32 = 20;
const PLANS: [&str; 3] = ["monthly", "yearly", "perpetual"];

/// What a licence's server knows: its last acknowledged activation, and whether a call was under way.
struct Known {
    server: Server,
    code: String,
    license: String,
    activation: Option<String>,
    in_flight: bool,
    acknowledged: u32,
}

impl Known {
    /// Activates, checks in and releases until the process is gone; `quota` lets the killer know that writes are under way.
    fn run(&mut self, client: &Client, quota: &AtomicU32) {
        // At most 20 bindings a licence and day.
        for _ in 0..8 {
            self.in_flight = true;
            let Some(answer) = client.post("/v1/activations", &self.server.activation(&self.code)) else { return };
            let body = answer.json();
            assert_eq!(body["valid"], true, "{body}");
            self.acknowledge(body["activation_id"].as_str().map(str::to_owned), quota);
            self.license = body["license_id"].as_str().unwrap_or_default().to_owned();
            for _ in 0..4 {
                let Some(checked) =
                    client.post("/v1/validations", &self.server.validation(&self.license, body["lease"].as_str()))
                else {
                    return;
                };
                assert_eq!(checked.json()["valid"], true, "{}", checked.text());
            }
            self.in_flight = true;
            let path = format!("/v1/activations/{}", self.activation.as_deref().unwrap_or_default());
            let Some(released) =
                client.call("DELETE", &path, &[("authorization", &format!("License {}", self.code))], &[])
            else {
                return;
            };
            assert_eq!(released.status, 204);
            self.acknowledge(None, quota);
        }
    }

    fn acknowledge(&mut self, activation: Option<String>, quota: &AtomicU32) {
        (self.activation, self.in_flight) = (activation, false);
        self.acknowledged += 1;
        quota.fetch_add(1, Ordering::Release);
    }

    /// After the restart the licence is as it was acknowledged, or as the call under way would have made it.
    fn compare(&mut self, client: &Client) {
        let seen =
            client.post("/v1/validations", &self.server.validation(&self.license, None)).expect("an answer").json();
        match (&self.activation, self.in_flight, seen["code"].as_str()) {
            (Some(_), _, Some("VALID"))
            | (None, _, Some("NOT_ACTIVATED"))
            | (_, true, Some("VALID" | "NOT_ACTIVATED")) => {}
            state => panic!("acknowledged and lost: {state:?} {seen}"),
        }
        let again = client.post("/v1/activations", &self.server.activation(&self.code)).expect("an answer").json();
        assert_eq!(again["valid"], true, "{again}");
        if let (Some(known), false) = (&self.activation, self.in_flight) {
            assert_eq!(again["activation_id"], known.as_str(), "another activation than the acknowledged one");
        }
        let path = format!("/v1/activations/{}", again["activation_id"].as_str().unwrap_or_default());
        let released = client
            .call("DELETE", &path, &[("authorization", &format!("License {}", self.code))], &[])
            .expect("an answer");
        assert_eq!(released.status, 204);
        (self.activation, self.in_flight) = (None, false);
    }
}

#[test]
fn twenty_kills_during_writes_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut served = Served::start(Some(folder.path()));
    let (issuer, keys) = (served.info["issuer"].clone(), served.info["root"].clone());
    let mut known: Vec<Known> = PLANS.iter().map(|plan| first(&served, plan)).collect();
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let client = Client::new(served.url());
        let quota = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for known in &mut known {
                let (client, quota) = (client.clone(), &quota);
                scope.spawn(move || known.run(&client, quota));
            }
            // The kill comes after another number of acknowledged writes each time, so at another moment of a call.
            while quota.load(Ordering::Acquire) < 3 + kill * 7 % 23 {
                std::thread::yield_now();
            }
            served.kill();
        });
        served = Served::start(Some(folder.path()));
        let client = Client::new(served.url());
        known.iter_mut().for_each(|known| known.compare(&client));
        acknowledged += known.iter_mut().map(|known| std::mem::take(&mut known.acknowledged)).sum::<u32>();
        let next_day = client.post("/local/clock", &json!({"advance": "P1D"})).expect("an answer");
        assert_eq!(next_day.status, 200);
    }
    assert_eq!((&served.info["issuer"], &served.info["root"]), (&issuer, &keys));
    let now = Client::new(served.url()).get("/local/clock").expect("an answer").json();
    eprintln!("{KILLS} kills, {acknowledged} acknowledged changes, none lost; the service's clock is at {now}");
    assert!(acknowledged > 100, "too few writes were under way to prove anything: {acknowledged}");
}

fn first(served: &Served, plan: &str) -> Known {
    let mut server = Server::in_domain(plan);
    let code = served.code(plan).to_owned();
    let answer: Value =
        Client::new(served.url()).post("/v1/activations", &server.activation(&code)).expect("an answer").json();
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    Known {
        server,
        code,
        license: text("license_id"),
        activation: Some(text("activation_id")),
        in_flight: false,
        acknowledged: 0,
    }
}
