//! Machines of clouds that register: replay, races, lost keys, takeover, moving, and what the publisher confirms.

use std::sync::LazyLock;

use axum::Router;
use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use http::{Request, header};
use marque_clouds::{Fetcher, TrustData, Verifier};
use marque_core::listing::Mode;
use marque_core::{Cloud, Duration, Listing, Product, ProofBinding, Timestamp};
use marque_service::http::{envelope, published};
use marque_service::{registration, validate};
use marque_simulators::Key;
use marque_simulators::proofs::{Labels, Request as Asked, Simulator, written};
use marque_store::{Along, Committed};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::harness::{Answer, House, INSTANCE, NONCE, PRODUCT, customer, domain, slug, validation};

static SIMULATOR: LazyLock<Simulator> =
    LazyLock::new(|| Simulator::new(Key::generate().unwrap(), Key::generate().unwrap()));

/// Another product, which the listings of the first one may bring along.
pub(crate) const SECOND: &str = "second-product";
const BILLED: [(Cloud, &str); 3] =
    [(Cloud::Aws, "ourcode"), (Cloud::Azure, "us/product/billed"), (Cloud::Gcp, "12345")];

pub(crate) struct Clouds {
    pub(crate) house: House,
    router: Router,
}

impl Clouds {
    pub(crate) async fn new() -> Self {
        let house = House::new().await;
        let mut product = house.store().product(&slug(PRODUCT)).await.unwrap().unwrap();
        product.marketplace =
            BILLED.iter().map(|(cloud, claim)| listing(*cloud, claim, Mode::Billed, "billed")).collect();
        product.marketplace.extend([
            listing(Cloud::Azure, "us/product/pair", Mode::Billed, "pair"),
            listing(Cloud::Aws, "byolcode", Mode::Byol, "yearly"),
            listing(Cloud::Oci, "oci-byol", Mode::Byol, "yearly"),
            provisional(),
        ]);
        house.store().put_product(&product).await.unwrap();
        seed_second(&house, product).await;
        let trust = TrustData::shipped().unwrap().with_anchors(&SIMULATOR.anchors().unwrap()).unwrap();
        house.app.verify_proofs_with(Verifier::new(trust, Fetcher::none()));
        let router = envelope(published(validate::api().merge(registration::api()), house.app.clone()));
        Self { house, router }
    }

    pub(crate) async fn challenge(&self, cloud: Cloud) -> String {
        let given = self.send("/v1/challenges", &json!({ "cloud": cloud }), None).await.ok(201);
        given["challenge"].as_str().unwrap().to_owned()
    }

    pub(crate) fn body(&self, challenge: &str, key: &SigningKey, at: &Place<'_>) -> Value {
        let public = public(key);
        let binding = ProofBinding::of(challenge, &public);
        let now = self.house.now();
        let asked = Asked {
            product_claim: at.claim,
            binding: &binding,
            audience_prefix: "https://licensing.example.com/registrations/",
            labels: Labels { account: "account", instance: at.machine, region: None },
            started_at: at.started.unwrap_or_else(|| "2027-03-01T08:00:00Z".parse().unwrap()),
            now,
        };
        json!({
            "challenge": challenge, "product": at.product, "instance_id": INSTANCE, "nonce": NONCE, "public_key": public,
            "fingerprint": {"kind": "ad-domain", "value": domain(at.domain)},
            "proof": written(SIMULATOR.prove(at.cloud, asked).unwrap()),
        })
    }

    pub(crate) async fn register(&self, key: &SigningKey, at: Place<'_>) -> Answer {
        let challenge = self.challenge(at.cloud).await;
        let body = self.body(&challenge, key, &at);
        self.send("/v1/registrations", &body, Some(key)).await
    }

    /// A registration with a licence's code.
    pub(crate) async fn bring(&self, key: &SigningKey, at: Place<'_>, code: &str) -> Answer {
        let challenge = self.challenge(at.cloud).await;
        let mut body = self.body(&challenge, key, &at);
        body["code"] = json!(code);
        self.send("/v1/registrations", &body, Some(key)).await
    }

    /// The code of a new licence of the product.
    pub(crate) async fn code(&self, product: &str) -> String {
        let ask = json!({ "product": product, "plan": "yearly", "customer_id": customer().id });
        self.house.ask("/licenses", &ask).await.ok(201)["code"].as_str().unwrap().to_owned()
    }

