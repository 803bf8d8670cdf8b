//! Bodies: every fault at once, one reading only, and nothing that a stranger sends comes back raw.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{Answer, House, activation, domain, validation, with};

const ALL: [&str; 3] = ["/v1/activations", "/v1/validations", "/v1/explain"];

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let house = House::new().await;
    let empty = house.post("/v1/validations", &json!({})).await;
    assert_eq!(empty.pointers(), ["/fingerprint", "/instance_id", "/license_id", "/nonce", "/product"]);
    let empty = house.post("/v1/activations", &json!({})).await;
    assert_eq!(empty.pointers(), ["/code", "/fingerprint", "/instance_id", "/nonce", "/product"]);
    assert_eq!(house.post("/v1/explain", &json!({})).await.pointers(), ["/code"]);

    let wrong = json!({
        "license_id": "lic_1", "product": "A B", "fingerprint": {"kind": "sid", "value": "00"},
        "instance_id": "x", "nonce": "short", "product_version": 1, "lease": 1,
    });
    assert_eq!(
        house.post("/v1/validations", &wrong).await.pointers(),
        [
            "/fingerprint/kind",
            "/fingerprint/value",
            "/instance_id",
            "/license_id",
            "/nonce",
            "/product",
            "/product_version"
        ]
    );
    let wrong = json!({
        "code": 1, "product": null, "fingerprint": [], "instance_id": {}, "nonce": true, "public_key": "AAAA",
    });
    assert_eq!(
        house.post("/v1/activations", &wrong).await.pointers(),
        ["/code", "/fingerprint", "/instance_id", "/nonce", "/product", "/public_key"]
    );
    let missing = with(activation("x", 1), "fingerprint", json!({}));
    let missing = house.post("/v1/activations", &missing).await;
    assert_eq!(missing.pointers(), ["/fingerprint/kind", "/fingerprint/value"]);
}

#[tokio::test]
async fn formats_are_read_strictly() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let base = validation(issued.id, 1);
    for (member, values) in [
        (
            "nonce",
            vec!["", "0123456789abcde", &"a".repeat(65), "0123456789abcde+", "0123456789abcdé", "0123456789abcde\n"],
        ),
        (
            "instance_id",
            vec![
                "2f1e4fc081fd41da915600036acd1234",
                "{2f1e4fc0-81fd-41da-9156-00036acd1234}",
                "2f1e4fc0-81fd-41da-9156-00036acd123g",
                "2f1e4fc0-81fd-41da-9156-00036acd12345",
                "2f1e4fc-081fd-41da-9156-00036acd1234",
                "------------------------------------",
                "2f1e4fc0-81fd-41da-9156-00036acd12é",
            ],
        ),
        ("product", vec!["", "A", "a_b", &"a".repeat(41), "kopicloud-ad-api "]),
        ("license_id", vec!["", "lic_", "lic_01arz3ndektsv4rrffq69g5fav", "act_01ARZ3NDEKTSV4RRFFQ69G5FAV"]),
    ] {
        for value in values {
            let answer = house.post("/v1/validations", &with(base.clone(), member, json!(value))).await;
            assert_eq!(answer.pointers(), [format!("/{member}")], "{value:?}");
        }
        for value in [json!(1), json!(true), json!([]), json!({})] {
            let answer = house.post("/v1/validations", &with(base.clone(), member, value)).await;
            assert_eq!(answer.pointers(), [format!("/{member}")]);
        }
    }
    for value in [json!(""), json!("A".repeat(43)), json!("_".repeat(43)), json!(1), json!([])] {
        // The identity of the curve, and what is no point of it, are no keys.
        let body = with(activation(&issued.code, 1), "public_key", value.clone());
        assert_eq!(house.post("/v1/activations", &body).await.pointers(), ["/public_key"], "{value}");
    }
}

#[tokio::test]
async fn a_member_named_twice_is_refused_everywhere() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    for (path, body, member) in [
        ("/v1/validations", validation(issued.id, 1), "nonce"),
        ("/v1/activations", activation(&issued.code, 1), "nonce"),
        ("/v1/validations", with(validation(issued.id, 1), "from-the-future", json!(1)), "from-the-future"),
        ("/v1/explain", json!({"code": issued.code}), "code"),
    ] {
        let text = body.to_string();
        let twice = format!("{{\"{member}\": {}, {}", body[member], &text[1..]);
        assert_eq!(house.post_bytes(path, twice).await.pointers(), [format!("/{member}")]);
    }
    let text = validation(issued.id, 1).to_string().replace("\"kind\":", "\"kind\":\"custom\",\"kind\":");
    assert_eq!(house.post_bytes("/v1/validations", text).await.pointers(), ["/fingerprint/kind"]);
}

