//! The size of an item, by the rules of the developer guide ("DynamoDB item sizes and formats").

use aws_sdk_dynamodb::types::AttributeValue;

use crate::support::Item;

/// Names and values, in bytes.
pub(crate) fn of(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + of_value(value)).sum()
}

/// What writing the item costs in a transaction: two units for each started KB.
pub(crate) fn transaction_units(item: &Item) -> usize {
    2 * of(item).div_ceil(1024)
}

fn of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => {
            // A byte for two significant digits, and one more; another for a sign. Rounded up where digits pair badly.
            let digits = number.trim_start_matches('-').trim_start_matches('0').trim_end_matches('0').len();
            digits.div_ceil(2) + 2 + usize::from(number.starts_with('-'))
        }
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + of_value(value)).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.iter().map(|(name, value)| 1 + name.len() + of_value(value)).sum::<usize>(),
        other => panic!("the store writes no {other:?}"),
    }
}
