//! Getters for keys that take several kinds of values, and mistakes about tables as a whole.
//!
//! A value is handed out as JSON, so that the crate that knows what it means can look into it. What JSON has no word for (a
//! date, an endless number) is refused here.

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde_json::{Map, Number, Value};
use toml::de::DeValue;

use super::{
    mistake::Mistake,
    reader::{Place, join},
    setting::{Refusal, Setting},
    table::{Table, Wrong},
    values::{in_range, text_of, whole_number, wrong_kind},
};

// === impl Table ===

impl<'r> Table<'r> {
    /// A number, with or without decimals.
    pub fn number(&self, key: &'static str, range: RangeInclusive<f64>) -> Setting<'r, f64> {
        let accepted = format!("a number from {} to {}", range.start(), range.end());
        self.get(key, accepted, |value| match value {
            DeValue::Integer(_) | DeValue::Float(_) => {
                let number = to_json(value)?;
                in_range(number.as_f64().ok_or("out of range")?, &range)
            }
            _ => Err(wrong_kind(value, "a number")),
        })
    }

    /// Any value; `convert` takes it or refuses it, and `accepted` says what it takes.
    pub fn json<T>(
        &self,
        key: &'static str,
        accepted: &str,
        convert: impl FnOnce(Value) -> Result<T, Refusal>,
    ) -> Setting<'r, T> {
        self.get(key, accepted.to_owned(), |value| convert(to_json(value)?).map_err(Wrong::from))
    }

    /// A list of values; each goes through `convert`, and each that it refuses is a mistake of its own.
    pub fn json_list<T>(
        &self,
        key: &'static str,
        elements_max: usize,
        accepted: &str,
        convert: impl Fn(Value) -> Result<T, Refusal>,
    ) -> Setting<'r, Vec<T>> {
        self.get(key, accepted.to_owned(), |value| {
            let elements = value.as_array().ok_or_else(|| wrong_kind(value, "a list"))?;
            if elements.len() > elements_max {
                return Err(format!("{} elements, more than {elements_max}", elements.len()).into());
            }
            let mut converted = Vec::with_capacity(elements.len());
            for element in elements {
                match to_json(element.get_ref()).and_then(|element| Ok(convert(element)?)) {
                    Ok(element) => converted.push(element),
                    Err(wrong) => self.record_element(key, element, wrong, accepted),
                }
            }
            if converted.len() == elements.len() { Ok(converted) } else { Err(Wrong::Recorded) }
        })
    }

    /// A table of values with free keys; each pair goes through `convert`, and each that it refuses is a mistake of its own.
    pub fn json_map<T>(
        &self,
        key: &'static str,
        elements_max: usize,
        accepted: &str,
        convert: impl Fn(&str, Value) -> Result<T, Refusal>,
    ) -> Setting<'r, BTreeMap<String, T>> {
        self.get(key, accepted.to_owned(), |value| {
            let entries = value.as_table().ok_or_else(|| wrong_kind(value, "a table"))?;
            if entries.len() > elements_max {
                return Err(format!("{} entries, more than {elements_max}", entries.len()).into());
            }
            let mut converted = BTreeMap::new();
            for (name, element) in entries {
                let name = name.get_ref().to_string();
                match to_json(element.get_ref()).and_then(|element| Ok(convert(&name, element)?)) {
                    Ok(element) => drop(converted.insert(name, element)),
                    Err(wrong) => self.record_element(&format!("{key}.{name}"), element, wrong, accepted),
                }
            }
            if converted.len() == entries.len() { Ok(converted) } else { Err(Wrong::Recorded) }
        })
    }

    /// Records that one of several keys is missing; `key` is the one that the mistake stands under.
    pub fn missing(&self, key: &str, accepted: &str) {
        self.reader.record_missing(&self.place_of(join(&self.path, key)), accepted);
    }

    /// Records a mistake about the table as a whole.
    pub fn mistaken(&self, refusal: Refusal) {
        let Place { line, column, key, value } = self.place_of(self.path.clone());
        let Refusal { problem, accepted } = refusal;
        self.reader.record(Mistake { line, column, key, value, problem, accepted, suggestion: None });
    }

    fn place_of(&self, key: String) -> Place {
        let (line, column) = self.reader.position(self.offset);
        Place { line, column, key, value: None }
    }
}

/// Recursion is bounded: the parser bounds brackets, the reader dots.
fn to_json(value: &DeValue<'_>) -> Result<Value, Wrong> {
    Ok(match value {
        DeValue::String(_) => Value::String(text_of(value)?.to_owned()),
        DeValue::Integer(_) => Value::from(whole_number(value)?),
        DeValue::Float(float) => {
            let number = float.as_str().parse().ok().and_then(Number::from_f64);
            Value::Number(number.ok_or("out of range")?)
        }
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(_) => return Err("a date or time, which JSON does not have".into()),
        DeValue::Array(elements) => {
            let elements: Result<_, _> = elements.iter().map(|element| to_json(element.get_ref())).collect();
            Value::Array(elements?)
        }
        DeValue::Table(entries) => {
            let mut map = Map::new();
            for (name, element) in entries {
                map.insert(name.get_ref().to_string(), to_json(element.get_ref())?);
            }
            Value::Object(map)
        }
    })
}
