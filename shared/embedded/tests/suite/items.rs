//! Single items: conditions and update expressions.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use crate::support::{TABLE, database, get, item, key, n, put, s, value};

#[tokio::test]
async fn a_conditional_put_happens_once() {
    let (_, client) = database().await;
    let put_new = |v| put(&client, "a", "1", v).condition_expression("attribute_not_exists(pk)").send();

    put_new(1).await.unwrap();
    let refused = put_new(2).await.unwrap_err().into_service_error();

    assert!(refused.is_conditional_check_failed_exception());
    assert_eq!(refused.meta().message(), Some("The conditional request failed"));
    assert!(refused.meta().extra("aws_request_id").is_some_and(|id| id.len() == 52));
    assert_eq!(value(&client, "a", "1").await, Some(n(1)));
}

#[tokio::test]
async fn a_refused_update_shows_the_item_in_its_way() {
    let (_, client) = database().await;
    put(&client, "a", "1", 7).send().await.unwrap();

    let refused = client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key("a", "1")))
        .update_expression("SET #v = :new")
        .condition_expression("#v = :old")
        .expression_attribute_names("#v", "v")
        .expression_attribute_values(":new", n(8))
        .expression_attribute_values(":old", n(6))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
        .unwrap_err()
        .into_service_error();

    let aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(refused) = refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.item, Some(item([("pk", s("a")), ("sk", s("1")), ("v", n(7))])));
}

#[tokio::test]
async fn the_right_hand_side_of_set_is_the_item_before() {
    let (_, client) = database().await;
    let map = |entries| AttributeValue::M(entries);
    let seen = map(item([("fp", map(item([("j1", s("old")), ("j2", s("older"))])))]));
    client.put_item().table_name(TABLE).set_item(Some(key("a", "1"))).item("seen", seen).send().await.unwrap();

    let updated = client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key("a", "1")))
        .update_expression("SET #a.#fp.#j2 = #a.#fp.#j1, #a.#fp.#j1 = :new")
        .expression_attribute_names("#a", "seen")
        .expression_attribute_names("#fp", "fp")
        .expression_attribute_names("#j1", "j1")
        .expression_attribute_names("#j2", "j2")
        .expression_attribute_values(":new", s("new"))
        .return_values(ReturnValue::UpdatedNew)
        .send()
        .await
        .unwrap();

    let expected = item([("seen", map(item([("fp", map(item([("j1", s("new")), ("j2", s("old"))])))])))]);
    assert_eq!(updated.attributes, Some(expected.clone()));
    assert_eq!(get(&client, "a", "1").await.unwrap()["seen"], expected["seen"]);
}

#[tokio::test]
async fn a_path_into_a_missing_map_is_refused() {
    let (_, client) = database().await;
    put(&client, "a", "1", 1).send().await.unwrap();
    let refused = client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key("a", "1")))
        .update_expression("SET seen.fp = :new")
        .expression_attribute_values(":new", s("new"))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
    assert_eq!(
        refused.meta().message(),
        Some("The document path provided in the update expression is invalid for update")
    );
}

#[tokio::test]
async fn malformed_values_are_refused_in_dynamodb_s_words() {
    let (_, client) = database().await;
    let message = async |value: AttributeValue| {
        let put = client.put_item().table_name(TABLE).set_item(Some(key("a", "1"))).item("x", value);
        let refused = put.send().await.unwrap_err().into_service_error();
        assert_eq!(refused.meta().code(), Some("ValidationException"));
        refused.meta().message().unwrap().to_owned()
    };
    let nines = AttributeValue::N("9".repeat(39));
    assert!(message(nines).await.contains("significant digits"));
    let empty = message(AttributeValue::Ss(vec![])).await;
    assert!(empty.contains("set  may not be empty"), "{empty}");
    let word = message(AttributeValue::N("one".to_owned())).await;
    assert!(word.contains("cannot be converted to a numeric value"), "{word}");
}

#[tokio::test]
async fn two_tasks_interleave_at_each_request() {
    let (_, client) = database().await;
    put(&client, "a", "1", 0).send().await.unwrap();
    // Each reads, then writes what it read plus one: on a network, one of two is lost.
    let add = async || {
        let Some(AttributeValue::N(v)) = value(&client, "a", "1").await else { panic!("no value") };
        put(&client, "a", "1", v.parse::<i64>().unwrap() + 1).send().await.unwrap();
    };
    tokio::join!(add(), add());
    assert_eq!(value(&client, "a", "1").await, Some(n(1)));
}
