//! Amounts of usage: whole millionths of a unit, never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

/// Millionths in a unit.
const UNIT: u128 = 1_000_000;

/// An amount of usage in millionths of a unit, never negative. Written as an exact decimal without trailing zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(u128);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The most that one record may carry: 2147483647.
    pub const MAX_RECORD: Self = Self::units(2_147_483_647);

    /// So many whole units.
    #[must_use]
    pub const fn units(units: u64) -> Self {
        Self(units as u128 * UNIT)
    }

    /// So many millionths of a unit.
    #[must_use]
    pub const fn from_millionths(millionths: u128) -> Self {
        Self(millionths)
    }

    /// In millionths of a unit.
    #[must_use]
    pub const fn millionths(self) -> u128 {
        self.0
    }

    /// Its whole units, the rest cut off.
    #[must_use]
    pub const fn whole(self) -> Self {
        Self(self.0 - self.0 % UNIT)
    }

    /// What is left of it after `other` is taken away; nothing when that is more.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Add::add)
    }
}

/// The text is no quantity of the wire contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a decimal number from 0 to 2147483647 with at most 6 decimals, such as 12.5")]
pub struct QuantityError;

/// Reads `(0|[1-9][0-9]{0,9})(\.[0-9]{1,6})?`, at most 2147483647. Nothing is rounded or cut off.
impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let digits = |part: &str, longest: usize| {
            (1..=longest).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        let (units, decimals) = match text.split_once('.') {
            Some((units, decimals)) if digits(decimals, 6) => (units, decimals),
            Some(_) => return Err(QuantityError),
            None => (text, ""),
        };
        if !digits(units, 10) || (units.len() > 1 && units.starts_with('0')) {
            return Err(QuantityError);
        }
        let millionths: u128 = format!("{units}{decimals:0<6}").parse().map_err(|_| QuantityError)?;
        if millionths > Self::MAX_RECORD.0 { Err(QuantityError) } else { Ok(Self(millionths)) }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, rest) = (self.0 / UNIT, self.0 % UNIT);
        if rest == 0 {
            return write!(f, "{units}");
        }
        write!(f, "{units}.{}", format!("{rest:06}").trim_end_matches('0'))
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
