//! What the history of a repository holds.

use crate::{
    finding::{Finding, Fingerprint, Place},
    secrets::Secret,
};

/// Where a blob came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A commit brought it; the first one, parents before children.
    Commit {
        /// Its object name.
        commit: String,
        /// The path it had there, `/` between names; bytes that are no UTF-8 as U+FFFD.
        path: String,
    },
    /// No commit that a branch, a tag or a log of them leads to holds it; the object store still does.
    Unreachable {
        /// Its object name.
        blob: String,
    },
}

/// A secret that is not in the tree any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoricSecret {
    /// What was found, with its place in the blob.
    pub secret: Secret,
    /// The first blob with it.
    pub origin: Origin,
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryProgress {
    /// Commits that were walked.
    pub commits: u64,
    /// Different blobs that were read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why something of the history was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnreadReason {
    /// It has so many bytes, over the limit.
    TooLarge(u64),
    /// The object store does not have it: a partial clone, or damage.
    Missing,
    /// The clone is shallow: older commits are elsewhere.
    Shallow,
    /// `git` broke off, in this way.
    BrokeOff(String),
}

/// Something of the history that was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnreadHistory {
    /// What: an object name with its path, or `commits`.
    pub what: String,
    /// Why.
    pub reason: UnreadReason,
}

/// What was found, and what was read for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Each secret that is not in the tree any more, once.
    pub secrets: Vec<HistoricSecret>,
    /// How much was read.
    pub read: HistoryProgress,
    /// What was not.
    pub unread: Vec<UnreadHistory>,
}

// === impl History ===

impl History {
    /// What is said of the secrets, without fingerprints. The span of a place is none: the line exists in no file any more.
    pub fn findings(&self) -> Vec<Finding> {
        self.secrets.iter().map(HistoricSecret::finding).collect()
    }
}

// === impl HistoricSecret ===

impl HistoricSecret {
    fn finding(&self) -> Finding {
        let line = self.secret.span.map_or(1, |span| span.line);
        let (file, place) = match &self.origin {
            Origin::Commit { commit, path } => {
                (path.clone(), format!("line {line} as of commit {}", short(commit)))
            }
            Origin::Unreachable { blob } => {
                (String::new(), format!("line {line} of blob {}, which no commit leads to", short(blob)))
            }
        };
        let said = self.secret.finding(&file);
        let message = format!(
            "{}; only in the history ({place}): deleting it from the tree did not take it back, it must be revoked",
            said.message
        );
        let context = format!("history {}", said.context).trim_end().to_owned();
        Finding {
            context,
            message,
            place: Place { file, span: None },
            fingerprint: Fingerprint::UNSET,
            ..said
        }
    }
}

/// Enough of an object name for people.
fn short(object: &str) -> &str {
    object.get(..12).unwrap_or(object)
}
