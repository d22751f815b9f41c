//! Timestamps as RFC 3339 text, in exactly the form that [`Timestamp`] prints.
//!
//! One moment has one text (UTC, milliseconds, `Z`): two spellings of a time would be two byte strings under one
//! meaning, and signatures cover bytes. For `#[serde(with = "rfc3339")]`.

use serde::{Deserialize, Deserializer, Serializer, de};
use shield_types::Timestamp;

pub(crate) fn serialize<S: Serializer>(timestamp: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(timestamp)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| {
        de::Error::custom(format_args!("time `{text}` is not written as `2026-01-31T23:59:59.000Z`"))
    })
}

fn parse(text: &str) -> Option<Timestamp> {
    let parsed: jiff::Timestamp = text.parse().ok()?;
    let timestamp = Timestamp(u64::try_from(parsed.as_millisecond()).ok()?);
    (timestamp.to_string() == text).then_some(timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_one_spelling_only() {
        assert_eq!(parse("2026-09-21T14:13:20.123Z"), Some(Timestamp(1_790_000_000_123)));
        for text in [
            "2026-09-21T14:13:20Z",
            "2026-09-21T14:13:20.1230Z",
            "2026-09-21T14:13:20.123+00:00",
            "2026-09-21 14:13:20.123Z",
            "2026-09-21t14:13:20.123z",
            "1790000000123",
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
