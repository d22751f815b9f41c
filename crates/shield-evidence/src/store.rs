//! Reading statements, each of them checked on the way.
//!
//! Guarantees: what is returned was signed by the store's key, chained, and covered by a checkpoint; an entry whose
//! append was interrupted does not appear. A log with a defect gives an error that names it, never a part of the
//! entries. Whether entries are missing at the end is [`crate::verify`]'s question, with a trusted checkpoint.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use shield_types::{ArtifactDigest, EnvironmentName, ServiceName, Timestamp};

use crate::{
    defect::Defect,
    disk::{self, Access, FileError, LockKind},
    dsse::Envelope,
    entry::Entry,
    key::{PublicKey, ReadPublicKeyError},
    log::{DamagedLog, LogFiles, Position, WalkError, walk},
    names::{CHECKPOINTS_FILE, LOG_FILE, PUBLIC_KEY_FILE},
    rfc3339,
    statement::{Outcome, Stage, Statement},
};

/// A log to read statements from.
pub struct EvidenceStore {
    directory: PathBuf,
    key: PublicKey,
}

/// An entry in one line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Place in the log, from 0.
    pub index: u64,
    /// When it was recorded.
    #[serde(with = "rfc3339")]
    pub recorded_at: Timestamp,
    /// The stage.
    pub stage: Stage,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, unless it passed.
    pub reason: Option<String>,
    /// Whose stage.
    pub service: ServiceName,
    /// Where.
    pub environment: Option<EnvironmentName>,
    /// About which artifact.
    pub artifact: ArtifactDigest,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// Place in the log, from 0.
    pub index: u64,
    /// When it was recorded.
    #[serde(with = "rfc3339")]
    pub recorded_at: Timestamp,
    /// What was signed.
    pub statement: Statement,
    /// The signed form, for other tools.
    pub envelope: Envelope,
}

/// Why statements could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadStoreError {
    /// The directory or a file could not be used.
    #[error("use the evidence log")]
    File {
        /// Which, and why.
        #[source]
        source: FileError,
    },
    /// The public key could not be read.
    #[error("open the evidence log")]
    Key {
        /// Why.
        #[source]
        source: ReadPublicKeyError,
    },
    /// The log does not verify.
    #[error("read the evidence log")]
    Damaged {
        /// Where, why, and what to do.
        #[source]
        source: DamagedLog,
    },
    /// A file could not be read.
    #[error("read `{file}` of the evidence log")]
    Read {
        /// Name of the file.
        file: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

// === impl EvidenceStore ===

impl EvidenceStore {
    /// The log in `directory`, trusted as far as the public key file beside it.
    pub fn open(directory: &Path) -> Result<Self, ReadStoreError> {
        let key = PublicKey::read(&directory.join(PUBLIC_KEY_FILE));
        let key = key.map_err(|source| ReadStoreError::Key { source })?;
        Ok(Self::with_key(directory, key))
    }

    /// The log in `directory`, read with a key from elsewhere.
    pub fn with_key(directory: &Path, key: PublicKey) -> Self {
        Self { directory: directory.to_owned(), key }
    }

    /// The key that entries are checked with.
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// All entries, oldest first.
    pub fn list(&self) -> Result<Vec<Summary>, ReadStoreError> {
        let mut summaries = Vec::new();
        self.read(&mut |entry, statement| summaries.push(Summary::new(&entry, statement)))?;
        Ok(summaries)
    }

    /// The entry at `index`, or `None` when there are fewer.
    pub fn show(&self, index: u64) -> Result<Option<Record>, ReadStoreError> {
        let mut record = None;
        self.read(&mut |entry, statement| {
            if entry.index == index {
                record = Some(Record::new(entry, statement));
            }
        })?;
        Ok(record)
    }

    /// All entries about `artifact`, oldest first.
    pub fn statements_for(&self, artifact: ArtifactDigest) -> Result<Vec<Record>, ReadStoreError> {
        let mut records = Vec::new();
        self.read(&mut |entry, statement| {
            if statement.artifact.digest == artifact {
                records.push(Record::new(entry, statement));
            }
        })?;
        Ok(records)
    }

    /// Shows `visit` every statement, oldest first. After an error, what it saw is not the whole log.
    pub fn each(&self, visit: &mut dyn FnMut(Statement)) -> Result<(), ReadStoreError> {
        self.read(&mut |_, statement| visit(statement))
    }

    fn read(&self, visit: &mut dyn FnMut(Entry, Statement)) -> Result<(), ReadStoreError> {
        let _lock = disk::lock(&self.directory, LockKind::Shared)
            .map_err(|source| ReadStoreError::File { source })?;
        let (log, checkpoints) = (self.open_file(LOG_FILE)?, self.open_file(CHECKPOINTS_FILE)?);
        let files = LogFiles { log: &log, checkpoints: &checkpoints };
        match walk(files, Position::start(), &self.key, visit) {
            Ok(_) => Ok(()),
            Err(WalkError::Damaged { source }) => Err(ReadStoreError::Damaged { source }),
            Err(WalkError::Read { file, source }) => Err(ReadStoreError::Read { file, source }),
        }
    }

    fn open_file(&self, name: &'static str) -> Result<File, ReadStoreError> {
        let opened = disk::open_log_file(&self.directory.join(name), Access::Read)
            .map_err(|source| ReadStoreError::File { source })?;
        opened.map(|(file, _)| file).ok_or_else(|| ReadStoreError::Damaged {
            source: DamagedLog { file: name, line: None, defect: Box::new(Defect::FileMissing) },
        })
    }
}

// === impl Summary ===

impl Summary {
    fn new(entry: &Entry, statement: Statement) -> Self {
        Self {
            index: entry.index,
            recorded_at: entry.recorded_at,
            reason: statement.outcome.reason().map(str::to_owned),
            stage: statement.stage,
            outcome: statement.outcome,
            service: statement.service,
            environment: statement.environment,
            artifact: statement.artifact.digest,
        }
    }
}

// === impl Record ===

impl Record {
    fn new(entry: Entry, statement: Statement) -> Self {
        Self { index: entry.index, recorded_at: entry.recorded_at, statement, envelope: entry.envelope }
    }
}

#[cfg(test)]
mod tests;
