//! Which file the database is.
//!
//! SQLite goes on reading and writing a file that was deleted or replaced, and everything written from then on is lost
//! at the end of the process. So its identity is remembered and looked at before each write and by the health check.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::error::StoreError;

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
