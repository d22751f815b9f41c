//! Objects by their names, out of the object store.

use std::{
    fmt,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    process::{ChildStdin, ChildStdout, Stdio},
};

use super::{
    HistoryError,
    git::{Git, Running},
};

/// Bytes of the longest object name: SHA-256.
const NAME_MAX: usize = 32;
const HEADER_MAX: u64 = 256;

/// The name of an object: SHA-1 or SHA-256 of its content.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ObjectName {
    bytes: [u8; NAME_MAX],
    length: u8,
}

/// What the store says of a blob.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Blob {
    Content(Vec<u8>),
    /// It has so many bytes, and they were not kept.
    TooLarge(u64),
    Missing,
}

/// Reads one blob after another.
#[derive(Debug)]
pub(super) struct Store {
    running: Running,
    requests: BufWriter<ChildStdin>,
    answers: BufReader<ChildStdout>,
    bytes_max: u64,
}

/// The names of all blobs in the store, sorted.
#[derive(Debug)]
pub(super) struct AllBlobs {
    running: Running,
    names: BufReader<ChildStdout>,
}

// === impl ObjectName ===

impl ObjectName {
    /// A name from its 40 or 64 hex digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if !matches!(digits.len(), 40 | 64) {
            return None;
        }
        let mut bytes = [0; NAME_MAX];
        for (byte, [high, low]) in bytes.iter_mut().zip(digits.as_chunks().0) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).expect("two hex digits are one byte");
        }
        Some(Self { bytes, length: u8::try_from(digits.len() / 2).expect("it is 20 or 32") })
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes[..usize::from(self.length)].iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

// === impl Store ===

impl Store {
    const COMMAND: &str = "cat-file";

    /// Opens the store. Of blobs with more than `bytes_max` bytes only the size is read.
    pub(super) fn open(git: &Git, bytes_max: u64) -> Result<Self, HistoryError> {
        let (mut running, answers) = git.start(Self::COMMAND, &["--batch"], Stdio::piped())?;
        let requests = BufWriter::new(running.input());
        Ok(Self { running, requests, answers: BufReader::new(answers), bytes_max })
    }

    pub(super) fn read(&mut self, name: &ObjectName) -> Result<Blob, HistoryError> {
        self.answer(name).map_err(|source| HistoryError::Answer { command: Self::COMMAND, source })
    }

    fn answer(&mut self, name: &ObjectName) -> io::Result<Blob> {
        writeln!(self.requests, "{name}")?;
        self.requests.flush()?;
        let mut header = String::new();
        self.answers.by_ref().take(HEADER_MAX).read_line(&mut header)?;
        let size = match header.trim_end().split(' ').collect::<Vec<_>>()[..] {
            [_, "missing"] => return Ok(Blob::Missing),
            [_, _, size] => size.parse().map_err(|_| io::ErrorKind::InvalidData)?,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        let mut content = self.answers.by_ref().take(size);
        let blob = if size > self.bytes_max {
            io::copy(&mut content, &mut io::sink())?;
            Blob::TooLarge(size)
        } else {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            Blob::Content(bytes)
        };
        // Behind the content stands a line feed.
        self.answers.read_exact(&mut [0])?;
        Ok(blob)
    }

    pub(super) fn close(self) -> Result<(), String> {
        drop(self.requests);
        drop(self.answers);
        self.running.end()
    }
}

// === impl AllBlobs ===

impl AllBlobs {
    const COMMAND: &str = "cat-file";

    pub(super) fn list(git: &Git) -> Result<Self, HistoryError> {
        let arguments = ["--batch-all-objects", "--batch-check=%(objectname) %(objecttype)", "--buffer"];
        let (running, names) = git.start(Self::COMMAND, &arguments, Stdio::null())?;
        Ok(Self { running, names: BufReader::new(names) })
    }

    /// The next name; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<ObjectName>, HistoryError> {
        let error = |source| HistoryError::Answer { command: Self::COMMAND, source };
        loop {
            let mut line = String::new();
            self.names.by_ref().take(HEADER_MAX).read_line(&mut line).map_err(error)?;
            match line.trim_end().split_once(' ') {
                None if line.is_empty() => return Ok(None),
                Some((name, "blob")) => {
                    return ObjectName::parse(name)
                        .map(Some)
                        .ok_or_else(|| error(io::ErrorKind::InvalidData.into()));
                }
                _ => {}
            }
        }
    }

    pub(super) fn end(self) -> Result<(), String> {
        drop(self.names);
        self.running.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        for text in ["0123456789abcdef0123456789abcdef01234567", &"9f".repeat(32)] {
            assert_eq!(ObjectName::parse(text).unwrap().to_string(), *text);
        }
        for text in ["", "0123", &"g".repeat(40), &"é".repeat(20)] {
            assert!(ObjectName::parse(text).is_none(), "{text}");
        }
    }
}
