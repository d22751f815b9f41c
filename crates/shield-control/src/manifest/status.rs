//! HTTP statuses that count as success.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One status (`200`) or a range of them (`200-299`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusRange {
    from: u16,
    to: u16,
}

/// Text that is neither a status nor a range of them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "parse status `{text}`: expected a status such as `200` or a range such as `200-299`, from 100 to 599"
)]
pub struct ParseStatusError {
    /// What was given, cut at 80 characters.
    pub text: String,
}

// === impl StatusRange ===

impl StatusRange {
    /// `200-299`.
    pub const SUCCESS: Self = Self { from: 200, to: 299 };

    /// Lowest and highest status that count as success.
    pub fn bounds(self) -> (u16, u16) {
        (self.from, self.to)
    }

    /// True when `status` counts as success.
    pub fn contains(self, status: u16) -> bool {
        (self.from..=self.to).contains(&status)
    }
}

impl FromStr for StatusRange {
    type Err = ParseStatusError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mistake = || ParseStatusError { text: text.chars().take(80).collect() };
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let (from, to) = status(from).zip(status(to)).ok_or_else(mistake)?;
        if from <= to { Ok(Self { from, to }) } else { Err(mistake()) }
    }
}

fn status(text: &str) -> Option<u16> {
    let three_digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|status| three_digits && (100..=599).contains(status))
}

impl fmt::Display for StatusRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            write!(formatter, "{}", self.from)
        } else {
            write!(formatter, "{}-{}", self.from, self.to)
        }
    }
}

impl fmt::Debug for StatusRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for StatusRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StatusRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_holds_its_ends() {
        let range: StatusRange = "200-299".parse().unwrap();
        assert_eq!([199, 200, 299, 300].map(|status| range.contains(status)), [false, true, true, false]);
        assert_eq!(
            (range.to_string(), "204".parse::<StatusRange>().unwrap().to_string()),
            ("200-299".into(), "204".into())
        );
    }

    #[test]
    fn refuses_other_texts() {
        for text in ["", "20", "2000", "099", "600", "+20", "299-200", "200-", "-200", "200-250-299", "2xx"] {
            assert!(text.parse::<StatusRange>().is_err(), "{text:?}");
        }
    }
}
