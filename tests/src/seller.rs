//! What buyers on AWS Marketplace meet in a stack: the shipped `marketplace`, `events`, `validate` and `sweep`, before a
//! simulated AWS Marketplace.

use std::sync::Arc;

use marque_core::listing::Effect;
use marque_marketplace_sim::{Dimension, DimensionKind, Listing, Marketplace, Seller};
use marque_service::{Clock, demo};
use serde_json::{Value, json};

use crate::background::runtime;
use crate::deployment::{DEAD_LETTERS, Deployment, ISSUER, PRINCIPAL, SELLER};
use crate::function::Function;
use crate::gateway::Gateway;
use crate::program::function;
use crate::runtime_api::Outcome;

/// The queue of events, and its ARN.
pub const EVENTS: (&str, &str) = (
    "https://sqs.eu-central-1.amazonaws.com/123456789012/marque-EventsQueue-1ABCDEFGHIJKL",
    "arn:aws:sqs:eu-central-1:123456789012:marque-EventsQueue-1ABCDEFGHIJKL",
);
/// The role in the seller's account.
pub const SELLER_ROLE: &str = "arn:aws:iam::111122223333:role/marque-post-SellerRole-1ABCDEFGHIJKL";
/// As many messages as the template gives a batch.
const BATCH: usize = 5;

/// A stack that sells.
#[derive(Debug)]
pub struct Storefront {
    /// The stack.
    pub deployment: Deployment,
    /// AWS Marketplace.
    pub market: Marketplace,
    /// Its clock: the machine's, until it is set.
    pub market_clock: Clock,
    by_role: bool,
    functions: Functions,
}

#[derive(Debug)]
struct Functions {
    marketplace: (Function, Gateway),
    validate: (Function, Gateway),
    events: Function,
}

impl Functions {
    fn start(environment_of: impl Fn(&str) -> Vec<(String, String)>) -> Self {
        let public = |name: &str| {
            let function = started(name, &environment_of(name));
            let gateway = Gateway::start(function.sandbox().clone());
            (function, gateway)
        };
        Self {
            marketplace: public("marketplace"),
            validate: public("validate"),
            events: started("events", &environment_of("events")),
        }
    }
}

fn started(name: &str, environment: &[(String, String)]) -> Function {
    let function = Function::start(&function(name), environment);
    assert!(function.sandbox().wait_until_asked(1), "{name} does not start: {:#?}", function.log());
    function
}

impl Storefront {
    /// A stack that sells by itself, or by the role in another account.
    #[must_use]
    pub fn start(by_role: bool) -> Self {
        let deployment = Deployment::new();
        if by_role {
            deployment.aws.put_role(SELLER_ROLE, ISSUER);
        }
        let market_clock = Clock::system();
        let market = marketplace_at(&deployment, market_clock.clone());
        deployment.aws.put_market(market.clone());
        deployment.aws.queues().make(EVENTS.0, Some(DEAD_LETTERS));
        deployment.aws.queues().make(DEAD_LETTERS, None);
        let functions = Functions::start(|name| environment(&deployment, by_role, name));
        Self { deployment, market, market_clock, by_role, functions }
    }

    /// All functions die, and others take their place.
    pub fn restart(&mut self) {
        self.functions = Functions::start(|name| environment(&self.deployment, self.by_role, name));
    }

    /// Where buyers come, and servers ask what they are entitled to.
    #[must_use]
    pub fn url(&self) -> String {
        self.functions.marketplace.1.url()
    }

    /// Where servers activate and check in.
    #[must_use]
    pub fn validate_url(&self) -> String {
        self.functions.validate.1.url()
    }

    /// Whether `marketplace` says this in its log.
    #[must_use]
    pub fn marketplace_says(&self, text: &str) -> bool {
        self.functions.marketplace.0.wait_for_line(text)
    }

