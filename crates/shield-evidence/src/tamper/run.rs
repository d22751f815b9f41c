//! Makes the changes on copies and counts.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::Serialize;

use super::{
    change::{Kind, Snapshot},
    random::Random,
};
use crate::{
    chain::TrustedCheckpoint,
    disk::{self, FileError, LockKind, ScratchDirectory},
    key::{GenerateKeyError, PublicKey, ReadPublicKeyError, SigningKey},
    names::{CHECKPOINTS_FILE, LOG_FILE, PUBLIC_KEY_FILE},
    verify::{VerifyError, verify, verify_until},
};

/// A log to tamper with is held in memory, once per change.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Tells runs of one process apart.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// What was tried and what was missed.
#[derive(Debug, Serialize)]
pub struct TamperReport {
    /// Number of changes of each kind.
    pub tried_by_kind: BTreeMap<Kind, u64>,
    /// The changes that gave no finding; empty is the bar.
    pub undetected: Vec<String>,
}

/// Why the changes could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum TamperError {
    /// A file could not be used.
    #[error("use a copy of the evidence log")]
    File {
        /// Which, and why.
        #[source]
        source: FileError,
    },
    /// The public key could not be read.
    #[error("read the key of the evidence log")]
    Key {
        /// Why.
        #[source]
        source: ReadPublicKeyError,
    },
    /// No forger's key.
    #[error("make a forger's key")]
    Forger {
        /// Why.
        #[source]
        source: GenerateKeyError,
    },
    /// A copy could not be verified.
    #[error("verify a copy of the evidence log ({change})")]
    Verify {
        /// What was done to it.
        change: String,
        /// Why.
        #[source]
        source: VerifyError,
    },
    /// The log has a finding before anything was changed.
    #[error("start from a good log: {finding}")]
    NotGood {
        /// The first finding.
        finding: String,
    },
    /// Nothing to reorder.
    #[error("start from a log of `{entries}` entries: at least 2 are needed, at most 64 MiB per file")]
    Size {
        /// How many there are.
        entries: u64,
    },
}

/// Tries `count` changes of the log in `directory`, in turn of every [`Kind`], and verifies each with the log's public
/// key (read before the change) and `expect`. The copies lie in a directory beside `directory` while it runs.
pub fn run(
    directory: &Path,
    expect: TrustedCheckpoint,
    seed: u64,
    count: u64,
) -> Result<TamperReport, TamperError> {
    let key =
        PublicKey::read(&directory.join(PUBLIC_KEY_FILE)).map_err(|source| TamperError::Key { source })?;
    let forger = SigningKey::generate().map_err(|source| TamperError::Forger { source })?;
    let good = read_good(directory, &key, expect)?;
    let copy = scratch_beside(directory).map_err(|source| TamperError::File { source })?;
    let mut random = Random::new(seed);
    let mut report = TamperReport { tried_by_kind: BTreeMap::new(), undetected: Vec::new() };
    for (number, kind) in (0..count).zip(Kind::ALL.into_iter().cycle()) {
        let (changed, what) = loop {
            let (changed, what) = kind.apply(&good, &forger, &mut random);
            if changed != good {
                break (changed, what);
            }
        };
        let change = format!("seed {seed}, change {number}, {kind}: {what}");
        put(&copy, &changed).map_err(|source| TamperError::File { source })?;
        // One finding settles it; the whole search is for people.
        let verification = verify_until(copy.path(), &key, Some(expect), 1)
            .map_err(|source| TamperError::Verify { change: change.clone(), source })?;
        *report.tried_by_kind.entry(kind).or_default() += 1;
        if verification.findings.is_empty() {
            report.undetected.push(change);
        }
    }
    Ok(report)
}

fn read_good(directory: &Path, key: &PublicKey, expect: TrustedCheckpoint) -> Result<Snapshot, TamperError> {
    let verification = verify(directory, key, Some(expect))
        .map_err(|source| TamperError::Verify { change: "unchanged".to_owned(), source })?;
    if let Some(finding) = verification.findings.first() {
        return Err(TamperError::NotGood { finding: finding.to_string() });
    }
    let error = |source| TamperError::File { source };
    let _lock = disk::lock(directory, LockKind::Shared).map_err(error)?;
    let read = |name| {
        let file = disk::read_small(&directory.join(name), FILE_BYTES_MAX).map_err(error)?;
        let content = file.map(|file| file.content).unwrap_or_default();
        Ok(Some(content).filter(|content| content.len() as u64 <= FILE_BYTES_MAX))
    };
    let snapshot = Snapshot {
        log: read(LOG_FILE)?,
        checkpoints: read(CHECKPOINTS_FILE)?,
        public_key: read(PUBLIC_KEY_FILE)?,
    };
    if verification.entries < 2 || snapshot.log.is_none() || snapshot.checkpoints.is_none() {
        return Err(TamperError::Size { entries: verification.entries });
    }
    Ok(snapshot)
}

fn scratch_beside(directory: &Path) -> Result<ScratchDirectory, FileError> {
    let mut name = OsString::from(directory);
    name.push(format!(".tamper-{}-{}", process::id(), RUNS.fetch_add(1, Ordering::Relaxed)));
    ScratchDirectory::create(name.into())
}

fn put(copy: &ScratchDirectory, files: &Snapshot) -> Result<(), FileError> {
    copy.put(LOG_FILE, files.log.as_deref())?;
    copy.put(CHECKPOINTS_FILE, files.checkpoints.as_deref())?;
    copy.put(PUBLIC_KEY_FILE, files.public_key.as_deref())
}

#[cfg(test)]
mod tests;
