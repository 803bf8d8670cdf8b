//! A request, read no further than needed.

use std::cell::OnceCell;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;

use crate::operation::Operation;

/// A request as it reached the connector.
pub(crate) struct Request<'a> {
    /// `None` if it is not one that is served.
    pub(crate) operation: Option<Operation>,
    pub(crate) body: &'a [u8],
    document: OnceCell<Value>,
}

impl<'a> Request<'a> {
    pub(crate) fn read(request: &'a HttpRequest) -> Self {
        Self {
            operation: request.headers().get("x-amz-target").and_then(Operation::of_target),
            body: request.body().bytes().unwrap_or_default(),
            document: OnceCell::new(),
        }
    }

    /// Whether a replica that lags behind may answer. A batch asks for consistency if it does so for any of its tables.
    pub(crate) fn may_be_stale(&self) -> bool {
        let consistent = |part: &Value| part["ConsistentRead"] == true;
        match self.operation {
            Some(Operation::GetItem | Operation::Query | Operation::Scan) => !consistent(self.document()),
            Some(Operation::BatchGetItem) => !parts(&self.document()["RequestItems"]).any(|(_, part)| consistent(part)),
            _ => false,
        }
    }

    /// The table it names, the first one if there are several.
    pub(crate) fn table(&self) -> Option<&str> {
        let document = self.document();
        if let Some(table) = document["TableName"].as_str() {
            return Some(table);
        }
        if let Some((table, _)) = parts(&document["RequestItems"]).next() {
            return Some(table);
        }
        parts(&document["TransactItems"][0]).find_map(|(_, action)| action["TableName"].as_str())
    }

    /// How many items its transaction has.
    pub(crate) fn transaction_len(&self) -> usize {
        self.document()["TransactItems"].as_array().map_or(0, Vec::len)
    }

    fn document(&self) -> &Value {
        // A body that is not JSON is the emulator's to refuse; here it has no table and asks for nothing.
        self.document.get_or_init(|| serde_json::from_slice(self.body).unwrap_or_default())
    }
}

fn parts(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, part)| (name.as_str(), part))
}
