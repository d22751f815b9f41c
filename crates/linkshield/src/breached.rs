//! Lists of breached passwords (ASVS 5.0, 6.2.12): made into a filter once, by a command; read by the service when it starts.
//!
//! A list has a SHA-1 per line, as the public collections have (`5BAA61E4…`, with or without `:COUNT`), or a password per line.
//! Nothing is looked up over a network. The filter takes two bytes per password, on disk and in memory: 900 million are 1.7 GB.
//! One password of 1,300 that is in no list is refused all the same.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use shield_guard::password::{
    BreachFilter, BreachedHash, BuildFilterError, OpenFilterError, ParseBreachedHashError, build_filter,
};
use thiserror::Error;

/// Longest line of a list; a password that may be set is far shorter.
const LINE_BYTES_MAX: u64 = 64 * 1_024;

/// What the lines of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// SHA-1 in hexadecimal digits, and a count or none.
    Hashes,
    /// Passwords as they are. Lines that are not UTF-8 are none that anybody could set here, and are left out.
    Passwords,
}

/// A filter that was made.
#[derive(Debug)]
pub struct BuiltFilter {
    /// For a file that [`open_filter`] reads.
    pub bytes: Vec<u8>,
    /// Lines that are in it.
    pub entries: u64,
    /// Lines that were left out.
    pub skipped: u64,
}

/// Why no filter was made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildListError {
    /// The list cannot be read.
    #[error("read the list of breached passwords `{}`", path.display())]
    Read {
        /// The list.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A line is no hash.
    #[error("read line {line} of `{}`", path.display())]
    Line {
        /// The list.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// Why.
        #[source]
        source: ParseBreachedHashError,
    },
    /// There are too many or none, or the list grew meanwhile.
    #[error("make a filter of `{}`", path.display())]
    Build {
        /// The list.
        path: PathBuf,
        /// Why.
        #[source]
        source: BuildFilterError,
    },
}

/// Why a filter was not written.
#[derive(Debug, Error)]
#[error("write the filter of breached passwords `{}`", path.display())]
pub struct WriteFilterError {
    /// The file.
    path: PathBuf,
    /// The system's reason.
    #[source]
    source: io::Error,
}

/// Why a filter cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenListError {
    /// The file cannot be read.
    #[error("read the filter of breached passwords `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The file is no filter, or damaged.
    #[error("use the filter of breached passwords `{}`", path.display())]
    Filter {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: OpenFilterError,
    },
}

/// The lines of a list, until one cannot be read.
struct Hashes<'a> {
    path: &'a Path,
    form: ListForm,
    list: BufReader<File>,
    line: Vec<u8>,
    number: u64,
    skipped: u64,
    failure: Option<BuildListError>,
}

/// Reads a filter into memory and checks its digest.
///
/// # Errors
/// When the file cannot be read, is no filter, or is damaged.
pub fn open_filter(path: &Path) -> Result<BreachFilter, OpenListError> {
    let bytes = fs::read(path).map_err(|source| OpenListError::Read { path: path.to_owned(), source })?;
    BreachFilter::open(bytes).map_err(|source| OpenListError::Filter { path: path.to_owned(), source })
}

/// Makes a filter of a list, which is read twice: once to count.
///
/// # Errors
/// When the list cannot be read, a line is not what it should be, or the list is empty or too long.
pub fn build_from_list(list: &Path, form: ListForm) -> Result<BuiltFilter, BuildListError> {
    let mut counted = Hashes::open(list, form)?;
    let entries = (&mut counted).count() as u64;
    counted.finish()?;
    let mut hashes = Hashes::open(list, form)?;
    let bytes = build_filter(entries, &mut hashes)
        .map_err(|source| BuildListError::Build { path: list.to_owned(), source })?;
    let skipped = hashes.finish()?;
    Ok(BuiltFilter { bytes, entries, skipped })
}

/// Writes a file so that whoever reads it finds the whole of it, or what was there before.
///
/// # Errors
/// When the system does not let it write there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), WriteFilterError> {
    replace(path, bytes).map_err(|source| WriteFilterError { path: path.to_owned(), source })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}

// === impl Hashes ===

