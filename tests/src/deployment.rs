//! What a deployed stack has around its functions: table with the demo product, key ring in Secrets Manager, file key in
//! KMS, an address in SES, and the variables of infra/template.yaml.

use std::collections::BTreeMap;

use marque_core::token::{PublicKey, RootKey};
use marque_core::{AskId, Language, Letter, MailId, Timestamp};
use marque_service::Clock;
use marque_service::demo::{Demo, seed};
use marque_service::keyring::{NewKey, RingDocument};
use marque_store::{Asked, Outgoing, TrialAsk};

use crate::aws::{Aws, TABLE};
use crate::background::runtime;
use crate::function::Function;
use crate::gateway::Gateway;
use crate::program::function;

/// The issuer of every token.
pub const ISSUER: &str = "https://licences.example.com";
/// The secret that holds the ring.
pub const KEY_RING: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:KeyRing-1AbCdEfGhIjK-a1b2c3";
/// The file key.
pub const FILE_KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// The address that mails come from.
pub const MAIL_FROM: &str = "licences@example.com";
/// The account that sells on AWS Marketplace.
pub const SELLER: &str = "111122223333";
/// The queue of events that cannot be handled.
pub const DEAD_LETTERS: &str =
    "https://sqs.eu-central-1.amazonaws.com/123456789012/marque-EventsDeadLetters-1ABCDEFGHIJKL";
/// The secret that sessions of buyers are signed with.
const SESSION_KEY: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:SessionKey-1AbCdEfGhIjK-a1b2c3";
/// The seed of the lease key, which is in the ring: no log may hold a byte of it.
pub const LEASE_SEED: [u8; 32] = *b"the seed of the tests' lease key";
const FILE_SEED: [u8; 32] = *b"the seed of the tests' file key.";
const ROOT_SEED: [u8; 32] = *b"the seed of the tests' root key.";
/// Keys sign from here.
const KEYS_FROM: &str = "2020-01-01T00:00:00Z";

/// A stack.
#[derive(Debug)]
pub struct Deployment {
    /// Its AWS.
    pub aws: Aws,
    /// Its root, as products embed it.
    pub root: PublicKey,
    /// Its demo product.
    pub demo: Demo,
}

impl Deployment {
    /// A stack whose demo licences were issued now.
    #[must_use]
    pub fn new() -> Self {
        Self::issued_at(Clock::system().now())
    }

    /// A stack whose demo licences were issued then.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its stack cannot go on")]
    pub fn issued_at(time: Timestamp) -> Self {
        let mut deployment = Self::unseeded();
        deployment.demo = runtime().block_on(seed(&deployment.aws.store(), time)).expect("the demo product");
        deployment
    }

    /// A stack whose table is empty.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its stack cannot go on")]
    pub fn unseeded() -> Self {
        let aws = Aws::start();
        let public = aws.kms().put_key(FILE_KEY, FILE_SEED);
        let file = NewKey::Kms {
            id: FILE_KEY.to_owned(),
            public: Box::new(PublicKey::from_bytes(public).expect("a public key")),
        };
        let root = RootKey::from_seed(ROOT_SEED);
        let ring = ring(&root, &file);
        aws.ses().verify(MAIL_FROM);
        aws.put_secret(KEY_RING, serde_json::to_string(&ring).expect("JSON"));
        aws.put_secret(SESSION_KEY, "Abcdefghijklmnopqrstuvwxyz0123456789Abcdefghijklmnopqrstuvwxyz01");
        let demo = Demo {
            product: "kopicloud-ad-api".parse().expect("a product"),
            licenses: Vec::new(),
            marketplace: BTreeMap::new(),
        };
        Self { aws, root: root.public().clone(), demo }
    }

    /// Somebody has asked for a trial of the demo product, and the mail was not sent. `number` tells one from another.
    ///
    /// # Panics
    /// When the table does not take it.
    #[expect(clippy::expect_used, reason = "a test without its stack cannot go on")]
    pub fn ask_for_trial(&self, number: u8, email: &str, at: Timestamp) {
        let ask = TrialAsk {
            id: AskId::new(at, [number; 10]),
            product: self.demo.product.clone(),
            name: "Ann Lee".parse().expect("a name"),
            company: "Org".parse().expect("a company"),
            email: email.parse().expect("an address"),
            language: Language::English,
            license: None,
        };
        let mail = Outgoing::first(MailId::new(at, [number; 10]), Letter::Trial(ask.id));
        let asked = runtime().block_on(self.aws.store().ask_for_trial(&ask, &[number; 32], &mail, at));
        assert_eq!(asked.expect("a table"), Asked::Noted);
    }

