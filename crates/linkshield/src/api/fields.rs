//! Reading the fields of a request one by one, collecting every mistake instead of stopping at the first.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{
    mistakes::Mistakes,
    problem::{FieldError, Location, Problem},
};

/// The fields of one JSON object.
pub(super) struct Fields {
    object: Map<String, Value>,
    mistakes: Mistakes,
}

// === impl Fields ===

impl Fields {
    /// The fields of `body`; those outside of `known` are mistakes.
    pub(super) fn of(body: Value, known: &[&str]) -> Result<Self, Problem> {
        let Value::Object(object) = body else {
            let (pointer, detail) = ("#".to_owned(), "is not an object".to_owned());
            let whole = FieldError { location: Location::Body, pointer, detail };
            return Err(Problem::invalid("the body is not accepted, see `errors`".to_owned(), vec![whole]));
        };
        let mut fields = Self { object: Map::new(), mistakes: Mistakes::default() };
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            let name = escape_pointer(name);
            fields
                .refuse(&name, format!("is not a field of this request, accepted are {}", known.join(", ")));
        }
        fields.object = object;
        Ok(fields)
    }

    /// Adds a mistake at `pointer`, a field or a place below it (`urls/3`).
    pub(super) fn refuse(&mut self, pointer: &str, detail: String) {
        self.mistakes.add(Location::Body, pointer, detail);
    }

    /// The field, unless it is missing or null.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    /// A required text of `length` characters.
    pub(super) fn text(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let value = self.take(name);
        if value.is_none() {
            self.refuse(name, format!("is missing, accepted is {}", a_string(&length)));
        }
        self.read_text(name, value?, length)
    }

    /// A text of `length` characters; None when missing.
    pub(super) fn optional_text(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let value = self.take(name)?;
        self.read_text(name, value, length)
    }

    fn read_text(&mut self, name: &str, value: Value, length: RangeInclusive<usize>) -> Option<String> {
        let accepted = a_string(&length);
        match value {
            Value::String(text) if length.contains(&text.chars().count()) => return Some(text),
            Value::String(text) => {
                self.refuse(name, format!("has {} characters, accepted is {accepted}", text.chars().count()));
            }
            other => self.refuse(name, format!("is {}, accepted is {accepted}", kind(&other))),
        }
        None
    }

    /// A truth value, false when missing.
    pub(super) fn truth(&mut self, name: &str) -> bool {
        self.optional_truth(name).unwrap_or_default()
    }

    /// A truth value; None when missing.
    pub(super) fn optional_truth(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(value) => Some(value),
            other => {
                self.refuse(name, format!("is {}, accepted is true or false", kind(&other)));
                None
            }
        }
    }

    /// An optional whole number in `range`.
    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(name)?;
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let found = if value.is_number() { format!("`{value}`") } else { kind(&value).to_owned() };
            let accepted = format!("a whole number from {} to {}", range.start(), range.end());
            self.refuse(name, format!("is {found}, accepted is {accepted}"));
        }
        number
    }

    /// A list of texts; None when missing. Entries that are not texts are mistakes.
    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let list = match self.take(name)? {
            Value::Array(list) => list,
            other => {
                self.refuse(name, format!("is {}, accepted is a list of strings", kind(&other)));
                return None;
            }
        };
        let mut texts = Vec::with_capacity(list.len());
        for (index, value) in list.into_iter().enumerate() {
            match value {
                Value::String(text) => texts.push(text),
                other => self
                    .refuse(&format!("{name}/{index}"), format!("is {}, accepted is a string", kind(&other))),
            }
        }
        Some(texts)
    }

    /// `value`, when there were no mistakes.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Problem> {
        self.mistakes.none_or(value)
    }

    /// A value made of required fields, when there were no mistakes. It is there then: what is missing was one.
    pub(super) fn finish_required<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.finish(())?;
        value.ok_or_else(|| Problem::internal("a required field was neither read nor refused".to_owned()))
    }
}

fn a_string(length: &RangeInclusive<usize>) -> String {
    format!("a string of {} to {} characters", length.start(), length.end())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// RFC 6901: `~` and `/` in a name are escaped; the name comes from the client, so it is also cut.
fn escape_pointer(name: &str) -> String {
    name.chars().take(64).collect::<String>().replace('~', "~0").replace('/', "~1")
}
