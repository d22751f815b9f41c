//! Texts put together from literals of a file, and where each of their characters lies in it.

use std::ops::Range;

use ruff_text_size::{TextRange, TextSize};

use crate::{
    finding::{Finding, Span},
    python::{FileReport, Lines},
    tree::Reason,
};

/// Characters, and where in the file each was read.
#[derive(Debug, Default)]
pub(super) struct Joined {
    text: String,
    /// Where a run of characters begins that lie in the file as they are: here, and there.
    runs: Vec<(usize, usize)>,
}

// === impl Joined ===

impl Joined {
    /// Several behind each other, each on lines of its own.
    pub(super) fn of<'j>(parts: impl Iterator<Item = &'j Self>) -> Self {
        let mut all = Self::default();
        for part in parts.filter(|part| !part.text.is_empty()) {
            all.end_line();
            let start = all.text.len();
            all.runs.extend(part.runs.iter().map(|(here, there)| (start + here, *there)));
            all.text.push_str(&part.text);
        }
        all
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Ends the last line, if it has no end.
    pub(super) fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Adds the characters of a literal of JSON, quotes included, that begins at `start` of the file.
    pub(super) fn push_literal(&mut self, literal: &str, start: usize) {
        let mut at = 1;
        let end = literal.len().saturating_sub(1);
        while at < end {
            self.runs.push((self.text.len(), start + at));
            let rest = &literal[at..end];
            let plain = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
            if plain > 0 {
                self.text.push_str(&rest[..plain]);
                at += plain;
                continue;
            }
            let (character, length) = escaped(rest);
            self.text.push(character);
            at += length;
        }
    }

    /// A part of it.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let from = self.runs.get(self.run(range.start)..).unwrap_or_default();
        let inside = from.iter().take_while(|(here, _)| *here < range.end);
        let runs = inside.map(|(here, there)| {
            (here.saturating_sub(range.start), there + range.start.saturating_sub(*here))
        });
        Self { runs: runs.collect(), text: self.text.get(range).unwrap_or_default().to_owned() }
    }

    /// The run that a character is in.
    fn run(&self, offset: usize) -> usize {
        self.runs.partition_point(|(here, _)| *here <= offset).saturating_sub(1)
    }

    fn offset_in_file(&self, offset: usize) -> usize {
        self.runs.get(self.run(offset)).map_or(0, |(here, there)| there + offset.saturating_sub(*here))
    }

    /// A report about this text, with places of the file.
    pub(super) fn relocated(&self, mut report: FileReport, file: &Lines<'_>) -> FileReport {
        let lines = Lines::of(&self.text);
        let place = |line, column| {
            let there = self.offset_in_file(lines.offset(line, column).to_usize());
            TextSize::new(u32::try_from(there).unwrap_or(u32::MAX))
        };
        let relocate = |finding: &mut Finding| {
            if let Some(Span { line, column, end_line, end_column }) = finding.place.span {
                let (start, end) = (place(line, column), place(end_line, end_column));
                finding.place.span = Some(file.span(TextRange::new(start, end.max(start))));
            }
        };
        report.findings.iter_mut().for_each(relocate);
        report.suppressed.iter_mut().for_each(|one| relocate(&mut one.finding));
        for skipped in &mut report.skipped {
            if let Reason::SyntaxError { line, .. } = &mut skipped.reason {
                *line = file.line(place(*line, 1));
            }
        }
        report
    }
}

/// The character that an escape sequence stands for, and how long the sequence is.
fn escaped(text: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    match text.as_bytes().get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => match (unit(0), unit(6)) {
            (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                (char::from_u32(code).unwrap_or('\u{fffd}'), 12)
            }
            (Some(code), _) => (char::from_u32(code).unwrap_or('\u{fffd}'), 6),
            (None, _) => ('\u{fffd}', 2),
        },
        Some(other) if other.is_ascii() => (char::from(*other), 2),
        _ => ('\u{fffd}', 1),
    }
}
