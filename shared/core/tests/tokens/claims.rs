//! What each kind of token says, claim by claim.

use std::collections::BTreeSet;

use marque_core::token::{
    AnyVerified, Claims, Denial, Expected, Lease, LicenseFile, Revocations, Subject, TokenError, Typ, UnverifiedToken,
};
use serde_json::{Value, json};

use crate::forge::{By, ISSUER, by, claims, keys, product, time, token, verify, with};

fn judge(typ: Typ, claims: &Value) -> Result<AnyVerified, TokenError> {
    let root = By::Root.public();
    let token = UnverifiedToken::parse(&by(typ).sign(typ, claims)).unwrap();
    AnyVerified::verify(&token, &keys(), Some(&root), Expected { issuer: Some(ISSUER), audience: Some(&product()) })
}

/// The names in the contract's table.
fn table(typ: Typ) -> &'static str {
    match typ {
        Typ::Lease => {
            "iss aud sub jti iat exp nonce valid code state plan kind features fingerprint instance_id prev paid_through \
             grace_until next_check"
        }
        Typ::Denial => {
            "iss aud sub jti iat nonce valid code reasons state plan kind features fingerprint instance_id prev \
             paid_through grace_until next_check"
        }
        Typ::License => "iss aud sub jti iat expires plan kind features fingerprint licensee terms",
        Typ::Revocations => "iss iat seq next_update revoked",
        Typ::Keys => "iss iat seq keys",
    }
}

#[test]
fn every_claim_of_the_table_must_be_there_and_of_its_type() {
    for typ in Typ::ALL.iter().copied() {
        let good = claims(typ);
        let names: BTreeSet<_> = good.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, table(typ).split(' ').collect(), "{typ}");
        assert!(judge(typ, &good).is_ok(), "{typ}");
        for name in names {
            let mut without = good.clone();
            without.as_object_mut().unwrap().remove(name);
            assert!(
                matches!(judge(typ, &without), Err(TokenError::MissingClaim(missing)) if missing == name),
                "{typ} without {name}"
            );
            assert!(
                matches!(judge(typ, &with(typ, name, -1)), Err(TokenError::IllTypedClaim(faulty)) if faulty == name),
                "{typ} with {name} -1"
            );
        }
    }
}

#[test]
fn null_stands_where_the_table_allows_it() {
    let nullable = |typ: Typ| match typ {
        Typ::Lease => "prev paid_through grace_until",
        Typ::Denial => "plan kind features prev paid_through grace_until",
        Typ::License => "expires",
        Typ::Revocations | Typ::Keys => "",
    };
    for typ in Typ::ALL.iter().copied() {
        for name in table(typ).split(' ') {
            let accepted = judge(typ, &with(typ, name, Value::Null)).is_ok();
            assert_eq!(accepted, nullable(typ).split(' ').any(|known| known == name), "{typ} {name}");
        }
    }
}

#[test]
fn what_a_newer_service_adds_is_ignored() {
    for typ in Typ::ALL.iter().copied() {
        assert!(judge(typ, &with(typ, "novelty", json!({ "deep": [1] }))).is_ok(), "{typ}");
    }
    for (name, word) in [("state", "hibernating"), ("kind", "rental")] {
        let lease = by(Typ::Lease).sign(Typ::Lease, &with(Typ::Lease, name, word));
        assert!(verify::<Lease>(&lease).is_ok());
    }
    let denial = by(Typ::Denial).sign(Typ::Denial, &with(Typ::Denial, "code", "NOVELTY"));
    assert_eq!(verify::<Denial>(&denial).unwrap().code, "NOVELTY");
    let entry =
        json!([{ "jti": "01BX5ZZKBKACTAV9WEVGEMMVS2", "at": "2027-03-01T00:00:00Z", "reason": "novelty", "x": 1 }]);
    let list = by(Typ::Revocations).sign(Typ::Revocations, &with(Typ::Revocations, "revoked", entry));
    assert_eq!(verify::<Revocations>(&list).unwrap().revoked[0].reason, "novelty");
}

