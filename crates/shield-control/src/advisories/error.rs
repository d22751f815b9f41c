//! Why an update did not happen, and what to do.

use std::path::Path;

use shield_audit::advisories::ReadSourceError;

use super::{download::DownloadError, update::OSV_VARIABLE};
use crate::durable::StateFileError;

/// Why the index is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateAdvisoriesError {
    /// `SHIELD_OSV_URL` is none.
    #[error("fetch advisories from `{url}`: expected a URL that begins with `https://` or `http://`")]
    Url {
        /// As given.
        url: String,
    },
    /// One of the sources is none.
    #[error(transparent)]
    Source(#[from] ReadSourceError),
    /// There was nothing in them.
    #[error("find advisories in {sources}: {records} records, none about {ecosystems}")]
    Nothing {
        /// Where it was looked for.
        sources: String,
        /// What there was of other ecosystems.
        records: u64,
        /// What is understood.
        ecosystems: String,
    },
    /// An archive did not come.
    #[error("fetch `{url}`")]
    Download {
        /// Which.
        url: String,
        /// Why.
        source: DownloadError,
    },
    /// Something came that is no archive.
    #[error("use what `{url}` answered")]
    Garbage {
        /// Which.
        url: String,
        /// What is wrong with it.
        source: ReadSourceError,
    },
    /// Half of what was known is gone, which no database does on its own.
    #[error("use what was fetched: it has {now} advisories of {ecosystem}, of {before} in the index before")]
    Shrunk {
        /// Of which ecosystem.
        ecosystem: &'static str,
        /// Those in the index.
        before: u64,
        /// Those that were fetched.
        now: u64,
    },
    /// The index was not written.
    #[error(transparent)]
    Write(#[from] StateFileError),
}

// === impl UpdateAdvisoriesError ===

impl UpdateAdvisoriesError {
    /// What to do next, in the imperative; `path` is the index.
    #[must_use]
    pub fn hints(&self, path: &Path) -> Vec<String> {
        let next = match self {
            Self::Url { .. } => format!("set {OSV_VARIABLE} to the URL above `PyPI/all.zip`, or unset it"),
            Self::Source(_) => "name directories or zip archives that exist".to_owned(),
            Self::Nothing { .. } => {
                "name a dump of OSV (`all.zip`), or a checkout of an advisory database".to_owned()
            }
            Self::Download { .. } | Self::Garbage { .. } => {
                "try again, or fetch the archives elsewhere and name them: `shield audit --update FILE…`"
                    .to_owned()
            }
            Self::Shrunk { .. } => {
                format!("try again later; if it is right, remove `{}` before", path.display())
            }
            Self::Write(_) => "make room, or name another place with SHIELD_ADVISORIES".to_owned(),
        };
        let stays = match path.exists() {
            true => format!("the index that is there stays in use: `{}`", path.display()),
            false => "there is no index still: audits know of no vulnerabilities".to_owned(),
        };
        vec![next, stays]
    }
}
