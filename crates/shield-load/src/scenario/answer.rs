//! What a step makes of its answer: checks, then what later steps use.

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::{Number, Value};

use crate::scenario::model::{Demand, Extract, Place, Step};
use crate::scenario::user::User;

/// Why what a step wants may not have been found.
const CUT: &str = "the answer has more than 1 MiB, of which only the first is looked at";

/// What was kept of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) headers: Option<&'a HeaderMap>,
    pub(crate) body: &'a [u8],
    /// The body was longer.
    pub(crate) cut: bool,
}

/// Reads an answer; the body is parsed at most once.
struct Reader<'a> {
    kept: Kept<'a>,
    /// None while nobody asked; the inner one is none when it is no JSON.
    json: Option<Option<Value>>,
}

/// Whether two values mean the same. Numbers do when they are equal, however each is written: a load file's `1.0` is a body's `1`.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let in_other = |name: &String, value| other.get(name).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(|(name, value)| in_other(name, value))
        }
        _ => one == other,
    }
}

/// Exact, also where a decimal number cannot tell two whole ones apart.
fn same_number(one: &Number, other: &Number) -> bool {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.as_f64() == other.as_f64(),
        (Some(whole), None) => whole_value(other) == Some(whole),
        (None, Some(whole)) => whole_value(one) == Some(whole),
    }
}

/// The whole number that a decimal one is, if it is one. Beyond what fits, it is none of those that are written whole.
fn whole_value(number: &Number) -> Option<i128> {
    number.as_f64().filter(|value| value.fract() == 0.0).map(|value| value as i128)
}

/// Judges an answer and keeps what the step extracts. Each check is told by its index in the step, with its outcome; an
/// error names the first thing that did not hold.
pub(crate) fn judge(
    step: &Step,
    kept: Kept<'_>,
    user: &mut User,
    mut told: impl FnMut(usize, bool),
) -> Result<(), String> {
    let mut reader = Reader { kept, json: None };
    let mut first_failed = None;
    for (index, check) in step.checks.iter().enumerate() {
        let held = reader.holds(&check.place, &check.demand, user);
        told(index, held);
        if !held && first_failed.is_none() {
            first_failed = Some(check);
        }
    }
    if let Some(check) = first_failed {
        return Err(kept.explained(&check.place, format!("check `{}` does not hold", check.name)));
    }
    for Extract { place, variable } in &step.extract {
        // A part of a body would pass for the whole one.
        let whole = !(kept.cut && *place == Place::Body);
        let value = whole.then(|| reader.text(place, user).map(Cow::into_owned)).flatten();
        user.keep(*variable, value.ok_or_else(|| kept.explained(place, format!("there is no {place}")))?);
    }
    Ok(())
}

// === impl Kept ===

impl Kept<'_> {
    /// What was not found at a place, and that it may have been where nobody looked.
    fn explained(&self, place: &Place, problem: String) -> String {
        match place {
            Place::Body | Place::Pointer(_) if self.cut => format!("{problem}: {CUT}"),
            _ => problem,
        }
    }
}

// === impl Reader ===

impl Reader<'_> {
    fn holds(&mut self, place: &Place, demand: &Demand, user: &User) -> bool {
        if let (Place::Pointer(pointer), Demand::Equals(wanted)) = (place, demand) {
            return self.pointed(pointer).is_some_and(|found| same(found, wanted));
        }
        let Some(text) = self.text(place, user) else { return false };
        match demand {
            Demand::Present => true,
            Demand::Equals(Value::String(wanted)) => text == wanted.as_str(),
            Demand::Equals(wanted) => serde_json::from_str(&text).is_ok_and(|found| same(&found, wanted)),
            Demand::Contains(wanted) => text.contains(wanted.as_str()),
        }
    }

    fn pointed(&mut self, pointer: &str) -> Option<&Value> {
        let body = self.kept.body;
        self.json.get_or_insert_with(|| serde_json::from_slice(body).ok()).as_ref()?.pointer(pointer)
    }

    fn text<'s>(&'s mut self, place: &Place, user: &'s User) -> Option<Cow<'s, str>> {
        match place {
            Place::Pointer(pointer) => Some(match self.pointed(pointer)? {
                Value::String(text) => Cow::Borrowed(text),
                other => Cow::Owned(other.to_string()),
            }),
            Place::Header(name) => {
                let value = self.kept.headers?.get(name)?;
                Some(String::from_utf8_lossy(value.as_bytes()))
            }
            Place::Cookie(name) => user.cookies.get(name).map(Cow::Borrowed),
            Place::Body => Some(String::from_utf8_lossy(self.kept.body)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::same;

    #[test]
    fn numbers_are_equal_by_value() {
        let same = |one: &str, other: Value| same(&serde_json::from_str(one).unwrap(), &other);
        assert!(
            same("1", json!(1.0))
                && same("1.0", json!(1))
                && same("-0.0", json!(0))
                && same("1e2", json!(100))
        );
        assert!(same("[1, {\"a\": 2}]", json!([1.0, { "a": 2.0 }])));
        assert!(!same("1", json!(1.5)) && !same("1", json!("1")) && !same("1", json!(true)));
        assert!(!same("[1]", json!([1, 1])) && !same("{\"a\": 1}", json!({ "b": 1 })));
        assert!(!same("{\"a\": 1, \"b\": 1}", json!({ "a": 1 })));
        // One more than any number of 53 bits, which a decimal one cannot hold.
        assert!(!same("9007199254740993", json!(9_007_199_254_740_992_i64)));
        assert!(!same("9007199254740993", json!(9_007_199_254_740_992.0)));
        assert!(same("9007199254740992", json!(9_007_199_254_740_992.0)));
        assert!(!same("18446744073709551615", json!(1e30)) && same("18446744073709551615", json!(u64::MAX)));
    }
}
