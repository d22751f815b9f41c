//! One JSON document a line, of bounded length.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest line that is read; a command line of a restart is the longest thing in one.
const LINE_BYTES_MAX: u64 = 256 * 1024;

/// Reads documents.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
}

// === impl Lines ===

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader: BufReader::new(reader) }
    }

    /// The next one; `None` at the end. A line without its end is none: its writer died over it.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        self.reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            let whole = (line.len() as u64) < LINE_BYTES_MAX;
            let long = || io::Error::new(ErrorKind::InvalidData, "a line is longer than any message");
            return if whole { Ok(None) } else { Err(long()) };
        }
        Ok(Some(serde_json::from_slice(&line)?))
    }
}

/// Writes one, in one piece.
pub(crate) fn write(mut writer: impl Write, document: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(document)?;
    line.push(b'\n');
    writer.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES_MAX, Lines, write};

    #[test]
    fn torn_line_is_the_end() {
        let mut bytes = Vec::new();
        write(&mut bytes, &1).unwrap();
        bytes.extend_from_slice(b"2");
        let mut lines = Lines::new(bytes.as_slice());
        assert_eq!(lines.next().unwrap(), Some(1));
        assert_eq!(lines.next::<i32>().unwrap(), None);
    }

    #[test]
    fn endless_line_is_refused() {
        let bytes = vec![b' '; LINE_BYTES_MAX as usize * 2];
        assert!(Lines::new(bytes.as_slice()).next::<i32>().is_err());
    }
}
