//! Key sets, and the root that proves them.

use marque_core::token::{
    KeyError, KeySet, KeySetError, ListedKey, PublicKey, RootKey, SigningKey, TokenError, Typ, UnverifiedToken,
};
use serde_json::{Value, json};

use crate::forge::{By, ISSUER, claims, keys, time, token, with};

fn parse(document: &Value) -> Result<KeySet, KeySetError> {
    KeySet::parse(document.to_string().as_bytes())
}

fn jwk() -> Value {
    keys().to_jwks()["keys"][0].clone()
}

/// A set of one key, right but for one member; `Null` takes the member away.
fn set_with(name: &str, value: Value) -> Result<KeySet, KeySetError> {
    let mut jwk = jwk();
    jwk[name] = value;
    parse(&json!({ "keys": [jwk] }))
}

#[test]
fn a_jwks_shows_what_the_contract_says() {
    let public = By::LeaseKey.public();
    assert_eq!(
        jwk(),
        json!({
            "kty": "OKP", "crv": "Ed25519", "x": public.to_jwk()["x"], "kid": By::LeaseKey.kid(), "use": "sig",
            "typs": ["lease+jwt", "denial+jwt"],
            "sign_from": "2027-01-01T00:00:00Z", "sign_until": "2027-07-01T00:00:00Z",
        })
    );
    assert_eq!(parse(&keys().to_jwks()), Ok(keys()));
    assert_eq!(keys().to_jwks()["keys"][1]["sign_until"], Value::Null);
}

#[test]
fn what_is_not_used_is_not_looked_at() {
    let expected = parse(&json!({ "keys": [jwk()] })).unwrap();
    assert_eq!(set_with("key_ops", json!(["verify"])), Ok(expected.clone()));
    assert_eq!(set_with("alg", json!("EdDSA")), Ok(expected.clone()));
    assert_eq!(set_with("typs", json!(["lease+jwt", "denial+jwt", "receipt+jwt"])), Ok(expected.clone()));
    // Other kinds of keys (RFC 7517 section 5), and other members of the document.
    let document = json!({ "keys": [{ "kty": "AKP", "alg": "ML-DSA-65", "pub": "AA" }, jwk(), { "kty": "OKP", "crv": "X25519", "x": "AA" }], "seq": 3 });
    assert_eq!(parse(&document), Ok(expected));
    assert_eq!(set_with("typs", json!([])).unwrap().keys()[0].typs().len(), 0);
}

#[test]
fn what_is_used_must_be_right() {
    let member = |name| Err(KeySetError::Key(KeyError::Member(name)));
    for (name, values) in [
        ("kid", vec![json!("key-1"), json!(By::FileKey.kid()), json!(null), json!(7)]),
        ("x", vec![json!(null), json!("AA"), json!(format!("{}=", jwk()["x"].as_str().unwrap()))]),
        ("use", vec![json!("enc"), json!(null)]),
        ("alg", vec![json!("HS256"), json!(null)]),
        ("typs", vec![json!(null), json!("lease+jwt"), json!([1]), json!([null])]),
        ("sign_from", vec![json!(null), json!(1), json!("2027-01-01"), json!("soon")]),
        ("sign_until", vec![json!(1), json!("2027-07-01"), json!("")]),
    ] {
        for value in values {
            assert_eq!(set_with(name, value.clone()), member(name), "{name} {value}");
        }
    }
    for name in ["kid", "x", "typs", "sign_from"] {
        let mut jwk = jwk();
        jwk.as_object_mut().unwrap().remove(name);
        assert_eq!(parse(&json!({ "keys": [jwk] })), member(name));
    }
    assert_eq!(set_with("d", json!("AA")), Err(KeySetError::Key(KeyError::Private)));
    assert_eq!(set_with("typs", json!(["lease+jwt", "keys+jwt"])), Err(KeySetError::SignsKeySets));
    assert_eq!(parse(&json!({ "keys": [jwk(), jwk()] })), Err(KeySetError::KeyTwice));
}

