//! The rules of `BatchMeterUsage` for which AWS refuses a call whole, as one table.

use std::collections::BTreeSet;

use marque_core::{Duration, Timestamp};

use super::batch::{Batch, Record};
use super::quantity::Quantity;
use crate::listing::DimensionKind;
use crate::marketplace::Shared;
use crate::purchase::Purchase;
use crate::reply::Exception;
use crate::world::World;

/// A call to be judged.
pub(crate) struct Case<'a> {
    pub(crate) batch: &'a Batch,
    pub(crate) marketplace: &'a Shared,
    pub(crate) world: &'a World,
    pub(crate) now: Timestamp,
}

/// A rule, and the exception for a call that breaks it.
pub struct Rule {
    /// What holds for every call that is not refused.
    pub holds: &'static str,
    /// The exception's class.
    pub exception: &'static str,
    /// Who says so: the service's model, its documentation, or, where AWS says nothing, the harder case.
    pub source: Source,
    broken: Broken,
}

/// Who says that a rule is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The service's model.
    Model,
    /// AWS's documentation.
    Documentation,
    /// Nobody: it is assumed, being the harder case for a caller.
    Assumed,
}

/// By the call as a whole, or by one of its records.
enum Broken {
    Call(fn(&Case<'_>) -> bool),
    Record(fn(&Case<'_>, &Record) -> bool),
}

/// How old usage may be, and may not: exactly so old is too old.
const OLDEST: Duration = Duration::hours(24);
/// The month before is closed from this hour of a month's first day.
const MONTH_CLOSES: Duration = Duration::hours(6);
/// How far ahead of AWS's clock a caller's may be.
const AHEAD: Duration = Duration::from_seconds(300);

/// All rules, in the order in which a call is judged.
pub static RULES: [Rule; 14] = [
    Rule {
        holds: "ProductCode is not given together with LicenseArn",
        exception: "InvalidProductCodeException",
        source: Source::Model,
        broken: Broken::Record(|case, record| case.batch.product_code.is_some() && !record.license_arn.is_empty()),
    },
    Rule {
        holds: "CustomerIdentifier, even an empty one, is not given beside another identity",
        exception: "InvalidCustomerIdentifierException",
        source: Source::Assumed,
        broken: Broken::Record(|_, record| record.customer_identifier.is_some()),
    },
    Rule {
        holds: "a listing with concurrent agreements is metered by LicenseArn and CustomerAWSAccountId",
        exception: "InvalidCustomerIdentifierException",
        source: Source::Documentation,
        broken: Broken::Record(|_, record| record.license_arn.is_empty() || record.account.is_none()),
    },
    Rule {
        holds: "LicenseArn is one of the seller's, as ResolveCustomer gave it",
        exception: "InvalidLicenseException",
        source: Source::Model,
        broken: Broken::Record(|case, record| case.purchase(record).is_none()),
    },
    Rule {
        holds: "the licence is this customer's",
        exception: "InvalidLicenseException",
        source: Source::Model,
        broken: Broken::Record(|case, record| {
            case.purchase(record).is_some_and(|purchase| Some(&purchase.account) != record.account.as_ref())
        }),
    },
    Rule {
        holds: "all licences of a call are of one product",
        exception: "InvalidLicenseException",
        source: Source::Documentation,
        broken: Broken::Call(|case| {
            let product = |record: &Record| case.purchase(record).map(|purchase| purchase.product_code.clone());
            case.batch.records.iter().map(product).collect::<BTreeSet<_>>().len() > 1
        }),
    },
    Rule {
        holds: "the dimension is a metered one of the product, in its own spelling",
        exception: "InvalidUsageDimensionException",
        source: Source::Model,
        broken: Broken::Record(|case, record| {
            let listing = case.purchase(record).and_then(|purchase| case.marketplace.listing(&purchase.product_code));
            !listing.is_some_and(|listing| listing.has(&record.dimension, DimensionKind::Metered))
        }),
    },
    Rule {
        holds: "usage is less than 24 hours old",
        exception: "TimestampOutOfBoundsException",
        source: Source::Model,
        broken: Broken::Record(|case, record| record.timestamp.after(OLDEST) <= case.now),
    },
    Rule {
        holds: "usage of the month before is reported until 06:00 UTC on the 1st",
        exception: "TimestampOutOfBoundsException",
        source: Source::Model,
        broken: Broken::Record(|case, record| {
            // Six hours ago it was that month: then it is still open.
            record.timestamp.day().month() < case.now.before(MONTH_CLOSES).day().month()
        }),
    },
    Rule {
        holds: "usage is not in the future",
        exception: "TimestampOutOfBoundsException",
        source: Source::Assumed,
        broken: Broken::Record(|case, record| record.timestamp > case.now.after(AHEAD)),
    },
    Rule {
        holds: "usage lies within the licence's time: not before its activation, not after its end",
        exception: "InvalidLicenseException",
        source: Source::Model,
        broken: Broken::Record(|case, record| {
            case.purchase(record).is_some_and(|purchase| {
                purchase.since().is_some_and(|since| record.timestamp < since)
                    || purchase.ended_at().is_some_and(|end| record.timestamp > end)
            })
        }),
    },
    Rule {
        holds: "allocations add up to the quantity, and no two have the same tags",
        exception: "InvalidUsageAllocationsException",
        source: Source::Model,
        broken: Broken::Record(|_, record| {
            record.allocations.as_ref().is_some_and(|parts| {
                let sum = parts.iter().fold(Quantity::ZERO, |sum, part| sum.plus(part.quantity));
                let tags: BTreeSet<_> = parts.iter().map(|part| part.tags.iter().collect::<BTreeSet<_>>()).collect();
                sum != record.quantity || tags.len() != parts.len()
            })
        }),
    },
    Rule {
        holds: "a record has at most 5 keys of tags",
        exception: "InvalidTagException",
        source: Source::Model,
        broken: Broken::Record(|_, record| {
            let parts = record.allocations.iter().flatten();
            parts.flat_map(|part| &part.tags).map(|(key, _)| key).collect::<BTreeSet<_>>().len() > 5
        }),
    },
    Rule {
        holds: "tags are 1 to 100 and 1 to 256 letters, digits, spaces and + - = . _ : \\ / @",
        exception: "InvalidTagException",
        source: Source::Model,
        broken: Broken::Record(|_, record| {
            let fits = |text: &str, longest: usize| {
                (1..=longest).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+ -=._:\\/@".contains(&byte))
            };
            let mut tags = record.allocations.iter().flatten().flat_map(|part| &part.tags);
            tags.any(|(key, value)| !fits(key, 100) || !fits(value, 256))
        }),
    },
];

impl Case<'_> {
    fn purchase(&self, record: &Record) -> Option<&Purchase> {
        self.world.by_license_arn(&record.license_arn)
    }
}

/// The first rule that the call breaks.
pub(crate) fn check(case: &Case<'_>) -> Result<(), Exception> {
    let broken = RULES.iter().find(|rule| match rule.broken {
        Broken::Call(is_broken) => is_broken(case),
        Broken::Record(is_broken) => case.batch.records.iter().any(|record| is_broken(case, record)),
    });
    broken.map_or(Ok(()), |rule| Err(Exception::new(rule.exception, rule.holds)))
}
