//! Points in time and durations, as text that people write.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch. Pure code gets it as an argument; only I/O crates read a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Time passed since `earlier`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_millisecond(millis) {
            Ok(timestamp) => write!(formatter, "{timestamp:.3}"),
            Err(_) => write!(formatter, "{} ms after the epoch", self.0),
        }
    }
}

/// Text that is not a duration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("parse duration `{text}`: expected a whole number and a unit, such as `500ms`, `10s`, `5m` or `1h`")]
pub struct ParseDurationError {
    /// What was given, cut at 80 characters.
    pub text: String,
}

/// Parses `500ms`, `10s`, `5m` or `1h`: one whole number, one unit, at most 365 days.
pub fn parse_duration(text: &str) -> Result<Duration, ParseDurationError> {
    let mistake = || ParseDurationError { text: text.chars().take(80).collect() };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| mistake())?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(mistake()),
    };
    const YEAR_MS: u64 = 365 * 24 * 3_600_000;
    let millis = number.checked_mul(unit_ms).filter(|millis| *millis <= YEAR_MS).ok_or_else(mistake)?;
    Ok(Duration::from_millis(millis))
}

/// The shortest text that [`parse_duration`] reads back to the same whole milliseconds.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let (unit_ms, unit) = match millis {
        0 => (1_000, "s"),
        _ if millis.is_multiple_of(3_600_000) => (3_600_000, "h"),
        _ if millis.is_multiple_of(60_000) => (60_000, "m"),
        _ if millis.is_multiple_of(1_000) => (1_000, "s"),
        _ => (1, "ms"),
    };
    format!("{}{unit}", millis / unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip() {
        for text in ["500ms", "2s", "90s", "5m", "1h", "0s"] {
            assert_eq!(parse_duration(text).map(format_duration).unwrap(), text);
        }
    }

    #[test]
    fn refuses_what_people_mistype() {
        for text in ["", "5", "s", "1.5s", "-1s", "1 s", "1d", "99999999999999999999s", "9000h"] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn prints_rfc_3339() {
        assert_eq!(Timestamp(1_790_000_000_123).to_string(), "2026-09-21T14:13:20.123Z");
    }
}
