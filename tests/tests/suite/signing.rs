//! Keys where AWS keeps them: files signed by KMS, and a ring that cannot be read again.

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use marque_core::token::{Expected, KeySet, LicFile, LicenseFile};
use marque_core::{Duration, Timestamp};
use marque_service::aws::Aws as Clients;
use marque_service::http::envelope;
use marque_service::mail::{Kept, Post};
use marque_service::{App, Clock, Config, validate};
use marque_tests::aws::{Service, TABLE};
use marque_tests::deployment::{FILE_KEY, ISSUER};
use marque_tests::{Client, Deployment, Server, Shipped, runtime};
use serde_json::{Value, json};
use tower::ServiceExt;

struct Perpetual {
    shipped: Shipped,
    client: Client,
    path: String,
    header: String,
}

impl Perpetual {
    /// A bound perpetual licence, whose file was not made yet.
    fn bound() -> Self {
        let shipped = Shipped::start(Deployment::new());
        let client = Client::new(&shipped.url());
        let code = shipped.code("perpetual").to_owned();
        let bound = client.post("/v1/activations", &Server::in_domain("one").activation(&code)).expect("an answer");
        let path = format!("/v1/licenses/{}/file", bound.json()["license_id"].as_str().expect("an id"));
        Self { shipped, client, path, header: format!("License {code}") }
    }

    fn file(&self) -> marque_tests::Answer {
        self.client.call("GET", &self.path, &[("authorization", &self.header)], &[]).expect("an answer")
    }
}

#[test]
fn a_file_that_kms_signed_verifies_against_the_jwks() {
    let site = Perpetual::bound();
    let file = site.file();
    assert_eq!(file.status, 200, "{}", file.text());
    let keys = KeySet::parse(&site.client.get("/.well-known/jwks.json").expect("keys").body).expect("a key set");
    let token = LicFile::parse(&file.body).expect("a file");
    let claims = token.verify::<LicenseFile>(&keys, Expected { issuer: Some(ISSUER), audience: None });
    assert_eq!(claims.expect("a signature that verifies").licensee.company, "Example Organisation");
    assert_eq!(site.file().body, file.body);
    let signed = site.shipped.deployment.aws.kms().signed();
    assert_eq!(signed.len(), 1, "a file is signed once and kept");
    assert_eq!(signed[0].key_id, FILE_KEY);
    assert!(token.as_str().as_bytes().starts_with(&signed[0].message), "the message itself is signed, not a digest");
    assert_eq!(site.shipped.deployment.aws.refusals(), Vec::<String>::new());
}

#[test]
fn what_kms_signs_with_another_key_is_not_given_out_and_not_stored() {
    let site = Perpetual::bound();
    site.shipped.deployment.aws.kms().put_key(FILE_KEY, [77; 32]);
    let before = site.shipped.deployment.aws.calls().len();
    for _ in 0..2 {
        let refused = site.file();
        assert_eq!((refused.status, refused.problem().as_str()), (503, "UNAVAILABLE"));
        assert!(!refused.header("retry-after").is_empty());
    }
    assert_eq!(site.client.get("/v1/revocations").expect("an answer").status, 503);
    let calls = site.shipped.deployment.aws.calls();
    let writes = |calls: &[marque_tests::aws::Call]| {
        calls.iter().any(|call| !["GetItem", "Sign"].contains(&call.action.as_str()))
    };
    assert!(!writes(&calls[before..]), "{:?}", &calls[before..]);
    assert!(site.shipped.function.wait_for_line("KMS signed with another key than the key set lists"));
    // Once the right key is back, so is the file.
    let right = *b"the seed of the tests' file key.";
    site.shipped.deployment.aws.kms().put_key(FILE_KEY, right);
    assert_eq!(site.file().status, 200);
}

#[test]
fn a_kms_that_does_not_answer_leaves_the_daily_check_alone() {
    let site = Perpetual::bound();
    site.shipped.deployment.aws.set_down(Service::Kms, true);
    assert_eq!(site.file().problem(), "UNAVAILABLE");
    let code = site.shipped.code("yearly").to_owned();
    let leased = site.client.post("/v1/activations", &Server::in_domain("one").activation(&code)).expect("an answer");
    assert_eq!(leased.json()["valid"], true, "{}", leased.text());
}

/// The same clients, store and router as in the shipped function, under a clock that can be set.
struct InProcess {
    deployment: Deployment,
    clock: Clock,
    router: Router,
}

impl InProcess {
    fn start() -> Self {
        let deployment = Deployment::new();
        let environment = deployment.environment();
        let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let config = Config::read(variable).expect("settings");
        let clients = Clients::new(&config.aws);
        let clock = Clock::still(Clock::system().now());
        let keys = runtime().block_on(clients.keys(&config.key_ring, clock.now())).expect("a ring");
        let app = App::new(
            clients.store(TABLE),
            clock.clone(),
            keys,
            config.issuer.clone(),
            Post::kept(Kept::in_memory(), &config.issuer),
        );
        Self { deployment, clock, router: envelope(validate::router(app)) }
    }

    fn pass(&self, seconds: u32) -> Timestamp {
        self.clock.set(self.clock.now().after(Duration::from_seconds(seconds)));
        self.clock.now()
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).expect("a request");
        runtime().block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let status = answer.status();
            let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
            (status, serde_json::from_slice(&body).unwrap_or_default())
        })
    }

    fn reads_of_the_ring(&self) -> usize {
        self.deployment.aws.calls().iter().filter(|call| call.service == Service::SecretsManager).count()
    }
}

#[test]
fn a_ring_that_cannot_be_read_again_keeps_serving() {
    let site = InProcess::start();
    let code = site
        .deployment
        .demo
        .licenses
        .iter()
        .find(|license| license.plan.as_str() == "yearly")
        .expect("yearly")
        .code
        .clone();
    let mut server = Server::in_domain("one");
    let (status, activated) = site.call("POST", "/v1/activations", &server.activation(&code));
    assert_eq!((status.as_u16(), site.reads_of_the_ring()), (201, 1));
    let license = activated["license_id"].as_str().expect("an id");
    let checked = |server: &mut Server| {
        let (status, answer) = site.call("POST", "/v1/validations", &server.validation(license, None));
        assert_eq!((status.as_u16(), &answer["valid"]), (200, &json!(true)), "{answer}");
    };
    site.pass(3599);
    checked(&mut server);
    assert_eq!(site.reads_of_the_ring(), 1, "read again hourly, and not before");
    site.deployment.aws.set_down(Service::SecretsManager, true);
    site.pass(1);
    checked(&mut server);
    let after_fault = site.reads_of_the_ring();
    assert!(after_fault > 1, "it was tried");
    checked(&mut server);
    assert_eq!(site.reads_of_the_ring(), after_fault, "not at every check");
    site.deployment.aws.put_secret(marque_tests::deployment::KEY_RING, "broken");
    site.deployment.aws.set_down(Service::SecretsManager, false);
    site.pass(3600);
    checked(&mut server);
    assert_eq!(site.reads_of_the_ring(), after_fault + 1);
}
