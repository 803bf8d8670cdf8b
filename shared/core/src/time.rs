//! Instants and lengths of time, in whole seconds, as the wire contract writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::calendar::Day;

/// Seconds in a day of UTC.
pub const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
/// 9999-12-31T23:59:59Z, the last instant that RFC 3339 can write.
const LAST: i64 = 253_402_300_799;

/// An instant in whole seconds of UTC, from 1970 to 9999. Written as RFC 3339 with `Z`; read with any zone and any
/// fraction, which is cut off.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// 9999-12-31T23:59:59Z: stands for "without end" where a number is needed.
    pub const MAX: Self = Self(LAST);

    /// The instant so many seconds after 1970-01-01T00:00:00Z; `None` outside of 1970 to 9999.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        (0..=LAST).contains(&seconds).then_some(Self(seconds))
    }

    /// Seconds since 1970-01-01T00:00:00Z (NumericDate of RFC 7519).
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// The day of UTC that this instant lies in.
    #[must_use]
    pub fn day(self) -> Day {
        Day::from_unix_days(self.0.div_euclid(DAY))
    }

    /// This instant moved on by `duration`, at most to the end of 9999.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.seconds()).min(LAST))
    }

    /// This instant moved back by `duration`, at most to 1970.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.seconds()).max(0))
    }

    /// How long it is from `earlier` to here; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration((self.0 - earlier.0).max(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.0.rem_euclid(DAY);
        write!(f, "{}T{:02}:{:02}:{:02}Z", self.day(), second / HOUR, second / 60 % 60, second % 60)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no time as RFC 3339 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a time of RFC 3339 with its zone, such as 2027-03-10T09:30:00Z")]
pub struct TimestampError;

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let (local, offset) = parts(text).ok_or(TimestampError)?;
        let local: jiff::civil::DateTime = local.parse().map_err(|_| TimestampError)?;
        // Reckoned by hand: jiff's instants end two hours before the year 9999 does.
        let seconds = local.duration_since(EPOCH_DATE_TIME).as_secs() - offset;
        Self::from_unix(seconds).ok_or(TimestampError)
    }
}

const EPOCH_DATE_TIME: jiff::civil::DateTime = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// The local time without its fraction, and its offset in seconds; none for what RFC 3339 does not write. The shape is
/// checked here, since jiff reads more (zone names, missing seconds).
fn parts(text: &str) -> Option<(&str, i64)> {
    let (local, tail) = text.split_at_checked(19)?;
    let shaped = local.bytes().zip(b"0000-00-00T00:00:00").all(|(seen, shape)| match shape {
        b'0' => seen.is_ascii_digit(),
        b'T' => matches!(seen, b'T' | b't' | b' '),
        _ => seen == *shape,
    });
    let zone = match tail.strip_prefix('.') {
        Some(rest) => {
            let zone = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
            (1..=30).contains(&(rest.len() - zone.len())).then_some(zone)?
        }
        None => tail,
    };
    shaped.then_some((local, offset(zone)?))
}

/// `Z`, or hours and minutes east of UTC, in seconds.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.as_bytes() {
        [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let [h1, h2, b':', m1, m2] = digits else { return None };
    let number = |a: &u8, b: &u8| Some(i64::from(char::from(*a).to_digit(10)? * 10 + char::from(*b).to_digit(10)?));
    let (hours, minutes) = (number(h1, h2)?, number(m1, m2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * HOUR + minutes * 60))
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A length of time in whole seconds, never negative. Written and read as an ISO 8601 duration of weeks, days, hours,
/// minutes and seconds (`P14D`, `PT72H`); months and years have no fixed length and are a [`crate::Period`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many days of 24 hours.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        Self(days as i64 * DAY)
    }

    /// So many hours.
    #[must_use]
    pub const fn hours(hours: u32) -> Self {
        Self(hours as i64 * HOUR)
    }

    /// So many seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u32) -> Self {
        Self(seconds as i64)
    }

    /// The length in seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// The whole days in it.
    #[must_use]
    pub const fn whole_days(self) -> i64 {
        self.0 / DAY
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % DAY == 0 {
            return write!(f, "P{}D", self.0 / DAY);
        }
        f.write_str("PT")?;
        for (unit, letter) in [(self.0 / HOUR, 'H'), (self.0 / 60 % 60, 'M'), (self.0 % 60, 'S')] {
            if unit != 0 {
                write!(f, "{unit}{letter}")?;
            }
        }
        Ok(())
    }
}

/// The text is no duration of a fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 8601 duration of weeks, days, hours, minutes or seconds, such as P14D")]
pub struct DurationError;

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let well_formed = text.starts_with('P') && text.bytes().all(|b| b.is_ascii_digit() || b"PWDTHMS".contains(&b));
        let span: jiff::Span =
            if well_formed { text.parse().map_err(|_| DurationError)? } else { return Err(DurationError) };
        if span.get_years() != 0 || span.get_months() != 0 {
            return Err(DurationError);
        }
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        days.checked_mul(DAY)
            .and_then(|s| s.checked_add(i64::from(span.get_hours()) * HOUR))
            .and_then(|s| s.checked_add(span.get_minutes().checked_mul(60)?))
            .and_then(|s| s.checked_add(span.get_seconds()))
            .filter(|seconds| (0..=LAST).contains(seconds))
            .map(Self)
            .ok_or(DurationError)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_with_any_zone_and_fraction_and_written_in_utc() {
        for (text, written) in [
            ("2027-03-10T09:30:00Z", "2027-03-10T09:30:00Z"),
            ("2027-03-10T09:30:00.999999999Z", "2027-03-10T09:30:00Z"),
            ("2027-03-10t09:30:00.5+05:30", "2027-03-10T04:00:00Z"),
            ("2027-01-01 00:00:00-10:00", "2027-01-01T10:00:00Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_rfc_3339_does_not_write_is_no_time() {
        for text in [
            "",
            "2027-03-10",
            "2027-03-10T09:30:00",
            "2027-03-10T09:30Z",
            "2027-03-10T09:30:00+05",
            "1969-12-31T23:59:59Z",
            "2027-02-29T00:00:00Z",
            "2027-03-10T24:00:00Z",
            "2027-03-10T09:30:00.Z",
            "2027-03-10T09:30:00Z[UTC]",
            "+002027-03-10T09:30:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }

    #[test]
    fn durations_have_a_fixed_length() {
        for (text, seconds, written) in [
            ("P14D", 14 * DAY, "P14D"),
            ("PT72H", 3 * DAY, "P3D"),
            ("P1W", 7 * DAY, "P7D"),
            ("PT90M", 5400, "PT1H30M"),
            ("P0D", 0, "P0D"),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!((duration.seconds(), duration.to_string().as_str()), (seconds, written));
        }
        for text in ["", "P", "P1M", "P1Y", "-P1D", "1 day", "P1.5D", "p1d", "P99999999999999D"] {
            assert_eq!(text.parse::<Duration>(), Err(DurationError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_survives_being_written(seconds in prop_oneof![0..=LAST, LAST - 2 * DAY..=LAST]) {
            let time = Timestamp(seconds);
            prop_assert_eq!(time.to_string().parse::<Timestamp>(), Ok(time));
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".{0,40}") {
            let outcome = (text.parse::<Timestamp>().is_ok(), text.parse::<Duration>().is_ok());
            prop_assert!(!(outcome.0 && outcome.1));
        }
    }
}