    /// Starts one of its functions, and waits until it asks for events.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn run(&self, name: &str) -> Function {
        let running = Function::start(&function(name), &self.environment_of(name));
        assert!(running.sandbox().wait_until_asked(1), "{name} does not start: {:#?}", running.log());
        running
    }

    /// The environment of a function: those that send mails are told from where.
    #[must_use]
    pub fn environment_of(&self, name: &str) -> Vec<(String, String)> {
        let mut environment = self.environment();
        if name != "validate" {
            environment.push(("MARQUE_MAIL_FROM".to_owned(), MAIL_FROM.to_owned()));
        }
        environment
    }

    /// The environment that all of its functions have.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let variables = [
            ("MARQUE_TABLE", TABLE.to_owned()),
            ("MARQUE_ISSUER", ISSUER.to_owned()),
            ("MARQUE_KEY_RING", format!("secretsmanager:{KEY_RING}")),
            ("MARQUE_LOG", "info".to_owned()),
            ("MARQUE_SELLER", SELLER.to_owned()),
            ("MARQUE_SESSION_KEY", format!("secretsmanager:{SESSION_KEY}")),
            ("MARQUE_DEAD_LETTERS", DEAD_LETTERS.to_owned()),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
        self.aws.environment().into_iter().chain(variables).collect()
    }

    /// The environment with some variables changed; those changed to nothing are not there.
    #[must_use]
    pub fn environment_with(&self, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut environment = self.environment();
        environment.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let kept = changes.iter().filter(|(_, value)| !value.is_empty());
        environment.extend(kept.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        environment
    }
}

impl Default for Deployment {
    fn default() -> Self {
        Self::new()
    }
}

/// A ring as `marque keys` makes it, with the lease key of the tests and this file key.
///
/// # Panics
/// When it cannot be made.
#[must_use]
#[expect(clippy::expect_used, reason = "a test without its keys cannot go on")]
pub fn ring(root: &RootKey, file: &NewKey) -> RingDocument {
    let from: Timestamp = KEYS_FROM.parse().expect("a time");
    RingDocument::first(root, ISSUER, &NewKey::Seed(LEASE_SEED), file, from, from).expect("a ring")
}

/// Who signs the publisher's requests.
pub const PRINCIPAL: &str = "arn:aws:sts::123456789012:assumed-role/Store/session";

/// The shipped `admin`, running in a stack and behind its URL, which wants IAM.
#[derive(Debug)]
pub struct Publisher {
    /// The function.
    pub function: Function,
    gateway: Gateway,
    open: Gateway,
}

impl Publisher {
    /// Starts it, and waits until it asks for events.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(deployment: &Deployment) -> Self {
        let function = deployment.run("admin");
        let gateway = Gateway::signed_by(function.sandbox().clone(), PRINCIPAL);
        let open = Gateway::start(function.sandbox().clone());
        Self { function, gateway, open }
    }

    /// Where its URL is.
    #[must_use]
    pub fn url(&self) -> String {
        self.gateway.url()
    }

    /// Where its URL would be if somebody had opened it: nobody is identified.
    #[must_use]
    pub fn open_url(&self) -> String {
        self.open.url()
    }
}

/// The shipped `validate`, running in a stack and behind its URL.
#[derive(Debug)]
pub struct Shipped {
    /// The stack.
    pub deployment: Deployment,
    /// The function.
    pub function: Function,
    gateway: Gateway,
}

impl Shipped {
    /// Starts it, and waits until it asks for events.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(deployment: Deployment) -> Self {
        let function = deployment.run("validate");
        let gateway = Gateway::start(function.sandbox().clone());
        Self { deployment, function, gateway }
    }

    /// Where its URL is.
    #[must_use]
    pub fn url(&self) -> String {
        self.gateway.url()
    }

    /// The code of the demo licence of a plan.
    #[must_use]
    pub fn code(&self, plan: &str) -> &str {
        let license = self.deployment.demo.licenses.iter().find(|license| license.plan.as_str() == plan);
        license.map_or("", |license| &license.code)
    }
}
