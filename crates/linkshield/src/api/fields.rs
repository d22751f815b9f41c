//! Reading the fields of a request one by one, collecting every mistake instead of stopping at the first.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use url::Url;

use super::{
    mistakes::Mistakes,
    problem::{FieldError, Location, Problem},
};
use crate::analysis::reorders;

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

    /// A required text of `length` characters that is one line and can be shown.
    pub(super) fn line(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let text = self.text(name, length)?;
        self.read_line(name, text)
    }

    /// A text of `length` characters that is one line and can be shown; None when missing.
    pub(super) fn optional_line(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let text = self.optional_text(name, length)?;
        self.read_line(name, text)
    }

    /// The address of something on the web, of `length` characters; None when missing. Nobody here fetches it, and whoever shows it
    /// must not be led into a script or a file. The empty text is none, where `length` allows it.
    pub(super) fn optional_web_url(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let text = self.optional_line(name, length)?;
        let web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if text.is_empty() || Url::parse(&text).is_ok_and(|url| web(&url)) {
            return Some(text);
        }
        self.refuse(
            name,
            "is no URL of the web, accepted is one that begins with https:// or http://".to_owned(),
        );
        None
    }

    /// Neither control characters (some databases take no NUL, and a line break makes two lines), nor what turns text around: a
    /// name must not pass for another one (ASVS 5.0, 2.2.1).
    fn read_line(&mut self, name: &str, text: String) -> Option<String> {
        let hidden = |&letter: &char| {
            letter.is_control() || reorders(letter) || matches!(letter, '\u{2028}' | '\u{2029}')
        };
        let Some(letter) = text.chars().find(hidden) else { return Some(text) };
        let detail = "accepted is one line without control characters or changes of direction";
        self.refuse(name, format!("holds the character U+{:04X}, {detail}", u32::from(letter)));
        None
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fields;

    /// Whether a field of this text is taken as a line, and as an address on the web.
    fn taken(text: &str) -> (bool, bool) {
        let mut fields = Fields::of(json!({ "a": text, "b": text }), &["a", "b"]).unwrap();
        (fields.optional_line("a", 0..=100).is_some(), fields.optional_web_url("b", 0..=100).is_some())
    }

    #[test]
    fn lines_hide_nothing() {
        for text in ["", "Ada King", "Zoë", "李", "עדה", "\u{200F}עדה", "می\u{200C}خواهم", "👩\u{200D}💻"]
        {
            assert!(taken(text).0, "{text}");
        }
        for text in ["A\0", "A\nB", "\t", "\u{7F}", "\u{85}", "\u{202E}adA", "\u{2066}A", "A\u{2029}B"] {
            assert!(!taken(text).0, "{}", text.escape_unicode());
        }
        let mut fields = Fields::of(json!({ "a": "A\0" }), &["a"]).unwrap();
        assert_eq!(fields.line("a", 1..=9), None);
        let errors = fields.finish(()).unwrap_err().errors;
        assert!(errors[0].detail.contains("U+0000"), "{errors:?}");
    }

    #[test]
    fn web_urls_lead_to_the_web() {
        for text in ["", "https://a.example/ada.png?s=1", "http://a.example", "HTTPS://A.example/"] {
            assert!(taken(text).1, "{text}");
        }
        for text in [
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            " javascript:alert(1)",
            "file:///etc/passwd",
            "data:image/png;base64,AA",
            "//a.example/x",
            "/x",
            "ada.png",
            "https://",
            "https:\n//a.example",
        ] {
            assert!(!taken(text).1, "{text}");
        }
    }
}