    /// Every line that the functions which buyers and AWS meet have logged since they started.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        let Functions { marketplace, validate, events } = &self.functions;
        [&marketplace.0, &validate.0, events].into_iter().flat_map(Function::log).collect()
    }

    /// Puts what the marketplace tells into the queue, each twice, the latest first, as nobody promises that they do not
    /// come; and lets `events` handle what is visible.
    pub fn pump(&self) {
        let queues = self.deployment.aws.queues();
        for event in self.market.waiting_events().unwrap_or_default().iter().rev() {
            queues.put(EVENTS.0, &event.to_string());
            queues.put(EVENTS.0, &event.to_string());
            self.market.delivered(event["id"].as_str().unwrap_or_default()).unwrap_or_default();
        }
        while let Some(batch) = queues.batch(EVENTS.0, EVENTS.1, BATCH) {
            let answer = self.deliver(&batch);
            queues.settle(EVENTS.0, &batch, &answer);
        }
    }

    /// Lets `events` handle a batch.
    ///
    /// # Panics
    /// When it fails as a whole.
    #[must_use]
    #[expect(clippy::panic, reason = "a test whose function fails cannot go on")]
    pub fn deliver(&self, batch: &Value) -> Value {
        match self.functions.events.sandbox().call(batch.to_string()) {
            Outcome::Response(answer) => answer,
            failed => panic!("{failed:?}: {:#?}", self.functions.events.log()),
        }
    }

    /// Starts `admin`, behind its URL.
    #[must_use]
    pub fn desk(&self) -> (Function, Gateway) {
        let function = started("admin", &environment(&self.deployment, self.by_role, "admin"));
        let gateway = Gateway::signed_by(function.sandbox().clone(), PRINCIPAL);
        (function, gateway)
    }

    /// Lets the schedule call a function, `sweep` or `meter`, and answers the line that it wrote.
    ///
    /// # Panics
    /// When it does not run.
    #[expect(clippy::panic, reason = "a test whose function fails cannot go on")]
    pub fn tick(&self, name: &str) -> Value {
        let function = started(name, &environment(&self.deployment, self.by_role, name));
        let event = json!({"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}});
        let outcome = function.sandbox().call(event.to_string());
        assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}: {:#?}", function.log());
        assert!(function.wait_for_line("\"message\":\"ran\""), "{:#?}", function.log());
        let lines = function.log().into_iter().filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        lines.into_iter().find(|line| line["message"] == "ran").unwrap_or_else(|| panic!("no line"))
    }
}

fn environment(deployment: &Deployment, by_role: bool, name: &str) -> Vec<(String, String)> {
    let mut environment = deployment.environment_of(name);
    environment.retain(|(variable, _)| variable != "AWS_ACCESS_KEY_ID");
    environment.extend(deployment.aws.environment_of(name));
    if by_role {
        environment.push(("MARQUE_SELLER_ROLE".to_owned(), SELLER_ROLE.to_owned()));
    }
    environment
}

/// A marketplace on the machine's clock that lists what the stack's demo product lists.
///
/// # Panics
/// When the stack has no such product.
#[must_use]
pub fn marketplace(deployment: &Deployment) -> Marketplace {
    marketplace_at(deployment, Clock::system())
}

#[expect(clippy::expect_used, reason = "a test without its marketplace cannot go on")]
fn marketplace_at(deployment: &Deployment, clock: Clock) -> Marketplace {
    let product = runtime().block_on(deployment.aws.store().product(&deployment.demo.product));
    let product = product.expect("the table").expect("the demo product");
    let sold = product.marketplace.iter().find(|listing| listing.claim.as_str() == demo::saas_listing().0);
    let sold = sold.expect("the SaaS listing");
    let dimensions = sold.dimensions.iter().map(|dimension| Dimension {
        name: dimension.name.to_string(),
        kind: if matches!(dimension.effect, Effect::Metered { .. }) {
            DimensionKind::Metered
        } else {
            DimensionKind::Entitled
        },
    });
    let listing = Listing {
        product_code: sold.claim.to_string(),
        product_id: sold.entity_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        title: product.name.clone(),
        dimensions: dimensions.collect(),
    };
    let seller = Seller { account: SELLER.to_owned(), listings: vec![listing] };
    Marketplace::memory(seller, Arc::new(move || clock.now()), "seed")
}
