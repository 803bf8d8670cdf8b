//! Histories, verified by whoever does not trust the table.

use aws_sdk_dynamodb::types::AttributeValue;
use marque_embedded::Embedded;
use marque_tests::runtime;

use crate::publisher::{Desk, text};

#[test]
fn unbroken_histories_are_told_as_such_and_their_heads_can_be_kept() {
    let desk = Desk::new(None);
    let licence = desk.licence("yearly", &desk.customer());
    let all = desk.ask(&["audit", "verify"]);
    assert!(all["histories"].as_u64() > Some(1), "the demo's too: {all}");
    assert_eq!(all["broken"], serde_json::json!([]));
    assert_eq!(desk.run(&["audit", "head", "--out", "heads.json"]).code(), 0);
    let kept = desk.read("heads.json");
    assert!(kept.contains(&licence));
    desk.ask(&["licence", "renew", &licence]);
    let verified = desk.run(&["audit", "verify", "--heads", "heads.json"]);
    assert_eq!(verified.code(), 0, "a history grows beyond a kept head: {}", verified.said());
}

#[test]
fn a_kept_head_tells_a_rewritten_a_shortened_and_a_vanished_history() {
    let desk = Desk::new(None);
    let licence = desk.licence("yearly", &desk.customer());
    desk.ask(&["licence", "renew", &licence]);
    desk.run(&["audit", "head", &licence, "--out", "heads.json"]);
    let kept = desk.read("heads.json");
    let hash = text(&desk.ask(&["audit", "head", &licence])["heads"][0], "hash");
    let other: String = hash.chars().rev().collect();
    for (name, heads, reason) in [
        ("rewritten", kept.replace(&hash, &other), "another than was kept"),
        ("shortened", kept.replace("\"seq\": 2", "\"seq\": 9"), "entries were removed"),
        ("vanished", kept.replace(&licence, "lic_01M87R9YRRM4WXK2FFTFFDCPR8"), "not there any more"),
    ] {
        desk.write("other.json", &heads);
        let verified = desk.run(&["audit", "verify", "--heads", "other.json"]);
        assert_eq!(verified.code(), 1, "{name}: {}", verified.said());
        assert!(verified.said().contains(reason), "{name}: {}", verified.said());
    }
}

#[test]
fn whoever_changes_an_entry_in_the_table_breaks_the_history_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut desk = Desk::new(Some(folder.path()));
    let licence = desk.licence("yearly", &desk.customer());
    for reason in ["one", "two"] {
        desk.ask(&["licence", "suspend", &licence, "--reason", reason]);
        desk.ask(&["licence", "reinstate", &licence, "--reason", reason]);
    }
    desk.served.kill();
    edit(folder.path(), &licence, 3);
    let desk = Desk::new(Some(folder.path()));
    let verified = desk.run(&["audit", "verify"]);
    assert_eq!(verified.code(), 1, "{}", verified.said());
    assert!(verified.said().contains(&format!("{licence} breaks at entry 3")), "{}", verified.said());
    let log = desk.run(&["licence", "log", &licence]);
    assert_eq!(log.code(), 1);
    assert_eq!(
        desk.run(&["audit", "head", "--out", "heads.json"]).code(),
        1,
        "a broken history has no head worth keeping"
    );
}

/// Lets an entry say that it was made in another year.
fn edit(folder: &std::path::Path, licence: &str, seq: u64) {
    let database = Embedded::open(&folder.join("table.sqlite")).expect("the table");
    let request = database
        .client()
        .update_item()
        .table_name("marque-local")
        .key("pk", AttributeValue::S(format!("LICENSE#{licence}")))
        .key("sk", AttributeValue::S(format!("EVENT#{seq:010}")))
        .condition_expression("attribute_exists(pk)")
        .update_expression("SET #at = :at")
        .expression_attribute_names("#at", "at")
        .expression_attribute_values(":at", AttributeValue::S("2020-01-01T00:00:00Z".to_owned()));
    runtime().block_on(request.send()).expect("the entry is there");
}
