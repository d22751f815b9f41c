//! What the import graph reads from: a directory on disk, or texts in a test.
//!
//! Paths are text with `/` between names. A name that is no UTF-8 cannot be a Python module's and is left out; a directory that is a
//! symbolic link to one of its own parents is left out too. Of any other link to a directory it is said where it leads: links between
//! siblings make endless paths of few directories, and whoever walks must see that it has been there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use super::{
    conditions::Target,
    extract::facts,
    facts::Facts,
    undefined::{Undefined, undefined},
};
use crate::tree::{REGULAR_BYTES_MAX, read_regular};

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, without its folder's.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Of a symbolic link to a folder: that folder's absolute path, without links.
    pub link: Option<String>,
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

    /// What the text of the file at `path` says to whoever runs it on `target`. Who remembers texts may know it already.
    fn facts(&self, _path: &str, text: &str, target: &Target) -> Facts {
        facts(text, target)
    }

    /// The names that nothing in the text of the file at `path` binds. Who remembers texts may know them already.
    fn undefined(&self, _path: &str, text: &str) -> Vec<Undefined> {
        undefined(text)
    }
}

/// The operating system's files.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

/// Files that exist only as text.
#[derive(Clone, Debug, Default)]
pub struct Memory(BTreeMap<String, Vec<u8>>);

/// Bytes of the longest path that Linux takes.
pub(super) const PATH_BYTES_MAX: usize = 4096;

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
        let (mut real, mut entries) = (None, Vec::new());
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let (mut found, mut link) = (entry.file_type()?, None);
            if found.is_symlink() {
                let Ok(behind) = fs::metadata(entry.path()) else { continue };
                if behind.is_dir() {
                    let real = match &mut real {
                        Some(real) => real,
                        none => none.insert(fs::canonicalize(folder)?),
                    };
                    let target = fs::canonicalize(entry.path())?;
                    let Some(text) = target.to_str().filter(|_| !real.starts_with(&target)) else { continue };
                    link = Some(text.to_owned());
                }
                found = behind.file_type();
            }
            let kind = if found.is_dir() { EntryKind::Folder } else { EntryKind::File };
            if kind == EntryKind::Folder || found.is_file() {
                entries.push(Entry { name, kind, link });
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
                Some((name, _)) => Entry { name: name.to_owned(), kind: EntryKind::Folder, link: None },
                None => Entry { name: rest.to_owned(), kind: EntryKind::File, link: None },
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
        assert_eq!(entries, [Entry { name: "a.py".to_owned(), kind: EntryKind::File, link: None }]);
    }

    #[test]
    fn link_says_where_it_leads() {
        let folder = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(folder.path()).unwrap().join("real");
        fs::create_dir(&real).unwrap();
        symlink("real", folder.path().join("link")).unwrap();
        let links: Vec<_> = Disk.list(folder.path().to_str().unwrap()).unwrap();
        let links: Vec<_> = links.into_iter().map(|entry| (entry.name, entry.link)).collect();
        let target = real.to_str().unwrap().to_owned();
        assert_eq!(links, [("link".to_owned(), Some(target)), ("real".to_owned(), None)]);
    }
}
