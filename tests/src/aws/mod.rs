//! AWS for a program under test: one server on loopback that is DynamoDB, KMS, Secrets Manager, SES, SQS, SSM, STS and AWS
//! Marketplace.
//!
//! DynamoDB is the embedded one. The others are strict fakes of the calls that we make: what real AWS would refuse, they
//! refuse. Every request must be signed for the right service and region, and the signature must be right
//! ([`crate::sigv4`]); every call is recorded as what a policy grants ([`Call`]).

mod actions;
mod dynamodb;
mod kms;
mod marketplace;
mod ses;
mod sqs;
mod stored;
mod sts;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Method, StatusCode};
use marque_embedded::Embedded;
use marque_marketplace_sim::Marketplace;
use marque_store::Store;
use serde_json::{Value, json};

use actions::DYNAMODB;
pub use actions::{Call, Service};
pub use kms::{Kms, Signed};
pub use ses::{MailFault, Ses, TakenMail};
pub use sqs::Queues;

use crate::background::{Listening, runtime};
use crate::sigv4;

/// The region of everything.
pub const REGION: &str = "eu-central-1";
/// The table.
pub const TABLE: &str = "marque-Table-1ABCDEFGHIJKL";
const ACCESS_KEY_ID: &str = "ASIAIOSFODNN7EXAMPLE";
const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN";
/// The largest request that any of these services takes.
const MAX_BODY: usize = 16 << 20;

/// A running AWS. It is gone when this is dropped.
#[derive(Debug)]
pub struct Aws {
    cloud: Arc<Cloud>,
    server: Listening,
}

/// What the server and the tests share.
#[derive(Debug)]
struct Cloud {
    database: Embedded,
    kms: Kms,
    ses: Ses,
    secrets: stored::Texts,
    parameters: stored::Texts,
    roles: sts::Roles,
    queues: Queues,
    market: OnceLock<Marketplace>,
    down: Mutex<BTreeSet<Service>>,
    cut_off: Mutex<BTreeSet<Service>>,
    /// The keys of those who may call.
    callers: Mutex<BTreeSet<String>>,
    calls: Mutex<Vec<(String, Call)>>,
    refusals: Mutex<Vec<String>>,
}

/// An error as AWS words it.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    class: &'static str,
    message: String,
}

impl Aws {
    /// Starts an AWS with an empty table of the right shape.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its AWS cannot go on")]
    pub fn start() -> Self {
        let cloud = Arc::new(Cloud {
            database: Embedded::memory().expect("a database"),
            kms: Kms::default(),
            ses: Ses::default(),
            secrets: stored::Texts::default(),
            parameters: stored::Texts::default(),
            roles: sts::Roles::default(),
            queues: Queues::default(),
            market: OnceLock::new(),
            down: Mutex::default(),
            cut_off: Mutex::default(),
            callers: Mutex::new(BTreeSet::from([ACCESS_KEY_ID.to_owned()])),
            calls: Mutex::default(),
            refusals: Mutex::default(),
        });
        let server = Listening::start(Router::new().fallback(answer).with_state(Arc::clone(&cloud)));
        let aws = Self { cloud, server };
        runtime().block_on(aws.store().create_table()).expect("a table");
        aws
    }

    /// The table, to seed it and to look into it. These calls are not recorded.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(self.database().client(), TABLE)
    }

    /// The database, for its faults.
    #[must_use]
    pub fn database(&self) -> &Embedded {
        &self.cloud.database
    }

    /// The keys of KMS.
    #[must_use]
    pub fn kms(&self) -> &Kms {
        &self.cloud.kms
    }

    /// The mails of SES.
    #[must_use]
    pub fn ses(&self) -> &Ses {
        &self.cloud.ses
    }

    /// Lets somebody assume a role, with this external id. From then on AWS Marketplace answers to the role alone.
    pub fn put_role(&self, role: &str, external_id: &str) {
        self.cloud.roles.put(role, external_id);
    }

    /// The queues of SQS.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.cloud.queues
    }

    /// Puts AWS Marketplace there.
    pub fn put_market(&self, market: Marketplace) {
        // The first one stays.
        drop(self.cloud.market.set(market));
    }

    /// Stores a secret.
    pub fn put_secret(&self, id: &str, text: impl Into<String>) {
        self.cloud.secrets.put(id, text.into());
    }

    /// Stores a parameter, a SecureString.
    pub fn put_parameter(&self, name: &str, text: impl Into<String>) {
        self.cloud.parameters.put(name, text.into());
    }

    /// Lets a service fail from now on, or work again.
    pub fn set_down(&self, service: Service, down: bool) {
        set(&self.cloud.down, service, down);
    }

    /// Lets a service cut its answers off from now on, or answer whole again.
    pub fn set_cut_off(&self, service: Service, cut_off: bool) {
        set(&self.cloud.cut_off, service, cut_off);
    }

    /// What was called, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.cloud.calls).iter().map(|(_, call)| call.clone()).collect()
    }

    /// What was called with the key of [`Aws::environment_of`].
    #[must_use]
    pub fn calls_of(&self, name: &str) -> BTreeSet<Call> {
        let key = key_of(name);
        lock(&self.cloud.calls).iter().filter(|(caller, _)| *caller == key).map(|(_, call)| call.clone()).collect()
    }

    /// What was refused, and why: requests of a sound program are not.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        lock(&self.cloud.refusals).clone()
    }

    /// [`Aws::environment`], with a key of its own, so that its calls are told from those of others.
    #[must_use]
    pub fn environment_of(&self, name: &str) -> Vec<(String, String)> {
        let key = key_of(name);
        lock(&self.cloud.callers).insert(key.clone());
        let of = |(variable, value): (String, String)| {
            let value = if variable == "AWS_ACCESS_KEY_ID" { key.clone() } else { value };
            (variable, value)
        };
        self.environment().into_iter().map(of).collect()
    }

    /// What Lambda puts into a function's environment to reach AWS, and where this AWS is.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let pairs = [
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            ("AWS_SESSION_TOKEN", SESSION_TOKEN),
            ("AWS_ENDPOINT_URL", &self.server.url()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}

