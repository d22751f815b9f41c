//! Lines of a file, never more than [`LINE_BYTES_MAX`] of one in memory.
//!
//! Guarantees: every byte of the input belongs to exactly one returned line (its newline included), in order; how a
//! line ended is told, since a line without a newline is never a valid one.

use std::io::{self, BufRead, BufReader, Read};

use crate::{disk::AppendFile, names::LINE_BYTES_MAX};

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: u64,
    /// Without the newline; of a line that is too long, its start.
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: LineEnd,
    /// What the line takes in the file.
    pub(crate) file_bytes: u64,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    Newline,
    EndOfFile,
    TooLong,
}

/// Reads lines one by one.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    number: u64,
}

/// Reads a file from an offset on.
pub(crate) struct FileReader<'a> {
    file: &'a dyn AppendFile,
    offset: u64,
}

// === impl Line ===

impl Line {
    /// Whether a power cut could have left this as the last line: no end, or blocks that were never filled.
    pub(crate) fn torn(&self) -> bool {
        self.end == LineEnd::EndOfFile || (self.end == LineEnd::Newline && self.bytes.contains(&0))
    }
}

// === impl Lines ===

impl<R: Read> Lines<R> {
    /// Lines of `reader`, of which the first has number `first`.
    pub(crate) fn new(reader: R, first: u64) -> Self {
        Self { reader: BufReader::new(reader), number: first }
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        let mut file_bytes = read as u64;
        let end = if bytes.last() == Some(&b'\n') {
            bytes.pop();
            LineEnd::Newline
        } else if read < LINE_BYTES_MAX {
            LineEnd::EndOfFile
        } else {
            file_bytes += self.skip_line()?;
            LineEnd::TooLong
        };
        let number = self.number;
        self.number += 1;
        Ok(Some(Line { number, bytes, end, file_bytes }))
    }

    fn skip_line(&mut self) -> io::Result<u64> {
        let mut skipped = 0;
        loop {
            let buffer = self.reader.fill_buf()?;
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let used = newline.map_or(buffer.len(), |position| position + 1);
            self.reader.consume(used);
            skipped += used as u64;
            if newline.is_some() || used == 0 {
                return Ok(skipped);
            }
        }
    }
}

// === impl FileReader ===

impl<'a> FileReader<'a> {
    pub(crate) fn new(file: &'a dyn AppendFile, offset: u64) -> Self {
        Self { file, offset }
    }
}

impl Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(content: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(content, 1);
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    #[test]
    fn tells_how_lines_end() {
        let lines = all(b"a\n\nb");
        let seen: Vec<_> = lines.iter().map(|line| (line.number, line.bytes.as_slice(), line.end)).collect();
        assert_eq!(
            seen,
            [
                (1, b"a".as_slice(), LineEnd::Newline),
                (2, b"", LineEnd::Newline),
                (3, b"b", LineEnd::EndOfFile)
            ]
        );
    }

    #[test]
    fn bounds_long_lines() {
        for (length, end) in [(LINE_BYTES_MAX - 1, LineEnd::Newline), (LINE_BYTES_MAX, LineEnd::TooLong)] {
            let content = [vec![b'x'; length], b"\nnext\n".to_vec()].concat();
            let lines = all(&content);
            assert_eq!(lines.len(), 2);
            assert_eq!((lines[0].end, lines[0].file_bytes), (end, length as u64 + 1));
            assert!(lines[0].bytes.len() <= LINE_BYTES_MAX);
            assert_eq!(lines[1].bytes, b"next");
        }
    }
}
