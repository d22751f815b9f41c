//! Which file the database is, and who may read it.
//!
//! SQLite goes on reading and writing a file that was deleted or replaced, and everything written from then on is lost
//! at the end of the process. So its identity is remembered and looked at before each write and by the health check.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::error::StoreError;

/// For the owner alone: digests of passwords and addresses of people are in it.
const OWNER_ONLY_FILE: u32 = 0o600;
const OWNER_ONLY_DIRECTORY: u32 = 0o700;

/// Makes a directory that nobody else may look into. One that is there keeps its rights: the operator chose them.
pub(super) fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(OWNER_ONLY_DIRECTORY).create(path)
}

/// Makes an empty file that nobody else may read, if there is none. SQLite gives those beside it the same rights.
pub(super) fn private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(OWNER_ONLY_FILE).open(path).map(drop)
}

/// A file, told apart from a later one with the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileIdentity {
    path: PathBuf,
    device: u64,
    inode: u64,
}

// === impl FileIdentity ===

impl FileIdentity {
    /// The file that is at `path` now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() })
    }

    /// Whether the same file is still there.
    pub(super) fn confirm(&self) -> Result<(), StoreError> {
        let gone = |source| StoreError::Gone { path: self.path.clone(), source };
        let now = Self::of(&self.path).map_err(|error| gone(Some(error)))?;
        if now == *self { Ok(()) } else { Err(gone(None)) }
    }
}
