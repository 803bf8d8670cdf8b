//! Calendar days and the anchored arithmetic of paid terms.
//!
//! A term is counted from its *anchor*: n periods later is always reckoned from the anchor, never from the last result,
//! so 31 January → 28 February → 31 March.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::{DAY, Timestamp};

/// A day of UTC, from 1970-01-01 to 9999-12-31.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

const FIRST: Date = Date::constant(1970, 1, 1);
const LAST: Date = Date::constant(9999, 12, 31);

impl Day {
    pub(crate) fn from_unix_days(days: i64) -> Self {
        Self(FIRST.saturating_add(jiff::SignedDuration::from_hours(days * 24)).clamp(FIRST, LAST))
    }

    /// The day's first second, 00:00:00Z.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp::from_unix(self.days_since(Self(FIRST)) * DAY).unwrap_or(Timestamp::MAX)
    }

    /// The day's last second, 23:59:59Z: a last paid day is paid to its end.
    #[must_use]
    pub fn end(self) -> Timestamp {
        let days = self.days_since(Self(FIRST));
        Timestamp::from_unix(days * DAY + DAY - 1).unwrap_or(Timestamp::MAX)
    }

    /// Year, month from 1, and day of the month from 1: for whoever writes it out in words.
    #[must_use]
    pub fn parts(self) -> (i16, u8, u8) {
        (self.0.year(), self.0.month().unsigned_abs(), self.0.day().unsigned_abs())
    }

    /// The day so many days later, at most 9999-12-31.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(
            self.0
                .saturating_add(jiff::SignedDuration::from_hours(days.clamp(-4_000_000, 4_000_000) * 24))
                .clamp(FIRST, LAST),
        )
    }

    /// Whole days from `earlier` to here; negative when `earlier` is later.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        self.0.duration_since(earlier.0).as_hours() / 24
    }

    /// `count` periods after this anchor. A month that lacks the anchor's day ends on its last day.
    #[must_use]
    pub fn plus_periods(self, period: Period, count: u32) -> Self {
        let count = i64::from(count);
        match period {
            Period::Days(days) => self.plus_days(i64::from(days) * count),
            Period::Months(months) => self.plus_months(i64::from(months) * count),
            Period::Years(years) => self.plus_months(i64::from(years) * 12 * count),
        }
    }

    fn plus_months(self, months: i64) -> Self {
        // Clamping counts from the anchor here, which is what keeps the anchor's day for the months that have it.
        let span = jiff::Span::new().try_months(months.clamp(0, 100_000));
        Self(span.map_or(LAST, |span| self.0.saturating_add(span)).clamp(FIRST, LAST))
    }

    /// Months from the month of `anchor` to the month of this day.
    pub(crate) fn months_since(self, anchor: Self) -> i64 {
        i64::from(self.0.year() - anchor.0.year()) * 12 + i64::from(self.0.month() - anchor.0.month())
    }

    pub(crate) fn plus_months_from_anchor(anchor: Self, months: i64) -> Self {
        anchor.plus_months(months)
    }

    /// The first day of the month after this day's.
    #[must_use]
    pub fn next_month(self) -> Self {
        self.plus_days(1 - i64::from(self.0.day())).plus_months(1)
    }

    /// The month as `yyyy-mm`.
    #[must_use]
    pub fn month(self) -> String {
        format!("{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a day such as 2027-03-10")]
pub struct DayError;

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let digits =
            text.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
        let date: Date =
            if digits && text.len() == 10 { text.parse().map_err(|_| DayError)? } else { return Err(DayError) };
        if (FIRST..=LAST).contains(&date) { Ok(Self(date)) } else { Err(DayError) }
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The length of a paid period: so many days, months or years, never zero. Written `P30D`, `P1M`, `P1Y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// So many days.
    Days(u16),
    /// So many calendar months.
    Months(u16),
    /// So many calendar years.
    Years(u16),
}

impl Period {
    pub(crate) const fn is_days(self) -> bool {
        matches!(self, Self::Days(_))
    }

    /// About how many days it lasts: to tell the longer of two periods, never to reckon a date.
    #[must_use]
    pub fn about_days(self) -> u32 {
        match self {
            Self::Days(n) => u32::from(n),
            Self::Months(n) => u32::from(n) * 30,
            Self::Years(n) => u32::from(n) * 365,
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(n) => write!(f, "P{n}D"),
            Self::Months(n) => write!(f, "P{n}M"),
            Self::Years(n) => write!(f, "P{n}Y"),
        }
    }
}

/// The text is no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a period of 1 to 3660 days, 1 to 120 months or 1 to 10 years, such as P30D, P1M or P1Y")]
pub struct PeriodError;

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let inner = text.strip_prefix('P').ok_or(PeriodError)?;
        let (digits, unit) = inner.split_at_checked(inner.len().saturating_sub(1)).ok_or(PeriodError)?;
        if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PeriodError);
        }
        let count: u16 = digits.parse().map_err(|_| PeriodError)?;
        match (unit, count) {
            ("D", 1..=3660) => Ok(Self::Days(count)),
            ("M", 1..=120) => Ok(Self::Months(count)),
            ("Y", 1..=10) => Ok(Self::Years(count)),
            _ => Err(PeriodError),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn rule_11_the_anchor_day_is_kept() {
        let anchor = day("2027-01-31");
        let ends: Vec<_> = (1..=5).map(|n| anchor.plus_periods(Period::Months(1), n).to_string()).collect();
        assert_eq!(ends, ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30"]);
        assert_eq!(day("2028-02-29").plus_periods(Period::Years(1), 1), day("2029-02-28"));
        assert_eq!(day("2028-02-29").plus_periods(Period::Years(1), 4), day("2032-02-29"));
    }

    #[test]
    fn a_day_is_paid_to_its_last_second() {
        assert_eq!(day("2027-02-28").end().to_string(), "2027-02-28T23:59:59Z");
        assert_eq!(day("9999-12-31").end(), Timestamp::MAX);
        assert_eq!(day("2027-02-28").start().to_string(), "2027-02-28T00:00:00Z");
        assert_eq!(day("1970-01-01").start(), Timestamp::EPOCH);
    }

    #[test]
    fn the_end_of_time_is_no_panic() {
        assert_eq!(day("9999-12-01").plus_periods(Period::Years(10), u32::MAX), day("9999-12-31"));
        assert_eq!(day("9999-12-01").plus_days(i64::MAX), day("9999-12-31"));
    }

    #[test]
    fn periods_are_read_strictly() {
        for text in ["", "P", "P0D", "P1W", "1M", "P-1M", "P1.5M", "P99999D", "PT1H", "P1m", "P+1M", "Pä"] {
            assert_eq!(text.parse::<Period>(), Err(PeriodError), "{text}");
        }
        assert_eq!("P1Y".parse(), Ok(Period::Years(1)));
    }

    proptest! {
        #[test]
        fn days_and_instants_agree(days in 0i64..2_900_000) {
            let day = Day::from_unix_days(days);
            prop_assert_eq!(day.end().day(), day);
            prop_assert_eq!(day.days_since(Day(FIRST)), days);
            prop_assert_eq!(day.to_string().parse::<Day>(), Ok(day));
        }
    }
}