#[test]
fn a_claim_that_contradicts_the_kind_is_refused() {
    for (typ, name, value) in [
        (Typ::Lease, "valid", json!(false)),
        (Typ::Lease, "valid", json!("true")),
        (Typ::Lease, "valid", json!(1)),
        (Typ::Lease, "code", json!("REVOKED")),
        (Typ::Denial, "valid", json!(true)),
        (Typ::Denial, "valid", json!("false")),
        (Typ::Lease, "iat", json!(1_805_000_000.5)),
        (Typ::Lease, "iat", json!("1805000000")),
        (Typ::Lease, "exp", json!("2027-03-14T08:00:00Z")),
        (Typ::Lease, "exp", json!(253_402_300_800_i64)),
        (Typ::Lease, "exp", json!(u64::MAX)),
        (Typ::Lease, "next_check", json!(1_805_000_000)),
        (Typ::Lease, "sub", json!("act_01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        (Typ::Lease, "sub", json!("lic_01arz3ndektsv4rrffq69g5fav")),
        (Typ::Lease, "jti", json!("lic_01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        (Typ::Lease, "features", json!([])),
        (Typ::Lease, "fingerprint", json!({ "kind": "ad-domain", "value": "ab" })),
        (Typ::Lease, "fingerprint", json!({ "kind": "hostname", "value": "ab".repeat(32) })),
        (Typ::Denial, "reasons", json!("SUSPENDED")),
        (Typ::License, "expires", json!(1_805_000_000)),
        (Typ::License, "expires", json!("never")),
        (Typ::License, "licensee", json!({ "name": "Ann Lee" })),
        (Typ::Revocations, "seq", json!(1.5)),
    ] {
        let outcome = judge(typ, &with(typ, name, value.clone()));
        assert!(
            matches!(outcome, Err(TokenError::IllTypedClaim(faulty)) if faulty == name),
            "{typ} {name} {value}: {outcome:?}"
        );
    }
}

#[test]
fn a_denial_has_no_end() {
    for exp in [json!(1_900_000_000), json!(null)] {
        let outcome = judge(Typ::Denial, &with(Typ::Denial, "exp", exp));
        assert_eq!(outcome, Err(TokenError::UnexpectedClaim("exp")));
    }
}

#[test]
fn an_entry_of_the_list_is_about_one_thing() {
    let at = "2027-03-01T00:00:00Z";
    for entry in [
        json!({ "at": at, "reason": "revoked" }),
        json!({ "sub": "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV", "jti": "01BX5ZZKBKACTAV9WEVGEMMVS2", "at": at, "reason": "revoked" }),
        json!({ "sub": "01BX5ZZKBKACTAV9WEVGEMMVS2", "at": at, "reason": "revoked" }),
        json!({ "jti": "01BX5ZZKBKACTAV9WEVGEMMVS2", "reason": "revoked" }),
        json!({ "jti": "01BX5ZZKBKACTAV9WEVGEMMVS2", "at": at }),
        json!(null),
    ] {
        let outcome = judge(Typ::Revocations, &with(Typ::Revocations, "revoked", json!([entry])));
        assert_eq!(outcome, Err(TokenError::IllTypedClaim("revoked")), "{entry}");
    }
    let list = verify::<Revocations>(&token(Typ::Revocations)).unwrap();
    let [first, second] = list.revoked.as_slice() else { panic!("two entries") };
    assert_eq!(first.subject, Subject::License("lic_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()));
    assert_eq!(second.subject, Subject::Token("01BX5ZZKBKACTAV9WEVGEMMVS2".parse().unwrap()));
}

#[test]
fn what_is_read_is_written_again() {
    fn rewritten<C: Claims>(token: &str) -> Value {
        serde_json::to_value(verify::<C>(token).unwrap().into_claims()).unwrap()
    }
    assert_eq!(rewritten::<Lease>(&token(Typ::Lease)), claims(Typ::Lease));
    assert_eq!(rewritten::<Denial>(&token(Typ::Denial)), claims(Typ::Denial));
    assert_eq!(rewritten::<LicenseFile>(&token(Typ::License)), claims(Typ::License));
    assert_eq!(rewritten::<Revocations>(&token(Typ::Revocations)), claims(Typ::Revocations));
    let Ok(AnyVerified::Keys(keys)) = judge(Typ::Keys, &claims(Typ::Keys)) else { panic!("a key set") };
    assert_eq!(serde_json::to_value(keys.into_claims()).unwrap(), claims(Typ::Keys));
}

#[test]
fn an_answer_is_the_callers_own() {
    let lease = verify::<Lease>(&token(Typ::Lease)).unwrap();
    let denial = verify::<Denial>(&token(Typ::Denial)).unwrap();
    let here = lease.fingerprint;
    let mut elsewhere = here;
    elsewhere.value.0[31] ^= 1;
    assert!(lease.answers("0123456789abcdef", &here) && denial.answers("0123456789abcdef", &here));
    for (nonce, domain) in [("0123456789abcdeF", here), ("", here), ("0123456789abcdef", elsewhere)] {
        assert!(!lease.answers(nonce, &domain) && !denial.answers(nonce, &domain));
    }
    assert_eq!(lease.iat, time("2027-03-14T04:53:20Z"));
}
