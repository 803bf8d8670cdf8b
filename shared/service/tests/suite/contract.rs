//! The OpenAPI document against what the service really does.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, Request};
use marque_service::validate;
use serde_json::{Value, json};

use crate::harness::{House, activation, validation, with};

fn document() -> Value {
    serde_json::to_value(validate::contract()).unwrap()
}

fn schema<'a>(document: &'a Value, name: &str) -> &'a Value {
    let found = &document["components"]["schemas"][name];
    assert!(found.is_object(), "no schema {name}");
    found
}

fn words(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn the_document_is_openapi_3_1_and_is_served() {
    let house = House::new().await;
    let answer = house.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let served = answer.ok(200);
    assert_eq!(served, document());
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1."));
    assert!(served["info"]["version"].as_str().is_some_and(|version| !version.is_empty()));
    // Every reference leads somewhere.
    let text = served.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        schema(&served, reference.split('"').next().unwrap());
    }
}

#[tokio::test]
async fn whatever_wants_a_credential_says_which_and_the_credential_is_described() {
    let house = House::new().await;
    let publisher = house.call_publisher(Request::get("/openapi.json")).await.ok(200);
    for (document, wanting) in [(document(), 3), (publisher, usize::MAX)] {
        let schemes = names(&document["components"]["securitySchemes"]);
        let calls: Vec<_> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
            .collect();
        let wants = |call: &&&Value| call["security"].as_array().is_some_and(|any| !any.is_empty());
        let found: Vec<_> = calls.iter().filter(wants).collect();
        assert_eq!(found.len(), wanting.min(calls.len()));
        for name in found.iter().flat_map(|call| call["security"].as_array().unwrap()).flat_map(names) {
            assert!(schemes.contains(&name), "{name} is not described: {schemes:?}");
        }
    }
}

/// The calls of the contract's page, all of them and no other.
const CALLS: [(&str, &str); 9] = [
    ("/v1/activations", "post"),
    ("/v1/activations/{activation_id}", "delete"),
    ("/v1/validations", "post"),
    ("/v1/licenses/{license_id}/file", "get"),
    ("/v1/explain", "post"),
    ("/v1/revocations", "get"),
    ("/.well-known/jwks.json", "get"),
    ("/.well-known/keys.jwt", "get"),
    ("/health", "get"),
];

#[tokio::test]
async fn the_document_lists_the_calls_there_are() {
    let document = document();
    let mut listed = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "delete", "patch"].into_iter().filter(|method| item.get(method).is_some())
        {
            listed.insert((path.as_str(), method));
        }
    }
    assert_eq!(listed, BTreeSet::from(CALLS));
    let house = House::new().await;
    for (path, method) in CALLS {
        let uri = path.replace("{activation_id}", "x").replace("{license_id}", "x");
        let method: Method = method.to_uppercase().parse().unwrap();
        let answer = house.send(Request::builder().method(&method).uri(&uri).body("".into()).unwrap()).await;
        assert!(!matches!(answer.status.as_u16(), 404 | 405), "{method} {path} is not served");
        // And no other method is, that the document does not name.
        for other in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            if listed.contains(&(path, other.as_str().to_lowercase().as_str())) {
                continue;
            }
            let answer = house.send(Request::builder().method(&other).uri(&uri).body("".into()).unwrap()).await;
            answer.problem(405, "METHOD_NOT_ALLOWED");
        }
    }
}

/// Sends a good body without each member, and with null for it: what is missed is what the schema requires.
async fn agrees(house: &House, document: &Value, path: &str, name: &str, good: Value, optional: &Value) {
    let schema = schema(document, name);
    let reference = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(reference, &json!(format!("#/components/schemas/{name}")));
    let required = words(&schema["required"]);
    let mut full = good.clone();
    full.as_object_mut().unwrap().extend(optional.as_object().unwrap().clone());
    assert_eq!(names(&schema["properties"]), names(&full), "{name}");
    assert_eq!(required, names(&good), "{name}");
    assert!(house.post(path, &good).await.status.is_success());
    assert!(house.post(path, &full).await.status.is_success());
    for member in names(&full) {
        let nullable = words(&schema["properties"][&member]["type"]).contains("null");
        let mut without = full.clone();
        without.as_object_mut().unwrap().remove(&member);
        for body in [without, with(full.clone(), &member, Value::Null)] {
            let answer = house.post(path, &body).await;
            if required.contains(&member) {
                assert_eq!(answer.pointers(), [format!("/{member}")], "{name}");
                assert!(!nullable, "{name}: {member} is required and may be null");
            } else {
                assert!(answer.status.is_success(), "{name} without {member}: {answer:?}");
                assert!(nullable, "{name}: {member} may be null, and the document does not say so");
            }
        }
    }
}

