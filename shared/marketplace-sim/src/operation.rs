//! The calls that are served, and how each is named on the wire.

use std::fmt;
use std::str::FromStr;

/// A call of one of the three services of AWS Marketplace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Turns a registration token into the buyer's account, product and licence.
    ResolveCustomer,
    /// Takes usage, at most 25 records a call.
    BatchMeterUsage,
    /// Tells what was bought of contract-priced products.
    GetEntitlements,
    /// Tells of one agreement.
    DescribeAgreement,
    /// Tells the terms of one agreement: its pricing above all.
    GetAgreementTerms,
    /// Tells whether the licences of one agreement are provisioned.
    GetAgreementEntitlements,
    /// Finds agreements.
    SearchAgreements,
}

/// Which service a call belongs to: each speaks a protocol of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// AWS JSON 1.1.
    Metering,
    /// Smithy RPC v2 CBOR.
    Entitlement,
    /// Smithy RPC v2 CBOR.
    Agreement,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ResolveCustomer,
        Self::BatchMeterUsage,
        Self::GetEntitlements,
        Self::DescribeAgreement,
        Self::GetAgreementTerms,
        Self::GetAgreementEntitlements,
        Self::SearchAgreements,
    ];

    /// As AWS names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResolveCustomer => "ResolveCustomer",
            Self::BatchMeterUsage => "BatchMeterUsage",
            Self::GetEntitlements => "GetEntitlements",
            Self::DescribeAgreement => "DescribeAgreement",
            Self::GetAgreementTerms => "GetAgreementTerms",
            Self::GetAgreementEntitlements => "GetAgreementEntitlements",
            Self::SearchAgreements => "SearchAgreements",
        }
    }

    pub(crate) const fn service(self) -> Service {
        match self {
            Self::ResolveCustomer | Self::BatchMeterUsage => Service::Metering,
            Self::GetEntitlements => Service::Entitlement,
            _ => Service::Agreement,
        }
    }

    /// Calls a second and account; what is not published is taken from its neighbours.
    pub(crate) const fn rate(self) -> u32 {
        match self.service() {
            Service::Metering => 10,
            Service::Entitlement | Service::Agreement => 20,
        }
    }

    /// From the `x-amz-target` of AWS JSON, else from the path of RPC v2.
    pub(crate) fn of_wire(target: Option<&str>, path: &str) -> Option<Self> {
        let (service, name) = match target {
            Some(target) => target.split_once('.')?,
            None => path.strip_prefix("/service/")?.split_once("/operation/")?,
        };
        let operation: Self = name.parse().ok()?;
        (operation.service().name() == service && target.is_some() == operation.service().is_json())
            .then_some(operation)
    }
}

impl Service {
    /// The service's name on the wire.
    const fn name(self) -> &'static str {
        match self {
            Self::Metering => "AWSMPMeteringService",
            Self::Entitlement => "AWSMPEntitlementService",
            Self::Agreement => "AWSMPCommerceService_v20200301",
        }
    }

    pub(crate) const fn is_json(self) -> bool {
        matches!(self, Self::Metering)
    }
}

/// No call of this name is served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of ResolveCustomer, BatchMeterUsage, GetEntitlements, DescribeAgreement, GetAgreementTerms, GetAgreementEntitlements and SearchAgreements"
)]
pub struct OperationError;

impl FromStr for Operation {
    type Err = OperationError;

    fn from_str(text: &str) -> Result<Self, OperationError> {
        Self::ALL.into_iter().find(|operation| operation.name() == text).ok_or(OperationError)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
