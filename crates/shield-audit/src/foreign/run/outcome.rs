//! What came of a scanner.

use std::{collections::BTreeSet, fmt};

use super::Permission;
use crate::foreign::Output;

/// What came of a scanner. Everything but an output leaves a gap that a report names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, and said this.
    Read(Output),
    /// It is not installed.
    NotInstalled,
    /// There is nothing for it to look at.
    NothingToLookAt {
        /// What is missing.
        reason: String,
    },
    /// It would do what it may not.
    NotAllowed {
        /// What it would have to be allowed.
        needs: BTreeSet<Permission>,
        /// What it would do.
        reason: String,
    },
    /// It could not be started, or failed; of a file: it could not be read.
    Failed {
        /// With which exit code, or what the system said.
        how: String,
        /// The end of what it complained about, cut.
        said: String,
    },
    /// It took too long, and was killed with what it had started.
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// It wrote too much, and was killed.
    TooMuch {
        /// The limit.
        limit_bytes: usize,
    },
    /// What it wrote is not of its form.
    Nonsense {
        /// What is wrong with it.
        reason: String,
    },
}

// === impl Outcome ===

impl Outcome {
    /// Its word, in kebab case.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Read(_) => "read",
            Self::NotInstalled => "not-installed",
            Self::NothingToLookAt { .. } => "nothing-to-look-at",
            Self::NotAllowed { .. } => "not-allowed",
            Self::Failed { .. } => "failed",
            Self::TimedOut { .. } => "timed-out",
            Self::TooMuch { .. } => "too-much",
            Self::Nonsense { .. } => "nonsense",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(output) => write!(
                formatter,
                "{} findings, {} things not looked at",
                output.observations.len(),
                output.unread.len()
            ),
            Self::NotInstalled => formatter.write_str("not installed"),
            Self::NothingToLookAt { reason } => write!(formatter, "nothing to look at: {reason}"),
            Self::NotAllowed { reason, .. } => write!(formatter, "not allowed: {reason}"),
            Self::Failed { how, said } if said.is_empty() => write!(formatter, "failed: {how}"),
            Self::Failed { how, said } => write!(formatter, "failed: {how}: {said}"),
            Self::TimedOut { seconds } => write!(formatter, "took longer than {seconds} s"),
            Self::TooMuch { limit_bytes } => write!(formatter, "wrote more than {limit_bytes} bytes"),
            Self::Nonsense { reason } => write!(formatter, "wrote nonsense: {reason}"),
        }
    }
}
