//! What a client makes of a proven token on its own.

use marque_core::token::{
    AnyVerified, Expected, Judgement, Refused, Revocations, Site, TokenError, Typ, UnverifiedToken, Verified, Warning,
};
use marque_core::{Fingerprint, Timestamp};
use serde_json::{Value, json};

use crate::forge::{By, IAT, by, claims, keys, time, token, unix, with};

fn proven(typ: Typ, claims: &Value) -> AnyVerified {
    let token = UnverifiedToken::parse(&by(typ).sign(typ, claims)).unwrap();
    AnyVerified::verify(&token, &keys(), Some(&By::Root.public()), Expected::default()).unwrap()
}

fn list(revoked: &Value) -> Verified<Revocations> {
    let token = By::FileKey.sign(Typ::Revocations, &with(Typ::Revocations, "revoked", revoked.clone()));
    UnverifiedToken::parse(&token).unwrap().verify(&keys(), Expected::default()).unwrap()
}

fn here() -> Fingerprint {
    serde_json::from_value(claims(Typ::Lease)["fingerprint"].clone()).unwrap()
}

fn at(now: Timestamp) -> Site<'static> {
    Site { now, fingerprint: None, revocations: None }
}

fn good(until: Option<Timestamp>) -> Judgement {
    Judgement::Good { until, warnings: Vec::new() }
}

#[test]
fn a_right_ends_at_its_end() {
    let end = time("2027-03-20T00:00:00Z");
    let lease = proven(Typ::Lease, &with(Typ::Lease, "exp", end.unix()));
    let file = proven(Typ::License, &with(Typ::License, "expires", json!(end)));
    for right in [lease, file] {
        assert_eq!(right.judge(at(unix(end.unix() - 1))), good(Some(end)));
        assert_eq!(right.judge(at(end)), Judgement::Refused(Refused::Expired { at: end }));
        // A clock that is too early ends nothing.
        assert_eq!(right.judge(at(Timestamp::EPOCH)), good(Some(end)));
    }
    assert_eq!(proven(Typ::License, &claims(Typ::License)).judge(at(Timestamp::MAX)), good(None));
}

#[test]
fn a_denial_is_a_refusal_for_its_own_domain() {
    let denial = proven(Typ::Denial, &claims(Typ::Denial));
    let denied = Refused::Denied { code: "SUSPENDED".into(), reasons: vec!["SUSPENDED".into(), "EXPIRED".into()] };
    assert_eq!(denied.to_string(), "the service refused the licence: SUSPENDED, EXPIRED");
    assert_eq!(denial.judge(at(unix(IAT))), Judgement::Refused(denied.clone()));
    let here = here();
    let site = Site { fingerprint: Some(&here), ..at(unix(IAT)) };
    assert_eq!(denial.judge(site), Judgement::Refused(denied));
    let elsewhere = with(Typ::Denial, "fingerprint", json!({ "kind": "ad-domain", "value": "cd".repeat(32) }));
    assert_eq!(proven(Typ::Denial, &elsewhere).judge(site), Judgement::Refused(Refused::WrongFingerprint));
}

#[test]
fn a_right_is_for_one_domain() {
    let here = here();
    let site = Site { fingerprint: Some(&here), ..at(unix(IAT)) };
    for typ in [Typ::Lease, Typ::License] {
        assert!(matches!(proven(typ, &claims(typ)).judge(site), Judgement::Good { .. }));
        for fingerprint in [
            json!({ "kind": "ad-domain", "value": "cd".repeat(32) }),
            json!({ "kind": "custom", "value": "ab".repeat(32) }),
        ] {
            let elsewhere = proven(typ, &with(typ, "fingerprint", fingerprint));
            assert_eq!(elsewhere.judge(site), Judgement::Refused(Refused::WrongFingerprint));
        }
    }
}