impl<'a> Hashes<'a> {
    fn open(path: &'a Path, form: ListForm) -> Result<Self, BuildListError> {
        let file = File::open(path);
        let file = file.map_err(|source| BuildListError::Read { path: path.to_owned(), source })?;
        let list = BufReader::with_capacity(1_024 * 1_024, file);
        Ok(Self { path, form, list, line: Vec::new(), number: 0, skipped: 0, failure: None })
    }

    /// How many lines were left out, if all others could be read.
    fn finish(self) -> Result<u64, BuildListError> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.skipped),
        }
    }

    /// The next line without its end; None at the end of the list.
    fn next_line(&mut self) -> Result<Option<&[u8]>, BuildListError> {
        self.line.clear();
        let read = (&mut self.list).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line);
        let read = match read {
            Ok(read) if read as u64 == LINE_BYTES_MAX => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "a line has more than 65,535 bytes"))
            }
            read => read,
        };
        let read = read.map_err(|source| BuildListError::Read { path: self.path.to_owned(), source })?;
        self.number += 1;
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok((read > 0).then(|| line.strip_suffix(b"\r").unwrap_or(line)))
    }

    fn next_hash(&mut self) -> Result<Option<BreachedHash>, BuildListError> {
        let form = self.form;
        loop {
            let Some(line) = self.next_line()? else { return Ok(None) };
            let hash = match (form, line) {
                (_, []) => None,
                (ListForm::Hashes, line) => match BreachedHash::parse_line(line) {
                    Ok(hash) => Some(hash),
                    Err(source) => {
                        let (path, line) = (self.path.to_owned(), self.number);
                        return Err(BuildListError::Line { path, line, source });
                    }
                },
                (ListForm::Passwords, line) => str::from_utf8(line).ok().map(BreachedHash::of_password),
            };
            match hash {
                Some(hash) => return Ok(Some(hash)),
                None => self.skipped += 1,
            }
        }
    }
}

impl Iterator for Hashes<'_> {
    type Item = BreachedHash;

    fn next(&mut self) -> Option<BreachedHash> {
        if self.failure.is_some() {
            return None;
        }
        self.next_hash().unwrap_or_else(|failure| {
            self.failure = Some(failure);
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchDirectory;

    fn build(text: &[u8], form: ListForm) -> Result<(BreachFilter, u64), BuildListError> {
        let directory = ScratchDirectory::new();
        let (list, file) = (directory.path().join("list.txt"), directory.path().join("filter"));
        fs::write(&list, text).unwrap();
        let built = build_from_list(&list, form)?;
        write_whole(&file, &built.bytes).unwrap();
        let filter = open_filter(&file).unwrap();
        assert_eq!(filter.entries(), built.entries);
        Ok((filter, built.skipped))
    }

    #[test]
    fn hashes_and_passwords_make_the_same_filter() {
        let hashes = b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\r\n\n7c6a61c68ef8b9b6b061b28c348bc1ed7921cb53";
        let (hashes, skipped) = build(hashes, ListForm::Hashes).unwrap();
        assert_eq!((hashes.entries(), skipped), (2, 1));
        let (passwords, skipped) = build(b"password\r\npassw0rd\nol\xe9\n\n", ListForm::Passwords).unwrap();
        assert_eq!((passwords.entries(), skipped), (2, 2), "Latin-1 is not UTF-8");
        for filter in [hashes, passwords] {
            assert!(filter.contains("password") && filter.contains("passw0rd") && !filter.contains("wombat"));
        }
    }

    #[test]
    fn mistakes_name_their_line() {
        let error = build(b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8\npassword\n", ListForm::Hashes);
        assert!(matches!(error, Err(BuildListError::Line { line: 2, .. })));
        assert!(matches!(build(b"\n\n", ListForm::Passwords), Err(BuildListError::Build { .. })));
        let endless = vec![b'x'; 70_000];
        assert!(matches!(build(&endless, ListForm::Passwords), Err(BuildListError::Read { .. })));
    }

    #[test]
    fn damaged_filters_are_not_used() {
        let directory = ScratchDirectory::new();
        let file = directory.path().join("filter");
        assert!(matches!(open_filter(&file), Err(OpenListError::Read { .. })));
        fs::write(&file, "password\n").unwrap();
        assert!(matches!(open_filter(&file), Err(OpenListError::Filter { .. })));
    }
}
