//! The coverage statement: what was read, what was not, and why.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{secrets::HistoryProgress, tree::Skipped};

/// What was read, what was not, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Files that were read.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What was read of the history; none if it was not asked for, or could not be read at all.
    pub history: Option<HistoryRead>,
    /// Files that were not read, or not to their end.
    pub skipped: Vec<Skipped>,
    /// What parts of the audit could not find out.
    pub gaps: Vec<Gap>,
}

/// What was read of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryRead {
    /// Commits that were walked.
    pub commits: u64,
    /// Different files that were read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Something that a part of the audit could not find out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// Which part.
    pub part: &'static str,
    /// About what: a file, a package, a commit.
    pub what: String,
    /// Why.
    pub reason: String,
}

// === impl Coverage ===

impl Coverage {
    /// Whether all was looked at that the settings asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty() && !self.skipped.iter().any(|skipped| skipped.reason.leaves_gap())
    }

    /// Everything that is missing, what the settings leave out apart: by part, what and why.
    #[must_use]
    pub fn missing(&self) -> Vec<Gap> {
        let files = self.skipped.iter().filter(|skipped| skipped.reason.leaves_gap());
        let files = files.map(|skipped| Gap::of("files", &skipped.path, skipped.reason.to_string()));
        files.chain(self.gaps.iter().cloned()).collect()
    }

    /// How much the settings leave out.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.skipped.iter().filter(|skipped| !skipped.reason.leaves_gap()).count()
    }

    /// How much is missing by part.
    #[must_use]
    pub fn missing_by_part(&self) -> BTreeMap<&'static str, usize> {
        let mut parts = BTreeMap::new();
        self.missing().iter().for_each(|gap| *parts.entry(gap.part).or_default() += 1);
        parts
    }
}

// === impl HistoryRead ===

impl From<HistoryProgress> for HistoryRead {
    fn from(progress: HistoryProgress) -> Self {
        Self { commits: progress.commits, blobs: progress.blobs, bytes: progress.bytes }
    }
}

// === impl Gap ===

impl Gap {
    /// A gap of a part.
    pub fn of(part: &'static str, what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { part, what: what.into(), reason: reason.into() }
    }
}
