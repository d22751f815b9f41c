//! The record of what a transaction replaces: on disk and synced before the first file changes, kept so that it can be taken back.
//!
//! One file for each transaction, itself replaced whole: it is never half written. It holds the old bytes of each file, and the digest
//! of everything that was ever written in their place, or that the file was removed; so whoever finds it after a crash tells old bytes from new ones, and both from those
//! of a third, which are left alone.
//!
//! Records lie in the audited tree, and whoever takes one back writes what it says. So only those are believed that were made in this very
//! directory by this user: one that came with the tree says another place.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use shield_types::Sha256Digest;

use super::root::{Access, FileError, Held, Place, Root};

/// Mode of the records' directory.
const OWNER_ONLY_DIRECTORY: u32 = 0o700;
/// Mode of a record.
const OWNER_ONLY: u32 = 0o600;
/// Transactions that can be taken back: each record holds the old bytes of all that it changed.
const RECORDS_MAX: usize = 20;

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Files are being replaced, or the tests run: it is taken back if nobody is at it any more.
    Applying,
    /// It is done.
    Applied,
    /// Files are being put back: that is finished if nobody is at it any more.
    Reverting,
    /// Some files are as they were before; the record holds the others, which somebody changed since.
    Left,
    /// All files are as they were before.
    Reverted,
}

/// A record as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored<J> {
    place: Place,
    journal: J,
}

/// The record of one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) state: State,
    pub(super) files: Vec<Saved>,
    /// What was done, for people.
    pub(super) remedies: Vec<Noted>,
}

/// A remedy in the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// The rule of the finding.
    pub rule: String,
    /// Its file.
    pub file: String,
    /// Its line, from 1; none of a whole file.
    pub line: Option<u32>,
    /// The finding's fingerprint.
    pub fingerprint: String,
    /// What the remedy does.
    pub what: String,
}

/// What a file was, and what it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) file: String,
    /// Its old bytes in base64, and who may do what with it; none of a file that was not there.
    before: Option<Before>,
    /// Everything that it was made, in order.
    written: Vec<Sha256Digest>,
    /// Whether it was removed, if it was there.
    #[serde(default)]
    removed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    bytes: String,
    digest: Sha256Digest,
    access: Access,
}

