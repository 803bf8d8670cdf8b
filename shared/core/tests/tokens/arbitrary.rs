//! Whatever is thrown at the parsers, they answer.

use marque_core::token::{
    AnyVerified, Expected, Judgement, KeySet, LicFile, PublicKey, Site, TokenError, Typ, UnverifiedToken,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::{By, IAT, by, claims, encode, keys, token, unix};

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("2027-01-01T00:00:00Z")),
        Just(json!("Ed25519")),
        Just(json!("OKP")),
    ];
    let name = prop_oneof![
        any::<String>(),
        prop::sample::select(vec!["alg", "kid", "typ", "keys", "x", "kty", "crv", "typs", "sub"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn typ() -> impl Strategy<Value = Typ> {
    prop::sample::select(Typ::ALL)
}

fn prove(token: &UnverifiedToken) -> Result<AnyVerified, TokenError> {
    AnyVerified::verify(token, &keys(), Some(&By::Root.public()), Expected::default())
}

proptest! {
    #[test]
    fn bytes(bytes: Vec<u8>) {
        prop_assert!(KeySet::parse(&bytes).is_err());
        prop_assert!(LicFile::parse(&bytes).is_err());
        prop_assert!(UnverifiedToken::read(&bytes).is_err());
        prop_assert!(UnverifiedToken::parse(&String::from_utf8_lossy(&bytes)).is_err());
    }

    #[test]
    fn text(text in r"(?s)[A-Za-z0-9_.=\-\n ]{0,80}(-----BEGIN MARQUE LICENSE-----\n)?.*") {
        prop_assert!(UnverifiedToken::parse(&text).is_err());
        prop_assert!(LicFile::parse(&text).is_err());
    }

    #[test]
    fn parts(header: Vec<u8>, payload: Vec<u8>, signature: Vec<u8>) {
        let token = [header, payload, signature].map(|part| encode(&part)).join(".");
        prop_assert!(UnverifiedToken::parse(&token).is_err());
    }

    #[test]
    fn documents(document in json()) {
        let text = document.to_string();
        let empty = document.get("keys").and_then(Value::as_array).is_some_and(|keys| {
            keys.iter().all(|key| key.is_object() && PublicKey::from_jwk(key).is_err())
        });
        prop_assert_eq!(KeySet::parse(text.as_bytes()).is_ok_and(|keys| !keys.keys().is_empty()), false);
        prop_assert!(empty || KeySet::parse(text.as_bytes()).is_err());
        prop_assert!(PublicKey::from_jwk(&document).is_err());
    }

    #[test]
    fn signed_headers(header in json()) {
        let token = By::LeaseKey.sign_text(&header.to_string(), &claims(Typ::Lease).to_string());
        prop_assert!(UnverifiedToken::parse(&token).is_err());
    }

    /// Even what a listed key signed is read with care.
    #[test]
    fn signed_claims(typ in typ(), name in any::<prop::sample::Index>(), value in json()) {
        let mut claims = claims(typ);
        let names: Vec<_> = claims.as_object().unwrap().keys().cloned().collect();
        claims[name.get(&names)] = value;
        let token = UnverifiedToken::parse(&by(typ).sign(typ, &claims)).unwrap();
        if let Ok(verified) = prove(&token) {
            let now = unix(IAT);
            if let Judgement::Good { until: Some(until), .. } = verified.judge(Site { now, fingerprint: None, revocations: None }) {
                prop_assert!(now < until);
            }
        }
    }

    #[test]
    fn cut_tokens(typ in typ(), cut in any::<prop::sample::Index>()) {
        let token = token(typ);
        let end = cut.index(token.len());
        prop_assert!(UnverifiedToken::parse(&token[..end]).and_then(|token| prove(&token)).is_err());
    }
}
