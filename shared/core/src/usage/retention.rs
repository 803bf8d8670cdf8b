//! How long what was billed is kept.

use std::fmt;
use std::str::FromStr;

use crate::time::Duration;

/// How long hours are kept once they are confirmed: at least a year, for whoever compares them with invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention(Duration);

/// The text is no retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a number of days from P365D to P3650D")]
pub struct RetentionError;

impl Retention {
    /// How long.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

/// A year, and the invoices of its last month.
impl Default for Retention {
    fn default() -> Self {
        Self(Duration::days(400))
    }
}

impl FromStr for Retention {
    type Err = RetentionError;

    fn from_str(text: &str) -> Result<Self, RetentionError> {
        let duration: Duration = text.parse().map_err(|_| RetentionError)?;
        let fits = duration >= Duration::days(365) && duration <= Duration::days(3650);
        if fits { Ok(Self(duration)) } else { Err(RetentionError) }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_year_at_least() {
        assert_eq!(Retention::default().to_string(), "P400D");
        assert_eq!("P365D".parse::<Retention>().unwrap().duration(), Duration::days(365));
        for text in ["P364D", "P3651D", "PT1H", "400", ""] {
            assert!(text.parse::<Retention>().is_err(), "{text}");
        }
    }
}
