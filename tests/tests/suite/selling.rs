//! Selling on AWS Marketplace through the shipped functions, where something goes wrong: events that cannot be handled,
//! events that are lost, AWS that does not answer, a role that may not be assumed.

use std::process::Command;

use marque_marketplace_sim::{Fault, Operation, Order, Pricing};
use marque_service::demo;
use marque_tests::aws::MailFault;
use marque_tests::deployment::DEAD_LETTERS;
use marque_tests::seller::{EVENTS, SELLER_ROLE, Storefront};
use marque_tests::{Client, Deployment, Function, binary, function, runtime};
use serde_json::{Value, json};

use crate::buyer::{self, Buyer};

/// What all of it calls.
pub(crate) const CHECKS: &[fn(Buyer) -> Buyer] = &[
    what_will_never_be_handled_is_a_dead_letter_with_its_reason,
    what_aws_does_not_answer_comes_again_soon_and_is_given_up_with_the_reason,
    what_events_lost_the_sweep_mends,
    a_subscription_can_be_metered_though_its_buyer_never_lands,
    an_event_that_comes_before_its_agreement_is_kept,
    a_buyer_who_lands_finds_what_waited,
    a_renewal_that_aws_did_not_tell_of_is_joined_when_its_buyer_lands,
    who_has_paid_has_a_code_whatever_becomes_of_events_and_mails,
    the_publisher_lists_what_was_bought_and_links_what_belongs_together,
];

mod on_the_shipped_functions {
    use super::{Buyer, Storefront};

    macro_rules! checks {
        ($($check:ident),* $(,)?) => {
            $(#[test] fn $check() {
                let buyer = super::$check(Buyer::shipped(Storefront::start(true)));
                assert_eq!(buyer.storefront().deployment.aws.refusals(), Vec::<String>::new());
            })*
        };
    }
    checks!(
        what_will_never_be_handled_is_a_dead_letter_with_its_reason,
        what_aws_does_not_answer_comes_again_soon_and_is_given_up_with_the_reason,
        what_events_lost_the_sweep_mends,
        a_subscription_can_be_metered_though_its_buyer_never_lands,
        an_event_that_comes_before_its_agreement_is_kept,
        a_buyer_who_lands_finds_what_waited,
        a_renewal_that_aws_did_not_tell_of_is_joined_when_its_buyer_lands,
        who_has_paid_has_a_code_whatever_becomes_of_events_and_mails,
        the_publisher_lists_what_was_bought_and_links_what_belongs_together,
    );
}

fn what_will_never_be_handled_is_a_dead_letter_with_its_reason(buyer: Buyer) -> Buyer {
    let front = buyer.storefront();
    let queues = front.deployment.aws.queues();
    buyer.buy("contract", "paid");
    let good = front.market.waiting_events().expect("events").remove(0);
    let mut foreign = good.clone();
    foreign["account"] = json!("999999999999");
    foreign["id"] = json!("of-somebody-else");
    let mut elsewhere = good;
    elsewhere["region"] = json!("eu-west-1");
    for body in ["{".to_owned(), foreign.to_string(), elsewhere.to_string()] {
        queues.put(EVENTS.0, &body);
    }
    front.pump();
    let letters = queues.messages(DEAD_LETTERS);
    let of = |what: &str| letters.iter().find(|(body, _)| body.contains(what)).and_then(|(_, reason)| reason.clone());
    assert_eq!(letters.len(), 3, "the good ones are handled, and nothing else is dead: {letters:?}");
    assert_eq!(of("of-somebody-else").as_deref(), Some("the event is of another account than the seller's"));
    assert_eq!(of("eu-west-1").as_deref(), Some("the event is not of us-east-1"));
    assert!(letters.iter().any(|(body, reason)| body == "{" && reason.as_deref() == Some("the message is no JSON")));
    assert!(queues.messages(EVENTS.0).is_empty(), "and nothing stays behind");
    // The operator looks, and puts back what is worth it.
    let shown = operator(front, &["list"]);
    let reasons: Vec<&str> =
        shown["items"].as_array().expect("items").iter().filter_map(|item| item["reason"].as_str()).collect();
    assert_eq!(reasons.len(), 3, "{shown}");
    assert_eq!(queues.messages(DEAD_LETTERS).len(), 3, "looking changes nothing");
    let replayed = operator(front, &["replay", "--reason", "another account"]);
    assert_eq!((&replayed["to"], &replayed["left"]), (&json!(EVENTS.0), &json!(2)), "{replayed}");
    assert_eq!((queues.messages(DEAD_LETTERS).len(), queues.messages(EVENTS.0).len()), (2, 1));
    front.pump();
    assert_eq!(queues.messages(DEAD_LETTERS).len(), 3, "what was not mended is a dead letter again");
    buyer
}

