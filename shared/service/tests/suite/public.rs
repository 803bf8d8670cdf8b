//! What anybody may read.

use marque_core::Duration;
use marque_core::token::{KeySet, Revocations, Typ, UnverifiedToken};
use serde_json::json;

use crate::harness::{House, ISSUER};

#[tokio::test]
async fn keys_are_cacheable_and_signed_by_the_root() {
    let house = House::new().await;
    let jwks = house.get("/.well-known/jwks.json").await;
    let keys = house.get("/.well-known/keys.jwt").await;
    for (answer, media_type) in [(&jwks, "application/json"), (&keys, "application/jwt")] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), media_type);
        assert_eq!(answer.header("cache-control"), "public, max-age=3600");
    }
    let token = UnverifiedToken::parse(&keys.text()).unwrap();
    let proven = token.verify_key_set(house.root.public(), Some(ISSUER), Some(1)).unwrap();
    assert_eq!(proven.keys, KeySet::parse(&jwks.body).unwrap());
    assert!(
        jwks.json()["keys"].as_array().unwrap().iter().all(|key| key.get("alg").is_none() && key.get("d").is_none())
    );
    let typs = |typ| proven.keys.keys().iter().filter(|key| key.typs().contains(&typ)).count();
    assert_eq!((typs(Typ::Lease), typs(Typ::Denial), typs(Typ::License), typs(Typ::Revocations)), (1, 1, 1, 1));
}

#[tokio::test]
async fn the_list_is_signed_and_signed_anew_when_it_ages() {
    let house = House::new().await;
    let list = async || {
        let answer = house.get("/v1/revocations").await.ok(200);
        (house.verified::<Revocations>(&answer["crl"]).await, answer["crl"].clone())
    };
    let (claims, first) = list().await;
    assert_eq!((claims.iss.as_str(), claims.seq, claims.revoked.len()), (ISSUER, 1, 0));
    assert_eq!((claims.iat, claims.next_update), (house.now(), house.now().after(Duration::days(7))));
    house.later(Duration::from_seconds(3599));
    assert_eq!(list().await.1, first);
    house.later(Duration::from_seconds(1));
    let (claims, second) = list().await;
    assert_ne!(second, first);
    assert_eq!(claims.iat, house.now());
}

#[tokio::test]
async fn health_is_one_read() {
    let house = House::new().await;
    let before = house.embedded.calls().count();
    let answer = house.get("/health").await.ok(200);
    assert_eq!(answer, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
    assert_eq!(house.embedded.calls().count() - before, 1);
}
