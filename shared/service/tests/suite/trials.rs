//! Trials: asked for by anybody, confirmed by whoever reads the mail, once a link and so often a person.

use http::{Request, header};
use marque_core::Duration;
use marque_service::mail::Mail;
use serde_json::{Value, json};

use crate::harness::{Answer, House, PRODUCT, activation};

fn ask(email: &str) -> Value {
    json!({"product": PRODUCT, "email": email, "first_name": "Ann", "last_name": "Lee", "company": "Org"})
}

/// The token of a mail's link.
fn token(mail: &Mail) -> String {
    mail.links.iter().find_map(|link| link.split_once("token=")).map(|(_, token)| token.to_owned()).unwrap()
}

async fn asked(house: &House, email: &str) -> Mail {
    let before = house.outbox.all().len();
    house.post("/v1/trials", &ask(email)).await.ok(202);
    let mails = house.outbox.all();
    assert_eq!(mails.len(), before + 1, "one mail for one asking");
    mails.last().cloned().unwrap()
}

async fn confirm(house: &House, token: &str) -> Answer {
    house.post("/v1/trials/confirm", &json!({"token": token})).await
}

async fn form(house: &House, token: &str) -> Answer {
    let request = Request::post("/v1/trials/confirm").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    house.send(request.body(format!("token={token}").into()).unwrap()).await
}

#[tokio::test]
async fn rule_2_a_person_who_reads_the_mail_gets_a_code_at_once() {
    let house = House::new().await;
    let mail = asked(&house, "Tri@Example.org").await;
    assert_eq!(mail.to, "Tri@Example.org");
    let token = token(&mail);
    let first = confirm(&house, &token).await.ok(201);
    let again = confirm(&house, &token).await.ok(200);
    assert_eq!(first, again, "the same code, however often");
    assert_eq!(first["plan"], "trial");
    let mails = house.outbox.all();
    assert_eq!(mails.len(), 2, "the link, and the code");
    assert!(mails[1].text.contains(first["code"].as_str().unwrap()));
    let bound = house.post("/v1/activations", &activation(first["code"].as_str().unwrap(), 1)).await.ok(201);
    assert_eq!((&bound["kind"], &bound["license_id"]), (&json!("trial"), &first["license_id"]));
}

#[tokio::test]
async fn looking_at_the_page_uses_nothing_up() {
    let house = House::new().await;
    let token = token(&asked(&house, "tri@example.org").await);
    for _ in 0..3 {
        let page = house.get(&format!("/trials/confirm?token={token}")).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert_eq!(page.header("referrer-policy"), "no-referrer", "the address is a credential");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        let text = page.text();
        assert!(text.contains(&token) && text.contains("action=\"/v1/trials/confirm\"") && !text.contains("<script"));
    }
    assert_eq!(house.outbox.all().len(), 1);
    confirm(&house, &token).await.ok(201);
}

#[tokio::test]
async fn the_button_posts_a_form_and_gets_a_page_with_the_code() {
    let house = House::new().await;
    let token = token(&asked(&house, "tri@example.org").await);
    let page = form(&house, &token).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (201, "text/html; charset=utf-8"));
    let code = confirm(&house, &token).await.ok(200)["code"].clone();
    assert!(page.text().contains(code.as_str().unwrap()));
    assert_eq!(form(&house, &token).await.status, 200);
    let lapsed = form(&house, "zzz").await;
    assert_eq!((lapsed.status.as_u16(), lapsed.header("content-type")), (404, "text/html; charset=utf-8"));
}

#[tokio::test]
async fn a_link_is_good_for_24_hours() {
    let house = House::new().await;
    let (used, unused) = (token(&asked(&house, "a@example.org").await), token(&asked(&house, "b@example.org").await));
    confirm(&house, &used).await.ok(201);
    house.later(Duration::hours(24));
    for token in [used.as_str(), &unused, &"A".repeat(43)] {
        confirm(&house, token).await.problem(404, "NOT_FOUND");
        assert_eq!(house.get(&format!("/trials/confirm?token={token}")).await.status, 404);
    }
    assert_eq!(confirm(&house, "zzz").await.pointers(), ["/token"]);
}

