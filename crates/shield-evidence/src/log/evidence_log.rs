//! [`EvidenceLog`]: appends statements to a directory that several processes share.
//!
//! Guarantees: an append that returns a checkpoint is on the disk; one that returns an error left nothing that the
//! next append does not put right. Appends of all processes are serialised by a lock on the directory that the kernel
//! releases with its holder. What others appended is checked, signatures included, before anything is added to it.
//! Refuses to touch a log that does not verify.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use shield_types::Timestamp;

use super::{AppendError, DamagedLog, OpenLogError, Repair, journal::Journal, walk::LogFiles};
use crate::{
    checkpoint::Checkpoint,
    defect::Defect,
    disk::{self, Access, FileIdentity, LockKind},
    dsse::Envelope,
    key::{PublicKey, SigningKey, open_or_create_locked},
    names::{CHECKPOINTS_FILE, LOG_FILE, SIGNING_KEY_FILE},
    statement::Statement,
};

/// What an entry and its checkpoint take, with room to spare.
const STATEMENT_BYTES: u64 = 64 << 10;
const CHECKPOINT_BYTES: u64 = 4 << 10;

/// A log that statements can be appended to.
pub struct EvidenceLog {
    directory: PathBuf,
    key: SigningKey,
    journal: Journal,
    /// The files that the journal has read; others under the same names are read from the start.
    identity: Option<[FileIdentity; 2]>,
    /// A sync or an undo failed: what is on the disk is not known.
    poisoned: bool,
    repair: Option<Repair>,
}

// === impl EvidenceLog ===

impl EvidenceLog {
    /// Opens the log in `directory`; makes it, with its key, when there is none.
    ///
    /// Reads no entries: the first append does.
    pub fn open(directory: &Path) -> Result<Self, OpenLogError> {
        let file = |source| OpenLogError::File { source };
        disk::create_directory(directory).map_err(file)?;
        let _lock = disk::lock(directory, LockKind::Exclusive).map_err(file)?;
        if disk::length(&directory.join(SIGNING_KEY_FILE)).map_err(file)?.is_some() {
            require_files(directory)?;
        } else {
            create_files(directory)?;
        }
        let key = open_or_create_locked(directory).map_err(|source| OpenLogError::Key { source })?;
        Ok(Self {
            directory: directory.to_owned(),
            key,
            journal: Journal::new(),
            identity: None,
            poisoned: false,
            repair: None,
        })
    }

    /// The key that verifies this log.
    pub fn public_key(&self) -> &PublicKey {
        self.key.public()
    }

    /// Sets disk space aside, so that the next `statements` can be appended although the disk fills meanwhile.
    pub fn reserve(&self, statements: u32) -> Result<(), OpenLogError> {
        let file = |source| OpenLogError::File { source };
        let _lock = disk::lock(&self.directory, LockKind::Exclusive).map_err(file)?;
        for (name, bytes) in [(LOG_FILE, STATEMENT_BYTES), (CHECKPOINTS_FILE, CHECKPOINT_BYTES)] {
            disk::reserve(&self.directory.join(name), bytes * u64::from(statements)).map_err(file)?;
        }
        Ok(())
    }

    /// What the newest append that found something to repair put right, once: worth a line to the operator.
    pub fn take_repair(&mut self) -> Option<Repair> {
        self.repair.take()
    }

    /// Records `statement` as of `now`; returns when entry and checkpoint are on the disk. The recorded time is that
    /// of the entry before when `now` is earlier.
    ///
    /// Blocks: for the lock (30 s at most) and for four syncs at most when others appended, else for two.
    pub fn append(&mut self, statement: &Statement, now: Timestamp) -> Result<Checkpoint, AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        let payload = statement.to_payload().map_err(|source| AppendError::Statement { source })?;
        let envelope = Envelope::sign(&payload, &self.key);
        let appended = self.append_envelope(envelope, now);
        self.poisoned = appended.as_ref().is_err_and(AppendError::poisons);
        appended
    }

    fn append_envelope(&mut self, envelope: Envelope, now: Timestamp) -> Result<Checkpoint, AppendError> {
        let _lock = disk::lock(&self.directory, LockKind::Exclusive)
            .map_err(|source| AppendError::File { source })?;
        let (log, log_identity) = self.open_file(LOG_FILE)?;
        let (checkpoints, checkpoints_identity) = self.open_file(CHECKPOINTS_FILE)?;
        let identity = [log_identity, checkpoints_identity];
        if self.identity.replace(identity) != Some(identity) {
            self.journal = Journal::new();
        }
        let files = LogFiles { log: &log, checkpoints: &checkpoints };
        if let Some(repair) = self.journal.catch_up(files, &self.key)? {
            self.repair = Some(repair);
        }
        self.journal.append(files, &self.key, envelope, now)
    }

    fn open_file(&self, name: &'static str) -> Result<(File, FileIdentity), AppendError> {
        let opened = disk::open_log_file(&self.directory.join(name), Access::ReadWrite)
            .map_err(|source| AppendError::File { source })?;
        opened.ok_or_else(|| AppendError::Damaged {
            source: DamagedLog { file: name, line: None, defect: Box::new(Defect::FileMissing) },
        })
    }
}

/// The files of a log are made before its key, so with a key they were there.
fn require_files(directory: &Path) -> Result<(), OpenLogError> {
    for file in [LOG_FILE, CHECKPOINTS_FILE] {
        let length = disk::length(&directory.join(file)).map_err(|source| OpenLogError::File { source })?;
        if length.is_none() {
            return Err(OpenLogError::FileMissing { file });
        }
    }
    Ok(())
}

fn create_files(directory: &Path) -> Result<(), OpenLogError> {
    let error = |source| OpenLogError::File { source };
    for file in [LOG_FILE, CHECKPOINTS_FILE] {
        let path = directory.join(file);
        if disk::length(&path).map_err(error)?.is_some_and(|length| length > 0) {
            return Err(OpenLogError::KeyMissing { file: SIGNING_KEY_FILE });
        }
        disk::create_empty(&path).map_err(error)?;
    }
    disk::sync_directory(directory).map_err(error)
}

#[cfg(test)]
mod tests;
