//! Verification: every byte of a log, against a public key and what is known of the log from elsewhere.
//!
//! Guarantees: no finding means that both files consist of complete canonical lines, each in its place, each signed by
//! the given key, that the checkpoints are the log's and the newest covers it, and that the public key file beside
//! them holds the given key. With a [`TrustedCheckpoint`] it also means that the log began with those entries and has
//! not lost one of them. Without one, a log cut back to an older checkpoint looks like a log that never went on: then
//! [`Vouches`] says so instead of promising more.
//!
//! After a defect the reading goes on as if the line were right, so that one change gives a few findings and not one
//! for every line behind it. That costs no certainty: it happens only when there already is a finding.

mod report;

use std::{collections::HashMap, fs::File, io, path::Path};

use shield_types::Sha256Digest;

use crate::{
    chain::{TrustedCheckpoint, next_root, root_of_nothing},
    checkpoint::Checkpoint,
    defect::Defect,
    disk::{self, Access, FileError, LockKind},
    entry::{ChainState, Entry},
    key::PublicKey,
    lines::{Line, Lines},
    names::{CHECKPOINTS_FILE, LOG_FILE, PUBLIC_KEY_FILE},
};

pub use report::{Finding, Verification, Vouches};

/// Enough to see what happened; a file of garbage would give one finding per line.
const FINDINGS_MAX: usize = 1000;

/// Why a log could not be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The directory or a file could not be used.
    #[error("use the evidence log")]
    File {
        /// Which, and why.
        #[source]
        source: FileError,
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

/// Checks every byte of the log in `directory` with `key`, the root of trust; nothing is written.
pub fn verify(
    directory: &Path,
    key: &PublicKey,
    expect: Option<TrustedCheckpoint>,
) -> Result<Verification, VerifyError> {
    verify_until(directory, key, expect, FINDINGS_MAX)
}

/// [`verify`] that ends at `findings_max` findings.
pub(crate) fn verify_until(
    directory: &Path,
    key: &PublicKey,
    expect: Option<TrustedCheckpoint>,
    findings_max: usize,
) -> Result<Verification, VerifyError> {
    let _lock = disk::lock(directory, LockKind::Shared).map_err(|source| VerifyError::File { source })?;
    let mut verifier = Verifier::new(key, expect, findings_max);
    verifier.check_public_key_file(&directory.join(PUBLIC_KEY_FILE))?;
    if let Some(file) = verifier.open(directory, LOG_FILE)? {
        verifier.check_log(file)?;
    }
    if let Some(file) = verifier.open(directory, CHECKPOINTS_FILE)? {
        verifier.check_checkpoints(file)?;
    }
    verifier.check_expected();
    Ok(verifier.finish())
}

struct Verifier<'a> {
    key: &'a PublicKey,
    expect: Option<TrustedCheckpoint>,
    findings: Vec<Finding>,
    findings_max: usize,
    /// Number of lines of the log.
    entries: u64,
    /// Root over the lines as they are.
    root: Sha256Digest,
    /// `root` when the log had the size of `expect`.
    root_at_expected: Option<Sha256Digest>,
    /// Root by size, as the entries claim it.
    roots: HashMap<u64, Sha256Digest>,
    /// Size of the newest checkpoint.
    covered: u64,
}

// === impl Verifier ===

impl<'a> Verifier<'a> {
    fn new(key: &'a PublicKey, expect: Option<TrustedCheckpoint>, findings_max: usize) -> Self {
        let root = root_of_nothing();
        let root_at_expected = expect.filter(|expect| expect.size == 0).map(|_| root);
        let roots = HashMap::new();
        Self {
            key,
            expect,
            findings: Vec::new(),
            findings_max,
            entries: 0,
            root,
            root_at_expected,
            roots,
            covered: 0,
        }
    }

    fn full(&self) -> bool {
        self.findings.len() >= self.findings_max
    }

    fn find(&mut self, file: &'static str, line: Option<u64>, defect: &Defect) {
        if !self.full() {
            let entry = line.map(|line| line - 1);
            self.findings.push(Finding { file, line, entry, what: defect.to_string(), why: defect.why() });
        }
    }

