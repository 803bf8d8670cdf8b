//! Nobody unknown gets in, and whoever does stands on every event.

use http::{Method, Request};

use super::{sell, shop};
use crate::harness::{House, TOKEN};

#[tokio::test]
async fn without_the_token_nothing_is_answered() {
    let house = House::new().await;
    for credential in
        [None, Some(String::new()), Some(TOKEN.to_owned()), Some(format!("Basic {TOKEN}")), Some("Bearer x".to_owned())]
    {
        for (method, path) in [
            (Method::GET, "/admin/v1/products"),
            (Method::GET, "/admin/v1/licenses?month=2027-03"),
            (Method::POST, "/admin/v1/licenses"),
            (Method::PUT, "/admin/v1/products/x"),
        ] {
            let request = Request::builder().method(method).uri(path);
            let request = credential.iter().fold(request, |request, text| request.header("authorization", text));
            let answer = house.call_publisher(request).await;
            answer.problem(401, "UNAUTHORIZED");
        }
    }
    let request = Request::get("/admin/v1/products").header("authorization", format!("bearer {TOKEN}"));
    house.call_publisher(request).await.ok(200);
}

#[tokio::test]
async fn who_did_it_is_on_every_event() {
    let (house, customer) = shop().await;
    let license = sell(&house, &customer, "yearly").await;
    let path = format!("/licenses/{}/events", license["id"].as_str().unwrap());
    let events = house.see(&path).await.ok(200);
    assert_eq!(events["items"][0]["by"], "local");
    assert_eq!(events["items"][0]["type"], "issued");
}