#[test]
fn a_listed_right_is_revoked_whatever_the_clock_says() {
    let since = time("2027-03-01T00:00:00Z");
    let entry = |name: &str, value: &str| json!([{ name: value, "at": since, "reason": "moved" }]);
    let revoked = Judgement::Refused(Refused::Revoked { at: since, reason: "moved".into() });
    for typ in [Typ::Lease, Typ::License] {
        let right = proven(typ, &claims(typ));
        let jti = claims(typ)["jti"].as_str().unwrap().to_owned();
        for list in [list(&entry("sub", "lic_01ARZ3NDEKTSV4RRFFQ69G5FAV")), list(&entry("jti", &jti))] {
            for now in [unix(IAT), Timestamp::EPOCH, Timestamp::MAX] {
                let site = Site { revocations: Some(&list), ..at(now) };
                assert_eq!(right.judge(site), revoked);
            }
        }
        for other in
            [entry("sub", "lic_01ARZ3NDEKTSV4RRFFQ69G5FAW"), entry("jti", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), json!([])]
        {
            let list = list(&other);
            let site = Site { revocations: Some(&list), ..at(unix(IAT)) };
            assert!(matches!(right.judge(site), Judgement::Good { ref warnings, .. } if warnings.is_empty()));
        }
    }
}

#[test]
fn an_old_list_still_holds_and_is_warned_of() {
    let due = time("2027-03-20T00:00:00Z");
    let old = Judgement::Good { until: None, warnings: vec![Warning::OldList { since: due }] };
    let file = proven(Typ::License, &claims(Typ::License));
    let (empty, full) = (list(&json!([])), list(&claims(Typ::Revocations)["revoked"]));
    let later = at(time("2029-01-01T00:00:00Z"));
    assert_eq!(file.judge(Site { revocations: Some(&empty), ..later }), old);
    assert!(matches!(
        file.judge(Site { revocations: Some(&full), ..later }),
        Judgement::Refused(Refused::Revoked { .. })
    ));
    assert_eq!(file.judge(Site { revocations: Some(&empty), ..at(due) }), good(None));
    assert_eq!(proven(Typ::Revocations, &claims(Typ::Revocations)).judge(later), old);
    assert_eq!(proven(Typ::Revocations, &claims(Typ::Revocations)).judge(at(due)), good(None));
}

#[test]
fn the_list_of_another_issuer_says_nothing() {
    let list = list(&json!([]));
    for typ in [Typ::Lease, Typ::License] {
        let foreign = proven(typ, &with(typ, "iss", "https://other.example"));
        let site = Site { revocations: Some(&list), ..at(unix(IAT)) };
        assert_eq!(foreign.judge(site), Judgement::Refused(Refused::ForeignList));
    }
}

#[test]
fn a_token_of_any_kind_is_proven_as_what_it_says_it_is() {
    let root = By::Root.public();
    for typ in Typ::ALL.iter().copied() {
        let unverified = UnverifiedToken::parse(&token(typ)).unwrap();
        let any = AnyVerified::verify(&unverified, &keys(), Some(&root), Expected::default()).unwrap();
        assert_eq!(any.typ(), typ);
        let product = "another".parse().unwrap();
        let expected = Expected { audience: Some(&product), ..Expected::default() };
        let refused = AnyVerified::verify(&unverified, &keys(), Some(&root), expected);
        assert_eq!(refused.is_ok(), matches!(typ, Typ::Revocations | Typ::Keys), "{typ}");
        let expected = Expected { issuer: Some("https://other.example"), ..Expected::default() };
        let refused = AnyVerified::verify(&unverified, &keys(), Some(&root), expected);
        assert_eq!(refused, Err(TokenError::Issuer), "{typ}");
    }
    let set = UnverifiedToken::parse(&token(Typ::Keys)).unwrap();
    assert_eq!(AnyVerified::verify(&set, &keys(), None, Expected::default()), Err(TokenError::NoRoot));
    assert_eq!(proven(Typ::Keys, &claims(Typ::Keys)).judge(at(Timestamp::MAX)), good(None));
}