fn key_of(name: &str) -> String {
    format!("ASIA{:X<16}", name.to_ascii_uppercase())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set(services: &Mutex<BTreeSet<Service>>, service: Service, on: bool) {
    let mut services = lock(services);
    if on {
        services.insert(service)
    } else {
        services.remove(&service)
    };
}

async fn answer(State(cloud): State<Arc<Cloud>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    match cloud.serve(&parts, body).await {
        Ok(response) => response,
        Err(refusal) => {
            lock(&cloud.refusals).push(format!("{}: {}", refusal.class, refusal.message));
            if parts.uri.path() == ses::PATH { ses::answer(&refusal) } else { refusal.into_response() }
        }
    }
}

/// The service and the operation that a request is for.
fn addressed(request: &Parts) -> Result<(Service, &str), Refusal> {
    let target = request.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let found = match (&request.method, request.uri.path()) {
        (&Method::POST, "/") => Service::of_target(target),
        (&Method::POST, ses::PATH) => Some((Service::Ses, "SendEmail")),
        _ => None,
    };
    found.ok_or_else(|| Refusal::unknown(&format!("{} {} {target}", request.method, request.uri)))
}

/// The key that a request says it was signed with.
fn key_id(request: &Parts) -> &str {
    let authorization = request.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (_, credential) = authorization.split_once("Credential=").unwrap_or_default();
    credential.split('/').next().unwrap_or_default()
}

fn check_signature(request: &Parts, body: &[u8], key_id: &str, service: Service) -> Result<(), Refusal> {
    let expected = sigv4::Expected {
        key_id,
        secret: SECRET_ACCESS_KEY,
        session_token: SESSION_TOKEN,
        region: REGION,
        service: service.name(),
    };
    sigv4::check(request, body, expected)
        .map_err(|fault| Refusal::new(StatusCode::FORBIDDEN, "InvalidSignatureException", fault))
}

impl Cloud {
    async fn serve(&self, request: &Parts, body: Bytes) -> Result<Response, Refusal> {
        let target = request.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if marketplace::is_asked(request.uri.path(), target) {
            return self.ask_marketplace(request, &body).await;
        }
        let caller = self.caller(request);
        if request.uri.path() == "/" && target.is_empty() {
            return self.ask_sts(request, &caller, &body);
        }
        let (service, action) = addressed(request)?;
        check_signature(request, &body, &caller, service)?;
        let document: Value = serde_json::from_slice(&body).map_err(|_| Refusal::malformed("the body is no JSON"))?;
        self.note(&caller, Call::of(service, action, &document));
        if lock(&self.down).contains(&service) {
            // Not a refusal: nothing is wrong with the request.
            return Ok(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "down").into_response());
        }
        let answer = match (service, action) {
            (Service::DynamoDb, operation) => {
                return Ok(dynamodb::forward(&self.database, &format!("{DYNAMODB}.{operation}"), &body).await);
            }
            (Service::Ses, _) => return self.ses.send(&document),
            (Service::Kms, "Sign") => self.kms.sign(&document)?,
            (Service::SecretsManager, "GetSecretValue") => stored::secret(&self.secrets, &document)?,
            (Service::Ssm, "GetParameter") => stored::parameter(&self.parameters, &document)?,
            (Service::Sqs, action) => self.queues.call(action, &document)?,
            _ => return Err(Refusal::unknown(action)),
        };
        let mut text = answer.to_string();
        if lock(&self.cut_off).contains(&service) {
            text.truncate(text.len() - 2);
        }
        Ok(([("content-type", "application/x-amz-json-1.1")], text).into_response())
    }
}

impl Cloud {
    /// The key of a request, if its owner may call; else the one that must have been used.
    fn caller(&self, request: &Parts) -> String {
        let key = key_id(request);
        if lock(&self.callers).contains(key) { key.to_owned() } else { ACCESS_KEY_ID.to_owned() }
    }

    fn note(&self, caller: &str, calls: Vec<Call>) {
        lock(&self.calls).extend(calls.into_iter().map(|call| (caller.to_owned(), call)));
    }

    fn ask_sts(&self, request: &Parts, caller: &str, body: &[u8]) -> Result<Response, Refusal> {
        check_signature(request, body, caller, Service::Sts)?;
        self.note(caller, vec![Call::of_service(Service::Sts, "AssumeRole")]);
        match self.roles.assume(body) {
            Ok(xml) => Ok(([("content-type", "text/xml")], xml).into_response()),
            // Not a refusal: whether a role may be assumed is what a program may ask.
            Err(Refusal { status, class, message }) if class == "AccessDenied" => {
                Ok((status, [("content-type", "text/xml")], sts::error(class, &message)).into_response())
            }
            Err(refusal) => Err(refusal),
        }
    }
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, class: &'static str, message: impl Into<String>) -> Self {
        Self { status, class, message: message.into() }
    }

    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationException", message)
    }

    fn unknown(target: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "UnknownOperationException", format!("no operation {target:?} is served"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"__type": self.class, "message": self.message}).to_string();
        (self.status, [("content-type", "application/x-amz-json-1.1")], body).into_response()
    }
}
