//! `.lic` files.

use http::Method;
use marque_core::event::Head;
use marque_core::token::{Expected, KeySet, LicFile, LicenseFile};
use marque_core::{Duration, What};

use crate::harness::{Answer, House, ISSUER, Issued, PRODUCT, domain};

async fn file(house: &House, issued: &Issued) -> Answer {
    house.holder(Method::GET, &format!("/v1/licenses/{}/file", issued.id), &issued.code).await
}

#[tokio::test]
async fn a_file_is_made_once_and_stays_the_same() {
    let house = House::new().await;
    let (issued, bound) = house.bound("perpetual").await;
    let made = file(&house, &issued).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(made.header("content-disposition"), format!("attachment; filename=\"{}.lic\"", issued.id));
    assert_eq!(made.header("cache-control"), "no-store");

    let keys = KeySet::parse(&house.get("/.well-known/jwks.json").await.body).unwrap();
    let token = LicFile::parse(made.text()).unwrap();
    let claims = token.verify::<LicenseFile>(&keys, Expected { issuer: Some(ISSUER), audience: None }).unwrap();
    assert_eq!((claims.sub, claims.aud.as_str(), claims.expires), (issued.id, PRODUCT, None));
    assert_eq!(claims.fingerprint.value.to_string(), domain(1));
    assert_eq!((claims.plan.as_str(), claims.kind.as_str()), ("perpetual", "perpetual"));
    assert_eq!(
        (claims.licensee.name.as_str(), claims.licensee.company.as_str()),
        ("Ada Lovelace", "Analytical Engines")
    );
    assert_eq!(claims.iat, house.now());

    house.later(Duration::days(900));
    assert_eq!(file(&house, &issued).await.body, made.body);
    house.activate(&issued.code, 1).await.ok(200);
    assert_eq!(file(&house, &issued).await.body, made.body);
    let history = house.store().history(issued.id, Head::START, 10).await.unwrap();
    let files: Vec<_> = history.iter().filter(|event| matches!(event.what, What::FileIssued { .. })).collect();
    assert_eq!(files.len(), 1);
    let What::FileIssued { activation, jti } = files[0].what else { panic!() };
    assert_eq!((activation.to_string().as_str(), jti), (bound["activation_id"].as_str().unwrap(), claims.jti));
    assert_eq!(history.last().unwrap().head(), house.license(issued.id).await.head);
}

#[tokio::test(start_paused = true)]
async fn who_asks_at_once_gets_one_file() {
    let house = std::sync::Arc::new(House::new().await);
    let (issued, _) = house.bound("perpetual").await;
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (house, issued) = (house.clone(), issued.clone());
        askers.spawn(async move { file(&house, &issued).await });
    }
    let answers = askers.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let bodies: std::collections::BTreeSet<_> = answers.into_iter().map(|answer| answer.body).collect();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn who_gets_none() {
    let house = House::new().await;
    let (yearly, _) = house.bound("yearly").await;
    file(&house, &yearly).await.problem(409, "NOT_PERPETUAL");
    let perpetual = house.issue("perpetual").await;
    file(&house, &perpetual).await.problem(409, "NOT_ACTIVATED");
    house.activate(&perpetual.code, 1).await.ok(201);
    let foreign = Issued { id: perpetual.id, code: yearly.code.clone() };
    file(&house, &foreign).await.problem(404, "NOT_FOUND");
    let unknown = Issued { id: perpetual.id, code: "MARQV-E0123-45678-9ABCD-EFGJY".to_owned() };
    file(&house, &unknown).await.problem(404, "NOT_FOUND");
    let mistyped = Issued { id: perpetual.id, code: "MARQV-E0123-45678-9ABCD-EFGJX".to_owned() };
    file(&house, &mistyped).await.problem(422, "CODE_MISTYPED");
    house.holder(Method::GET, "/v1/licenses/x/file", &perpetual.code).await.problem(404, "NOT_FOUND");
    house.get(&format!("/v1/licenses/{}/file", perpetual.id)).await.problem(401, "UNAUTHORIZED");
    house.suspend(perpetual.id).await;
    let problem = file(&house, &perpetual).await.problem(409, "STATE_CONFLICT");
    assert_eq!(problem["action"], "file");
}

#[tokio::test]
async fn a_licence_that_support_stopped_gets_not_even_the_old_file() {
    let house = House::new().await;
    let (issued, _) = house.bound("perpetual").await;
    assert_eq!(file(&house, &issued).await.status, 200);
    house.revoke(issued.id).await;
    assert_eq!(file(&house, &issued).await.problem(409, "STATE_CONFLICT")["from"], "revoked");
}
