//! What is written to people: the kinds of letters, each with what it needs. How they are worded is the service's matter.

use serde::{Deserialize, Serialize};

use crate::calendar::Day;
use crate::event::What;
use crate::id::{AskId, CustomerId, LicenseId};
use crate::license::License;
use crate::notice::Notice;
use crate::plan::PlanRef;
use crate::slug::Slug;
use crate::time::Timestamp;

/// A letter. It holds identifiers and dates alone: names and addresses are looked up when it is sent, so that whoever is
/// erased meanwhile is written to no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Letter {
    /// To whoever asked for a trial: the link that makes it, or word that the person has had as many as there are.
    Trial(AskId),
    /// About a licence, to its customer.
    License(LicenseLetter),
}

/// A letter about a licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseLetter {
    /// Which licence.
    pub license: LicenseId,
    /// Whose it is.
    pub customer: CustomerId,
    /// Of which product.
    pub product: Slug,
    /// Under which plan.
    pub plan: Slug,
    /// And which revision of it.
    pub revision: u32,
    /// What it tells.
    pub news: News,
}

/// What a letter about a licence tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "news")]
pub enum News {
    /// It was made: here is its code.
    Issued {
        /// The last paid day; none for ever, and before the term has started.
        through: Option<Day>,
    },
    /// Its paid time ends soon.
    Reminder {
        /// The last paid day.
        through: Day,
    },
    /// Its paid time has ended and the grace is running.
    Grace {
        /// The last day of the grace.
        until: Day,
    },
    /// It has ended.
    Expired,
    /// It is on another plan.
    PlanChanged {
        /// The last paid day; none for ever.
        through: Option<Day>,
    },
    /// Support has stopped it for a while.
    Suspended,
    /// Support has ended it for good.
    Revoked,
    /// It was bound to another domain than before.
    Moved,
}

impl Letter {
    /// The letter that a change of a licence is worth; `after` is the licence as it is then.
    #[must_use]
    pub fn about(what: &What, after: &License) -> Option<Self> {
        // An agreement that has no end is paid for ever.
        let through = || after.last_term().paid.end().filter(|end| *end < Timestamp::MAX).map(Timestamp::day);
        let news = match what {
            What::Issued { .. } => News::Issued { through: through() },
            What::PlanChanged { .. } => News::PlanChanged { through: through() },
            What::Suspended { .. } => News::Suspended,
            What::Revoked { .. } => News::Revoked,
            What::Activated { rebind: true, .. } => News::Moved,
            _ => return None,
        };
        Some(Self::of(after, news))
    }

    /// The letter that a notice is.
    #[must_use]
    pub fn notice(notice: Notice, license: &License, grace_until: Option<Timestamp>) -> Option<Self> {
        let through = license.last_term().paid.end()?.day();
        let news = match notice {
            Notice::Reminder { .. } => News::Reminder { through },
            Notice::Grace => News::Grace { until: grace_until?.day() },
            Notice::Expired => News::Expired,
        };
        Some(Self::of(license, news))
    }

    fn of(license: &License, news: News) -> Self {
        let PlanRef { plan, revision } = license.last_term().plan.clone();
        Self::License(LicenseLetter {
            license: license.id,
            customer: license.customer,
            product: license.product.clone(),
            plan,
            revision,
            news,
        })
    }
}
