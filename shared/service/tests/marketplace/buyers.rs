//! The pages of buyers: what they show, what they refuse, what they never let out.

use http::Method;
use marque_marketplace_sim::{Fault, Operation, Pricing};

use crate::market::Bazaar;

#[tokio::test(start_paused = true)]
async fn the_session_is_one_safe_cookie_and_the_token_is_nowhere() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy(Pricing::Contract);
    let visit = bazaar.land(&bought.token).await;
    for word in ["__Host-marque=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=7200"] {
        assert!(visit.landing.contains(word), "{word} in {}", visit.landing);
    }
    let page = bazaar.get("/aws/registration", &visit.cookie).await;
    assert!(!visit.landing.contains(&bought.token) && !page.text().contains(&bought.token));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.text().contains("<script"));
}

#[tokio::test(start_paused = true)]
async fn every_token_that_does_not_work_gets_a_page_that_helps() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy(Pricing::Contract);
    let huge = "A".repeat(60_000);
    for (what, token, status) in [
        ("empty", "", 400),
        ("huge", huge.as_str(), 400),
        ("nonsense", "zzz", 400),
        ("markup", "<script>alert(1)</script>", 400),
        ("line breaks", "a\r\nSet-Cookie: x=y", 400),
    ] {
        let answer = bazaar.post("/aws/landing", "", &[("x-amzn-marketplace-token", token)]).await;
        assert_eq!(answer.status.as_u16(), status, "{what}");
        assert!(answer.header("content-type").starts_with("text/html"), "{what}");
        assert!(answer.text().contains("Set up your account") && !answer.text().contains("<script>"), "{what}");
        assert_eq!(answer.header("set-cookie"), "", "{what}");
    }
    bazaar.advance(4 * 3600);
    let expired = bazaar.post("/aws/landing", "", &[("x-amzn-marketplace-token", &bought.token)]).await;
    assert!(expired.status == 400 && expired.text().contains("expired"));
    let order = marque_marketplace_sim::Order::new("elsewhere", Pricing::Contract, crate::market::servers(1));
    let other = bazaar.market.purchase(order).unwrap();
    let foreign = bazaar.post("/aws/landing", "", &[("x-amzn-marketplace-token", &other.token)]).await;
    assert!(foreign.status == 400 && foreign.header("set-cookie").is_empty());
}

#[tokio::test(start_paused = true)]
async fn when_aws_is_down_the_page_posts_the_token_again() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy(Pricing::Contract);
    bazaar.market.order_fault(Operation::ResolveCustomer, Fault::Throttle, 2);
    let answer = bazaar.post("/aws/landing", "", &[("x-amzn-marketplace-token", &bought.token)]).await;
    assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (503, ""));
    assert!(!answer.header("retry-after").is_empty());
    assert!(answer.text().contains("action=\"/aws/landing\"") && answer.text().contains(&bought.token));
    bazaar.land(&bought.token).await;
}

#[tokio::test(start_paused = true)]
async fn faults_stand_beside_their_fields_and_nothing_of_a_strangers_is_markup() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy(Pricing::Contract);
    let visit = bazaar.land(&bought.token).await;
    let handle = bazaar.handle(&visit).await.expect("a form");
    let script = "<script>alert(1)</script>\"'";
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 4] = [
        (&[], &["name-fault", "company-fault", "email-fault", "terms-fault"]),
        (&[("name", script), ("company", script), ("email", script), ("terms", "on")], &["email-fault"]),
        (&[("name", "A"), ("company", "A\r\nBcc: x@y.z"), ("email", "a@b.cd"), ("terms", "on")], &["company-fault"]),
        (&[("name", &"a".repeat(201)), ("company", "C"), ("email", "a@b.cd"), ("terms", "on")], &["name-fault"]),
    ];
    for (fields, faults) in cases {
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("handle", handle.as_str())]).collect();
        let answer = bazaar.post("/aws/registration", &visit.cookie, &fields).await;
        assert_eq!(answer.status, 422);
        let page = answer.text();
        for fault in ["name-fault", "company-fault", "email-fault", "terms-fault"] {
            assert_eq!(page.contains(&format!("id=\"{fault}\"")), faults.contains(&fault), "{fault}: {page}");
        }
        assert!(!page.contains("<script>"), "{page}");
    }
    assert!(bazaar.chain(&bought.agreement).await.unwrap().customer.is_none());
}

