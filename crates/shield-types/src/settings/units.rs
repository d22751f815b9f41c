//! Ratios, sizes and durations as people write them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A share of a whole, in millionths; written as `0.1%`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio {
    millionths: u32,
}

/// Text that is not a ratio.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "parse ratio `{text}`: expected a percentage from 0% to 100% with at most four decimals, such as `0.1%`"
)]
pub struct ParseRatioError {
    /// What was given, cut at 80 characters.
    pub text: String,
}

/// Text that is not a size.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "parse size `{text}`: expected a whole number and a unit, such as `512B`, `64KiB`, `10MiB` or `1GiB`"
)]
pub struct ParseSizeError {
    /// What was given, cut at 80 characters.
    pub text: String,
}

// === impl Ratio ===

impl Ratio {
    /// The whole.
    pub const ONE: Self = Self { millionths: 1_000_000 };

    /// A ratio of so many millionths; more than the whole is the whole.
    pub const fn from_millionths(millionths: u32) -> Self {
        Self { millionths: if millionths > 1_000_000 { 1_000_000 } else { millionths } }
    }

    /// The share, from 0 to 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.millionths) / 1_000_000.0
    }
}

impl FromStr for Ratio {
    type Err = ParseRatioError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_percent(text).ok_or_else(|| ParseRatioError { text: text.chars().take(80).collect() })
    }
}

fn parse_percent(text: &str) -> Option<Ratio> {
    let number = text.strip_suffix('%')?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str, digits_max| {
        (1..=digits_max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 3) || !digits(decimals, 4) {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let decimals: u32 = format!("{decimals:0<4}").parse().ok()?;
    Some(whole * 10_000 + decimals).filter(|millionths| *millionths <= 1_000_000).map(Ratio::from_millionths)
}

impl fmt::Display for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:04}", self.millionths % 10_000);
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        write!(formatter, "{}{point}{decimals}%", self.millionths / 10_000)
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

// === sizes ===

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Parses `512B`, `64KiB`, `10MiB` or `1GiB` into bytes: one whole number, one unit.
pub fn parse_size(text: &str) -> Result<u64, ParseSizeError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_bytes = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| *bytes);
    number
        .parse::<u64>()
        .ok()
        .zip(unit_bytes)
        .and_then(|(number, unit_bytes)| number.checked_mul(unit_bytes))
        .ok_or_else(|| ParseSizeError { text: text.chars().take(80).collect() })
}

/// The shortest text that [`parse_size`] reads back to the same number of bytes.
pub fn format_size(bytes: u64) -> String {
    let (unit, unit_bytes) = UNITS
        .into_iter()
        .find(|(_, unit_bytes)| bytes > 0 && bytes.is_multiple_of(*unit_bytes))
        .unwrap_or(("B", 1));
    format!("{}{unit}", bytes / unit_bytes)
}

/// Serialises a duration as the text people write (`#[serde(with = "duration_text")]`), in whole milliseconds.
pub mod duration_text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::{format_duration, parse_duration};

    /// Writes `30s`.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(*duration))
    }

    /// Reads `30s`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        parse_duration(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_round_trip() {
        for text in ["0%", "0.1%", "0.0001%", "12.5%", "99.9%", "100%"] {
            assert_eq!(text.parse::<Ratio>().unwrap().to_string(), text);
        }
        assert_eq!("0.1%".parse::<Ratio>().unwrap().as_f64(), 0.001);
    }

    #[test]
    fn refuses_other_ratios() {
        for text in ["", "%", "0.1", "0,1%", "-1%", "+1%", "100.1%", "1.%", ".5%", "0.00001%", "4294967296%"]
        {
            assert!(text.parse::<Ratio>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn sizes_round_trip() {
        for (text, bytes) in
            [("0B", 0), ("1000B", 1000), ("1KiB", 1024), ("10MiB", 10 << 20), ("3GiB", 3 << 30)]
        {
            assert_eq!(parse_size(text).unwrap(), bytes);
            assert_eq!(format_size(bytes), text);
        }
    }

    #[test]
    fn refuses_other_sizes() {
        for text in ["", "10", "MiB", "10MB", "10 MiB", "1.5GiB", "-1B", "99999999999GiB"] {
            assert!(parse_size(text).is_err(), "{text:?}");
        }
    }
}
