//! Discounts for non-profits and education: approved by support, for a year.

use crate::calendar::Period;
use crate::id::DiscountId;
use crate::plan::{Percent, Plan, Terms};
use crate::time::{Duration, Timestamp};
use crate::transition::Refusal;
use crate::words::words;

words! {
    /// Who gets a discount.
    DiscountKind, "must be `education` or `non-profit`" {
        /// Schools and universities.
        Education = "education",
        /// Non-profit organisations.
        NonProfit = "non-profit",
    }
}

/// An approved discount of one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discount {
    /// Never reused.
    pub id: DiscountId,
    /// Who gets it.
    pub kind: DiscountKind,
    /// How much.
    pub percent: Percent,
    /// When support approved it.
    pub approved_at: Timestamp,
    /// From when on the proof has to be checked again.
    pub valid_until: Timestamp,
}

impl Discount {
    /// Approves a discount for a year, to the second.
    #[must_use]
    pub fn approve(id: DiscountId, kind: DiscountKind, percent: Percent, now: Timestamp) -> Self {
        let days = now.day().plus_periods(Period::Years(1), 1).days_since(now.day());
        let valid_until = now.after(Duration::days(u32::try_from(days).unwrap_or(365)));
        Self { id, kind, percent, approved_at: now, valid_until }
    }

    /// The percentage that a sale of `plan` gets at `now`.
    ///
    /// # Errors
    /// [`Refusal::Rule`] when the approval has ended, or the plan allows no such discount.
    pub fn on(&self, plan: &Plan, now: Timestamp) -> Result<Percent, Refusal> {
        if now >= self.valid_until {
            return Err(Refusal::Rule("the approval of the discount has ended: check the proof and approve a new one"));
        }
        if !plan.is_discountable() {
            return Err(Refusal::Rule("only yearly and perpetual plans are discounted"));
        }
        if self.percent > plan.discount_max {
            return Err(Refusal::Rule("the discount is higher than the plan allows: approve a lower one"));
        }
        Ok(self.percent)
    }
}

impl Plan {
    /// Only plans of a year and more, and perpetual ones, are discounted.
    #[must_use]
    pub fn is_discountable(&self) -> bool {
        match self.terms {
            Terms::Perpetual => true,
            Terms::Subscription { period: Some(period), .. } => period.about_days() >= Period::Years(1).about_days(),
            Terms::Subscription { period: None, .. } | Terms::Trial { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_ends_after_a_year() {
        let now: Timestamp = "2028-02-29T10:00:00Z".parse().unwrap();
        let percent = Percent::new(50).unwrap();
        let discount = Discount::approve(DiscountId::new(now, [0; 10]), DiscountKind::Education, percent, now);
        assert_eq!(discount.valid_until.to_string(), "2029-02-28T10:00:00Z");
    }
}
