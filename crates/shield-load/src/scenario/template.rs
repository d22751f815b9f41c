//! Text with places that are filled in per request.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text and places, in order. A value may hold anything: whoever fills a path or a header makes the bytes harmless that
/// would end it early.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The parts; no two texts in a row.
    pub parts: Vec<Part>,
}

/// A part of a template.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// A value, made fit for where it goes.
    Value {
        /// Which.
        value: Value,
        /// How.
        escape: Escape,
    },
}

/// A value that differs from request to request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// `{{id}}`: unique to the request.
    Id,
    /// `{{user}}`: the number of the user, from 0.
    User,
    /// `{{iteration}}`: the number of the user's iteration, from 0.
    Iteration,
    /// `{{random}}`: 16 hexadecimal digits, drawn anew each time.
    Random,
    /// `{{name}}`: what an earlier step extracted; by index in the workload.
    Variable(usize),
    /// `{{feed.column}}`: by indices in the workload.
    Feed {
        /// Which feed.
        feed: usize,
        /// Which of its columns.
        column: usize,
    },
    /// `{{cookie.NAME}}`: the cookie that the user holds; empty if there is none.
    Cookie(String),
}

/// How a value is made fit for its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Escape {
    /// As it is: headers, text bodies, and `{{raw …}}`.
    None,
    /// Inside a JSON string.
    Json,
    /// In a path or query: everything but unreserved characters (RFC 3986) percent-encoded.
    Url,
}

// === impl Template ===

impl Template {
    /// A template without a place.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { parts: if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] } }
    }

    /// Length of its texts.
    pub(crate) fn text_bytes(&self) -> usize {
        let bytes = |part: &Part| if let Part::Text(text) = part { text.len() } else { 0 };
        self.parts.iter().map(bytes).sum()
    }

    /// The text, if there is no place in it.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

// === impl Part ===

impl fmt::Debug for Part {
    /// Without the text, which may be a secret of the environment.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(formatter, "Text({} bytes)", text.len()),
            Self::Value { value, escape } => write!(formatter, "{value:?} as {escape:?}"),
        }
    }
}

// === impl Escape ===

impl Escape {
    /// Appends a value as it may stand in its place.
    pub(crate) fn write(self, value: &str, out: &mut Vec<u8>) {
        match self {
            Self::None => out.extend_from_slice(value.as_bytes()),
            Self::Json => {
                // A string and its quotes, of which the template has its own.
                let start = out.len();
                serde_json::to_writer(&mut *out, value).expect("a vector takes every string");
                out.remove(start);
                out.pop();
            }
            Self::Url => {
                for byte in value.bytes() {
                    match byte {
                        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
                        _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Escape;

    fn written(escape: Escape, value: &str) -> String {
        let mut out = b"<".to_vec();
        escape.write(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_fit_their_place() {
        assert_eq!(written(Escape::None, "a\"b c"), "<a\"b c");
        assert_eq!(written(Escape::Json, "a\"b\nc"), "<a\\\"b\\nc");
        assert_eq!(written(Escape::Url, "a/ü~?"), "<a%2F%C3%BC~%3F");
    }
}
