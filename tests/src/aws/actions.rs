//! Requests as policies see them: the action, and on which items.

use std::fmt;

use serde_json::Value;

/// What stands before an operation of DynamoDB in `x-amz-target`.
pub(crate) const DYNAMODB: &str = "DynamoDB_20120810";

/// A service that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// DynamoDB.
    DynamoDb,
    /// KMS.
    Kms,
    /// Secrets Manager.
    SecretsManager,
    /// SES.
    Ses,
    /// Systems Manager's parameters.
    Ssm,
    /// STS.
    Sts,
    /// SQS.
    Sqs,
    /// The three services of AWS Marketplace, which have one name.
    Marketplace,
}

impl Service {
    /// The name in policies and in the scope of signatures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Kms => "kms",
            Self::SecretsManager => "secretsmanager",
            Self::Ses => "ses",
            Self::Ssm => "ssm",
            Self::Sts => "sts",
            Self::Sqs => "sqs",
            Self::Marketplace => "aws-marketplace",
        }
    }

    /// The service and the operation that an `x-amz-target` names.
    pub(crate) fn of_target(target: &str) -> Option<(Self, &str)> {
        let (service, operation) = target.split_once('.')?;
        let service = match service {
            DYNAMODB => Self::DynamoDb,
            "TrentService" => Self::Kms,
            "secretsmanager" => Self::SecretsManager,
            "AmazonSSM" => Self::Ssm,
            "AmazonSQS" => Self::Sqs,
            _ => return None,
        };
        Some((service, operation))
    }
}

/// One thing that a policy must grant. A transaction is as many as it has items.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The service.
    pub service: Service,
    /// The action, without the service.
    pub action: String,
    /// The partition key of the item, for `dynamodb:LeadingKeys`.
    pub key: Option<String>,
    /// The index that is read instead of the table: a resource of its own.
    pub index: Option<String>,
    /// The operation around it, for `dynamodb:EnclosingOperation`.
    pub within: Option<&'static str>,
}

impl Call {
    /// A call that is about no item.
    pub(crate) fn of_service(service: Service, action: &str) -> Self {
        Self { service, action: action.to_owned(), key: None, index: None, within: None }
    }

    pub(crate) fn of(service: Service, operation: &str, body: &Value) -> Vec<Self> {
        match (service, operation) {
            (Service::DynamoDb, "TransactWriteItems") => Self::of_items(body, "TransactWriteItems"),
            (Service::DynamoDb, "TransactGetItems") => Self::of_items(body, "TransactGetItems"),
            (Service::DynamoDb, "BatchGetItem") => Self::of_keys(body),
            _ => {
                let index = body["IndexName"].as_str().map(str::to_owned);
                vec![Self { service, action: operation.to_owned(), key: key(body), index, within: None }]
            }
        }
    }

    /// A batch is one action on all of its items.
    fn of_keys(body: &Value) -> Vec<Self> {
        let tables = body["RequestItems"].as_object().into_iter().flatten();
        let keys = tables.flat_map(|(_, asked)| asked["Keys"].as_array().into_iter().flatten());
        let call = |item: &Value| {
            let key = item["pk"]["S"].as_str().map(str::to_owned);
            Self { service: Service::DynamoDb, action: "BatchGetItem".to_owned(), key, index: None, within: None }
        };
        keys.map(call).collect()
    }

    /// A policy grants what a transaction does to its items; the transaction itself is no action.
    fn of_items(body: &Value, within: &'static str) -> Vec<Self> {
        let items = body["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
        let call = |(kind, item): (&String, &Value)| {
            let action = if kind == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{kind}Item") };
            Self { service: Service::DynamoDb, action, key: key(item), index: None, within: Some(within) }
        };
        items.map(call).collect()
    }
}

fn key(request: &Value) -> Option<String> {
    let of = |part: &str| request[part]["pk"]["S"].as_str();
    // A query names its partition by a value of its condition.
    let queried = || request["ExpressionAttributeValues"][":pk"]["S"].as_str();
    of("Key").or_else(|| of("Item")).or_else(queried).map(str::to_owned)
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service.name(), self.action)
    }
}
