//! The text of a source file, decoded as Python does (PEP 263).

use std::{borrow::Cow, str};

use super::Reason;

/// The mark some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a text was encoded. Positions in the text are positions in the file in UTF-8 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or the part of it that is ASCII.
    Utf8,
    /// ISO 8859-1: each byte one character.
    Latin1,
}

/// A decoded source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The characters; a byte order mark, if there is one, is the first.
    pub characters: Cow<'a, str>,
    /// How they lie in the file.
    pub encoding: Encoding,
}

/// Decodes a source file. Its first two lines may declare an encoding; without that it is UTF-8.
///
/// # Errors
/// Zero bytes, bytes that do not fit the encoding, an encoding that is not supported.
pub fn decode(bytes: &[u8]) -> Result<Text<'_>, Reason> {
    if let Some(offset_bytes) = memchr::memchr(0, bytes) {
        return Err(Reason::ZeroByte { offset_bytes });
    }
    let declared = declared(bytes);
    match declared.as_deref().map(normalised).as_deref() {
        None | Some("utf-8" | "utf8" | "utf-8-sig" | "u8" | "utf") => utf8(bytes, "UTF-8"),
        Some("latin-1" | "iso-8859-1" | "iso-latin-1" | "latin1" | "iso8859-1" | "8859" | "l1" | "latin") => {
            let characters = match str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
            };
            Ok(Text { characters, encoding: Encoding::Latin1 })
        }
        Some("ascii" | "us-ascii") => match bytes.iter().position(|byte| !byte.is_ascii()) {
            None => utf8(bytes, "ASCII"),
            Some(offset_bytes) => Err(Reason::Undecodable { encoding: "ASCII".to_owned(), offset_bytes }),
        },
        // Every other encoding that Python accepts in this place contains ASCII.
        Some(_) if bytes.is_ascii() => utf8(bytes, "ASCII"),
        Some(_) => Err(Reason::UnsupportedEncoding { encoding: declared.unwrap_or_default() }),
    }
}

fn utf8<'a>(bytes: &'a [u8], encoding: &str) -> Result<Text<'a>, Reason> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(Text { characters: Cow::Borrowed(text), encoding: Encoding::Utf8 }),
        Err(error) => {
            Err(Reason::Undecodable { encoding: encoding.to_owned(), offset_bytes: error.valid_up_to() })
        }
    }
}

/// The encoding that a comment in the first two lines declares: `# -*- coding: latin-1 -*-`.
fn declared(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')).take(2) {
        let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\x0c'));
        match start.map(|start| &line[start..]) {
            None => {}
            Some(comment @ [b'#', ..]) => match coding(comment) {
                None => {}
                found => return found,
            },
            // A second line counts only after a line without code.
            Some(_) => return None,
        }
    }
    None
}

/// The name after `coding:` or `coding=`.
fn coding(comment: &[u8]) -> Option<String> {
    let finder = memchr::memmem::Finder::new(b"coding");
    finder.find_iter(comment).find_map(|at| {
        let [b':' | b'=', rest @ ..] = &comment[at + b"coding".len()..] else { return None };
        let rest = rest.trim_ascii_start();
        let end = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"-_.".contains(byte)));
        let name = &rest[..end.unwrap_or(rest.len())];
        (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
    })
}

/// As Python compares names of encodings.
fn normalised(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "-");
    // Suffixes for line ends (`utf-8-unix`) are Emacs' own.
    for known in ["utf-8", "latin-1", "iso-8859-1", "iso-latin-1"] {
        if name.strip_prefix(known).is_some_and(|rest| matches!(rest, "-unix" | "-dos" | "-mac")) {
            return known.to_owned();
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn characters(bytes: &[u8]) -> Result<String, String> {
        decode(bytes).map(|text| text.characters.into_owned()).map_err(|reason| reason.to_string())
    }

    #[test]
    fn declared_latin_1_is_honoured() {
        let text = decode(b"#!/usr/bin/python\n# -*- coding: Latin_1 -*-\nx = '\xe9'\n").unwrap();
        assert_eq!(text.encoding, Encoding::Latin1);
        assert!(text.characters.ends_with("x = '\u{e9}'\n"));
        let late = characters(b"x = 1\n# coding: latin-1\ny = '\xe9'\n");
        assert_eq!(late.unwrap_err(), "not UTF-8 at byte 29");
        let third = characters(b"#\n#\n# coding: latin-1\ny = '\xe9'\n");
        assert_eq!(third.unwrap_err(), "not UTF-8 at byte 27");
    }

    #[test]
    fn wrong_bytes_are_placed() {
        assert_eq!(characters(b"ab\0").unwrap_err(), "a zero byte at 2");
        assert_eq!(characters(b"ab\xff").unwrap_err(), "not UTF-8 at byte 2");
        assert_eq!(characters(b"# coding=ascii\n\xc3\xa9").unwrap_err(), "not ASCII at byte 15");
        let foreign = characters(b"# vim: set fileencoding=koi8-r :\n\xc3\xa9").unwrap_err();
        assert_eq!(foreign, "declares the encoding `koi8-r`, which is not read here");
    }

    #[test]
    fn foreign_encoding_of_ascii_is_read() {
        assert_eq!(characters(b"# coding: cp1252\nx").unwrap(), "# coding: cp1252\nx");
        assert_eq!(
            characters(b"\xef\xbb\xbf# coding: utf-8-unix\n").unwrap(),
            "\u{feff}# coding: utf-8-unix\n"
        );
    }
}
