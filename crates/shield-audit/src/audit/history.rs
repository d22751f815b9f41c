//! Secrets that were committed and taken out again.

use std::{collections::HashSet, path::Path};

use shield_types::chain;

use super::Progress;
use crate::{
    finding::Finding,
    report::{Gap, Part},
    secrets::{HistoryProgress, Identity, Scanner, UnreadReason, scan_history},
};

/// Progress is told once for so many files.
const TOLD_EVERY: u64 = 256;

/// What the history holds.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) findings: Vec<Finding>,
    pub(super) read: Option<HistoryProgress>,
    pub(super) gaps: Vec<Gap>,
}

/// Looks through all commits of the repository that `root` belongs to.
pub(super) fn look(
    root: &Path,
    scanner: &Scanner,
    present: &HashSet<Identity>,
    tell: &(dyn Fn(Progress) + Sync),
) -> Past {
    let mut progress = |progress: HistoryProgress| {
        if progress.blobs.is_multiple_of(TOLD_EVERY) {
            tell(Progress::History { blobs: progress.blobs });
        }
    };
    match scan_history(root, scanner, present, &mut progress) {
        Ok(history) => Past {
            findings: history.findings(),
            read: Some(history.read),
            gaps: history
                .unread
                .iter()
                .map(|one| Gap::of(Part::History, &one.what, why(&one.reason)))
                .collect(),
        },
        Err(error) => Past { gaps: vec![Gap::of(Part::History, ".", chain(&error))], ..Past::default() },
    }
}

fn why(reason: &UnreadReason) -> String {
    match reason {
        UnreadReason::TooLarge(bytes) => format!("{bytes} bytes are too many"),
        UnreadReason::Missing => "the object store does not have it".to_owned(),
        UnreadReason::Shallow => "the clone is shallow: older commits are elsewhere".to_owned(),
        UnreadReason::BrokeOff(message) => format!("`git` broke off: {message}"),
    }
}
