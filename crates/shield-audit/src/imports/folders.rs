//! What one import after the other asks of the same folders and files, asked of the disk once.
//!
//! In a project of hundreds of services every import that is not found asks for the folders of all of them, and every file for what the same
//! `conftest.py` adds to `sys.path`.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use super::files::{EntryKind, Files, join};

/// The answers so far: none changes while one graph is made.
pub(super) struct Folders<'a> {
    pub(super) files: &'a dyn Files,
    /// By folder, the names of the modules in it.
    modules: Memo<HashSet<String>>,
    /// By folder, the names of those in it that are compiled, or read by type checkers only.
    made: Memo<HashSet<String>>,
    /// By file or unit, the folders that it adds to the search path.
    added: Memo<Vec<String>>,
}

struct Memo<T>(Mutex<HashMap<String, Arc<T>>>);

// === impl Folders ===

impl<'a> Folders<'a> {
    /// Of these files; nothing is asked yet.
    pub(super) fn of(files: &'a dyn Files) -> Self {
        Self { files, modules: Memo::default(), made: Memo::default(), added: Memo::default() }
    }

    /// Whether a module of this dotted name lies in a folder that is on the search path.
    pub(super) fn has_module(&self, folder: &str, name: &str) -> bool {
        let mut folder = folder.to_owned();
        // From the top: only what is there is listed.
        name.split('.').all(|part| {
            let there = self.modules(&folder).contains(part);
            folder = join(&folder, part);
            there
        })
    }

    /// The names of the modules that lie in a folder.
    pub(super) fn modules(&self, folder: &str) -> Arc<HashSet<String>> {
        self.modules.get(folder, || {
            let entries = self.files.list(folder).unwrap_or_default().into_iter();
            let name = |name: String, kind| match kind {
                EntryKind::Folder => Some(name),
                EntryKind::File => name.strip_suffix(".py").map(str::to_owned),
            };
            entries.filter_map(|entry| name(entry.name, entry.kind)).collect()
        })
    }

    /// Whether a folder holds what a module of this name is compiled from, or what type checkers know of it.
    pub(super) fn makes(&self, folder: &str, name: &str) -> bool {
        let made = self.made.get(folder, || {
            let entries = self.files.list(folder).unwrap_or_default().into_iter();
            let stem = |file: &str| {
                [".pyx", ".pyi"].iter().find_map(|end| file.strip_suffix(end)).map(str::to_owned)
            };
            entries.filter_map(|entry| stem(&entry.name)).collect()
        });
        made.contains(name)
    }

    /// The folders that a file or unit adds to the search path, found by `read`.
    pub(super) fn added_by(&self, file: &str, read: impl FnOnce() -> Vec<String>) -> Arc<Vec<String>> {
        self.added.get(file, read)
    }
}

// === impl Memo ===

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Memo<T> {
    /// What is known, or else is made now. Two threads may make the same at once: nobody waits for another one's disk.
    fn get(&self, key: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(key) {
            return Arc::clone(found);
        }
        let made = Arc::new(make());
        Arc::clone(known().entry(key.to_owned()).or_insert(made))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::imports::files::{Entry, Memory};

    /// Files that count how often a folder is listed.
    struct Counted(Memory, AtomicUsize);

    impl Files for Counted {
        fn read(&self, path: &str) -> io::Result<Vec<u8>> {
            self.0.read(path)
        }

        fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.list(path)
        }
    }

    #[test]
    fn folder_is_listed_once() {
        let files = Memory::new([("p/a.py", ""), ("p/b/c.py", ""), ("p/d.txt", "")]);
        let files = Counted(files, AtomicUsize::new(0));
        let folders = Folders::of(&files);
        for _ in 0..3 {
            for (name, there) in
                [("a", true), ("b", true), ("b.c", true), ("b.d", false), ("d", false), ("e.f.g", false)]
            {
                assert_eq!(folders.has_module("p", name), there, "{name}");
            }
        }
        assert_eq!(files.1.load(Ordering::Relaxed), 2, "what is below an absent folder is not asked for");
    }

    #[test]
    fn what_is_compiled_is_asked_for_once() {
        let files = Memory::new([("p/a.pyx", ""), ("p/b.pyi", ""), ("p/c.py", "")]);
        let files = Counted(files, AtomicUsize::new(0));
        let folders = Folders::of(&files);
        assert_eq!(["a", "b", "c"].map(|name| folders.makes("p", name)), [true, true, false]);
        assert_eq!(files.1.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn file_is_read_once() {
        let files = Memory::default();
        let folders = Folders::of(&files);
        assert_eq!(*folders.added_by("conftest.py", || vec!["a".to_owned()]), ["a"]);
        assert_eq!(*folders.added_by("conftest.py", Vec::new), ["a"]);
        assert!(folders.added_by("b/conftest.py", Vec::new).is_empty());
    }
}
