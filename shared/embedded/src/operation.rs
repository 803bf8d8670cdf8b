//! The operations that are served.

use std::fmt;

/// An operation of DynamoDB that the embedded database serves.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Operation {
    /// `BatchGetItem`
    BatchGetItem,
    /// `BatchWriteItem`
    BatchWriteItem,
    /// `CreateTable`
    CreateTable,
    /// `DeleteItem`
    DeleteItem,
    /// `DescribeTable`
    DescribeTable,
    /// `DescribeTimeToLive`
    DescribeTimeToLive,
    /// `GetItem`
    GetItem,
    /// `PutItem`
    PutItem,
    /// `Query`
    Query,
    /// `Scan`
    Scan,
    /// `TransactGetItems`
    TransactGetItems,
    /// `TransactWriteItems`
    TransactWriteItems,
    /// `UpdateItem`
    UpdateItem,
    /// `UpdateTimeToLive`
    UpdateTimeToLive,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 14] = [
        Self::BatchGetItem,
        Self::BatchWriteItem,
        Self::CreateTable,
        Self::DeleteItem,
        Self::DescribeTable,
        Self::DescribeTimeToLive,
        Self::GetItem,
        Self::PutItem,
        Self::Query,
        Self::Scan,
        Self::TransactGetItems,
        Self::TransactWriteItems,
        Self::UpdateItem,
        Self::UpdateTimeToLive,
    ];

    /// The name as DynamoDB writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BatchGetItem => "BatchGetItem",
            Self::BatchWriteItem => "BatchWriteItem",
            Self::CreateTable => "CreateTable",
            Self::DeleteItem => "DeleteItem",
            Self::DescribeTable => "DescribeTable",
            Self::DescribeTimeToLive => "DescribeTimeToLive",
            Self::GetItem => "GetItem",
            Self::PutItem => "PutItem",
            Self::Query => "Query",
            Self::Scan => "Scan",
            Self::TransactGetItems => "TransactGetItems",
            Self::TransactWriteItems => "TransactWriteItems",
            Self::UpdateItem => "UpdateItem",
            Self::UpdateTimeToLive => "UpdateTimeToLive",
        }
    }

    /// Whether its capacity is counted in read units.
    pub(crate) fn reads(self) -> bool {
        matches!(self, Self::BatchGetItem | Self::GetItem | Self::Query | Self::Scan | Self::TransactGetItems)
    }

    /// Whether it writes one item and nothing else.
    pub(crate) fn writes_one_item(self) -> bool {
        matches!(self, Self::DeleteItem | Self::PutItem | Self::UpdateItem)
    }

    /// Whether it is a transaction.
    pub(crate) fn transacts(self) -> bool {
        matches!(self, Self::TransactGetItems | Self::TransactWriteItems)
    }

    /// The operation that an `x-amz-target` header names.
    pub(crate) fn of_target(target: &str) -> Option<Self> {
        let name = target.strip_prefix("DynamoDB_20120810.")?;
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