#[test]
fn a_weak_key_is_never_listed() {
    let mut weak = jwk();
    // The neutral element, under which a signature of R and S of the same fits any message.
    weak["x"] = json!("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    weak.as_object_mut().unwrap().remove("kid");
    assert_eq!(parse(&json!({ "keys": [weak] })), Err(KeySetError::Key(KeyError::Weak)));
}

#[test]
fn a_key_set_is_strict_json_with_keys() {
    for document in [json!({}), json!([]), json!({ "keys": {} }), json!(null), jwk()] {
        assert_eq!(parse(&document), Err(KeySetError::NoKeys), "{document}");
    }
    let twice = keys().to_jwks().to_string().replacen('{', "{\"keys\":[],", 1);
    assert!(matches!(KeySet::parse(twice.as_bytes()), Err(KeySetError::Json(_))));
    let inner = keys().to_jwks().to_string().replace("\"use\"", "\"kty\"");
    assert!(matches!(KeySet::parse(inner.as_bytes()), Err(KeySetError::Json(_))));
    assert_eq!(KeySet::parse(&[b' '; 70_000]), Err(KeySetError::TooLarge));
    assert_eq!(parse(&json!({ "keys": ["x"] })), Err(KeySetError::Key(KeyError::Member("kty"))));
}

#[test]
fn the_key_to_sign_with_is_the_one_that_began_last() {
    let (first, second) = ("2027-01-01T00:00:00Z", "2027-03-01T00:00:00Z");
    let listed =
        |by: By, typ, from, until: Option<&str>| ListedKey::new(by.public(), [typ], time(from), until.map(time));
    let set = KeySet::new(vec![
        listed(By::FileKey, Typ::Lease, second, None).unwrap(),
        listed(By::LeaseKey, Typ::Lease, first, Some("2027-03-02T00:00:00Z")).unwrap(),
        listed(By::Foreign, Typ::License, second, None).unwrap(),
    ])
    .unwrap();
    let at = |now| set.signing_key_for(Typ::Lease, time(now)).map(ListedKey::key_id);
    assert_eq!(at("2026-12-31T23:59:59Z"), None);
    assert_eq!(at(first), Some(By::LeaseKey.public().key_id()));
    assert_eq!(at("2027-02-28T23:59:59Z"), Some(By::LeaseKey.public().key_id()));
    assert_eq!(at(second), Some(By::FileKey.public().key_id()));
    assert_eq!(set.signing_key_for(Typ::Denial, time(second)), None);
    let ended = listed(By::LeaseKey, Typ::Lease, first, None).unwrap().ending(time(second));
    let set = KeySet::new(vec![ended]).unwrap();
    assert!(set.signing_key_for(Typ::Lease, time("2027-02-28T23:59:59Z")).is_some());
    assert!(set.signing_key_for(Typ::Lease, time(second)).is_none());
}

fn prove(token: &str, root: &PublicKey, at_least: Option<u64>) -> Result<u64, TokenError> {
    Ok(UnverifiedToken::parse(token)?.verify_key_set(root, Some(ISSUER), at_least)?.seq)
}

#[test]
fn the_root_proves_a_key_set() {
    let token = token(Typ::Keys);
    let root = By::Root.public();
    for (at_least, expected) in [
        (None, Ok(3)),
        (Some(0), Ok(3)),
        (Some(3), Ok(3)),
        (Some(4), Err(TokenError::OldKeySet { found: 3, at_hand: 4 })),
    ] {
        assert_eq!(prove(&token, &root, at_least), expected);
    }
    let verified = UnverifiedToken::parse(&token).unwrap().verify_key_set(&root, None, None).unwrap();
    assert_eq!((&verified.keys, verified.key_id()), (&keys(), root.key_id()));
}

#[test]
fn nobody_else_proves_a_key_set() {
    let root = By::Root.public();
    for by in [By::LeaseKey, By::FileKey, By::Foreign] {
        assert_eq!(prove(&by.sign(Typ::Keys, &claims(Typ::Keys)), &root, None), Err(TokenError::UnknownKey));
        let named_root = by.sign_text(&By::Root.header(Typ::Keys).to_string(), &claims(Typ::Keys).to_string());
        assert_eq!(prove(&named_root, &root, None), Err(TokenError::Signature));
    }
    assert_eq!(
        prove(&By::Root.sign(Typ::Lease, &claims(Typ::Lease)), &root, None),
        Err(TokenError::WrongTyp { expected: Typ::Keys, found: Typ::Lease })
    );
    let elsewhere = By::Root.sign(Typ::Keys, &with(Typ::Keys, "iss", "https://evil.example"));
    assert_eq!(prove(&elsewhere, &root, None), Err(TokenError::Issuer));
}

#[test]
fn a_proven_key_set_is_still_read_strictly() {
    let root = By::Root.public();
    let mut signs_sets = jwk();
    signs_sets["typs"] = json!(["keys+jwt"]);
    for (keys, expected) in [
        (json!([signs_sets]), KeySetError::SignsKeySets),
        (json!([jwk(), jwk()]), KeySetError::KeyTwice),
        (json!([{}]), KeySetError::Key(KeyError::Member("kty"))),
    ] {
        let token = By::Root.sign(Typ::Keys, &with(Typ::Keys, "keys", keys));
        assert_eq!(prove(&token, &root, None), Err(TokenError::KeySet(expected)));
    }
}

#[test]
fn private_keys_keep_quiet() {
    let seed = [0x5e; 32];
    let shown = format!("{:?} {:?}", SigningKey::from_seed(seed), RootKey::from_seed(seed));
    let kid = SigningKey::from_seed(seed).key_id();
    assert_eq!(shown, format!("SigningKey({kid}) RootKey(SigningKey({kid}))"));
}
