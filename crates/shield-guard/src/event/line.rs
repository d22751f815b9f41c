//! One line of JSON, written into a buffer.

use std::fmt::{self, Write};

use crate::{AccountId, ApiKeyId, KeyId, SessionId};

/// What one text may take in the line; a text that is cut ends with `\u2026`.
pub(super) const TEXT_BYTES_MAX: usize = 256;

/// An object that is being written: opened when it is made, closed by [`Object::close`].
pub(super) struct Object<'a> {
    line: &'a mut Vec<u8>,
    empty: bool,
}

/// A field of an event.
pub(super) trait Detail {
    /// Writes it under `name`.
    fn write(&self, name: &'static str, object: &mut Object<'_>);
}

// === impl Object ===

impl<'a> Object<'a> {
    /// Opens an object at the end of the line.
    pub(super) fn open(line: &'a mut Vec<u8>) -> Self {
        line.push(b'{');
        Self { line, empty: true }
    }

    pub(super) fn close(self) {
        self.line.push(b'}');
    }

    pub(super) fn number(&mut self, name: &'static str, value: u64) {
        self.name(name);
        write!(Ascii(self.line), "{value}").expect("a buffer takes what is written");
    }

    /// A text from anywhere: escaped and cut.
    pub(super) fn text(&mut self, name: &'static str, value: &str) {
        self.name(name);
        self.line.push(b'"');
        write_text(self.line, value);
        self.line.push(b'"');
    }

    /// The text of an id or an address: printable ASCII without quotes by its type, and short.
    pub(super) fn id(&mut self, name: &'static str, value: impl fmt::Display) {
        self.name(name);
        write!(Ascii(self.line), "\"{value}\"").expect("a buffer takes what is written");
    }

    pub(super) fn truth(&mut self, name: &'static str, value: Truth) {
        self.name(name);
        self.line.extend_from_slice(match value {
            Truth::Yes => b"true".as_slice(),
            Truth::No => b"false",
        });
    }

    pub(super) fn object(&mut self, name: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        let mut inner = Object::open(self.line);
        fill(&mut inner);
        inner.close();
    }

    /// A list of words of this program.
    pub(super) fn words(&mut self, name: &'static str, words: &[&'static str]) {
        self.name(name);
        self.line.push(b'[');
        for (index, word) in words.iter().enumerate() {
            write!(Ascii(self.line), "{}\"{word}\"", if index > 0 { "," } else { "" })
                .expect("a buffer takes what is written");
        }
        self.line.push(b']');
    }

    /// A list of objects, each filled in turn.
    pub(super) fn list<T>(&mut self, name: &'static str, items: &[T], fill: impl Fn(&T, &mut Object<'_>)) {
        self.name(name);
        self.line.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.line.push(b',');
            }
            let mut inner = Object::open(self.line);
            fill(item, &mut inner);
            inner.close();
        }
        self.line.push(b']');
    }

    /// Names are words of this program: they need no escaping.
    fn name(&mut self, name: &'static str) {
        if !self.empty {
            self.line.push(b',');
        }
        self.empty = false;
        self.line.push(b'"');
        self.line.extend_from_slice(name.as_bytes());
        self.line.extend_from_slice(b"\":");
    }
}

/// A truth value in a line.
#[derive(Clone, Copy)]
pub(super) enum Truth {
    Yes,
    No,
}

/// Formats into bytes.
struct Ascii<'a>(&'a mut Vec<u8>);

// === impl Ascii ===

impl Write for Ascii<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Writes printable ASCII as it is, and every other UTF-16 unit as `\uXXXX`: line breaks of every alphabet, terminal
/// sequences and text that runs backwards are then just digits.
fn write_text(line: &mut Vec<u8>, text: &str) {
    let end = line.len() + TEXT_BYTES_MAX;
    for character in text.chars() {
        let mut units = [0; 2];
        let plain = matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
        let length = if plain { 1 } else { 6 * character.len_utf16() };
        // The mark of a cut must fit too.
        if line.len() + length + 6 > end {
            line.extend_from_slice(b"\\u2026");
            return;
        }
        if plain {
            line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        for unit in character.encode_utf16(&mut units) {
            write!(Ascii(line), "\\u{unit:04x}").expect("a buffer takes what is written");
        }
    }
}

macro_rules! detail {
    ($method:ident: $($kind:ty),*) => {
        $(impl Detail for $kind {
            fn write(&self, name: &'static str, object: &mut Object<'_>) {
                object.$method(name, *self);
            }
        })*
    };
}

detail!(number: u64);
detail!(text: &'static str);
detail!(id: AccountId, ApiKeyId, KeyId, SessionId);

impl Detail for String {
    fn write(&self, name: &'static str, object: &mut Object<'_>) {
        object.text(name, self);
    }
}

impl<T: Detail> Detail for Option<T> {
    fn write(&self, name: &'static str, object: &mut Object<'_>) {
        if let Some(value) = self {
            value.write(name, object);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Object, TEXT_BYTES_MAX, write_text};

    #[test]
    fn escapes_what_could_end_or_hide_a_line() {
        let mut line = Vec::new();
        write_text(&mut line, "a\n\"\\\u{1b}[2K\u{2028}\u{202e}é🔒\u{7f}");
        assert_eq!(
            String::from_utf8(line).unwrap(),
            r"a\u000a\u0022\u005c\u001b[2K\u2028\u202e\u00e9\ud83d\udd12\u007f"
        );
    }

    #[test]
    fn cuts_long_texts_and_says_so() {
        for text in ["x".repeat(10_000), "🔒".repeat(10_000), "\n".repeat(10_000)] {
            let mut line = Vec::new();
            write_text(&mut line, &text);
            assert!(line.len() <= TEXT_BYTES_MAX && line.len() > TEXT_BYTES_MAX - 12, "{}", line.len());
            assert!(line.ends_with(b"\\u2026"));
        }
    }

    proptest! {
        #[test]
        fn short_texts_come_back_whole(text in ".{0,20}") {
            let mut line = Vec::new();
            let mut object = Object::open(&mut line);
            object.text("a", &text);
            object.close();
            prop_assert!(line.iter().all(|byte| (b' '..=b'~').contains(byte)));
            let read: serde_json::Value = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(read["a"].as_str(), Some(text.as_str()));
        }
    }
}
