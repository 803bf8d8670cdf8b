//! From a request to the emulator and back.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::operation::Operation;
use crate::request::Request;

/// Lets `request` take effect on `database`.
pub(crate) fn dispatch(database: &Database, request: &Request<'_>) -> Answer {
    match request.operation {
        Some(operation) => Answer::of(operation, run(database, operation, request.body)),
        None => Answer::unknown_operation(),
    }
}

fn run(database: &Database, operation: Operation, body: &[u8]) -> Result<String, DynoxideError> {
    match operation {
        Operation::BatchGetItem => call(body, |input| database.batch_get_item(input)),
        Operation::BatchWriteItem => call(body, |input| database.batch_write_item(input)),
        Operation::CreateTable => call(body, |input| database.create_table(input)),
        Operation::DeleteItem => call(body, |input| database.delete_item(input)),
        Operation::DescribeTable => call(body, |input| database.describe_table(input)),
        Operation::DescribeTimeToLive => call(body, |input| database.describe_time_to_live(input)),
        Operation::GetItem => call(body, |input| database.get_item(input)),
        Operation::PutItem => call(body, |input| database.put_item(input)),
        Operation::Query => call(body, |input| database.query(input)),
        Operation::Scan => call(body, |input| database.scan(input)),
        Operation::TransactGetItems => call(body, |input| database.transact_get_items(input)),
        Operation::TransactWriteItems => call(body, |input| database.transact_write_items(input)),
        Operation::UpdateItem => call(body, |input| database.update_item(input)),
        Operation::UpdateTimeToLive => call(body, |input| database.update_time_to_live(input)),
    }
}

fn call<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    operation: impl FnOnce(I) -> Result<O, DynoxideError>,
) -> Result<String, DynoxideError> {
    let input = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let output = operation(input)?;
    serde_json::to_string(&output).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The refusal of a body that does not decode. The emulator's decoders name DynamoDB's class of error in a prefix;
/// its own server reads them the same way, but keeps that to itself.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    type Class = fn(String) -> DynoxideError;
    const CLASSES: [(&str, Class); 5] = [
        ("VALIDATION_REQUEST:", DynoxideError::EnvelopedValidation),
        ("VALIDATION_AS_READ:", DynoxideError::ValidationException),
        ("VALIDATION:", DynoxideError::ValidationException),
        ("SERIALIZATION_AS_READ:", DynoxideError::SerializationException),
        ("SERIALIZATION:", DynoxideError::SerializationException),
    ];
    // What DynamoDB finds while validating rather than while parsing.
    const VALIDATION: [&str; 4] = ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];

    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    for (prefix, class) in CLASSES {
        if let Some(message) = message.strip_prefix(prefix) {
            return class(message.to_owned());
        }
    }
    if VALIDATION.iter().any(|part| message.contains(part)) {
        DynoxideError::ValidationException(message.to_owned())
    } else {
        DynoxideError::SerializationException(message.to_owned())
    }
}
