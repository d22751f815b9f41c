//! Bytes of a file as text, and places in it.

use std::borrow::Cow;

use crate::finding::Span;

/// What is looked at of a file to tell text from data, as git does it.
const LOOKED_AT: usize = 8000;

/// The text of a file: UTF-16 (told by its mark) as UTF-8, anything else as it is.
pub(super) fn readable(bytes: &[u8]) -> Cow<'_, [u8]> {
    let decoded = |units: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = units.as_chunks().0.iter().map(|unit| read(*unit)).collect();
        Cow::Owned(String::from_utf16_lossy(&units).into_bytes())
    };
    match bytes {
        [0xFF, 0xFE, units @ ..] => decoded(units, u16::from_le_bytes),
        [0xFE, 0xFF, units @ ..] => decoded(units, u16::from_be_bytes),
        _ => Cow::Borrowed(bytes),
    }
}

/// Whether it is data: only what cannot be there by accident is looked for.
pub(super) fn is_data(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(LOOKED_AT)].contains(&0)
}

/// Tells lines and columns, for offsets that only grow.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    /// Where the current line begins.
    start: usize,
    line: u32,
    /// Up to where characters of the line are counted already.
    counted: usize,
    column: u32,
}

// === impl Lines ===

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, start: 0, line: 1, counted: 0, column: 1 }
    }

    /// The place of the bytes from `start` to `end`. Neither may lie before the `start` of the call before.
    pub(super) fn span(&mut self, start: usize, end: usize) -> Span {
        let (line, column) = self.locate(start);
        let mut ahead = Self { bytes: self.bytes, ..*self };
        let (end_line, end_column) = ahead.locate(end);
        Span { line, column, end_line, end_column }
    }

    fn locate(&mut self, offset: usize) -> (u32, u32) {
        for at in memchr::memchr_iter(b'\n', &self.bytes[self.counted..offset]).map(|at| self.counted + at) {
            self.start = at + 1;
            self.line = self.line.saturating_add(1);
        }
        if self.start > self.counted {
            (self.counted, self.column) = (self.start, 1);
        }
        // A character is counted at its first byte.
        let begins = |byte: &&u8| (**byte & 0xC0) != 0x80;
        let characters = self.bytes[self.counted..offset].iter().filter(begins).count();
        self.column = self.column.saturating_add(u32::try_from(characters).unwrap_or(u32::MAX));
        self.counted = offset;
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marked_utf16_is_read() {
        let text = "a=é";
        let little: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> =
            [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        assert_eq!(&*readable(&little), text.as_bytes());
        assert_eq!(&*readable(&big), text.as_bytes());
    }

    proptest! {
        #[test]
        fn places_as_counted(text in "[ab\né]{0,60}", cuts in prop::collection::vec((0_usize..60, 0_usize..20), 1..6)) {
            let naive = |offset: usize| {
                let before = String::from_utf8_lossy(&text.as_bytes()[..offset]).into_owned();
                let line = before.matches('\n').count() + 1;
                (line as u32, before.rsplit('\n').next().unwrap().chars().count() as u32 + 1)
            };
            let boundary = |mut at: usize| {
                at = at.min(text.len());
                while !text.is_char_boundary(at) { at -= 1; }
                at
            };
            let mut cuts: Vec<_> = cuts.into_iter().map(|(start, length)| (boundary(start), boundary(start + length))).collect();
            cuts.sort_unstable();
            let mut lines = Lines::new(text.as_bytes());
            for (start, end) in cuts {
                let span = lines.span(start, end.max(start));
                prop_assert_eq!((span.line, span.column), naive(start));
                prop_assert_eq!((span.end_line, span.end_column), naive(end.max(start)));
            }
        }
    }
}
