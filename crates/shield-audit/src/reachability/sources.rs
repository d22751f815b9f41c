//! The files of a project and of what is installed for it, as far as they say what is imported.

use std::{fmt, io, iter};

use memchr::memchr;

/// How far a quoted text is followed, in bytes: names are shorter.
const QUOTED_BYTES_MAX: usize = 400;

/// The project's own files and those that are installed: their paths relative to the audited directory, and how to read one.
pub struct Sources<'a> {
    paths: Vec<&'a str>,
    installed: Vec<&'a str>,
    read: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
}

/// A path without its last name; empty for one name.
pub(super) fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// A directory and all that it lies in; the audited one, which is empty, is the last.
pub(super) fn upwards(from: &str) -> impl Iterator<Item = &str> {
    iter::successors(Some(from), |at| (!at.is_empty()).then(|| directory(at)))
}

/// The last name of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A path below a directory; none if it is elsewhere.
pub(super) fn below<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    match directory {
        "" => Some(path),
        directory => path.strip_prefix(directory)?.strip_prefix('/'),
    }
}

/// Everything that could be a quoted text, whatever stands before it: each quote is taken for an opening one, so that no apostrophe
/// in a comment hides what follows.
pub(crate) fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let openings = memchr::memchr3_iter(b'"', b'\'', b'`', text.as_bytes());
    openings.filter_map(move |at| until_quote(text, at).map(|(inner, _)| inner))
}

/// The text within the quotes of which the first is at `at`, and where it ends.
pub(super) fn until_quote(text: &str, at: usize) -> Option<(&str, usize)> {
    let rest = &text.as_bytes()[at + 1..];
    let near = &rest[..rest.len().min(QUOTED_BYTES_MAX)];
    let end = memchr(text.as_bytes()[at], near)?;
    let inner = text.get(at + 1..at + 1 + end)?;
    (!inner.contains('\n')).then_some((inner, at + 1 + end))
}

/// The words of a text: what could be the name of a package or of a program.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let stops = |character: char| !(character.is_ascii_alphanumeric() || "@/._~-".contains(character));
    text.split(stops).filter(|word| !word.is_empty())
}

// === impl Sources ===

impl<'a> Sources<'a> {
    /// Of these files.
    pub fn new(
        paths: impl IntoIterator<Item = &'a str>,
        installed: impl IntoIterator<Item = &'a str>,
        read: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
    ) -> Self {
        Self { paths: paths.into_iter().collect(), installed: installed.into_iter().collect(), read }
    }

    /// The paths of what is installed.
    pub(super) fn installed(&self) -> impl Iterator<Item = &'a str> {
        self.installed.iter().copied()
    }

    /// The paths of the project's own.
    pub(super) fn paths(&self) -> impl Iterator<Item = &'a str> {
        self.paths.iter().copied()
    }

    /// The paths that end with one of these names.
    pub(super) fn named(&self, names: &[&str]) -> Vec<&'a str> {
        self.paths().filter(|path| names.contains(&name(path))).collect()
    }

    /// The text of a file, strange bytes replaced: they are in no name. What begins as UTF-16 is read as that.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn text(&self, path: &str) -> io::Result<String> {
        let bytes = (self.read)(path)?;
        let wide = |unit: fn([u8; 2]) -> u16| {
            let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        };
        Ok(match bytes.get(..2) {
            Some([0xff, 0xfe]) => wide(u16::from_le_bytes),
            Some([0xfe, 0xff]) => wide(u16::from_be_bytes),
            _ => String::from_utf8_lossy(&bytes).into_owned(),
        })
    }
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sources").field("paths", &self.paths).finish_non_exhaustive()
    }
}