    /// `confirm` or `revoke` of the machine of an answer.
    pub(crate) async fn act(&self, registered: &Value, action: &str) -> Answer {
        let machine = &registered["machine"];
        let (cloud, instance) = (machine["cloud"].as_str().unwrap(), machine["instance"].as_str().unwrap());
        let reason = json!({ "reason": "the cloud's usage report" });
        self.house.ask(&format!("/machines/{cloud}/{instance}/{action}"), &reason).await
    }

    pub(crate) async fn send(&self, path: &str, body: &Value, key: Option<&SigningKey>) -> Answer {
        let body = body.to_string();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        let request = match key {
            Some(key) => request.header("marque-signature", signature(key, path, &body)),
            None => request,
        };
        let response = self.router.clone().oneshot(request.body(axum::body::Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn check(&self, answer: &Value, number: u8, key: &SigningKey) -> Answer {
        let id = answer["license_id"].as_str().unwrap().parse().unwrap();
        self.send("/v1/validations", &validation(id, number), Some(key)).await
    }

    /// A check that shows the lease of the answer.
    pub(crate) async fn check_with(&self, answer: &Value, number: u8, key: &SigningKey) -> Answer {
        let id = answer["license_id"].as_str().unwrap().parse().unwrap();
        let mut check = validation(id, number);
        check["lease"] = answer["lease"].clone();
        self.send("/v1/validations", &check, Some(key)).await
    }
}

fn listing(cloud: Cloud, claim: &str, mode: Mode, plan: &str) -> Listing {
    Listing {
        cloud,
        claim: claim.parse().unwrap(),
        mode,
        plan: slug(plan),
        entity_id: None,
        provisional: false,
        accept_token: false,
        dimensions: Vec::new(),
    }
}

fn provisional() -> Listing {
    Listing { provisional: true, ..listing(Cloud::Oci, "oci-billed", Mode::Billed, "billed") }
}

/// Its licences are brought along where the first product's are billed, but at Oracle's.
async fn seed_second(house: &House, first: Product) {
    let bundled = |cloud: &Cloud, claim: &&str| listing(*cloud, claim, Mode::Byol, "yearly");
    let bundles = BILLED.iter().map(|(cloud, claim)| bundled(cloud, claim));
    let marketplace = bundles.chain([provisional()]).collect();
    let second = Product { slug: slug(SECOND), marketplace, ..first };
    house.store().put_product(&second).await.unwrap();
    for plan in ["billed", "yearly"] {
        let offer = house.store().plan(&slug(PRODUCT), &slug(plan)).await.unwrap().unwrap();
        let added = house.store().add_plan_revision(&slug(SECOND), &offer, Along::NOTHING).await.unwrap();
        assert_eq!(added, Committed::Done);
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    pub(crate) product: &'p str,
    pub(crate) cloud: Cloud,
    pub(crate) claim: &'p str,
    pub(crate) machine: &'p str,
    pub(crate) domain: u8,
    pub(crate) started: Option<Timestamp>,
}

pub(crate) fn place(cloud: Cloud, machine: &str, domain: u8) -> Place<'_> {
    let claim = BILLED.iter().find(|(known, _)| *known == cloud).map_or("", |(_, claim)| claim);
    Place { product: PRODUCT, cloud, claim, machine, domain, started: None }
}

pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(key: &SigningKey) -> String {
    Base64UrlUnpadded::encode_string(key.verifying_key().as_bytes())
}

fn signature(key: &SigningKey, path: &str, body: &str) -> String {
    let digest: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let message = format!("marque/request/v1\nPOST\n{path}\n{digest}");
    Base64UrlUnpadded::encode_string(&key.sign(message.as_bytes()).to_bytes())
}

#[tokio::test]
async fn a_billed_machine_gets_a_licence_and_keeps_it_by_daily_proofs() {
    let clouds = Clouds::new().await;
    for (cloud, _) in BILLED {
        let at = place(cloud, "vm", 1);
        let first = clouds.register(&key(1), at).await.ok(201);
        assert_eq!((&first["mode"], &first["valid"]), (&json!("billed"), &json!(true)));
        assert_eq!(first["confirmed"], json!(cloud != Cloud::Aws));
        let paid: Timestamp = first["paid_through"].as_str().unwrap().parse().unwrap();
        assert_eq!(paid, clouds.house.now().after(Duration::days(3)));
        clouds.house.later(Duration::days(1));
        let second = clouds.register(&key(1), at).await.ok(200);
        assert_eq!(second["license_id"], first["license_id"]);
        let paid: Timestamp = second["paid_through"].as_str().unwrap().parse().unwrap();
        assert_eq!(paid, clouds.house.now().after(Duration::days(3)));
        assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["valid"], true);
    }
}

#[tokio::test]
async fn without_a_proof_a_billed_machine_runs_on_through_its_grace() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Gcp, "vm", 1)).await.ok(201);
    clouds.house.later(Duration::hours(72));
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["valid"], true, "72 hours without any source of keys");
    clouds.house.later(Duration::days(11));
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["valid"], true);
    clouds.house.later(Duration::from_seconds(1));
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["code"], "EXPIRED");
    assert_eq!(clouds.register(&key(1), place(Cloud::Gcp, "vm", 1)).await.ok(200)["valid"], true);
}