#[tokio::test]
async fn rule_2_a_person_has_two_whatever_case_and_tag() {
    let house = House::new().await;
    let mut codes = Vec::new();
    for email in ["eve@example.org", "EVE+a@example.org"] {
        let token = token(&asked(&house, email).await);
        codes.push(confirm(&house, &token).await.ok(201)["code"].clone());
    }
    assert_ne!(codes[0], codes[1]);
    let mail = asked(&house, "eve+b@example.org").await;
    assert!(mail.links.is_empty(), "no link, and so no code");
    assert!(mail.text.contains("support@example.org"), "but a contact");
    assert!(!mail.text.contains("token"));
    // Somebody else is another person.
    confirm(&house, &token(&asked(&house, "eva@example.org").await)).await.ok(201);
}

#[tokio::test]
async fn links_that_were_mailed_before_the_limit_was_reached_make_no_more_than_it_allows() {
    let house = House::new().await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(token(&asked(&house, "eve@example.org").await));
    }
    let (one, two) = tokio::join!(confirm(&house, &tokens[0]), confirm(&house, &tokens[1]));
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (201, 201));
    confirm(&house, &tokens[2]).await.problem(422, "RULE_VIOLATED");
    let page = form(&house, &tokens[2]).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("support@example.org"));
}

#[tokio::test]
async fn the_answer_does_not_tell_whether_an_address_is_known() {
    let house = House::new().await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let token = token(&asked(&house, "eve@example.org").await);
        confirm(&house, &token).await.ok(201);
    }
    for email in ["eve@example.org", "new@example.org"] {
        answers.push(house.post("/v1/trials", &ask(email)).await.ok(202));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn an_address_gets_twenty_mails_a_day() {
    let house = House::new().await;
    for n in 0..25 {
        house.post("/v1/trials", &ask(&format!("Ann+{n}@example.org"))).await.ok(202);
    }
    assert_eq!(house.outbox.all().len(), 20);
    house.later(Duration::hours(24));
    asked(&house, "ann@example.org").await;
}

#[tokio::test]
async fn the_language_is_the_one_that_was_asked_in() {
    let house = House::new().await;
    let request = Request::post("/v1/trials")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT_LANGUAGE, "es-ES,es;q=0.9");
    house.send(request.body(ask("ana@example.org").to_string().into()).unwrap()).await.ok(202);
    let mail = house.outbox.all().pop().unwrap();
    assert!(mail.subject.starts_with("Confirme su prueba") && mail.html.contains("lang=\"es\""), "{}", mail.subject);
    let token = token(&mail);
    assert!(house.get(&format!("/trials/confirm?token={token}")).await.text().contains("lang=\"es\""));
    confirm(&house, &token).await.ok(201);
    assert!(house.outbox.all().pop().unwrap().subject.starts_with("Su prueba"), "kept for the customer");
}

#[tokio::test]
async fn names_are_text_everywhere() {
    let house = House::new().await;
    let mut body = ask("ann@example.org");
    (body["first_name"], body["company"]) = (json!("<b>Ann</b>"), json!("\"Org\" & <i>"));
    house.post("/v1/trials", &body).await.ok(202);
    let mail = house.outbox.all().pop().unwrap();
    assert!(!mail.html.contains("<b>Ann") && mail.html.contains("&lt;b&gt;Ann"), "escaped in HTML");
    for line in ["Ann\r\nBcc: x@y.z", "Ann\nLee", "\u{202e}Ann"] {
        body["first_name"] = json!(line);
        assert_eq!(house.post("/v1/trials", &body).await.pointers(), ["/first_name"]);
    }
}

#[tokio::test]
async fn every_fault_of_an_asking_is_told() {
    let house = House::new().await;
    let body = json!({"product": "No Slug", "email": "nobody", "first_name": "", "last_name": 7, "extra": 1});
    let pointers = ["/company", "/email", "/extra", "/first_name", "/last_name", "/product"];
    assert_eq!(house.post("/v1/trials", &body).await.pointers(), pointers);
    let long = "n".repeat(150);
    let mut body = ask("ann@example.org");
    (body["first_name"], body["last_name"]) = (json!(long), json!(long));
    assert_eq!(house.post("/v1/trials", &body).await.pointers(), ["/last_name"]);
    body = ask("ann@example.org");
    body["product"] = json!("unknown");
    house.post("/v1/trials", &body).await.problem(404, "NOT_FOUND");
    assert!(house.outbox.all().is_empty());
}
