//! What the service signs is what the contract says, and what its own verifier takes.

use std::fmt::Debug;

use ed25519_dalek::Signer;
use marque_core::token::{
    BadSignature, Claims, Denial, Expected, KeySet, KeySetClaims, Lease, LicenseFile, Licensee, ListedKey, Revocations,
    Revoked, RootKey, SigningInput, SigningKey, Subject, Typ, UnverifiedToken,
};
use marque_core::{Fingerprint, FingerprintKind, FingerprintValue, LicenseId, Slug, Timestamp, TokenId};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::forge::{By, decode, keys, token, verify};

fn signer(by: By) -> SigningKey {
    SigningKey::from_seed(by.key().to_bytes())
}

#[test]
fn the_header_is_exactly_the_contracts() {
    let lease = verify::<Lease>(&token(Typ::Lease)).unwrap();
    let signed = signer(By::LeaseKey).sign(&*lease);
    let header = signed.split('.').next().unwrap();
    let expected = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"lease+jwt"}}"#, By::LeaseKey.kid());
    assert_eq!(decode(header), expected.as_bytes());
    assert_eq!(verify::<Lease>(&signed), Ok(lease));
}

#[test]
fn a_signature_made_elsewhere_is_the_same_and_is_checked() {
    let file = verify::<LicenseFile>(&token(Typ::License)).unwrap();
    let input = SigningInput::new(&By::FileKey.public(), &*file);
    let signature = By::FileKey.key().sign(input.as_bytes()).to_bytes();
    assert_eq!(input.clone().attach(&signature), Ok(signer(By::FileKey).sign(&*file)));
    let other = By::LeaseKey.key().sign(input.as_bytes()).to_bytes();
    assert_eq!(input.attach(&other), Err(BadSignature));
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..=Timestamp::MAX.unix()).prop_map(|seconds| Timestamp::from_unix(seconds).unwrap())
}

fn slug() -> impl Strategy<Value = Slug> {
    "[a-z0-9-]{1,40}".prop_map(|text| text.parse().unwrap())
}

fn license() -> impl Strategy<Value = LicenseId> {
    (time(), any::<[u8; 10]>()).prop_map(|(time, random)| LicenseId::new(time, random))
}

fn jti() -> impl Strategy<Value = TokenId> {
    (time(), any::<[u8; 10]>()).prop_map(|(time, random)| TokenId::new(time, random))
}

fn fingerprint() -> impl Strategy<Value = Fingerprint> {
    let kind = prop_oneof![Just(FingerprintKind::AdDomain), Just(FingerprintKind::Custom)];
    (kind, any::<[u8; 32]>()).prop_map(|(kind, value)| Fingerprint { kind, value: FingerprintValue(value) })
}

fn features() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::from),
        Just(json!({ "deep": [{}, null] })),
    ];
    prop::collection::hash_map(any::<String>(), value, 0..6).prop_map(|map| map.into_iter().collect())
}

prop_compose! {
    fn lease()(
        (iss, nonce, state, kind, instance_id) in any::<(String, String, String, String, String)>(),
        (aud, plan) in (slug(), slug()),
        (sub, jti, prev) in (license(), jti(), prop::option::of(jti())),
        (iat, exp, next_check) in (time(), time(), time()),
        (paid_through, grace_until) in (prop::option::of(time()), prop::option::of(time())),
        features in features(),
        fingerprint in fingerprint(),
    ) -> Lease {
        Lease {
            iss, aud, sub, jti, iat, exp, nonce, state, plan, kind, features, fingerprint, instance_id, prev, paid_through,
            grace_until, next_check,
        }
    }
}

prop_compose! {
    fn denial()(
        lease in lease(),
        (code, reasons) in any::<(String, Vec<String>)>(),
        (plan, kind) in (prop::option::of(slug()), any::<Option<String>>()),
        features in prop::option::of(features()),
    ) -> Denial {
        let Lease { iss, aud, sub, jti, iat, nonce, state, fingerprint, instance_id, prev, next_check, .. } = lease;
        Denial {
            iss, aud, sub, jti, iat, nonce, code, reasons, state, plan, kind, features, fingerprint, instance_id, prev,
            paid_through: lease.paid_through, grace_until: lease.grace_until, next_check,
        }
    }
}

prop_compose! {
    fn file()(
        lease in lease(),
        expires in prop::option::of(time()),
        (name, company, terms) in any::<(String, String, String)>(),
    ) -> LicenseFile {
        let Lease { iss, aud, sub, jti, iat, plan, kind, features, fingerprint, .. } = lease;
        let licensee = Licensee { name, company };
        LicenseFile { iss, aud, sub, jti, iat, expires, plan, kind, features, fingerprint, licensee, terms }
    }
}

fn revoked() -> impl Strategy<Value = Revoked> {
    let subject = prop_oneof![license().prop_map(Subject::License), jti().prop_map(Subject::Token)];
    (subject, time(), any::<String>()).prop_map(|(subject, at, reason)| Revoked { subject, at, reason })
}

prop_compose! {
    fn revocations()(
        iss in any::<String>(),
        (iat, next_update) in (time(), time()),
        seq in any::<u64>(),
        revoked in prop::collection::vec(revoked(), 0..5),
    ) -> Revocations {
        Revocations { iss, iat, seq, next_update, revoked }
    }
}

/// A key that signs everything at any time.
fn always() -> (SigningKey, KeySet) {
    let key = signer(By::LeaseKey);
    let typs = [Typ::Lease, Typ::Denial, Typ::License, Typ::Revocations];
    let listed = ListedKey::new(key.public().clone(), typs, Timestamp::EPOCH, None).unwrap();
    (key, KeySet::new(vec![listed]).unwrap())
}

fn survives<C: Claims + Clone + PartialEq + Debug>(claims: &C) -> Result<(), TestCaseError> {
    let (key, keys) = always();
    let token = UnverifiedToken::parse(&key.sign(claims)).unwrap();
    let expected = Expected { issuer: Some(claims.issuer()), audience: claims.audience() };
    let verified = token.verify::<C>(&keys, expected).unwrap();
    prop_assert_eq!(verified.key_id(), key.key_id());
    prop_assert_eq!(&verified.into_claims(), claims);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_lease_survives_being_signed(claims in lease()) {
        survives(&claims)?;
    }

    #[test]
    fn a_denial_survives_being_signed(claims in denial()) {
        survives(&claims)?;
    }

    #[test]
    fn a_file_survives_being_signed(claims in file()) {
        survives(&claims)?;
    }

    #[test]
    fn a_list_survives_being_signed(claims in revocations()) {
        survives(&claims)?;
    }

    #[test]
    fn a_key_set_survives_being_signed(iss in any::<String>(), iat in time(), seq in any::<u64>()) {
        let root = RootKey::from_seed(By::Root.key().to_bytes());
        let claims = KeySetClaims { iss, iat, seq, keys: keys() };
        let token = UnverifiedToken::parse(&root.sign(&claims)).unwrap();
        let verified = token.verify_key_set(root.public(), Some(&claims.iss), Some(seq)).unwrap();
        prop_assert_eq!(verified.into_claims(), claims);
    }
}