#[tokio::test]
async fn a_challenge_is_used_once_and_the_same_bytes_get_the_same_licence() {
    let clouds = Clouds::new().await;
    let challenge = clouds.challenge(Cloud::Gcp).await;
    let body = clouds.body(&challenge, &key(1), &place(Cloud::Gcp, "vm", 1));
    let first = clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(201);
    let again = clouds.send("/v1/registrations", &body, Some(&key(1))).await.ok(200);
    assert_eq!(again["license_id"], first["license_id"]);
    let other = clouds.body(&challenge, &key(1), &place(Cloud::Gcp, "vm", 2));
    clouds.send("/v1/registrations", &other, Some(&key(1))).await.problem(409, "CHALLENGE_UNKNOWN");
    clouds.house.later(Duration::from_seconds(300));
    clouds.send("/v1/registrations", &body, Some(&key(1))).await.problem(409, "CHALLENGE_UNKNOWN");
}

#[tokio::test]
async fn of_many_uses_of_one_challenge_one_succeeds() {
    let clouds = Clouds::new().await;
    let challenge = clouds.challenge(Cloud::Gcp).await;
    let body = clouds.body(&challenge, &key(1), &place(Cloud::Gcp, "vm", 1));
    let bodies: Vec<_> = (0..1_000)
        .map(|number| {
            let mut body = body.clone();
            body["nonce"] = json!(format!("one-of-a-thousand-{number}"));
            body
        })
        .collect();
    let all = async || {
        let uses = bodies.iter().map(|body| clouds.send("/v1/registrations", body, Some(&*KEY)));
        let mut statuses: Vec<_> = futures_of(uses).await.into_iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        statuses
    };
    let statuses = all().await;
    assert_eq!(statuses[0], 201);
    // Whoever could not even be judged in the throng is told to come again, and is refused then.
    assert!(statuses[1..].iter().all(|status| [409, 503].contains(status)), "{statuses:?}");
    let statuses = all().await;
    assert_eq!(statuses[0], 200, "the one whose bytes they were");
    assert!(statuses[1..].iter().all(|status| *status == 409), "{statuses:?}");
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| key(1));

/// All at once.
async fn futures_of<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in pending.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_replayed_document_of_aws_takes_no_machine() {
    let clouds = Clouds::new().await;
    let at = place(Cloud::Aws, "vm", 1);
    clouds.register(&key(1), at).await.ok(201);
    clouds.register(&key(2), at).await.problem(409, "MACHINE_TAKEN");
    let restarted = Place { started: Some("2027-03-09T08:00:00Z".parse().unwrap()), ..at };
    let taken = clouds.register(&key(2), restarted).await.ok(200);
    assert_eq!(clouds.check(&taken, 1, &key(2)).await.ok(200)["valid"], true);
    clouds.register(&key(3), at).await.problem(409, "MACHINE_TAKEN");
    clouds.register(&key(1), at).await.ok(200);
}

#[tokio::test]
async fn a_lost_key_is_replaced_by_a_fresh_proof_and_counted() {
    let clouds = Clouds::new().await;
    let at = place(Cloud::Azure, "vm", 1);
    let first = clouds.register(&key(1), at).await.ok(201);
    for number in 2..=4 {
        clouds.register(&key(number), at).await.ok(200);
        clouds.check(&first, 1, &key(number - 1)).await.problem(401, "SIGNATURE_INVALID");
    }
    clouds.register(&key(5), at).await.problem(409, "MACHINE_TAKEN");
    assert_eq!(clouds.check(&first, 1, &key(4)).await.ok(200)["valid"], true);
}

#[tokio::test]
async fn another_machine_takes_over_and_the_old_one_is_told() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Azure, "old", 1)).await.ok(201);
    let second = clouds.register(&key(2), place(Cloud::Azure, "new", 1)).await.ok(200);
    assert_eq!(second["license_id"], first["license_id"]);
    let told = clouds.check(&first, 1, &key(1)).await.ok(200);
    assert_eq!((&told["code"], told["denial"].is_string()), (&json!("MACHINE_REPLACED"), true));
    for (number, machine) in [(3, "a"), (4, "b")] {
        clouds.register(&key(number), place(Cloud::Azure, machine, 1)).await.ok(200);
    }
    clouds.register(&key(5), place(Cloud::Azure, "c", 1)).await.problem(409, "DOMAIN_TAKEN");
    clouds.house.later(Duration::hours(24));
    clouds.register(&key(5), place(Cloud::Azure, "c", 1)).await.ok(200);
}

