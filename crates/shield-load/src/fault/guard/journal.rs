//! What the guard is about to do and how to undo it, on disk before it is done.
//!
//! One file per guard, locked while the guard lives, removed once everything is undone. An entry is synced before its fault
//! begins. That a fault began or was undone is only written: the page cache outlives a killed process, and a reboot ends
//! all but what is undone in files, which is undone whether the fault began or not.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::fault::guard::lines::{self, Lines};
use crate::fault::guard::undo::Undo;
use crate::fault::process::procfs;

/// Ending of the names of journals.
const EXTENSION: &str = "undo";

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
enum Record {
    /// The first: which boot the processes are of.
    Boot { boot_id: String },
    /// A fault may begin; a later line about the same one replaces this.
    Prepared { id: usize, undo: Undo },
    /// It begins.
    Begun { id: usize },
    /// It is undone.
    Undone { id: usize },
}

/// The journal of a guard that lives.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

/// The journal of a guard that is dead, locked by who reads it.
#[derive(Debug)]
pub(crate) struct DeadJournal {
    path: PathBuf,
    _locked: File,
    /// What is left to undo.
    pub(crate) undos: Vec<Undo>,
}

// === impl Journal ===

impl Journal {
    /// Begins one in `directory`, which is made if need be.
    pub(crate) fn create(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let path = directory.join(format!("{}-{:08x}.{EXTENSION}", std::process::id(), fastrand::u32(..)));
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        lines::write(&file, &Record::Boot { boot_id: procfs::boot_id() })?;
        file.sync_all()?;
        File::open(directory)?.sync_all()?;
        Ok(Self { path, file })
    }

    /// `undo` is on disk when this returns.
    pub(crate) fn prepared(&self, id: usize, undo: Undo) -> io::Result<()> {
        lines::write(&self.file, &Record::Prepared { id, undo })?;
        self.file.sync_data()
    }

    pub(crate) fn begun(&self, id: usize) -> io::Result<()> {
        lines::write(&self.file, &Record::Begun { id })
    }

    pub(crate) fn undone(&self, id: usize) -> io::Result<()> {
        lines::write(&self.file, &Record::Undone { id })
    }

    /// Everything is undone.
    pub(crate) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

// === impl DeadJournal ===

impl DeadJournal {
    /// Those of `directory` whose guards are dead, and what could not be read; none if there is no such directory.
    pub(crate) fn all(directory: &Path) -> io::Result<(Vec<Self>, Vec<String>)> {
        let (mut journals, mut unread) = (Vec::new(), Vec::new());
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((journals, unread)),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            // What is no plain file is no journal, whatever it is called; opening it might never return.
            let file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if file && path.extension().is_some_and(|extension| extension == EXTENSION) {
                match Self::open(&path) {
                    Ok(journal) => journals.extend(journal),
                    // One that cannot be read does not keep the others from being undone.
                    Err(error) => unread.push(format!("read `{}`: {error}", path.display())),
                }
            }
        }
        Ok((journals, unread))
    }

    /// `None` while its guard lives, or when another process is at it.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(None);
        }
        let undos = left(&file)?;
        Ok(Some(Self { path: path.to_owned(), _locked: file, undos }))
    }

    /// Everything is undone.
    pub(crate) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// What began and is not undone.
fn left(file: &File) -> io::Result<Vec<Undo>> {
    let mut lines = Lines::new(file);
    let mut prepared = BTreeMap::new();
    let mut begun = BTreeMap::new();
    let mut this_boot = false;
    while let Some(record) = lines.next()? {
        match record {
            Record::Boot { boot_id } => this_boot = boot_id == procfs::boot_id(),
            Record::Prepared { id, undo } => drop(prepared.insert(id, undo)),
            Record::Begun { id } => drop(begun.insert(id, ())),
            Record::Undone { id } => drop(prepared.remove(&id)),
        }
    }
    let outstanding = prepared.into_iter().filter(|(id, undo)| match this_boot {
        true => begun.contains_key(id),
        false => undo.outlives_boot(),
    });
    Ok(outstanding.map(|(_, undo)| undo).collect())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::{DeadJournal, Journal, left};
    use crate::fault::guard::undo::Undo;

    fn remove(name: &str) -> Undo {
        Undo::Remove { path: name.into() }
    }

    #[test]
    fn only_what_began_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let journal = Journal::create(directory.path()).unwrap();
        for (id, name) in [(0, "begun"), (1, "undone"), (2, "prepared"), (3, "old")] {
            journal.prepared(id, remove(name)).unwrap();
        }
        [0, 1, 3].into_iter().for_each(|id| journal.begun(id).unwrap());
        journal.undone(1).unwrap();
        journal.prepared(3, remove("new")).unwrap();
        assert!(DeadJournal::all(directory.path()).unwrap().0.is_empty(), "its guard lives");
        drop(journal);
        let (mut journals, _) = DeadJournal::all(directory.path()).unwrap();
        assert_eq!(journals[0].undos, [remove("begun"), remove("new")]);
        journals.remove(0).remove().unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_are_left_after_a_reboot() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let lines = [
            r#"{"record":"boot","boot_id":"another"}"#,
            r#"{"record":"prepared","id":0,"undo":{"undo":"remove","path":"file"}}"#,
            r#"{"record":"prepared","id":1,"undo":{"undo":"continue","processes":[]}}"#,
            r#"{"record":"begun","id":1}"#,
            r#"{"record":"undone","id"#,
        ];
        fs::write(&path, lines.join("\n")).unwrap();
        assert_eq!(left(&File::open(&path).unwrap()).unwrap(), [remove("file")]);
    }
}
