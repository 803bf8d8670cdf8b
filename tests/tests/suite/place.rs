//! Where a suite runs: against `marque serve`, or against the shipped function behind a Runtime API and its URL. What a
//! suite asks of either is the same; only time passes differently.

use std::sync::{Arc, Mutex, PoisonError};

use marque_core::{Duration, Timestamp};
use marque_service::{Clock, demo};
use marque_store::{Along, Committed};
use marque_tests::aws::Call;
use marque_tests::{Answer, Client, Deployment, Served, Server, Shipped, runtime};
use serde_json::{Value, json};

/// Which program is under test.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// `marque serve`, with a clock that is set.
    MarqueServe,
    /// The shipped `validate`: the machine's clock, and a table that was seeded in the past. What it calls is kept here.
    ShippedFunction(Arc<Mutex<Vec<Call>>>),
}

impl Place {
    pub(crate) fn shipped() -> Self {
        Self::ShippedFunction(Arc::default())
    }

    /// A site whose demo licences were issued just now.
    pub(crate) fn site(&self) -> Site {
        self.site_issued_days_ago(0)
    }

    /// A site whose demo licences were issued so many days ago.
    pub(crate) fn site_issued_days_ago(&self, days: u32) -> Site {
        let host = match self {
            Self::MarqueServe => Host::Served(Served::start(None)),
            Self::ShippedFunction(calls) => {
                let issued: Timestamp = Clock::system().now().before(Duration::days(days));
                let deployment = Deployment::issued_at(issued);
                revise(&deployment, "perpetual");
                Host::Shipped(Box::new(Shipped::start(deployment)), Arc::clone(calls))
            }
        };
        let client = Client::new(&host.url());
        let site = Site { host, client };
        if let (Some(clock), true) = (site.clock(), days > 0) {
            clock.change(&json!({"advance": format!("P{days}D")}));
        }
        site
    }
}

/// A plan that was revised since its licences were sold, which keep the revision that they were sold under.
fn revise(deployment: &Deployment, plan: &str) {
    let (product, plan) = (demo::PRODUCT.parse().expect("a product"), plan.parse().expect("a plan"));
    let store = deployment.aws.store();
    let revised = async {
        let mut offer = store.plan(&product, &plan).await.expect("the table").expect("a plan");
        offer.reference.revision += 1;
        store.add_plan_revision(&product, &offer, Along::NOTHING).await.expect("the table")
    };
    assert_eq!(runtime().block_on(revised), Committed::Done);
}

#[derive(Debug)]
enum Host {
    Served(Served),
    Shipped(Box<Shipped>, Arc<Mutex<Vec<Call>>>),
}

impl Host {
    fn url(&self) -> String {
        match self {
            Self::Served(served) => served.url().to_owned(),
            Self::Shipped(shipped, _) => shipped.url(),
        }
    }
}

/// A running program with its demo licences.
#[derive(Debug)]
pub(crate) struct Site {
    host: Host,
    pub(crate) client: Client,
}

impl Site {
    pub(crate) fn code(&self, plan: &str) -> &str {
        match &self.host {
            Host::Served(served) => served.code(plan),
            Host::Shipped(shipped, _) => shipped.code(plan),
        }
    }

    /// The root's public key, as a JWK.
    pub(crate) fn root(&self) -> Value {
        match &self.host {
            Host::Served(served) => served.info["root"].clone(),
            Host::Shipped(shipped, _) => shipped.deployment.root.to_jwk(),
        }
    }

    /// A clock to set, if there is one: a part of a test that needs it says that it is skipped.
    pub(crate) fn clock(&self) -> Option<SetClock<'_>> {
        matches!(self.host, Host::Served(_)).then_some(SetClock(&self.client))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.client.get(path).expect("an answer")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.post(path, body).expect("an answer")
    }

    pub(crate) fn activate(&self, server: &mut Server, plan: &str) -> Value {
        let answer = self.post("/v1/activations", &server.activation(self.code(plan)));
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
        answer.json()
    }

    pub(crate) fn validate(&self, server: &mut Server, license: &str, lease: Option<&str>) -> Value {
        let answer = self.post("/v1/validations", &server.validation(license, lease));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

impl Drop for Site {
    /// A sound program is refused nothing by AWS.
    fn drop(&mut self) {
        let Host::Shipped(shipped, calls) = &self.host else { return };
        let aws = &shipped.deployment.aws;
        calls.lock().unwrap_or_else(PoisonError::into_inner).extend(aws.calls());
        if !std::thread::panicking() {
            assert_eq!(aws.refusals(), Vec::<String>::new());
        }
    }
}

/// The clock of `marque serve`.
#[derive(Debug)]
pub(crate) struct SetClock<'a>(&'a Client);

impl SetClock<'_> {
    pub(crate) fn change(&self, change: &Value) {
        let answer = self.try_change(change);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    pub(crate) fn try_change(&self, change: &Value) -> Answer {
        self.0.post("/local/clock", change).expect("an answer")
    }
}

/// The checks of a suite, each run in both places.
macro_rules! in_both_places {
    ($($check:ident),* $(,)?) => {
        pub(crate) const CHECKS: &[fn(&$crate::place::Place)] = &[$($check),*];

        mod on_marque_serve {
            $(#[test] fn $check() { super::$check(&$crate::place::Place::MarqueServe); })*
        }

        mod on_the_shipped_function {
            $(#[test] fn $check() { super::$check(&$crate::place::Place::shipped()); })*
        }
    };
}
pub(crate) use in_both_places;