#[tokio::test]
async fn a_machine_that_changes_its_domain_takes_its_licence_along() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Gcp, "vm", 1)).await.ok(201);
    let moved = clouds.register(&key(1), place(Cloud::Gcp, "vm", 2)).await.ok(201);
    assert_eq!(moved["license_id"], first["license_id"]);
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["code"], "FINGERPRINT_MISMATCH");
    assert_eq!(clouds.check(&first, 2, &key(1)).await.ok(200)["valid"], true);
    for number in 3..=4 {
        clouds.register(&key(1), place(Cloud::Gcp, "vm", number)).await.ok(201);
    }
    clouds.register(&key(1), place(Cloud::Gcp, "vm", 5)).await.problem(409, "MACHINE_TAKEN");
}

#[tokio::test]
async fn a_listing_without_a_licence_asks_for_a_code_and_unlocks_no_billed_one() {
    let clouds = Clouds::new().await;
    let at = Place { claim: "byolcode", ..place(Cloud::Aws, "vm", 1) };
    clouds.register(&key(1), at).await.problem(422, "BYOL_CODE_REQUIRED");
    clouds.register(&key(1), Place { claim: "theirs", ..at }).await.problem(422, "PRODUCT_NOT_LISTED");
    let issued = clouds.house.issue("yearly").await;
    let answer = clouds.bring(&key(1), at, &issued.code).await.ok(201);
    assert_eq!((&answer["mode"], &answer["plan"]), (&json!("byol"), &json!("yearly")));
    clouds.send("/v1/validations", &validation(issued.id, 1), None).await.ok(200);
    let known = clouds.register(&key(1), at).await.ok(200);
    assert_eq!(known["license_id"], answer["license_id"], "a known machine needs no code");
    clouds.register(&key(2), at).await.problem(422, "BYOL_CODE_REQUIRED");
}

#[tokio::test]
async fn the_publisher_confirms_and_shuts_out() {
    let clouds = Clouds::new().await;
    let first = clouds.register(&key(1), place(Cloud::Aws, "vm", 1)).await.ok(201);
    let open = clouds.house.see("/machines?cloud=aws&confirmed=false").await.ok(200);
    assert_eq!(open["items"][0]["instance"], first["machine"]["instance"]);
    assert_eq!(clouds.act(&first, "confirm").await.ok(200)["confirmed"], true);
    assert_eq!(clouds.register(&key(1), place(Cloud::Aws, "vm", 1)).await.ok(200)["confirmed"], true);
    clouds.act(&first, "revoke").await.ok(200);
    assert_eq!(clouds.check(&first, 1, &key(1)).await.ok(200)["code"], "REVOKED");
    clouds.register(&key(1), place(Cloud::Aws, "vm", 1)).await.problem(409, "MACHINE_TAKEN");
}

#[tokio::test]
async fn a_registration_is_two_reads_and_one_transaction_deep() {
    use marque_embedded::Operation::{BatchGetItem, GetItem, TransactWriteItems};

    let clouds = Clouds::new().await;
    let asked = async |key: &SigningKey, at: Place<'_>| {
        let challenge = clouds.challenge(at.cloud).await;
        let body = clouds.body(&challenge, key, &at);
        clouds.house.embedded.calls().record(true);
        let answer = clouds.send("/v1/registrations", &body, Some(key)).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        clouds.house.embedded.calls().record(false);
        let calls = clouds.house.embedded.calls().take();
        calls.into_iter().filter_map(|call| call.operation).collect::<Vec<_>>()
    };
    let (at, deep) = (place(Cloud::Azure, "vm", 1), [BatchGetItem, BatchGetItem, TransactWriteItems]);
    assert_eq!(asked(&key(1), at).await, [BatchGetItem, GetItem, TransactWriteItems], "the newest plan");
    asked(&key(1), at).await;
    for (what, key, at) in [
        ("a daily proof", key(1), at),
        ("a new key", key(2), at),
        ("a move", key(2), Place { domain: 2, ..at }),
        ("another machine", key(3), Place { machine: "another", domain: 2, ..at }),
    ] {
        assert_eq!(asked(&key, at).await, deep, "{what}");
    }
}
