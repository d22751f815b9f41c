//! Scans every blob of a repository once.
//!
//! First come the commits, parents before children, so that a blob is named by the commit that brought it; then what no commit
//! leads to any more but the object store still holds: what was amended away, or staged and never committed. Memory grows by
//! 33 bytes for each blob and by what is found; one blob is held at a time.

use std::{collections::HashSet, path::Path};

use super::{
    HistoricSecret, History, HistoryError, HistoryProgress, Origin, UnreadHistory, UnreadReason,
    git::Git,
    objects::{AllBlobs, Blob, ObjectName, Store},
    walk::{Step, Walk},
};
use crate::secrets::{Identity, Scanner};

/// Larger blobs are named as unread: nobody writes secrets into files of that size by hand.
const BLOB_BYTES_MAX: u64 = 32 << 20;

struct Scan<'a> {
    scanner: &'a Scanner,
    store: Store,
    seen: HashSet<ObjectName>,
    /// Secrets that need not be reported (again).
    known: HashSet<Identity>,
    history: History,
    progress: &'a mut dyn FnMut(HistoryProgress),
}

/// Finds the secrets that the history of the repository at `directory` holds and its tree does not: those of the tree are
/// `present`. `progress` is told of every commit and blob; it may be called a million times.
///
/// # Errors
/// If there is no `git`, no repository, or nothing can be read of it. What is missing or damaged in part is part of the answer.
pub fn scan_history(
    directory: &Path,
    scanner: &Scanner,
    present: &HashSet<Identity>,
    progress: &mut dyn FnMut(HistoryProgress),
) -> Result<History, HistoryError> {
    let (git, shallow) = Git::open(directory)?;
    let store = Store::open(&git, BLOB_BYTES_MAX)?;
    let (known, history) = (present.clone(), History::default());
    let mut scan = Scan { scanner, store, seen: HashSet::new(), known, history, progress };
    if shallow {
        scan.unread("commits".to_owned(), UnreadReason::Shallow);
    }
    scan.commits(&git)?;
    scan.unreachable(&git)?;
    let Scan { store, mut history, .. } = scan;
    if let Err(message) = store.close() {
        history
            .unread
            .push(UnreadHistory { what: "blobs".to_owned(), reason: UnreadReason::BrokeOff(message) });
    }
    history.unread.sort();
    Ok(history)
}

// === impl Scan ===

impl Scan<'_> {
    fn commits(&mut self, git: &Git) -> Result<(), HistoryError> {
        let mut walk = Walk::start(git)?;
        let mut current = String::new();
        while let Some(step) = walk.next()? {
            match step {
                Step::Commit(commit) if commit == current => {}
                Step::Commit(commit) => {
                    self.history.read.commits += 1;
                    (self.progress)(self.history.read);
                    current = commit;
                }
                Step::Blob { name, path } => {
                    self.blob(name, &Origin::Commit { commit: current.clone(), path })?;
                }
            }
        }
        if let Err(message) = walk.end() {
            self.unread("commits".to_owned(), UnreadReason::BrokeOff(message));
        }
        Ok(())
    }

    fn unreachable(&mut self, git: &Git) -> Result<(), HistoryError> {
        let mut blobs = AllBlobs::list(git)?;
        while let Some(name) = blobs.next()? {
            self.blob(name, &Origin::Unreachable { blob: name.to_string() })?;
        }
        if let Err(message) = blobs.end() {
            self.unread("blobs".to_owned(), UnreadReason::BrokeOff(message));
        }
        Ok(())
    }

    fn blob(&mut self, name: ObjectName, origin: &Origin) -> Result<(), HistoryError> {
        if !self.seen.insert(name) {
            return Ok(());
        }
        let path = match origin {
            Origin::Commit { path, .. } => path.as_str(),
            Origin::Unreachable { .. } => "",
        };
        let what = || format!("{name} {path}").trim_end().to_owned();
        match self.store.read(&name)? {
            Blob::Missing => self.unread(what(), UnreadReason::Missing),
            Blob::TooLarge(bytes) => self.unread(what(), UnreadReason::TooLarge(bytes)),
            Blob::Content(bytes) => {
                self.history.read.blobs += 1;
                self.history.read.bytes += bytes.len() as u64;
                for secret in self.scanner.scan(path, &bytes) {
                    if self.known.insert(secret.identity) {
                        self.history.secrets.push(HistoricSecret { secret, origin: origin.clone() });
                    }
                }
                (self.progress)(self.history.read);
            }
        }
        Ok(())
    }

    fn unread(&mut self, what: String, reason: UnreadReason) {
        self.history.unread.push(UnreadHistory { what, reason });
    }
}