#[tokio::test]
async fn request_bodies_are_what_the_document_says() {
    let house = House::new().await;
    let document = document();
    let (issued, bound) = house.bound("yearly").await;
    let take = |mut body: Value, name: &str| {
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let activate = take(activation(&issued.code, 1), "product_version");
    let key = json!("O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik");
    let optional = json!({"product_version": "1", "public_key": key});
    agrees(&house, &document, "/v1/activations", "Activation", activate, &optional).await;
    house.activate(&issued.code, 1).await.ok(200);

    // `license_id` and `code` stand in for each other, so neither is required; that one of them is, is tried by itself.
    let neither = take(take(validation(issued.id, 1), "product_version"), "license_id");
    assert_eq!(house.post("/v1/validations", &neither).await.pointers(), ["/license_id"]);
    let schema_of = schema(&document, "Validation");
    assert_eq!(words(&schema_of["required"]), names(&neither));
    let full = json!({
        "license_id": issued.id, "code": issued.code, "lease": bound["lease"], "product_version": "1",
    });
    let mut all = names(&neither);
    all.extend(names(&full));
    assert_eq!(names(&schema_of["properties"]), all);
    for member in names(&full) {
        assert!(words(&schema_of["properties"][&member]["type"]).contains("null"), "{member}");
    }
    for (member, value) in [("license_id", json!(issued.id)), ("code", json!(issued.code))] {
        house.post("/v1/validations", &with(neither.clone(), member, value)).await.ok(200);
    }
    for member in names(&neither) {
        let good = with(neither.clone(), "license_id", json!(issued.id));
        for body in [take(good.clone(), &member), with(good.clone(), &member, Value::Null)] {
            assert_eq!(house.post("/v1/validations", &body).await.pointers(), [format!("/{member}")]);
        }
    }

    let question = schema(&document, "Explain");
    assert_eq!(names(&question["properties"]), BTreeSet::from(["code".to_owned(), "token".to_owned()]));
    assert_eq!(words(&question["required"]), BTreeSet::new());

    let fingerprint = schema(&document, "Fingerprint");
    assert_eq!(words(&fingerprint["required"]), BTreeSet::from(["kind".to_owned(), "value".to_owned()]));
}

/// Whatever the service answers has the members that the document names, the required ones always, null where it may.
#[track_caller]
fn conforms(document: &Value, name: &str, answer: &Value) {
    let schema = schema(document, name);
    let (given, known) = (names(answer), names(&schema["properties"]));
    assert!(given.is_subset(&known), "{name}: {:?}", given.difference(&known));
    let required = words(&schema["required"]);
    assert!(required.is_subset(&given), "{name}: {:?}", required.difference(&given));
    for (member, value) in answer.as_object().unwrap() {
        let property = &schema["properties"][member];
        let types = if property["type"].is_string() {
            BTreeSet::from([property["type"].as_str().unwrap().to_owned()])
        } else {
            words(&property["type"])
        };
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        assert!(types.is_empty() || types.contains(kind), "{name}.{member} is {kind}, not {types:?}");
    }
}

#[tokio::test]
async fn answers_are_what_the_document_says() {
    let house = House::new().await;
    let document = document();
    let (issued, bound) = house.bound("yearly").await;
    let (perpetual, _) = (house.issue("perpetual").await, ());
    let answers: BTreeMap<&str, Vec<Value>> = BTreeMap::from([
        (
            "CheckAnswer",
            vec![
                bound,
                house.validate(issued.id, 1).await.ok(200),
                house.validate(issued.id, 2).await.ok(200),
                house.activate(&perpetual.code, 5).await.ok(201),
            ],
        ),
        (
            "Explanation",
            vec![
                house.post("/v1/explain", &json!({"code": issued.code})).await.ok(200),
                house.post("/v1/explain", &json!({"code": perpetual.code})).await.ok(200),
            ],
        ),
        ("Health", vec![house.get("/health").await.ok(200)]),
        ("RevocationsAnswer", vec![house.get("/v1/revocations").await.ok(200)]),
        ("Problem", vec![house.get("/nope").await.json(), house.post("/v1/explain", &json!({})).await.json()]),
    ]);
    for (name, answers) in answers {
        for answer in answers {
            conforms(&document, name, &answer);
        }
    }
}

#[tokio::test]
async fn every_call_names_its_problems() {
    let document = document();
    for (path, method) in CALLS.into_iter().filter(|(path, _)| path.starts_with("/v1") && *path != "/v1/revocations") {
        let responses = &document["paths"][path][method]["responses"];
        for class in ["4XX", "5XX"] {
            let content = &responses[class]["content"];
            assert!(content["application/problem+json"].is_object(), "{method} {path} {class}: {content}");
        }
    }
}
