//! Lines and columns of positions in a text.

use std::sync::OnceLock;

use ruff_text_size::{TextRange, TextSize};

use crate::finding::Span;

/// Where the lines of a text begin.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    /// Found when somebody asks: most files have nothing that needs a place.
    starts: OnceLock<Vec<u32>>,
}

// === impl Lines ===

impl<'a> Lines<'a> {
    /// The lines of a text; they end as Python's do, at a line feed, a carriage return, or both.
    #[must_use]
    pub const fn of(text: &'a str) -> Self {
        Self { text, starts: OnceLock::new() }
    }

    /// The line of a position, from 1.
    #[must_use]
    pub fn line(&self, position: TextSize) -> u32 {
        let before = self.starts().partition_point(|&start| start <= position.to_u32());
        u32::try_from(before).unwrap_or(u32::MAX)
    }

    /// Lines and columns of a range of bytes.
    #[must_use]
    pub fn span(&self, range: TextRange) -> Span {
        let (line, column) = self.place(range.start());
        let (end_line, end_column) = self.place(range.end());
        Span { line, column, end_line, end_column }
    }

    /// The position of a line and a column, as [`Self::span`] gives them; the end of the text, if it has none such.
    #[must_use]
    pub fn offset(&self, line: u32, column: u32) -> TextSize {
        let start =
            self.starts().get((line as usize).saturating_sub(1)).map_or(self.text.len(), |at| *at as usize);
        let rest = self.text.get(start..).unwrap_or_default();
        let rest = rest.trim_start_matches('\u{feff}');
        let characters = (column as usize).saturating_sub(1);
        let further = rest.char_indices().nth(characters).map_or(rest.len(), |(at, _)| at);
        let offset = self.text.len() - rest.len() + further;
        TextSize::new(u32::try_from(offset).unwrap_or(u32::MAX))
    }

    fn place(&self, position: TextSize) -> (u32, u32) {
        let line = self.line(position);
        let start = self.starts()[line as usize - 1] as usize;
        let before = self.text.get(start..position.to_usize()).unwrap_or_default();
        // A byte order mark is no character of the first line.
        let count = before.chars().filter(|character| *character != '\u{feff}').count();
        (line, u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1))
    }

    fn starts(&self) -> &[u32] {
        self.starts.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let ends = memchr::memchr2_iter(b'\n', b'\r', bytes);
            // Of a pair, the line feed ends the line.
            let ends = ends.filter(|&at| bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'));
            let starts = ends.map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX));
            std::iter::once(0).chain(starts).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let lines = Lines::of("\u{feff}a\r\nüü = 1\rb\n");
        let at = |position: u32| lines.place(TextSize::new(position));
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(3), (1, 1));
        assert_eq!(at(6), (2, 1));
        assert_eq!(at(10), (2, 3));
        assert_eq!(at(15), (3, 1));
        assert_eq!(at(17), (4, 1));
        for position in [3, 6, 10, 15, 17] {
            let (line, column) = at(position);
            assert_eq!(lines.offset(line, column).to_u32(), position);
        }
        assert_eq!(lines.offset(9, 1).to_usize(), lines.text.len());
    }
}
