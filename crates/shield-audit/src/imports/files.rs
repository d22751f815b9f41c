//! What the import graph reads from: a directory on disk, or texts in a test.
//!
//! Paths are text with `/` between names. A name that is no UTF-8 cannot be a Python module's and is left out; a directory that is a
//! symbolic link to one of its own parents is left out too, so that every walk ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use crate::tree::{REGULAR_BYTES_MAX, read_regular};

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, without its folder's.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry of a folder is, behind symbolic links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// Anything that can be read.
    File,
}

/// Where files are read from. Answers do not change while one graph is made.
pub trait Files: Sync {
    /// The bytes of the file at `path`.
    ///
    /// # Errors
    /// As the operating system says; the caller reports them and goes on.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// What lies in the folder at `path`, sorted by name.
    ///
    /// # Errors
    /// As the operating system says; the caller reports them and goes on.
    fn list(&self, path: &str) -> io::Result<Vec<Entry>>;
}

/// The operating system's files.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

/// Files that exist only as text.
#[derive(Clone, Debug, Default)]
pub struct Memory(BTreeMap<String, Vec<u8>>);

/// `folder` and `name` as one path.
pub(super) fn join(folder: &str, name: &str) -> String {
    match folder {
        "" | "." => name.to_owned(),
        _ if folder.ends_with('/') => format!("{folder}{name}"),
        _ => format!("{folder}/{name}"),
    }
}

/// The folder of a path; empty if it has none.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last name of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A file's text, if there is such a file and it is UTF-8.
pub(super) fn text_at(files: &dyn Files, path: &str) -> Option<String> {
    String::from_utf8(files.read(path).ok()?).ok()
}

// === impl Disk ===

impl Files for Disk {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        read_regular(Path::new(path), REGULAR_BYTES_MAX)
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let folder = if path.is_empty() { "." } else { path };
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let mut found = entry.file_type()?;
            if found.is_symlink() {
                let Ok(behind) = fs::metadata(entry.path()) else { continue };
                if behind.is_dir() && fs::canonicalize(folder)?.starts_with(fs::canonicalize(entry.path())?) {
                    continue;
                }
                found = behind.file_type();
            }
            let kind = if found.is_dir() { EntryKind::Folder } else { EntryKind::File };
            if kind == EntryKind::Folder || found.is_file() {
                entries.push(Entry { name, kind });
            }
        }
        entries.sort();
        Ok(entries)
    }
}

// === impl Memory ===

impl Memory {
    /// Files by path.
    pub fn new<P: Into<String>, T: Into<Vec<u8>>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        Self(files.into_iter().map(|(path, text)| (path.into(), text.into())).collect())
    }

    /// Writes a file, in place of the one that was there.
    pub fn write(&mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), text.into());
    }
}

impl Files for Memory {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let prefix = join(path, "");
        let below = self.0.keys().filter_map(|file| file.strip_prefix(&prefix));
        let entries: BTreeSet<Entry> = below
            .map(|rest| match rest.split_once('/') {
                Some((name, _)) => Entry { name: name.to_owned(), kind: EntryKind::Folder },
                None => Entry { name: rest.to_owned(), kind: EntryKind::File },
            })
            .collect();
        if entries.is_empty() {
            Err(io::Error::from(io::ErrorKind::NotFound))
        } else {
            Ok(entries.into_iter().collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn lists_one_level_in_order() {
        let files = Memory::new([("b/z.py", ""), ("a.py", ""), ("b/y/x.py", "")]);
        let names =
            |path: &str| files.list(path).unwrap().into_iter().map(|entry| entry.name).collect::<Vec<_>>();
        assert_eq!(names(""), ["a.py", "b"]);
        assert_eq!(names("b"), ["y", "z.py"]);
        assert!(files.list("c").is_err());
    }

    #[test]
    fn link_to_parent_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        symlink(folder.path(), inner.join("loop")).unwrap();
        symlink(folder.path().join("absent"), inner.join("dangling")).unwrap();
        fs::write(inner.join("a.py"), "").unwrap();
        let entries = Disk.list(inner.to_str().unwrap()).unwrap();
        assert_eq!(entries, [Entry { name: "a.py".to_owned(), kind: EntryKind::File }]);
    }
}
