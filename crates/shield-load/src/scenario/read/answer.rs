//! What a step makes of its answer: statuses, checks and extracted values.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use http::HeaderName;
use serde_json::Value;
use shield_types::settings::{Refusal, Setting, Table};

use crate::scenario::model::{Check, Demand, Place};
use crate::scenario::read::limits::{CHECK_BYTES_MAX, CHECKS_MAX, EXTRACTS_MAX, NAME_BYTES_MAX};
use crate::scenario::read::names::own_name;

/// What is answered, and so what may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    /// Status, headers and body.
    Http,
    /// The next message of a WebSocket: nothing but a body.
    Message,
}

/// Keys of a place in an answer.
const PLACES: [&str; 4] = ["pointer", "header", "cookie", "body"];
const ONE_PLACE: &str = "exactly one of `pointer`, `header`, `cookie`, `body`";
pub(crate) const POINTER: &str = "a JSON pointer, such as `/order/id`";
const STATUSES: &str = "a list of statuses and ranges, such as [200, \"300-399\"], from 100 to 599";

/// Most ranges of one `expect`.
const RANGES_MAX: usize = 32;

/// `expect`: statuses that are an answer.
pub(crate) fn expect<'r>(table: &Table<'r>) -> Setting<'r, Vec<RangeInclusive<u16>>> {
    table
        .json_list("expect", RANGES_MAX, STATUSES, |value| statuses(&value))
        .and_then(|ranges| if ranges.is_empty() { Err(Refusal::new("empty", STATUSES)) } else { Ok(ranges) })
}

fn statuses(value: &Value) -> Result<RangeInclusive<u16>, Refusal> {
    let status = |text: &str| {
        let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|status| digits && (100..=599).contains(status))
    };
    let range = match value {
        Value::Number(number) => status(&number.to_string()).map(|status| status..=status),
        Value::String(text) => {
            let (from, to) = text.split_once('-').unwrap_or((text, text));
            status(from).zip(status(to)).map(|(from, to)| from..=to)
        }
        _ => None,
    };
    let range = range.filter(|range| !range.is_empty());
    range.ok_or_else(|| Refusal::new("not a status or range of statuses", STATUSES))
}

/// A list of single statuses.
pub(crate) fn status_list<'r>(table: &Table<'r>, key: &'static str) -> Setting<'r, Vec<u16>> {
    let accepted = "a list of statuses, such as [401]";
    table.json_list(key, RANGES_MAX, accepted, |value| match (&value, statuses(&value)) {
        (Value::Number(_), Ok(range)) => Ok(*range.start()),
        _ => Err(Refusal::new("not a status", accepted)),
    })
}

/// `extract`: what is kept, by the name of its variable.
pub(crate) fn extract<'r>(table: &Table<'r>, of: AnswerKind) -> Setting<'r, BTreeMap<String, Place>> {
    let accepted = "a table such as { order = \"/order/id\", tag = { header = \"etag\" } }";
    table.json_map("extract", EXTRACTS_MAX, accepted, |name, value| {
        own_name(name)?;
        match &value {
            Value::String(text) => pointer(text).map(Place::Pointer),
            Value::Object(entries) if entries.len() == 1 => {
                let (key, value) = entries.iter().next().expect("an object of one entry has a first one");
                place(key, value, of)
            }
            _ => Err(Refusal::new("not a place in an answer", format!("a JSON pointer, or {ONE_PLACE}"))),
        }
    })
}

/// `check`: what the answer must hold. None is a mistake.
pub(crate) fn checks(table: &Table<'_>, of: AnswerKind) -> Option<Vec<Check>> {
    let tables = table.tables("check");
    if let Some(extra) = tables.get(CHECKS_MAX) {
        extra.mistaken(Refusal::new("one check too many", format!("at most {CHECKS_MAX} per step")));
    }
    let checks: Vec<Option<Check>> = tables.iter().map(|table| check(table, of)).collect();
    checks.into_iter().collect()
}

fn check(table: &Table<'_>, of: AnswerKind) -> Option<Check> {
    let name = table.string("name", NAME_BYTES_MAX, "a short description").optional();
    let places = PLACES.map(|key| {
        let accepted = if key == "pointer" { POINTER } else { ONE_PLACE };
        table.json(key, accepted, |value| place(key, &value, of)).optional()
    });
    let mut places = places.into_iter().filter(|place| !matches!(place.value(), Some(None)));
    let place = places.next();
    if place.is_none() {
        table.missing("pointer", ONE_PLACE);
    }
    places.for_each(|extra| extra.mistaken(Refusal::new("one place too many", ONE_PLACE)));
    let demand = demand(table);
    let (name, place, demand) = (name.take()?, place?.take()??, demand?);
    let name = name.unwrap_or_else(|| words(&place, &demand));
    Some(Check { name, place, demand })
}

fn demand(table: &Table<'_>) -> Option<Demand> {
    let equals = table.json("equals", "a value without places", |value| match &value {
        Value::String(text) if text.contains("{{") => Err(no_places()),
        _ => Ok(Demand::Equals(value)),
    });
    let contains = table
        .string("contains", CHECK_BYTES_MAX, "a text without places")
        .and_then(|text| if text.contains("{{") { Err(no_places()) } else { Ok(Demand::Contains(text)) });
    let demands = [equals.optional(), contains.optional()];
    let mut demands = demands.into_iter().filter(|demand| !matches!(demand.value(), Some(None)));
    let Some(first) = demands.next() else { return Some(Demand::Present) };
    if let Some(extra) = demands.next() {
        extra.mistaken(Refusal::new("one demand too many", "`equals` or `contains`, or none of them"));
    }
    first.take()?
}

fn no_places() -> Refusal {
    Refusal::new("a check has no places", "a value without `{{`")
}

fn place(key: &str, value: &Value, of: AnswerKind) -> Result<Place, Refusal> {
    let refuse = |accepted: &str| Refusal::new(format!("not a {key} of an answer"), accepted);
    let text = value.as_str().filter(|text| text.len() <= CHECK_BYTES_MAX);
    match key {
        "pointer" => pointer(text.ok_or_else(|| refuse(POINTER))?).map(Place::Pointer),
        "header" if of == AnswerKind::Message => Err(Refusal::new(
            "a message has no headers",
            "`pointer`, `cookie` or `body` of a WebSocket's answer",
        )),
        "header" => {
            let name = text.and_then(|text| HeaderName::try_from(text).ok());
            name.map(Place::Header).ok_or_else(|| refuse("the name of a header"))
        }
        "cookie" => {
            let name = text.filter(|text| HeaderName::try_from(*text).is_ok());
            name.map(|name| Place::Cookie(name.to_owned())).ok_or_else(|| refuse("the name of a cookie"))
        }
        "body" if *value == Value::Bool(true) => Ok(Place::Body),
        "body" => Err(refuse("`true`")),
        _ => Err(Refusal::new(format!("`{key}` is not a place in an answer"), ONE_PLACE)),
    }
}

/// A pointer as RFC 6901 writes it; the empty one, which is the whole document, is `body`.
pub(crate) fn pointer(text: &str) -> Result<String, Refusal> {
    let escapes = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    match text.starts_with('/') && escapes && text.len() <= CHECK_BYTES_MAX {
        true => Ok(text.to_owned()),
        false => Err(Refusal::new("not a JSON pointer", POINTER)),
    }
}

fn words(place: &Place, demand: &Demand) -> String {
    match demand {
        Demand::Present => format!("{place} is there"),
        Demand::Equals(value) => format!("{place} equals {value}"),
        Demand::Contains(text) => format!("{place} contains {text:?}"),
    }
}
