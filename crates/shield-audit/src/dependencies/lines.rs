//! From bytes of a text to lines and columns.

use std::ops::Range;

use crate::finding::{Place, Span};

/// Where the lines of a text begin.
pub(super) struct Lines<'a> {
    file: &'a str,
    text: &'a str,
    starts: Vec<usize>,
}

// === impl Lines ===

impl<'a> Lines<'a> {
    /// Of a file's text.
    pub(super) fn of(file: &'a str, text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
        Self { file, text, starts: starts.collect() }
    }

    /// The place of a range of bytes; of the whole file if it lies outside of the text.
    pub(super) fn place(&self, range: Range<usize>) -> Place {
        let span = match (self.position(range.start), self.position(range.end)) {
            (Some((line, column)), Some((end_line, end_column))) => {
                Some(Span { line, column, end_line, end_column })
            }
            _ => None,
        };
        Place { file: self.file.to_owned(), span }
    }

    /// The whole file.
    pub(super) fn whole(&self) -> Place {
        Place { file: self.file.to_owned(), span: None }
    }

    fn position(&self, byte: usize) -> Option<(u32, u32)> {
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = *self.starts.get(line.checked_sub(1)?)?;
        let column = self.text.get(start..byte)?.chars().count() + 1;
        Some((u32::try_from(line).ok()?, u32::try_from(column).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let lines = Lines::of("a", "één\ntwo");
        let span = |range| lines.place(range).span;
        assert_eq!(span(5..8), Some(Span { line: 1, column: 4, end_line: 2, end_column: 3 }));
        assert_eq!(span(6..9).map(|span| (span.line, span.end_column)), Some((2, 4)));
        assert_eq!(span(0..99), None);
    }
}
