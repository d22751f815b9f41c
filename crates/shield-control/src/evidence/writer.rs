//! Appends what the log lacks. Everything here blocks.

use std::{collections::BTreeSet, fs, io};

use shield_evidence::{EvidenceLog, EvidenceStore, KeyId, Stage, Statement};
use shield_types::{ReleaseId, ServiceName, chain};

use super::{EndedRelease, RecorderNews};
use crate::{
    clock,
    durable::{failed, write_atomically},
    layout::Layout,
};

/// A release, its watch, and a release under way before it.
const STATEMENTS_OF_A_RELEASE: u32 = 4;

/// Writes to the evidence log of one state directory. Every round opens it anew: it may have been replaced since.
pub(super) struct Writer {
    pub(super) layout: Layout,
    pub(super) service: ServiceName,
}

/// The log, and what of releases it holds.
struct OpenedLog {
    log: EvidenceLog,
    recorded: BTreeSet<(ReleaseId, Stage)>,
}

// === impl Writer ===

impl Writer {
    /// Appends what is missing of `ended`, oldest first, up to the first failure. Tells of each what became of it.
    pub(super) fn record_all(&self, ended: &[EndedRelease]) -> Vec<RecorderNews> {
        if ended.is_empty() {
            return Vec::new();
        }
        let mut opened = match self.open() {
            Ok(opened) => opened,
            Err(reason) => return all_failed(ended, &reason),
        };
        let warning = check_identity(&self.layout, &opened.log.public_key().key_id());
        let mut news = vec![RecorderNews::Opened { warning }];
        for (index, one) in ended.iter().enumerate() {
            match opened.record(one, &self.service) {
                Ok(checkpoint) => {
                    let release = one.finished.spec.id.clone();
                    news.push(RecorderNews::Recorded { release, checkpoint });
                }
                Err(reason) => {
                    news.extend(all_failed(&ended[index..], &reason));
                    break;
                }
            }
        }
        news
    }

    fn open(&self) -> Result<OpenedLog, String> {
        let log = EvidenceLog::open(&self.layout.evidence()).map_err(|error| chain(&error))?;
        Ok(OpenedLog { log, recorded: read_recorded(&self.layout)? })
    }
}

// === impl OpenedLog ===

impl OpenedLog {
    /// The checkpoint after the last statement that was missing; `None` when none was.
    fn record(&mut self, ended: &EndedRelease, service: &ServiceName) -> Result<Option<String>, String> {
        let mut checkpoint = None;
        for statement in ended.statements(service) {
            let key = (ended.finished.spec.id.clone(), statement.stage.clone());
            if self.recorded.contains(&key) {
                continue;
            }
            let appended = self.log.append(&statement, clock::now()).map_err(|error| chain(&error))?;
            checkpoint = Some(appended.trusted().to_string());
            self.recorded.insert(key);
        }
        Ok(checkpoint)
    }
}

fn all_failed(ended: &[EndedRelease], reason: &str) -> Vec<RecorderNews> {
    let failed = |ended: &EndedRelease| RecorderNews::Failed {
        release: ended.finished.spec.id.clone(),
        reason: reason.to_owned(),
    };
    ended.iter().map(failed).collect()
}

/// Whether a statement could be appended now: a release that cannot be recorded does not happen. Gives the number of the
/// newest release in the log: a state directory that lost its journal must not use a number again.
pub(crate) fn check_log(layout: &Layout) -> Result<u64, String> {
    let directory = layout.evidence();
    let problem = |error: &dyn std::error::Error| format!("open the evidence log: {}", chain(error));
    let log = EvidenceLog::open(&directory).map_err(|error| problem(&error))?;
    let full = |error: &dyn std::error::Error| format!("make room in the evidence log: {}", chain(error));
    log.reserve(STATEMENTS_OF_A_RELEASE).map_err(|error| full(&error))?;
    let store = EvidenceStore::open(&directory).map_err(|error| problem(&error))?;
    let mut newest = 0;
    let note = &mut |statement: Statement| {
        newest = newest.max(statement.release.map_or(0, |release| release.id.number()));
    };
    store.each(note).map_err(|error| problem(&error))?;
    Ok(newest)
}

fn read_recorded(layout: &Layout) -> Result<BTreeSet<(ReleaseId, Stage)>, String> {
    let store = EvidenceStore::open(&layout.evidence()).map_err(|error| chain(&error))?;
    let mut recorded = BTreeSet::new();
    let note = &mut |statement: Statement| {
        let release = statement.release.map(|release| release.id);
        recorded.extend(release.map(|release| (release, statement.stage)));
    };
    store.each(note).map_err(|error| chain(&error))?;
    Ok(recorded)
}

/// Compares the key of the log with the one noted beside it: a log that was removed as a whole begins anew with another key.
/// Says so until a person removes the note.
fn check_identity(layout: &Layout, key: &KeyId) -> Option<String> {
    let (path, key) = (layout.evidence_key_note(), key.to_string());
    let known = match fs::read(&path) {
        Ok(known) => String::from_utf8_lossy(&known).escape_default().to_string(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let noted = write_atomically(&path, key.as_bytes());
            return noted.err().map(|error| chain(&error));
        }
        Err(error) => return Some(chain(&failed("read", &path)(error))),
    };
    (known != key).then(|| {
        format!(
            "the evidence log in `{}` is not the one that was begun here (its key was {known}, now it is {key}): what was \
             proved before is gone; put the directory back from a copy, or accept the new log by removing `{}`",
            layout.evidence().display(),
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_log_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::open(&directory.path().join(".shield")).unwrap();
        let look = || {
            let log = EvidenceLog::open(&layout.evidence()).unwrap();
            check_identity(&layout, &log.public_key().key_id())
        };
        assert_eq!((look(), look()), (None, None));
        fs::remove_dir_all(layout.evidence()).unwrap();
        let warning = look().unwrap();
        assert!(warning.contains("what was proved before is gone"), "{warning}");
        fs::remove_file(layout.evidence_key_note()).unwrap();
        assert_eq!(look(), None);
    }
}