#[tokio::test]
async fn unknown_members_are_refused_but_by_the_calls_of_servers() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let future = |body: Value| with(body, "from_the_future", json!({"a": [1]}));
    house.post("/v1/validations", &future(validation(issued.id, 1))).await.ok(200);
    house.post("/v1/activations", &future(activation(&issued.code, 1))).await.ok(200);
    let explain = json!({"code": issued.code, "from/the~future": 1, "x": null});
    assert_eq!(house.post("/v1/explain", &explain).await.pointers(), ["/from~1the~0future", "/x"]);
    // A newer client survives at any depth.
    let deeper = json!({"kind": "ad-domain", "value": domain(1), "salt": "x"});
    house.post("/v1/validations", &with(validation(issued.id, 1), "fingerprint", deeper.clone())).await.ok(200);
    house.post("/v1/activations", &with(activation(&issued.code, 1), "fingerprint", deeper)).await.ok(200);
}

#[tokio::test]
async fn what_has_two_readings_or_none_is_refused() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let good = validation(issued.id, 1).to_string();
    let extra = |text: &str| format!("{},\"x\":{text}}}", &good[..good.len() - 1]).into_bytes();
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"x\"".to_vec(),
        b"1".to_vec(),
        good.as_bytes()[..good.len() - 1].to_vec(),
        format!("{good}x").into_bytes(),
        format!("{good}{good}").into_bytes(),
        format!("{good}\0").into_bytes(),
        format!("\u{feff}{good}").into_bytes(),
        extra(&format!("{}{}", "[".repeat(64), "]".repeat(64))),
        extra(&"[".repeat(30_000)),
        extra("\"\\ud800\""),
        extra("\"\0\""),
        extra("1e999"),
        extra("NaN"),
        [extra("\"x").as_slice(), b"\xff\""].concat(),
        good.replace("1.2.0", "\\udc00").into_bytes(),
        good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ];
    for body in bodies {
        house.post_bytes("/v1/validations", body).await.problem(400, "INVALID_REQUEST");
    }
    house.post_bytes("/v1/validations", extra(&format!("{}{}", "[".repeat(63), "]".repeat(63)))).await.ok(200);
    house.post_bytes("/v1/validations", extra("\"\\u0000\\ud83d\\ude00\"")).await.ok(200);
}

#[tokio::test]
async fn statistics_are_cut_to_fit() {
    let house = House::new().await;
    let (issued, _) = house.bound("yearly").await;
    let version = format!("1.\u{0}\n\u{1b}[31m{}", "9".repeat(1000));
    house.post("/v1/validations", &with(validation(issued.id, 1), "product_version", json!(version))).await.ok(200);
    let license = house.license(issued.id).await;
    let kept = license.activations.values().next().unwrap().seen.as_ref().unwrap().product_version.clone().unwrap();
    assert_eq!(kept, format!("1.???[31m{}", "9".repeat(55)));
    for version in [json!(null), json!("")] {
        house.post("/v1/validations", &with(validation(issued.id, 1), "product_version", version)).await.ok(200);
    }
}

