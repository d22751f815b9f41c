//! Reads the one form of JSON object that tokens have here: flat, strings without escapes, whole numbers, no white
//! space.
//!
//! Strings are of visible ASCII and spaces, and there is no backslash, so the next quote always ends a string. Every
//! compact JSON writer makes this form out of our claims, so nothing that we issue is lost by refusing the rest; and
//! what is not read cannot be read in two ways. Nothing is copied: names and values are slices of the input.

/// The bytes are not an object of this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotPlain;

/// Walks over the members of an object: a name, then its value, then the next name.
pub(super) struct Members<'a> {
    rest: &'a [u8],
    first: bool,
}

/// Ten digits last until the year 2286; more are no date.
const DIGITS_MAX: usize = 10;

// === impl Members ===

impl<'a> Members<'a> {
    /// The members of `object`.
    pub(super) fn of(object: &'a [u8]) -> Result<Self, NotPlain> {
        // Without an early end, so that it is done many bytes at a time.
        let plain =
            object.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~') & (*byte != b'\\'));
        match object {
            [b'{', rest @ ..] if plain => Ok(Self { rest, first: true }),
            _ => Err(NotPlain),
        }
    }

    /// The next name; `None` when the object ended, and the input with it.
    pub(super) fn name(&mut self) -> Result<Option<&'a [u8]>, NotPlain> {
        match (self.rest, self.first) {
            ([b'}'], _) => return Ok(None),
            ([b',', rest @ ..], false) => self.rest = rest,
            (_, true) => self.first = false,
            (_, false) => return Err(NotPlain),
        }
        let name = self.text()?;
        match self.rest {
            [b':', rest @ ..] => self.rest = rest,
            _ => return Err(NotPlain),
        }
        Ok(Some(name))
    }

    /// The value of the name just read, which must be a string.
    pub(super) fn text(&mut self) -> Result<&'a [u8], NotPlain> {
        let [b'"', rest @ ..] = self.rest else { return Err(NotPlain) };
        let length = quote(rest).ok_or(NotPlain)?;
        self.rest = &rest[length + 1..];
        Ok(&rest[..length])
    }

    /// The value of the name just read, which must be a whole number of seconds: no sign, fraction, exponent or
    /// leading zero.
    pub(super) fn seconds(&mut self) -> Result<u64, NotPlain> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(length);
        match digits {
            [] | [b'0', _, ..] => return Err(NotPlain),
            digits if digits.len() > DIGITS_MAX => return Err(NotPlain),
            _ => self.rest = rest,
        }
        Ok(digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
    }
}

/// Where the first quote is. Eight bytes at a time: the search for quotes is most of the reading.
fn quote(text: &[u8]) -> Option<usize> {
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const LOWEST_BITS: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST_BITS: u64 = u64::from_le_bytes([0x80; 8]);
    let (words, tail) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let difference = u64::from_le_bytes(*word) ^ QUOTES;
        // The lowest bit of these is in the first byte without a difference, if there is one.
        let equal = difference.wrapping_sub(LOWEST_BITS) & !difference & HIGHEST_BITS;
        if equal != 0 {
            return Some(8 * index + equal.trailing_zeros() as usize / 8);
        }
    }
    let place = tail.iter().position(|byte| *byte == b'"')?;
    Some(8 * words.len() + place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Members, NotPlain, quote};

    /// Reads every member as a string or, failing that, a number.
    fn read(object: &[u8]) -> Result<Vec<(String, String)>, NotPlain> {
        let mut members = Members::of(object)?;
        let mut read = Vec::new();
        while let Some(name) = members.name()? {
            let value = match members.text() {
                Ok(text) => String::from_utf8(text.to_vec()).unwrap(),
                Err(NotPlain) => members.seconds()?.to_string(),
            };
            read.push((String::from_utf8(name.to_vec()).unwrap(), value));
        }
        Ok(read)
    }

    #[test]
    fn reads_strings_and_numbers() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read(br#"{"a":"b c","d":0,"e":1790000000}"#).unwrap(),
            [pair("a", "b c"), pair("d", "0"), pair("e", "1790000000"),]
        );
        assert_eq!(read(b"{}"), Ok(Vec::new()));
    }

    #[test]
    fn refuses_other_json() {
        for object in [
            r#"{"a":"b"} "#,
            r#" {"a":"b"}"#,
            r#"{"a": "b"}"#,
            r#"{"a":"\u0062"}"#,
            r#"{"a":"ü"}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1e3}"#,
            r#"{"a":-1}"#,
            r#"{"a":01}"#,
            r#"{"a":10000000000}"#,
            r#"{"a":99999999999999999999999}"#,
            r#"{"a":null}"#,
            r#"{"a":true}"#,
            r#"{"a":["b"]}"#,
            r#"{"a":{}}"#,
            r#"{"a":"b",}"#,
            r#"{,"a":"b"}"#,
            r#"{"a":"b""c":"d"}"#,
            r#"{"a":"b"}{}"#,
            r#"{"a":"b"#,
            r#"{"a"}"#,
            r#"{a:"b"}"#,
            r#"["a"]"#,
            "{",
            "",
            "null",
        ] {
            assert_eq!(read(object.as_bytes()), Err(NotPlain), "{object}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(object in r#"\{("[a-c]":("[ -~]{0,6}"|[0-9]{1,3}),?){0,3}\}?"#) {
            if let Ok(members) = read(object.as_bytes()) {
                let value: serde_json::Value = serde_json::from_str(&object).unwrap();
                for (name, text) in members.iter().rev().take(1) {
                    let said = value[name].as_str().map_or_else(|| value[name].to_string(), str::to_owned);
                    prop_assert_eq!(said, text.clone());
                }
            }
        }

        #[test]
        fn finds_the_first_quote(text in "[!\"#\u{1}a]{0,30}", bytes: Vec<u8>) {
            for text in [text.as_bytes(), &bytes] {
                prop_assert_eq!(quote(text), text.iter().position(|byte| *byte == b'"'));
            }
        }

        #[test]
        fn survives_any_bytes(object: Vec<u8>) {
            let _ = read(&object);
        }
    }
}
