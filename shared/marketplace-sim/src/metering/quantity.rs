//! Quantities: exact decimals with at most six places, as the metering service takes them.

use std::fmt;

const MILLION: u64 = 1_000_000;

/// A quantity in millionths, so that 17 and 17.00 are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity(u64);

impl Quantity {
    pub(crate) const ZERO: Self = Self(0);

    pub(crate) fn whole(units: i64) -> Option<Self> {
        u64::try_from(units)
            .ok()
            .filter(|units| *units <= i32::MAX.unsigned_abs().into())
            .map(|units| Self(units * MILLION))
    }

    /// 1 to 10 integer digits without leading zeros, up to 6 decimals, 17 characters at most.
    pub(crate) fn decimal(text: &str) -> Option<Self> {
        let (whole, places) = text.split_once('.').map_or((text, None), |(whole, places)| (whole, Some(places)));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let shaped = text.len() <= 17
            && digits(whole)
            && whole.len() <= 10
            && (whole == "0" || !whole.starts_with('0'))
            && places.is_none_or(|places| digits(places) && places.len() <= 6);
        if !shaped {
            return None;
        }
        let millionths = format!("{:0<6}", places.unwrap_or_default());
        Some(Self(whole.parse::<u64>().ok()? * MILLION + millionths.parse::<u64>().ok()?))
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, places) = (self.0 / MILLION, self.0 % MILLION);
        if places == 0 {
            return write!(f, "{whole}");
        }
        f.write_str(format!("{whole}.{places:06}").trim_end_matches('0'))
    }
}