fn assert_harmless(answer: &Answer, canary: &str) {
    let text = answer.text();
    assert!(!text.contains(canary), "{text}");
    assert!(text.chars().all(|letter| !letter.is_control()), "{text:?}");
    assert!(answer.header("content-type").ends_with("json"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    for value in answer.headers.values() {
        assert!(!value.to_str().unwrap().contains(canary));
    }
}

#[tokio::test]
async fn nothing_of_a_strangers_input_comes_back_raw() {
    let house = House::new().await;
    let canary = "<script>CANARY\u{1b}\u{202e}";
    let (issued, _) = house.bound("yearly").await;
    for member in ["license_id", "code", "product", "instance_id", "nonce", "product_version", "lease"] {
        let answer = house.post("/v1/validations", &with(validation(issued.id, 1), member, json!(canary))).await;
        assert_harmless(&answer, "CANARY");
        let answer = house.post("/v1/activations", &with(activation(&issued.code, 1), member, json!(canary))).await;
        assert_harmless(&answer, "CANARY");
    }
    for member in ["code", "token"] {
        assert_harmless(&house.post("/v1/explain", &json!({member: canary})).await, "CANARY");
    }
    let lic = format!("-----BEGIN MARQUE LICENSE-----\n{canary}\n-----END MARQUE LICENSE-----");
    assert_harmless(&house.post("/v1/explain", &json!({"token": lic})).await, "CANARY");
    // Names of unknown members are told, since they are the fault: short, and without what moves a cursor.
    let long = format!("{canary}{}", "x".repeat(5000));
    let answer = house.post("/v1/explain", &json!({long.as_str(): 1, "code": "x"})).await;
    assert_harmless(&answer, "\u{202e}");
    assert!(answer.text().len() < 700, "{}", answer.text());
    let twice = format!("{{{0}:1,{0}:1}}", json!(long));
    let answer = house.post_bytes("/v1/validations", twice).await;
    assert_harmless(&answer, "\u{202e}");
    assert!(answer.text().len() < 700, "{}", answer.text());
    let path = "/v1/%3Cscript%3ECANARY";
    assert_harmless(&house.get(path).await, "CANARY");
    let code = house.holder(http::Method::DELETE, "/v1/activations/CANARY", "CANARY").await;
    assert_harmless(&code, "CANARY");
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn any_json() -> impl Strategy<Value = Value> {
    let words =
        ["ad-domain", "custom", "kopicloud-ad-api", "nonce-0123456789_AB", "2f1e4fc0-81fd-41da-9156-00036acd1234"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::sample::select(words.to_vec()).prop_map(Value::from),
        any::<u8>().prop_map(|number| Value::from(domain(number))),
    ];
    let names = prop::sample::select(vec![
        "license_id",
        "code",
        "product",
        "fingerprint",
        "instance_id",
        "nonce",
        "lease",
        "product_version",
        "public_key",
        "token",
        "kind",
        "value",
        "x",
    ]);
    leaf.prop_recursive(4, 60, 10, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(names.clone().prop_map(str::to_owned), inner, 0..10)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A good body with some members replaced by anything.
fn nearly_good() -> impl Strategy<Value = Value> {
    let good = json!({
        "license_id": "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV", "code": "MARQV-E0123-45678-9ABCD-EFGJY",
        "product": "kopicloud-ad-api", "fingerprint": {"kind": "ad-domain", "value": domain(1)},
        "instance_id": "2f1e4fc0-81fd-41da-9156-00036acd1234", "nonce": "nonce-0123456789_AB",
    });
    let names = [
        "license_id",
        "code",
        "product",
        "fingerprint",
        "instance_id",
        "nonce",
        "lease",
        "product_version",
        "public_key",
    ];
    prop::collection::vec((prop::sample::select(names.to_vec()), any_json()), 0..3)
        .prop_map(move |changes| changes.into_iter().fold(good.clone(), |body, (name, value)| with(body, name, value)))
}

fn assert_judged(answer: &Answer) {
    assert!(answer.status.as_u16() < 500, "{}", answer.text());
    if answer.status.is_client_error() {
        let code = answer.json()["code"].as_str().unwrap().to_owned();
        answer.problem(answer.status.as_u16(), &code);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_judged(bytes: Vec<u8>) {
        block_on(async {
            let house = House::new().await;
            for path in ALL {
                assert_judged(&house.post_bytes(path, bytes.clone()).await);
            }
        });
    }

    #[test]
    fn arbitrary_json_is_judged(values in prop::collection::vec(prop_oneof![any_json(), nearly_good()], 1..20)) {
        block_on(async {
            let house = House::new().await;
            for value in values {
                for path in ALL {
                    assert_judged(&house.post(path, &value).await);
                }
            }
        });
    }

    #[test]
    fn arbitrary_headers_and_paths_are_judged(header in "[ -~]{0,80}", path in "[!-~]{0,40}") {
        block_on(async {
            let house = House::new().await;
            let path = path.replace(['#', '?', '%', '\\', '"', '<', '>', '`', '{', '}', '^', '|'], "_");
            for (method, uri) in [
                (http::Method::DELETE, format!("/v1/activations/{path}")),
                (http::Method::GET, format!("/v1/licenses/{path}/file")),
            ] {
                let request = http::Request::builder().method(method).uri(uri).header("authorization", &header);
                assert_judged(&house.send(request.body(axum::body::Body::empty()).unwrap()).await);
            }
        });
    }
}