    fn check_public_key_file(&mut self, path: &Path) -> Result<(), VerifyError> {
        let expected = self.key.file_content();
        let found = disk::read_small(path, expected.len() as u64);
        match found.map_err(|source| VerifyError::File { source })? {
            None => self.find(PUBLIC_KEY_FILE, None, &Defect::FileMissing),
            Some(file) if file.content != expected.as_bytes() => {
                self.find(PUBLIC_KEY_FILE, None, &Defect::PublicKeyDiffers { expected: *self.key });
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn open(&mut self, directory: &Path, name: &'static str) -> Result<Option<File>, VerifyError> {
        let opened = disk::open_log_file(&directory.join(name), Access::Read);
        let opened = opened.map_err(|source| VerifyError::File { source })?;
        if opened.is_none() {
            self.find(name, None, &Defect::FileMissing);
        }
        Ok(opened.map(|(file, _)| file))
    }

    fn check_log(&mut self, file: File) -> Result<(), VerifyError> {
        let mut lines = Lines::new(file, 1);
        let mut state = ChainState::of_nothing();
        while !self.full()
            && let Some(line) = lines.next().map_err(|source| VerifyError::Read { file: LOG_FILE, source })?
        {
            state = self.check_entry(&state, &line);
            self.roots.insert(state.size, state.root);
            self.entries = line.number;
            self.root = next_root(&self.root, &line.bytes);
            if self.expect.is_some_and(|expect| expect.size == line.number) {
                self.root_at_expected = Some(self.root);
            }
        }
        Ok(())
    }

    fn check_entry(&mut self, state: &ChainState, line: &Line) -> ChainState {
        match Entry::parse(line) {
            Err(defect) => {
                self.find(LOG_FILE, Some(line.number), &defect);
                ChainState { size: state.size + 1, root: next_root(&state.root, &line.bytes), ..*state }
            }
            Ok(entry) => {
                let (defects, _) = entry.check(state, self.key);
                for defect in &defects {
                    self.find(LOG_FILE, Some(line.number), defect);
                }
                let claimed = ChainState { size: entry.index, root: entry.previous, ..*state };
                claimed.after(&line.bytes, &entry)
            }
        }
    }

    fn check_checkpoints(&mut self, file: File) -> Result<(), VerifyError> {
        let mut lines = Lines::new(file, 1);
        while !self.full()
            && let Some(line) =
                lines.next().map_err(|source| VerifyError::Read { file: CHECKPOINTS_FILE, source })?
        {
            let expected_size = self.covered + 1;
            match Checkpoint::parse(&line) {
                Err(defect) => {
                    self.find(CHECKPOINTS_FILE, Some(line.number), &defect);
                    self.covered = expected_size;
                }
                Ok(checkpoint) => {
                    let root = self.roots.get(&checkpoint.size()).copied();
                    for defect in checkpoint.check(expected_size, root, self.entries, self.key) {
                        self.find(CHECKPOINTS_FILE, Some(line.number), &defect);
                    }
                    self.covered = checkpoint.size();
                }
            }
        }
        if self.covered < self.entries {
            let defect = Defect::NotCovered { covered: self.covered, entries: self.entries };
            self.find(CHECKPOINTS_FILE, None, &defect);
        }
        Ok(())
    }

    fn check_expected(&mut self) {
        let Some(trusted) = self.expect else { return };
        match self.root_at_expected {
            None => self.find(LOG_FILE, None, &Defect::RemovedFromEnd { entries: self.entries, trusted }),
            Some(found) if found != trusted.root => {
                self.find(LOG_FILE, None, &Defect::OtherHistory { found, trusted });
            }
            Some(_) => {}
        }
    }

    fn finish(self) -> Verification {
        let (key, entries) = (self.key.key_id(), self.entries);
        let vouches = match self.expect {
            _ if !self.findings.is_empty() => Vouches::Nothing,
            None => Vouches::AsFarAsItGoes { key, entries },
            Some(trusted) => Vouches::CompleteUpTo { key, entries, trusted },
        };
        let more_findings = self.full();
        Verification { entries, root: self.root, vouches, findings: self.findings, more_findings }
    }
}

#[cfg(test)]
mod tests;