/// Why a record was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system refused.
    #[error("keep the record of changes in `{}`", path.display())]
    Refused {
        /// The record, or its directory.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// It is not what was written.
    #[error("read the record of changes `{}`: it is damaged", path.display())]
    Damaged {
        /// The record.
        path: PathBuf,
    },
    /// Somebody else made it, or it was made elsewhere.
    #[error("read the record of changes `{}`: it was not made here by you", path.display())]
    Foreign {
        /// The record, or its directory.
        path: PathBuf,
    },
    /// A file holds bytes that are not wanted, and cannot be written back.
    #[error("put `{file}` back: {why}")]
    Stuck {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// Somebody else is at work.
    #[error("change files: another `--fix` or `--revert` is at work in `{}`", path.display())]
    Busy {
        /// The directory of records.
        path: PathBuf,
    },
}

/// A directory of records that nobody else writes to meanwhile.
#[derive(Debug)]
pub(super) struct Journals {
    path: PathBuf,
    pub(super) root: Root,
    place: Place,
    /// Locked for as long as it is open; none for who only looks.
    _lock: Option<File>,
}

// === impl Journals ===

impl Journals {
    /// Opens a directory of records, which is made if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let refused = |source: io::Error| JournalError::Refused { path: path.to_owned(), source };
        // The records hold whole files, of which some are their owner's alone.
        DirBuilder::new().recursive(true).mode(OWNER_ONLY_DIRECTORY).create(path).map_err(refused)?;
        let root = Root::open(path).map_err(refused)?;
        let place = place_of(&root, path)?;
        // A pipe would hold this up, and a link would make a file elsewhere.
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(OWNER_ONLY)
            .custom_flags(flags.bits().cast_signed())
            .open(path.join("lock"))
            .map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(JournalError::Busy { path: path.to_owned() }),
            Err(fs::TryLockError::Error(source)) => return Err(refused(source)),
        }
        Ok(Self { path: path.to_owned(), root, place, _lock: Some(lock) })
    }

    /// Opens a directory of records only to look, also while somebody writes to it: records are replaced whole. `None` if there is none.
    pub(super) fn look(path: &Path) -> Result<Option<Self>, JournalError> {
        match Root::open(path) {
            Ok(root) => {
                let place = place_of(&root, path)?;
                Ok(Some(Self { path: path.to_owned(), root, place, _lock: None }))
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(source) => Err(JournalError::Refused { path: path.to_owned(), source }),
        }
    }

    /// The numbers of all records, the oldest first.
    pub(super) fn numbers(&self) -> Result<Vec<u32>, JournalError> {
        let refused = |source: io::Error| JournalError::Refused { path: self.path.clone(), source };
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(refused)? {
            let name = entry.map_err(refused)?.file_name();
            let number: Option<u32> = name.to_str().and_then(|name| name.strip_suffix(".json")?.parse().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Reads a record.
    pub(super) fn read(&self, number: u32) -> Result<Journal, JournalError> {
        let damaged = || JournalError::Damaged { path: self.path.join(name(number)) };
        let held = self.root.read(&name(number)).map_err(|error| self.error(error))?.ok_or_else(damaged)?;
        let Stored { place, journal } =
            serde_json::from_slice::<Stored<Journal>>(&held.bytes).map_err(|_| damaged())?;
        if place != self.place || !held.access.is_own() {
            return Err(JournalError::Foreign { path: self.path.join(name(number)) });
        }
        let whole = journal.files.iter().all(|saved| saved.before.is_none() || saved.bytes().is_some());
        if whole { Ok(journal) } else { Err(damaged()) }
    }

    /// Writes a record, in place of the one of this number if there is one.
    pub(super) fn write(&self, number: u32, journal: &Journal) -> Result<(), JournalError> {
        let bytes = serde_json::to_vec(&Stored { place: self.place, journal })
            .map_err(|error| JournalError::Refused { path: self.path.clone(), source: error.into() })?;
        let held = self.root.read(&name(number)).map_err(|error| self.error(error))?;
        let expected = held.map(|held| held.digest);
        self.root
            .write(&name(number), &bytes, expected, Some(Access::own(OWNER_ONLY)))
            .map_err(|error| self.error(error))
    }

    /// Removes what nobody can take back any more: of the records that are taken back, all but the newest; of the others, the oldest
    /// of more than [`RECORDS_MAX`].
    pub(super) fn prune(&self) -> Result<(), JournalError> {
        let mut applied = 0;
        for number in self.numbers()?.into_iter().rev().skip(1) {
            let over = match self.read(number)?.state {
                State::Reverted => true,
                State::Applied | State::Left => {
                    applied += 1;
                    applied >= RECORDS_MAX
                }
                State::Applying | State::Reverting => false,
            };
            if over {
                let held = self.root.read(&name(number)).map_err(|error| self.error(error))?;
                let digest = held.map(|held| held.digest);
                digest
                    .map_or(Ok(()), |digest| self.root.remove(&name(number), digest))
                    .map_err(|error| self.error(error))?;
            }
        }
        Ok(())
    }

    fn error(&self, error: FileError) -> JournalError {
        let source = match error {
            FileError::Refused { source, .. } => source,
            other => io::Error::other(other.to_string()),
        };
        JournalError::Refused { path: self.path.clone(), source }
    }
}

fn place_of(root: &Root, path: &Path) -> Result<Place, JournalError> {
    let place = root.own_place().map_err(|source| JournalError::Refused { path: path.to_owned(), source })?;
    place.ok_or_else(|| JournalError::Foreign { path: path.to_owned() })
}

fn name(number: u32) -> String {
    format!("{number:06}.json")
}

// === impl Saved ===

impl Saved {
    /// A file before anything is written.
    pub(super) fn of(file: &str, held: Option<&Held>) -> Self {
        let before = held.map(|held| Before {
            bytes: STANDARD.encode(&held.bytes),
            digest: held.digest,
            access: held.access,
        });
        Self { file: file.to_owned(), before, written: Vec::new(), removed: false }
    }

    /// Notes what the file is about to be made, by the digest of its bytes, or that it is about to be removed; whether that was not noted
    /// before.
    pub(super) fn expect(&mut self, digest: Option<Sha256Digest>) -> bool {
        match digest {
            Some(digest) if !self.written.contains(&digest) => self.written.push(digest),
            None if self.before.is_some() && !self.removed => self.removed = true,
            _ => return false,
        }
        true
    }

    /// What it was; `None` if it was not there, or the record is damaged.
    fn bytes(&self) -> Option<Vec<u8>> {
        let before = self.before.as_ref()?;
        let bytes = STANDARD.decode(&before.bytes).ok()?;
        (Sha256Digest::of(&bytes) == before.digest).then_some(bytes)
    }

    /// Puts the old bytes back, if the file is still what was written, with the permissions that it had; nothing if it is as it was.
    pub(super) fn restore(&self, root: &Root) -> Result<(), FileError> {
        root.clean(&self.file)?;
        let held = root.read(&self.file)?;
        let now = held.as_ref().map(|held| held.digest);
        let before = self.before.as_ref().map(|before| before.digest);
        if now == before {
            return Ok(());
        }
        let changed = || FileError::Changed { file: self.file.clone() };
        if !now.map_or(self.removed, |now| self.written.contains(&now)) {
            return Err(changed());
        }
        if let (Some(before), Some(held)) = (&self.before, &held)
            && before.access != held.access
        {
            return Err(FileError::Permissions { file: self.file.clone() });
        }
        match (&self.before, self.bytes(), now) {
            (None, _, Some(ours)) => root.remove(&self.file, ours),
            (Some(before), Some(bytes), now) => root.write(&self.file, &bytes, now, Some(before.access)),
            (None, _, None) | (Some(_), None, _) => Err(changed()),
        }
    }
}