#[tokio::test(start_paused = true)]
async fn sessions_that_are_forged_swapped_or_old_show_nothing() {
    let bazaar = Bazaar::new().await;
    let (one, two) = (bazaar.buy(Pricing::Contract), bazaar.buy(Pricing::Contract));
    let (a, b) = (bazaar.land(&one.token).await, bazaar.land(&two.token).await);
    let handle = bazaar.handle(&a).await.expect("a form");
    let fields = [("handle", &*handle), ("name", "A"), ("company", "C"), ("email", "a@b.cd"), ("terms", "on")];
    assert_eq!(bazaar.post("/aws/registration", &b.cookie, &fields).await.status, 409, "another agreement's form");
    let session = a.cookie.trim_start_matches("__Host-marque=");
    let mut with_session = fields;
    with_session[0].1 = session;
    assert_eq!(bazaar.post("/aws/registration", &a.cookie, &with_session).await.status, 409, "a cookie is no handle");
    let forged = format!("{}AAAAAA", &a.cookie[..a.cookie.len() - 6]);
    for cookie in ["", "__Host-marque=", "other=1", &forged] {
        assert_eq!(bazaar.get("/aws/status", cookie).await.status, 401, "{cookie}");
        assert_eq!(bazaar.post("/aws/registration", cookie, &fields).await.status, 401, "{cookie}");
    }
    bazaar.advance(7200);
    assert_eq!(bazaar.get("/aws/registration", &a.cookie).await.status, 401, "two hours later");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_form_or_too_large_is_refused_with_a_page() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy(Pricing::Contract);
    let visit = bazaar.land(&bought.token).await;
    let huge = Some(format!("name={}", "A".repeat(200_000)));
    let answer = bazaar.send(Method::POST, "/aws/registration", &visit.cookie, huge).await;
    assert_eq!(answer.status, 413);
    assert!(answer.header("content-type").starts_with("text/html"));
    let bare = bazaar.send(Method::POST, "/aws/registration", &visit.cookie, None).await;
    assert_eq!(bare.status, 415);
}

#[tokio::test(start_paused = true)]
async fn whoever_registers_first_stays_the_customer_and_repeats_change_nothing() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy(Pricing::Contract);
    bazaar.deliver(&bought.events).await;
    let (first, second) = (bazaar.land(&bought.token).await, bazaar.land(&bought.token).await);
    let handle = bazaar.handle(&second).await.expect("a form");
    bazaar.register(&first, "first@example.org").await;
    let customer = bazaar.chain(&bought.agreement).await.unwrap().customer;
    let code = bazaar.code_shown(&first).await;
    let fields =
        [("handle", &*handle), ("name", "B"), ("company", "C"), ("email", "second@example.org"), ("terms", "on")];
    assert_eq!(bazaar.post("/aws/registration", &second.cookie, &fields).await.status, 303);
    assert_eq!(bazaar.chain(&bought.agreement).await.unwrap().customer, customer);
    assert_eq!(bazaar.code_shown(&second).await, code);
}

#[tokio::test(start_paused = true)]
async fn a_failed_payment_is_told_and_gives_no_code() {
    let bazaar = Bazaar::new().await;
    let bought = bazaar.buy_unpaid(Pricing::Subscription);
    bazaar.deliver(&bought.events).await;
    let visit = bazaar.welcome(&bought.token, "poor@example.org").await;
    assert!(bazaar.status(&visit).await.contains("not confirmed"));
    bazaar.deliver(&bazaar.market.fail_payment(&bought.agreement).unwrap()).await;
    assert!(bazaar.status(&visit).await.contains("Payment failed"));
    assert_eq!(bazaar.code_shown(&visit).await, None);
}

/// The process dies at each request of landing, registration and events in turn; asking again completes it.
#[tokio::test(start_paused = true)]
async fn a_crash_anywhere_leaves_nothing_half_bound_and_the_retry_completes() {
    for applied in [true, false] {
        for n in 1.. {
            let bazaar = Bazaar::new().await;
            let bought = bazaar.buy(Pricing::Contract);
            bazaar.embedded.faults().fail_nth(n, marque_embedded::Fault::Crash { applied });
            let landed = bazaar.post("/aws/landing", "", &[("x-amzn-marketplace-token", &bought.token)]).await;
            if landed.status == 303 {
                let cookie = landed.header("set-cookie").split(';').next().unwrap().to_owned();
                let visit = crate::market::Visit { landing: String::new(), cookie };
                drop(bazaar.register(&visit, "buyer@example.org").await);
                for event in &bought.events {
                    drop(bazaar.shop.event(event).await);
                }
            }
            let crashed = bazaar.embedded.faults().pending() == 0;
            bazaar.embedded.faults().clear();
            let visit = bazaar.land(&bought.token).await;
            if bazaar.get("/aws/registration", &visit.cookie).await.status == 200 {
                bazaar.register(&visit, "buyer@example.org").await;
            }
            bazaar.deliver(&bought.events).await;
            let chain = bazaar.chain(&bought.agreement).await.unwrap();
            assert!(bazaar.code_shown(&visit).await.is_some(), "at request {n}");
            let owned = bazaar.app.store().licenses_of(chain.customer.unwrap(), None, 10).await.unwrap();
            assert_eq!(owned, [chain.license.unwrap()], "at request {n}");
            if !crashed {
                assert!(n > 8, "{n} requests");
                break;
            }
        }
    }
}
