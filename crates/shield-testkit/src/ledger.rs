//! The exactly-once ledger: which ids the backends of a test applied, and how often.
//!
//! Every backend process appends one line per applied id to its own file, with one `write(2)` on a descriptor opened
//! with `O_APPEND`, before it answers. A kill can therefore lose an answer but never an applied id that was answered,
//! and files of many processes in one directory add up to the truth about the service. A file that ends in the middle
//! of a line is refused: a ledger that guesses proves nothing.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use thiserror::Error;

/// Longest id that a backend applies, in bytes.
pub(crate) const ID_BYTES_MAX: usize = 128;

static WRITERS: AtomicU32 = AtomicU32::new(0);

/// What was applied, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// How often each id was applied.
    pub ids: BTreeMap<String, u32>,
}

/// The ledger of a directory was not read.
#[derive(Debug, Error)]
pub enum ReadLedgerError {
    /// A file or the directory could not be read.
    #[error("read the ledger at `{}`", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file ends in the middle of a line.
    #[error("read the ledger at `{}`: its last line `{line}` has no end", path.display())]
    Torn {
        /// Which file.
        path: PathBuf,
        /// What stands there.
        line: String,
    },
}

// === impl Ledger ===

impl Ledger {
    /// Reads `data/ledger/*.log`, of all processes that ever wrote there. No directory is an empty ledger.
    pub fn read(data: &Path) -> Result<Self, ReadLedgerError> {
        let directory = data.join("ledger");
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| ReadLedgerError::Unreadable { path, source }
        };
        let mut ledger = Self::default();
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ledger),
            entries => entries.map_err(unreadable(&directory))?,
        };
        for entry in entries {
            let path = entry.map_err(unreadable(&directory))?.path();
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            let after_last_end = text.rsplit('\n').next().unwrap_or_default();
            if !after_last_end.is_empty() {
                return Err(ReadLedgerError::Torn { line: after_last_end.to_owned(), path });
            }
            for id in text.lines() {
                *ledger.ids.entry(id.to_owned()).or_default() += 1;
            }
        }
        Ok(ledger)
    }

    /// Those of `expected` that were never applied.
    pub fn missing<'a>(&self, expected: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        expected.into_iter().filter(|id| !self.ids.contains_key(*id)).collect()
    }

    /// Ids applied more than once, with how often.
    #[must_use]
    pub fn duplicated(&self) -> Vec<(&str, u32)> {
        self.ids.iter().filter(|(_, times)| **times > 1).map(|(id, times)| (id.as_str(), *times)).collect()
    }
}

/// The file of one backend.
#[derive(Debug)]
pub(crate) struct LedgerWriter {
    file: File,
}

// === impl LedgerWriter ===

impl LedgerWriter {
    /// Creates `data/ledger/<pid>-<start>.log`. The start time carries a counter, so that several backends in one
    /// process get several files.
    pub(crate) fn create(data: &Path) -> io::Result<Self> {
        let directory = data.join("ledger");
        fs::create_dir_all(&directory)?;
        let start_ns = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?.as_nanos();
        let number = WRITERS.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{}-{start_ns}.{number}.log", std::process::id()));
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        Ok(Self { file })
    }

    /// Appends one id. A write that the file system cut short is an error, and leaves a torn ledger behind.
    pub(crate) fn append(&self, id: &str) -> io::Result<()> {
        let line = format!("{id}\n");
        let written = (&self.file).write(line.as_bytes())?;
        if written != line.len() {
            return Err(io::Error::new(io::ErrorKind::WriteZero, "the ledger's line was cut short"));
        }
        Ok(())
    }
}

/// Whether `id` may stand on a line of the ledger.
pub(crate) fn acceptable_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(plain)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use std::fs;

    use super::{Ledger, LedgerWriter, ReadLedgerError, acceptable_id};

    #[test]
    fn counts_over_all_processes() {
        let data = tempfile::tempdir().unwrap();
        let (first, second) =
            (LedgerWriter::create(data.path()).unwrap(), LedgerWriter::create(data.path()).unwrap());
        first.append("a").unwrap();
        second.append("a").unwrap();
        second.append("b").unwrap();
        let ledger = Ledger::read(data.path()).unwrap();
        assert_eq!(ledger.duplicated(), [("a", 2)]);
        assert_eq!(ledger.missing(["a", "b", "c"]), ["c"]);
    }

    #[test]
    fn refuses_torn_line() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("ledger")).unwrap();
        for text in ["a\nb", "b"] {
            fs::write(data.path().join("ledger/1-1.log"), text).unwrap();
            let read = Ledger::read(data.path());
            assert!(matches!(read, Err(ReadLedgerError::Torn { line, .. }) if line == "b"));
        }
    }

    #[test]
    fn absent_directory_is_empty() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Ledger::read(data.path()).unwrap(), Ledger::default());
    }

    #[test]
    fn refuses_ids_that_break_lines() {
        assert!(acceptable_id("s1-2-3"));
        for id in ["", "a\nb", "a/b", &"x".repeat(129)] {
            assert!(!acceptable_id(id), "{id}");
        }
    }
}
