//! The typed getters of [`Table`].

use std::{collections::BTreeMap, net::SocketAddr, ops::RangeInclusive, str::FromStr, time::Duration};

use toml::de::DeValue;

use super::{
    setting::{Refusal, Setting},
    suggest::nearest,
    table::{Table, Wrong},
    units::{Ratio, format_size, parse_size},
};
use crate::{format_duration, parse_duration};

/// Most elements of a list or map.
const ELEMENTS_MAX: usize = 256;

// === impl Table ===

impl<'r> Table<'r> {
    /// A text that is not empty and at most `bytes_max` long; `accepted` says what it is for.
    pub fn string(&self, key: &'static str, bytes_max: usize, accepted: &str) -> Setting<'r, String> {
        self.get(key, accepted.to_owned(), |value| {
            let text = text_of(value)?;
            match text.len() {
                0 => Err("empty".into()),
                bytes if bytes > bytes_max => {
                    Err(format!("{bytes} bytes long, more than {bytes_max}").into())
                }
                _ => Ok(text.to_owned()),
            }
        })
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &'static str) -> Setting<'r, bool> {
        self.get(key, "`true` or `false`".to_owned(), |value| {
            value.as_bool().ok_or_else(|| wrong_kind(value, "a truth value"))
        })
    }

    /// A whole number.
    pub fn integer(&self, key: &'static str, range: RangeInclusive<i64>) -> Setting<'r, i64> {
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        self.get(key, accepted, |value| in_range(whole_number(value)?, &range))
    }

    /// A whole number whose meaning decides what is accepted; `accepted` says that.
    pub fn any_integer(&self, key: &'static str, accepted: &str) -> Setting<'r, i64> {
        self.get(key, accepted.to_owned(), whole_number)
    }

    /// A duration such as `30s`.
    pub fn duration(&self, key: &'static str, range: RangeInclusive<Duration>) -> Setting<'r, Duration> {
        let (from, to) = (format_duration(*range.start()), format_duration(*range.end()));
        let accepted = format!("a whole number with ms, s, m or h, in quotes, from `{from}` to `{to}`");
        self.parsed(key, accepted, "a duration", |text| {
            let duration = parse_duration(text).map_err(|_| "not a duration")?;
            in_range(duration, &range)
        })
    }

    /// A share such as `0.1%`.
    pub fn ratio(&self, key: &'static str, range: RangeInclusive<Ratio>) -> Setting<'r, Ratio> {
        let accepted = format!("a percentage in quotes, from `{}` to `{}`", range.start(), range.end());
        self.parsed(key, accepted, "a percentage", |text| {
            let ratio = text.parse().map_err(|_| "not a percentage")?;
            in_range(ratio, &range)
        })
    }

    /// A size such as `10MiB`, in bytes.
    pub fn size(&self, key: &'static str, range: RangeInclusive<u64>) -> Setting<'r, u64> {
        let (from, to) = (format_size(*range.start()), format_size(*range.end()));
        let accepted = format!("a whole number with B, KiB, MiB or GiB, in quotes, from `{from}` to `{to}`");
        self.parsed(key, accepted, "a size", |text| {
            let bytes = parse_size(text).map_err(|_| "not a size")?;
            in_range(bytes, &range)
        })
    }

    /// An IP address and port.
    pub fn socket_address(&self, key: &'static str) -> Setting<'r, SocketAddr> {
        let accepted = "an IP address and a port, such as `127.0.0.1:8443` or `[::1]:8443`".to_owned();
        self.parsed(key, accepted, "an address", |text| text.parse().map_err(|_| "not an address".into()))
    }

    /// Whatever `T` parses; `kind` says what that is (`a name`), `accepted` how it is written.
    pub fn parse<T: FromStr>(&self, key: &'static str, kind: &str, accepted: &str) -> Setting<'r, T> {
        self.parsed(key, accepted.to_owned(), kind, |text| {
            text.parse().map_err(|_| format!("not {kind}").into())
        })
    }

    /// One of a few words.
    pub fn enumeration<T: Clone>(&self, key: &'static str, words: &[(&str, T)]) -> Setting<'r, T> {
        let list: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let accepted = match list.as_slice() {
            [only] => only.clone(),
            _ => format!("one of {}", list.join(", ")),
        };
        self.parsed(key, accepted, "a text", |text| {
            let meaning = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| meaning.clone());
            meaning.ok_or_else(|| Wrong::Value {
                problem: "not a known word".to_owned(),
                accepted: None,
                suggestion: nearest(text, words.iter().map(|(word, _)| *word)).map(str::to_owned),
            })
        })
    }

    /// A list of texts; each goes through `convert`, and each that it refuses is a mistake of its own.
    pub fn list_of<T>(
        &self,
        key: &'static str,
        convert: impl Fn(String) -> Result<T, Refusal>,
    ) -> Setting<'r, Vec<T>> {
        let accepted = format!("a list of at most {ELEMENTS_MAX} texts, such as [\"one\", \"two\"]");
        self.get(key, accepted.clone(), |value| {
            let elements = value.as_array().ok_or_else(|| wrong_kind(value, "a list"))?;
            if elements.len() > ELEMENTS_MAX {
                return Err(format!("{} elements", elements.len()).into());
            }
            let mut converted = Vec::with_capacity(elements.len());
            for element in elements {
                match element_of(element.get_ref(), &convert) {
                    Ok(element) => converted.push(element),
                    Err(wrong) => self.record_element(key, element, wrong, &accepted),
                }
            }
            if converted.len() == elements.len() { Ok(converted) } else { Err(Wrong::Recorded) }
        })
    }

    /// A table of texts with free keys; each pair goes through `convert`, and each that it refuses is a mistake of its
    /// own.
    pub fn map_of<T>(
        &self,
        key: &'static str,
        convert: impl Fn(&str, String) -> Result<T, Refusal>,
    ) -> Setting<'r, BTreeMap<String, T>> {
        let accepted = format!("a table of at most {ELEMENTS_MAX} texts, such as {{ NAME = \"value\" }}");
        self.get(key, accepted.clone(), |value| {
            let entries = value.as_table().ok_or_else(|| wrong_kind(value, "a table"))?;
            if entries.len() > ELEMENTS_MAX {
                return Err(format!("{} entries", entries.len()).into());
            }
            let mut converted = BTreeMap::new();
            for (name, element) in entries {
                let name = name.get_ref().to_string();
                match element_of(element.get_ref(), |text| convert(&name, text)) {
                    Ok(element) => drop(converted.insert(name, element)),
                    Err(wrong) => {
                        self.record_element(&format!("{key}.{name}"), element, wrong, "a text in quotes");
                    }
                }
            }
            if converted.len() == entries.len() { Ok(converted) } else { Err(Wrong::Recorded) }
        })
    }

    fn parsed<T>(
        &self,
        key: &'static str,
        accepted: String,
        kind: &str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Setting<'r, T> {
        self.get(key, accepted, |value| match value {
            DeValue::String(_) => parse(text_of(value)?),
            _ => Err(wrong_kind(value, kind)),
        })
    }
}

pub(crate) fn wrong_kind(value: &DeValue<'_>, wanted: &str) -> Wrong {
    let found = match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    format!("{found}, not {wanted}").into()
}

/// The text of `value`. NUL ends texts of the operating system, so no setting may hold one.
pub(crate) fn text_of<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Wrong> {
    let text = value.as_str().ok_or_else(|| wrong_kind(value, "a text"))?;
    if text.contains('\0') { Err("holds a NUL character".into()) } else { Ok(text) }
}

pub(crate) fn whole_number(value: &DeValue<'_>) -> Result<i64, Wrong> {
    let integer = value.as_integer().ok_or_else(|| wrong_kind(value, "a whole number"))?;
    i64::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| "out of range".into())
}

pub(crate) fn in_range<T: PartialOrd>(value: T, range: &RangeInclusive<T>) -> Result<T, Wrong> {
    if range.contains(&value) { Ok(value) } else { Err("out of range".into()) }
}

fn element_of<T>(
    value: &DeValue<'_>,
    convert: impl FnOnce(String) -> Result<T, Refusal>,
) -> Result<T, Wrong> {
    convert(text_of(value)?.to_owned()).map_err(Wrong::from)
}
