//! A file as a text whose ranges become ranges of bytes again.

use std::{borrow::Cow, ops::Range};

use shield_types::Sha256Digest;

use super::Change;
use crate::tree::{Encoding, Reason, decode};

/// A file that was read.
#[derive(Debug)]
pub(super) struct Source<'b> {
    file: &'b str,
    bytes: &'b [u8],
    digest: Sha256Digest,
    /// Its characters, a byte order mark among them.
    pub(super) text: Cow<'b, str>,
    /// Whether every character is one byte, which in the text may be two.
    widened: bool,
}

// === impl Source ===

impl<'b> Source<'b> {
    /// Decodes a file.
    ///
    /// # Errors
    /// As Python would refuse its encoding.
    pub(super) fn read(file: &'b str, bytes: &'b [u8]) -> Result<Self, Reason> {
        let decoded = decode(bytes)?;
        let widened = decoded.encoding == Encoding::Latin1 && !bytes.is_ascii();
        Ok(Self { file, bytes, digest: Sha256Digest::of(bytes), text: decoded.characters, widened })
    }

    /// A change of the file; `None` if the range does not fit or the text cannot be written in the file's encoding.
    pub(super) fn change(&self, range: Range<usize>, text: &str) -> Option<Change> {
        if !self.widened {
            return Change::replace(self.file, (self.bytes, self.digest), range, text.as_bytes().to_vec());
        }
        let position = |at: usize| Some(self.text.get(..at)?.chars().count());
        let range = position(range.start)?..position(range.end)?;
        let narrow: Option<Vec<u8>> =
            text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
        Change::replace(self.file, (self.bytes, self.digest), range, narrow?)
    }

    /// How its lines end: as the first one does.
    pub(super) fn line_end(&self) -> &'static str {
        line_end(&self.text)
    }
}

/// How lines of a text end: as the first one does.
pub(super) fn line_end(text: &str) -> &'static str {
    match memchr::memchr2(b'\n', b'\r', text.as_bytes()) {
        Some(at) if text[at..].starts_with("\r\n") => "\r\n",
        Some(at) if text[at..].starts_with('\r') => "\r",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::edit::Edits;

    #[test]
    fn latin_1_keeps_its_bytes() {
        let bytes = b"# coding: latin-1\r\nx = '\xe9'; y = 1\r\n";
        let source = Source::read("a.py", bytes).unwrap();
        let at = source.text.find("1\r\n").unwrap_or_default();
        let at = source.text[at + 3..].find('1').unwrap() + at + 3;
        let change = source.change(at..at + 1, "'\u{fc}'").unwrap();
        let mut edits = Edits::default();
        edits.add(&change);
        assert_eq!(
            edits.apply(Some(bytes)).unwrap().bytes(),
            b"# coding: latin-1\r\nx = '\xe9'; y = '\xfc'\r\n"
        );
        assert_eq!(source.change(at..at, "\u{20ac}"), None);
        assert_eq!(source.line_end(), "\r\n");
    }

    #[test]
    fn byte_order_mark_is_kept() {
        let bytes = b"\xef\xbb\xbfx = 1\r";
        let source = Source::read("a.py", bytes).unwrap();
        let change = source.change(7..8, "2").unwrap();
        let mut edits = Edits::default();
        edits.add(&change);
        assert_eq!(edits.apply(Some(bytes)).unwrap().bytes(), b"\xef\xbb\xbfx = 2\r");
        assert_eq!(source.line_end(), "\r");
    }
}