/// `marque events`, as an operator calls it.
fn operator(front: &Storefront, arguments: &[&str]) -> Value {
    let output = Command::new(binary("marque"))
        .arg("events")
        .args(arguments)
        .args(["--json", "--dead-letters", DEAD_LETTERS])
        .env_clear()
        .envs(front.deployment.aws.environment_of("operator"))
        .output()
        .expect("marque runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn what_aws_does_not_answer_comes_again_soon_and_is_given_up_with_the_reason(mut buyer: Buyer) -> Buyer {
    let bought = buyer.buy("contract", "paid");
    buyer.storefront().market.order_fault(Operation::GetEntitlements, Fault::Internal, 1000);
    buyer.register(&bought["registration_token"]);
    let front = buyer.storefront();
    let queues = front.deployment.aws.queues();
    front.pump();
    let waiting = queues.messages(EVENTS.0).len();
    assert!(waiting > 0, "License Updated is not done with");
    let code = buyer.code_shown().expect("whoever has paid works all the same");
    let activated = buyer.activate(&code);
    let license = activated["license_id"].as_str().unwrap_or_default().to_owned();
    let entitled = buyer.entitlements(&license, &activated["lease"]);
    assert_eq!((&entitled["stale"], &entitled["state"]), (&json!(true), &json!("active")), "{entitled}");
    let front = buyer.storefront();
    let queues = front.deployment.aws.queues();
    queues.pass(9);
    assert!(queues.batch(EVENTS.0, EVENTS.1, 5).is_none(), "not at once");
    queues.pass(1);
    front.market.order_fault(Operation::GetEntitlements, Fault::Internal, 0);
    let entitled = buyer.entitlements(&license, &activated["lease"]);
    assert_eq!((&entitled["stale"], &entitled["entitlements"][0]["value"]), (&json!(false), &json!(5)), "{entitled}");
    front.pump();
    assert!(queues.messages(EVENTS.0).is_empty(), "ten seconds later AWS answers");
    // Another one, for a day.
    buyer.buy("contract", "paid");
    front.market.order_fault(Operation::GetEntitlements, Fault::Internal, 1000);
    front.pump();
    for _ in 0..30 {
        queues.pass(3600);
        front.pump();
    }
    assert!(queues.messages(EVENTS.0).is_empty(), "nothing comes again for ever");
    let letters = queues.messages(DEAD_LETTERS);
    assert!(!letters.is_empty() && letters.iter().all(|(_, reason)| reason.is_some()), "{letters:?}");
    front.market.order_fault(Operation::GetEntitlements, Fault::Internal, 0);
    buyer
}

fn what_events_lost_the_sweep_mends(mut buyer: Buyer) -> Buyer {
    // One who has never landed, and has cancelled: Ended waits for an agreement that nobody knows.
    let unknown = buyer.buy("contract", "paid");
    let front = buyer.storefront();
    front.market.set(|knobs| knobs.agreements_denied = true);
    let ended = buyer.buy("subscription", "paid");
    buyer.act(&ended["agreement_id"], "cancel", &json!({}));
    deliver_only(front, "Ended");
    assert_eq!(parked(front, &ended["agreement_id"]), 1);
    // One whose renewal nobody knows to be one.
    let first = buyer.buy("contract", "paid");
    buyer.register(&first["registration_token"]);
    let code = buyer.code();
    let front = buyer.storefront();
    let renewed =
        buyer.act(&first["agreement_id"], "renew", &json!({"entitlements": [{"dimension": "servers", "value": 7}]}));
    deliver_only(front, "License Updated");
    front.market.set(|knobs| knobs.agreements_denied = false);
    // And one whose payment was not told, and which AWS lists to the partner who sold it alone.
    let order = Order {
        via_partner: true,
        paid: false,
        ..Order::new(demo::saas_listing().0, Pricing::Subscription, Vec::new())
    };
    let bought = buyer::receipt(&front.market.purchase(order).expect("a purchase"));
    buyer.register(&bought["registration_token"]);
    buyer.act(&bought["agreement_id"], "pay", &json!({}));
    let front = buyer.storefront();
    for event in front.market.waiting_events().expect("events") {
        front.market.delivered(event["id"].as_str().unwrap_or_default()).expect("lost");
    }
    assert_eq!(buyer.code_shown(), None);
    let told = front.tick("sweep");
    assert!(buyer.code_shown().is_some(), "{told}");
    assert!(told["AgreementsMended"].as_u64() >= Some(1) && told["agreements_finished"] == true, "{told}");
    let known = |purchase: &Value| {
        let id = purchase["agreement_id"].as_str().expect("an id").parse().expect("an id");
        runtime().block_on(front.deployment.aws.store().chain_of_external(&id)).expect("the table")
    };
    assert!(known(&unknown).is_some(), "what AWS lists is known");
    assert_eq!(parked(front, &ended["agreement_id"]), 0, "what waited is handled");
    assert_eq!(known(&renewed).map(|chain| chain.agreements.len()), Some(2), "what belongs together is joined");
    buyer.land(&renewed["registration_token"]);
    assert_eq!(buyer.code_shown(), Some(code));
    let front = buyer.storefront();
    let again = front.tick("sweep");
    assert_eq!(again["AgreementsCompared"], 0, "not due again: {again}");
    buyer
}

fn the_publisher_lists_what_was_bought_and_links_what_belongs_together(mut buyer: Buyer) -> Buyer {
    let first = buyer.buy("contract", "paid");
    buyer.register(&first["registration_token"]);
    let code = buyer.code();
    // The cloud never says that the second goes on where the first ended.
    let second = buyer.buy("contract", "paid");
    buyer.storefront().pump();
    let (_admin, gateway) = buyer.storefront().desk();
    let desk = Client::new(&gateway.url());
    let of = |purchase: &Value| {
        let path =
            format!("/admin/v1/agreements?external_id={}", purchase["agreement_id"].as_str().unwrap_or_default());
        desk.get(&path).expect("an answer").json()["items"][0]["agreements"][0]["id"].clone()
    };
    let listed = desk.get("/admin/v1/agreements?limit=100").expect("an answer").json();
    assert!(listed["items"].as_array().is_some_and(|items| items.len() >= 2), "{listed}");
    let (one, two) = (of(&first), of(&second));
    let path = format!("/admin/v1/agreements/{}/link", two.as_str().unwrap_or_default());
    let body = json!({"to": one, "reason": "renewed through a partner"});
    let linked = desk.post(&path, &body).expect("an answer");
    assert_eq!(linked.status, 200, "{}", linked.text());
    buyer.land(&second["registration_token"]);
    assert_eq!(buyer.code_shown(), Some(code), "one customer, one licence");
    let license = linked.json()["license_id"].as_str().unwrap_or_default().to_owned();
    let found = desk.get(&format!("/admin/v1/agreements?license_id={license}")).expect("an answer").json();
    assert_eq!(found["items"][0]["agreements"].as_array().map(Vec::len), Some(2), "{found}");
    let shown = desk.get(&format!("/admin/v1/agreements/{}", one.as_str().unwrap_or_default())).expect("an answer");
    assert_eq!(shown.status, 200);
    // A third that its buyer has registered by itself has a licence of its own, until that is revoked.
    let third = buyer.buy("contract", "paid");
    buyer.register(&third["registration_token"]);
    let three = of(&third);
    let path = format!("/admin/v1/agreements/{}/link", three.as_str().unwrap_or_default());
    assert_eq!(desk.post(&path, &body).expect("an answer").status, 409);
    let alone = desk.get(&format!("/admin/v1/agreements/{}", three.as_str().unwrap_or_default())).expect("an answer");
    let revoke = format!("/admin/v1/licenses/{}/revoke", alone.json()["license_id"].as_str().unwrap_or_default());
    assert_eq!(desk.post(&revoke, &json!({"reason": "bought twice"})).expect("an answer").status, 200);
    let linked = desk.post(&path, &body).expect("an answer");
    assert_eq!((linked.status, &linked.json()["license_id"]), (200, &json!(license)), "{}", linked.text());
    let cancel = format!("/admin/v1/licenses/{license}/cancel");
    let refused = desk.post(&cancel, &json!({"reason": "asked for"})).expect("an answer");
    assert_eq!(refused.status, 422, "its agreement would undo it: {}", refused.text());
    buyer.land(&second["registration_token"]);
    let usage = format!("/admin/v1/usage/{}", one.as_str().unwrap_or_default());
    let at = marque_service::Clock::system().now();
    let record = json!({"id": "desk-1", "dimension": "requests", "quantity": "1.5", "at": at});
    let reported = desk.post(&format!("{usage}/records"), &json!({"records": [record]})).expect("an answer");
    assert_eq!(reported.status, 200, "{}", reported.text());
    let seen = desk.get(&usage).expect("an answer");
    assert_eq!(seen.status, 200, "{}", seen.text());
    // What a server reports is looked for under both.
    let code = buyer.code_shown().expect("a code");
    let lease = buyer.activate(&code)["lease"].clone();
    let record = json!([{"id": "server-1", "dimension": "requests", "quantity": "2", "at": at}]);
    assert_eq!(buyer.report(&lease, &record)["results"][0]["status"], "accepted");
    buyer
}

fn who_has_paid_has_a_code_whatever_becomes_of_events_and_mails(mut buyer: Buyer) -> Buyer {
    for refused in [false, true] {
        let bought = buyer.buy("contract", "paid");
        let front = buyer.storefront();
        deliver_only(front, "nothing");
        let before = front.deployment.aws.ses().taken().len();
        let faults = refused.then_some(MailFault::Refused(400, "BadRequestException"));
        front.deployment.aws.ses().fail(faults);
        buyer.register(&bought["registration_token"]);
        assert!(buyer.code_shown().is_some(), "no event has come");
        let mails = buyer.storefront().deployment.aws.ses().taken().len() - before;
        assert_eq!(mails, usize::from(!refused));
    }
    let bought = buyer.buy("contract", "pending");
    buyer.register(&bought["registration_token"]);
    let front = buyer.storefront();
    front.deployment.aws.ses().fail([MailFault::Refused(400, "BadRequestException")]);
    buyer.act(&bought["agreement_id"], "pay", &json!({}));
    front.pump();
    assert!(buyer.code_shown().is_some(), "a mail that fails blocks nothing");
    buyer
}

/// Delivers the events of this kind alone; the others are late, and answered.
fn deliver_only(front: &Storefront, kind: &str) -> Vec<Value> {
    let of_kind = |event: &Value| event["detail-type"].as_str().unwrap_or_default().contains(kind);
    let late: Vec<Value> =
        front.market.waiting_events().expect("events").into_iter().filter(|event| !of_kind(event)).collect();
    for event in &late {
        front.market.delivered(event["id"].as_str().unwrap_or_default()).expect("late");
    }
    front.pump();
    late
}

/// How many events wait for an agreement.
fn parked(front: &Storefront, agreement: &Value) -> usize {
    let id = agreement.as_str().expect("an id").parse().expect("an id");
    runtime().block_on(front.deployment.aws.store().parked(&id)).expect("the table").len()
}

fn a_buyer_who_lands_finds_what_waited(mut buyer: Buyer) -> Buyer {
    let front = buyer.storefront();
    front.market.set(|knobs| knobs.agreements_denied = true);
    let bought = buyer.buy("contract", "paid");
    // As live events are, of which product is not said.
    let mut created = front.market.waiting_events().expect("events").remove(0);
    created["detail"].as_object_mut().expect("an object").remove("product");
    deliver_only(front, "nothing");
    front.deployment.aws.queues().put(EVENTS.0, &created.to_string());
    front.pump();
    assert_eq!(parked(front, &bought["agreement_id"]), 1);
    front.market.set(|knobs| knobs.agreements_denied = false);
    buyer.register(&bought["registration_token"]);
    assert_eq!(parked(buyer.storefront(), &bought["agreement_id"]), 0);
    buyer
}

fn a_renewal_that_aws_did_not_tell_of_is_joined_when_its_buyer_lands(mut buyer: Buyer) -> Buyer {
    let bought = buyer.buy("contract", "paid");
    buyer.register(&bought["registration_token"]);
    let code = buyer.code();
    let front = buyer.storefront();
    front.market.set(|knobs| knobs.agreements_denied = true);
    let renewed =
        buyer.act(&bought["agreement_id"], "renew", &json!({"entitlements": [{"dimension": "servers", "value": 7}]}));
    deliver_only(front, "License Updated");
    front.market.set(|knobs| knobs.agreements_denied = false);
    buyer.land(&renewed["registration_token"]);
    assert_eq!(buyer.code_shown(), Some(code), "one customer, one licence");
    buyer
}

/// Events name a licence in short, and usage is reported under its whole name.
fn a_subscription_can_be_metered_though_its_buyer_never_lands(buyer: Buyer) -> Buyer {
    let bought = buyer.buy("subscription", "paid");
    let front = buyer.storefront();
    front.pump();
    let id = bought["agreement_id"].as_str().expect("an id").parse().expect("an id");
    let chain = runtime().block_on(front.deployment.aws.store().chain_of_external(&id)).expect("the table");
    let arn = chain.expect("a chain").current().license_arn.clone().expect("a licence");
    assert!(arn.is_whole(), "{arn}");
    buyer
}

fn an_event_that_comes_before_its_agreement_is_kept(buyer: Buyer) -> Buyer {
    let front = buyer.storefront();
    front.market.set(|knobs| knobs.agreements_denied = true);
    let bought = buyer.buy("subscription", "paid");
    buyer.act(&bought["agreement_id"], "cancel", &json!({}));
    // Ended does not say of which product the agreement is.
    let events = deliver_only(front, "Ended");
    let parked = || parked(front, &bought["agreement_id"]);
    assert_eq!(parked(), 1);
    let updated = |event: &&Value| event["detail-type"].as_str().unwrap_or_default().contains("Updated");
    let updated = events.iter().find(updated).expect("License Updated");
    front.deployment.aws.queues().put(EVENTS.0, &updated.to_string());
    front.pump();
    assert_eq!(parked(), 0, "and handled, when it becomes known");
    front.market.set(|knobs| knobs.agreements_denied = false);
    buyer
}

/// Not even where something goes wrong with them.
#[test]
fn no_line_of_a_log_tells_who_a_buyer_is_or_holds_what_opens_a_door() {
    let mut buyer = Buyer::shipped(Storefront::start(true));
    let bought = buyer.buy("contract", "pending");
    buyer.storefront().deployment.aws.ses().fail([MailFault::Refused(400, "BadRequestException")]);
    buyer.register(&bought["registration_token"]);
    buyer.act(&bought["agreement_id"], "pay", &json!({}));
    buyer.storefront().pump();
    let code = buyer.code();
    let lease = buyer.activate(&code)["lease"].clone();
    buyer.report(&lease, &json!([{"id": "a", "dimension": "none", "quantity": "1", "at": "2026-01-01T00:00:00Z"}]));
    assert_eq!(buyer.landing(&json!("not-a-token")).status, 400);
    let front = buyer.storefront();
    front
        .deployment
        .aws
        .queues()
        .put(EVENTS.0, &json!({"detail": {"who": "Ann Lee", "at": "ann@example.org"}}).to_string());
    front.pump();
    let log = front.log();
    assert!(log.iter().any(|line| line.contains("a mail is given up")), "{log:#?}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let secrets = [code, text(&lease), text(&bought["registration_token"]), buyer.cookie().to_owned()];
    let person = ["Ann Lee", "ann@example.org", "Org"].map(str::to_owned);
    for secret in secrets.into_iter().chain(person) {
        let told: Vec<_> = log.iter().filter(|line| line.contains(&secret)).collect();
        assert!(told.is_empty(), "{secret} is told: {told:#?}");
    }
}

#[test]
fn a_role_that_may_not_be_assumed_is_told_on_a_page_and_in_the_log() {
    let front = Storefront::start(true);
    front.deployment.aws.put_role(SELLER_ROLE, "another external id");
    let buyer = Buyer::shipped(front);
    let bought = buyer.buy("contract", "paid");
    let answer = buyer.landing(&bought["registration_token"]);
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("Try again") && !answer.text().contains("SellerRole"), "{}", answer.text());
    assert!(buyer.storefront().marketplace_says("AccessDenied"), "the log names the cause");
}

#[test]
fn a_function_without_its_seller_or_secret_says_so_at_its_start() {
    let deployment = Deployment::new();
    for (name, variable) in [
        ("marketplace", "MARQUE_SELLER"),
        ("marketplace", "MARQUE_SESSION_KEY"),
        ("events", "MARQUE_DEAD_LETTERS"),
        ("sweep", "MARQUE_SELLER"),
    ] {
        let started = Function::start(&function(name), &deployment.environment_with(&[(variable, "")]));
        assert!(!started.sandbox().wait_until_asked(1), "{name} starts without {variable}");
        let (_, document): (_, Value) = started.sandbox().init_error().expect("an init error");
        assert!(document.to_string().contains(variable), "{document}");
    }
}
